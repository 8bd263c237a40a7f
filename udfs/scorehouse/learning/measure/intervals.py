"""How far a metric may be off: what it is of customers drawn again from those that it was measured on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from scorehouse.learning.measure.metrics import calibration_error, tenth_of_each

DRAWS = 200
"""Of customers, with replacement; by so many an end of a 95% interval has a standard error of a twentieth of its width."""
FEWEST_DRAWS = 50
DRAWN_ROWS = 10_000_000
"""Rows of all draws together, about; fewer draws are made of more rows, whose intervals are narrow."""
ENDS = (2.5, 97.5)
"""Percentiles of the draws that a 95% interval ends at."""

Measure = Callable[[np.ndarray], Mapping[str, float]]
"""Metrics by name, from a weight of at least 0 of each row: float64 [rows]. NaN where these rows do not say."""


@dataclass(frozen=True)
class Interval:
    """Ends of a metric's 95% interval, in its unit."""

    lower: float
    upper: float


def intervals(measure: Measure, groups: np.ndarray, weights: np.ndarray | None = None) -> dict[str, Interval]:
    """The interval of each metric that more than one draw says; none where all rows are about one customer.

    Percentiles of the metric over draws of as many customers as there are, each with all of its rows, since rows of one customer
    say much the same (Efron (1979), Bootstrap methods: another look at the jackknife; of groups: Davison and Hinkley (1997),
    Bootstrap methods and their application, section 3.8). A calibration error is a distance, which the noise of drawing raises:
    its draws are moved to have the measured error as their mean, and end at 0. The same arguments always give the same draws.

    >>> labels = np.array([0.0, 1.0, 3.0, 4.0])
    >>> intervals(of_regression(labels, labels + 1), np.arange(4))["rmse"]
    Interval(lower=1.0, upper=1.0)

    Args:
        measure: of the same rows.
        groups: whom each row is about: whole numbers [rows].
        weights: float64 [rows], each above 0; None where all rows count alike.
    """
    places = np.unique(groups, return_inverse=True)[1]
    count, own = places.max(initial=-1) + 1, np.ones(len(groups)) if weights is None else weights
    if count < 2:
        return {}
    random = np.random.default_rng(0)
    draws = min(DRAWS, max(FEWEST_DRAWS, DRAWN_ROWS // len(groups)))
    drawn = [measure(own * _times(random, count)[places]) for _ in range(draws)]
    measured = measure(own)
    return {
        name: _interval(name, values, measured[name])
        for name in measured
        if np.isfinite(values := np.array([draw[name] for draw in drawn])).sum() > 1
    }


def _times(random: np.random.Generator, count: int) -> np.ndarray:
    """How often each customer is drawn: float64 [customers]."""
    return np.bincount(random.integers(count, size=count), minlength=count).astype(np.float64)


def _interval(name: str, values: np.ndarray, measured: float) -> Interval:
    known = values[np.isfinite(values)]
    if name == "calibration_error":
        known = np.maximum(known - (known.mean() - measured), 0)
    return Interval(*np.percentile(known, ENDS).tolist())


def of_classification(labels: np.ndarray, scores: np.ndarray, is_probability: bool, weights: np.ndarray | None) -> Measure:
    """Measures what `metrics.classification` and `metrics.calibration` do, as values without a bin.

    Args:
        labels: 0 or 1 [rows].
        scores: float64 [rows], higher for 1.
        is_probability: whether log loss, Brier score and calibration error mean something.
        weights: of all rows, by which they are in tenths; None where all count alike.
    """
    ranking, tenth, residuals = _Ranking.of(labels, scores), tenth_of_each(scores, weights), scores - labels
    losses = {"positive_share": labels.astype(np.float64)}
    if is_probability:
        losses |= {"brier": (scores - labels) ** 2, "log_loss": _log_loss(np.where(labels == 1, scores, 1 - scores))}
    means = _Means.of(losses)

    def measure(own: np.ndarray) -> dict[str, float]:
        auc, average_precision = ranking.areas(own)
        found = means.values(own) | {"auc": auc, "average_precision": average_precision}
        return found | {"calibration_error": calibration_error(tenth, residuals, own)} if is_probability else found

    return measure


def of_several_classes(labels: np.ndarray, scores: np.ndarray) -> Measure:
    """Measures what `metrics.several_classes` does.

    Args:
        labels: whole numbers [rows], the classes' places.
        scores: float64 [rows, classes].
    """
    rankings = [_Ranking.of(labels == place, scores[:, place]) for place in range(scores.shape[1])]
    losses = {"accuracy": (scores.argmax(axis=1) == labels).astype(np.float64)}
    is_probability = np.allclose(scores.sum(axis=1), 1)
    if is_probability:
        losses["log_loss"] = _log_loss(np.take_along_axis(scores, labels[:, None], axis=1)[:, 0])
    means = _Means.of(losses)

    def measure(own: np.ndarray) -> dict[str, float]:
        found = means.values(own)
        return found | {"auc": float(np.mean([one.areas(own)[0] for one in rankings]))} if is_probability else found

    return measure


def of_regression(labels: np.ndarray, scores: np.ndarray) -> Measure:
    """Measures what `metrics.regression` does.

    Args:
        labels: float64 [rows], in the label's unit.
        scores: float64 [rows].
    """
    errors, middle = scores - labels, float(np.mean(labels))
    means = _Means.of({"mse": errors**2, "mae": np.abs(errors), "mean": labels - middle, "square": (labels - middle) ** 2})

    def measure(own: np.ndarray) -> dict[str, float]:
        mse, mae, mean, square = means.values(own).values()
        variance = square - mean**2
        r2 = 1 - mse / variance if variance > 1e-12 * square else np.nan
        return {"rmse": mse**0.5, "mae": mae, "mean_label": middle + mean, "r2": r2}

    return measure


def _log_loss(predicted: np.ndarray) -> np.ndarray:
    """The loss of each row by its predicted probability of what it is, which no row says to be 0: as scikit-learn has it."""
    return -np.log(np.clip(predicted, np.finfo(np.float64).eps, 1 - np.finfo(np.float64).eps))


@dataclass(frozen=True, eq=False)
class _Means:
    """Weighted means of columns by name; added in an order that does not depend on how many threads there are."""

    names: tuple[str, ...]
    columns: np.ndarray

    @classmethod
    def of(cls, columns: Mapping[str, np.ndarray]) -> Self:
        return cls(tuple(columns), np.stack(list(columns.values())))

    def values(self, weights: np.ndarray) -> dict[str, float]:
        sums = np.einsum("cr,r->c", self.columns, weights) / weights.sum()
        return dict(zip(self.names, sums.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class _Ranking:
    """Rows from the highest score to the lowest, sorted once.

    Attributes:
        order: places of the rows.
        starts: where in it each distinct score begins.
        is_positive: float64 [rows], in that order.
    """

    order: np.ndarray
    starts: np.ndarray
    is_positive: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray, scores: np.ndarray) -> Self:
        order = np.argsort(-scores, kind="stable")
        starts = np.flatnonzero(np.diff(scores[order], prepend=np.inf))
        return cls(order, starts, labels[order].astype(np.float64))

    def areas(self, weights: np.ndarray) -> tuple[float, float]:
        """AUC and average precision, equal scores taken together; NaN where a class has no weight."""
        weights = weights[self.order]
        positive = np.add.reduceat(weights * self.is_positive, self.starts)
        negative = np.add.reduceat(weights * (1 - self.is_positive), self.starts)
        positives, negatives = np.cumsum(positive), np.cumsum(negative)
        if positives[-1] == 0 or negatives[-1] == 0:
            return np.nan, np.nan
        auc = np.sum(negative * (positives - positive / 2)) / (positives[-1] * negatives[-1])
        precision = positives / np.maximum(positives + negatives, np.finfo(np.float64).tiny)
        return float(auc), float(np.sum(positive * precision) / positives[-1])
