"""Features that give the label away."""

import numpy as np

from scorehouse.errors import ScorehouseError
from scorehouse.learning import metrics
from scorehouse.learning.examples import Examples
from scorehouse.scoring import columns
from scorehouse.scoring.columns import CATEGORICAL, Column

LARGEST_AUC = 0.999
FEWEST_ROWS = 200
FEWEST_OF_A_CLASS = 20
SMALLEST_CATEGORY = 5


class LeakError(ScorehouseError):
    """A feature that alone separates the label."""


def aucs_alone(features: dict[str, Column], kinds: dict[str, str], labels: np.ndarray) -> dict[str, float]:
    """AUC of each feature alone for labels 0 and 1 [rows]; a category counts by its share of 1 (rare ones together)."""
    return {
        name: metrics.auc_alone(labels, _as_numbers(features[name], labels) if kind == CATEGORICAL else features[name])
        for name, kind in kinds.items()
    }


def _as_numbers(values: Column, labels: np.ndarray) -> np.ndarray:
    known = sorted({value for value in values.to_pylist() if value is not None})
    codes = columns.category_codes(values, known)
    counts = np.bincount(codes, minlength=len(known) + 1)
    codes = np.where(counts[codes] < SMALLEST_CATEGORY, len(known), codes)
    counts = np.bincount(codes, minlength=len(known) + 1)
    positives = np.bincount(codes, weights=labels, minlength=len(known) + 1)
    return (positives / np.maximum(counts, 1))[codes]


def refuse_leaks(examples: Examples, labels: np.ndarray) -> None:
    """Raise LeakError naming a feature whose AUC alone is above `LARGEST_AUC`, if there are rows enough to say so.

    Args:
        examples: the training rows.
        labels: 0 or 1 [rows].
    """
    smaller = min(np.sum(labels == 0), np.sum(labels == 1))
    if len(labels) < FEWEST_ROWS or smaller < FEWEST_OF_A_CLASS:
        return
    for name, auc in aucs_alone(examples.columns, examples.kinds, labels).items():
        if auc > LARGEST_AUC and name not in examples.spec.separating:
            raise LeakError(
                f"{examples.where}: feature {name}: expected a feature that was known at the examples' time, found one that "
                f"alone separates {examples.spec.label} (AUC {auc:.4f}): it leaks the label; leave it out, or list it in "
                f"meta.separating if it truly is known then."
            )
