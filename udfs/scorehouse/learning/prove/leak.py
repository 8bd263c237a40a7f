"""Features that give the label away."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import spearmanr
from sklearn.tree import DecisionTreeRegressor

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.measure import metrics
from scorehouse.learning.measure.single_features import as_numbers
from scorehouse.learning.train.matrix import LARGEST_FLOAT32
from scorehouse.scoring.columns import CATEGORICAL, Column

LARGEST = 0.999
FEWEST_ROWS = 200
FEWEST_OF_A_CLASS = 20
SMALLEST_LEAF = 10
LARGEST_LEAF_COUNT = 64
SAMPLE = 20_000


class LeakError(ScorehouseError):
    """A feature that gives the label away."""


def refuse_leaks(examples: Examples, labels: np.ndarray, classes: tuple[str, ...]) -> None:
    """Raise LeakError naming a feature that alone gives the label away, if there are rows enough to say so.

    Of classes, one that a feature separates from the others with an AUC above `LARGEST`, in its order or by its values'
    shares of the class; of numbers, a rank correlation above it, or as much of the variance that is between categories.

    Args:
        examples: the training rows.
        labels: the number, or the place of the class among `classes` [rows].
    """
    if len(labels) < FEWEST_ROWS:
        return
    measure = _by_classes if classes else _by_ranks
    for name, kind in examples.kinds.items():
        if name in examples.spec.separating:
            continue
        value, does, unit = measure(examples.columns[name], kind, labels, classes)
        if value > LARGEST:
            raise LeakError(
                f"{examples.where}: feature {name}: expected a feature that was known at the examples' time, found one that "
                f"alone {does} {examples.spec.label} ({unit} {value:.4f}): it leaks the label; leave it out, or list it in "
                f"meta.separating if it truly is known then."
            )


def _by_classes(values: Column, kind: str, labels: np.ndarray, classes: tuple[str, ...]) -> tuple[float, str, str]:
    """The best AUC of a feature alone for one class against the others, what the feature does, and what is measured."""
    best = (0.0, "", "")
    for place in range(1, 2) if len(classes) == 2 else range(len(classes)):
        is_class = (labels == place).astype(np.float64)
        if not FEWEST_OF_A_CLASS <= is_class.sum() <= len(labels) - FEWEST_OF_A_CLASS:
            continue
        does = "separates" if len(classes) == 2 else f"separates class {classes[place]} of"
        for numbers in _told(values, kind, is_class):
            best = max(best, (metrics.auc_alone(is_class, numbers), does, "AUC"))
    return best


def _told(values: Column, kind: str, is_class: np.ndarray) -> Iterator[np.ndarray]:
    """What a feature may tell of a class: itself, and its values' share of the class."""
    if kind == CATEGORICAL:
        yield as_numbers(values, is_class)
        return
    yield values
    sample = np.unique(np.linspace(0, len(values) - 1, min(len(values), SAMPLE)).astype(np.int64))
    tree = DecisionTreeRegressor(min_samples_leaf=SMALLEST_LEAF, max_leaf_nodes=LARGEST_LEAF_COUNT, random_state=0)
    numbers = np.clip(values, -LARGEST_FLOAT32, LARGEST_FLOAT32)[:, None]
    yield tree.fit(numbers[sample], is_class[sample]).predict(numbers)


def _by_ranks(values: Column, kind: str, labels: np.ndarray, _: tuple[str, ...]) -> tuple[float, str, str]:
    """How far a feature alone tells a number, from 0 to 1, what the feature does, and what is measured."""
    if kind == CATEGORICAL:
        numbers = as_numbers(values, labels)
        share = np.var(numbers) / np.var(labels) if np.ptp(labels) > 0 else 0.0
        return float(share), "tells by its categories", "share of the variance"
    is_known = np.isfinite(values)
    known, told = values[is_known], labels[is_known]
    if len(known) < max(FEWEST_ROWS, len(values) / 2) or np.ptp(known) == 0 or np.ptp(told) == 0:
        return 0.0, "", ""
    return abs(float(spearmanr(known, told).statistic)), "orders the rows like", "rank correlation"
