"""What each feature tells of the label by itself."""

import numpy as np

from scorehouse.learning.measure import metrics
from scorehouse.scoring import columns
from scorehouse.scoring.columns import CATEGORICAL, Column

SMALLEST_CATEGORY = 5


def aucs_alone(features: dict[str, Column], kinds: dict[str, str], labels: np.ndarray) -> dict[str, float]:
    """AUC of each feature alone for labels 0 and 1 [rows]; a category counts by its share of 1 (rare ones together)."""
    return {
        name: metrics.auc_alone(labels, as_numbers(features[name], labels) if kind == CATEGORICAL else features[name])
        for name, kind in kinds.items()
    }


def as_numbers(values: Column, labels: np.ndarray) -> np.ndarray:
    """Categories as their mean label, rare ones together: float64 [rows]."""
    known = sorted({value for value in values.to_pylist() if value is not None})
    codes = columns.category_codes(values, known)
    counts = np.bincount(codes, minlength=len(known) + 1)
    codes = np.where(counts[codes] < SMALLEST_CATEGORY, len(known), codes)
    counts = np.bincount(codes, minlength=len(known) + 1)
    positives = np.bincount(codes, weights=labels, minlength=len(known) + 1)
    return (positives / np.maximum(counts, 1))[codes]
