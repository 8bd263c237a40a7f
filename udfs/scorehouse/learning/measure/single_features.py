"""What each feature tells of the label by itself."""

import numpy as np

from scorehouse.learning.measure import metrics
from scorehouse.scoring import columns
from scorehouse.scoring.columns import CATEGORICAL, Column

SMALLEST_CATEGORY = 5
"""Rows at least of a category that counts by itself."""


def aucs_alone(
    features: dict[str, Column], kinds: dict[str, str], labels: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, float]:
    """AUC of each feature alone, by name, as `metrics.auc_alone`; a category counts by its share of 1.

    >>> features = {"age": np.array([4.0, 3.0, 2.0, 1.0])}
    >>> aucs_alone(features, {"age": "numeric"}, np.array([0, 0, 1, 1]))
    {'age': 1.0}

    Args:
        features: float64 [rows], or Arrow texts [rows], by name.
        kinds: numeric or categorical, by name.
        labels: 0 or 1 [rows].
        weights: float64 [rows], each above 0; None where all rows count alike.
    """
    numbers = {
        name: as_numbers(features[name], labels, weights) if kind == CATEGORICAL else features[name]
        for name, kind in kinds.items()
    }
    return {name: metrics.auc_alone(labels, values, weights) for name, values in numbers.items()}


def as_numbers(values: Column, labels: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Categories as the mean label of their own rows, rare ones and NULL together: float64 [rows].

    >>> import pyarrow as pa
    >>> as_numbers(pa.array(["uk"] * 5 + ["fr", None]), np.array([1, 1, 1, 1, 0, 1, 0]))
    array([0.8, 0.8, 0.8, 0.8, 0.8, 0.5, 0.5])

    Args:
        values: Arrow texts [rows].
        labels: 0 or 1 [rows].
        weights: float64 [rows], each above 0; None where all rows count alike.
    """
    known = sorted({value for value in values.to_pylist() if value is not None})
    codes = columns.category_codes(values, known)
    counts = np.bincount(codes, minlength=len(known) + 1)
    codes = np.where(counts[codes] < SMALLEST_CATEGORY, len(known), codes)
    own = np.ones(len(codes)) if weights is None else weights
    totals = np.bincount(codes, weights=own, minlength=len(known) + 1)
    positives = np.bincount(codes, weights=own * labels, minlength=len(known) + 1)
    return positives[codes] / totals[codes]
