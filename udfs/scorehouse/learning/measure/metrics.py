"""How good scores are: values by metric, or (metric, bin, value) where a metric is measured bin by bin."""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
from sklearn import metrics as measured

BINS = 10
"""Bins of equal size, by score."""
NOISE_DRAWS = 50
"""Of labels, whose calibration errors' mean is its noise."""
SMALLEST_INTERVAL_BIN = 100
"""Errors at least in each bin of intervals, where there are several."""
SMALLEST_TOP = 10
"""Rows at least that the coverage of the highest scores is said of."""
SILHOUETTE_SAMPLE = 5_000
"""Rows at most that the silhouette is measured on."""


def classification(
    labels: np.ndarray, scores: np.ndarray, is_probability: bool, weights: np.ndarray | None = None
) -> dict[str, float]:
    """Metrics of a binary score, by name; those that need both classes are left out when one is absent.

    count, positive_share (of labels 1), brier (mean squared difference; Brier, Monthly Weather Review 78, 1950), log_loss (with
    the natural logarithm), auc (area under the ROC curve), average_precision.

    >>> classification(np.array([0, 1]), np.array([-1.0, 3.0]), is_probability=False)
    {'count': 2.0, 'positive_share': 0.5, 'auc': 1.0, 'average_precision': 1.0}
    >>> classification(np.array([1, 1]), np.array([0.5, 1.0]), is_probability=True)["brier"]
    0.125

    Args:
        labels: 0 or 1 [rows], at least one row.
        scores: float64 [rows], higher for 1.
        is_probability: whether log loss and Brier score mean something.
        weights: float64 [rows], each above 0; None where all rows count alike.
    """
    found = {"count": float(len(labels)), "positive_share": float(np.average(labels, weights=weights))}
    if is_probability:
        found["brier"] = float(np.average((scores - labels) ** 2, weights=weights))
        predicted = np.clip(scores, 0, 1)
        found["log_loss"] = float(measured.log_loss(labels, predicted, labels=[0, 1], sample_weight=weights))
    if len(np.unique(labels)) == 2:
        found["auc"] = float(measured.roc_auc_score(labels, scores, sample_weight=weights))
        found["average_precision"] = float(measured.average_precision_score(labels, scores, sample_weight=weights))
    return found


def several_classes(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    """Metrics of scores of more than two classes, by name.

    count and accuracy (the highest score's class is the label); where each row's scores sum to 1, log_loss as well, and where
    each class is among the labels, auc: the mean of each class's against the rest.

    >>> several_classes(np.array([0, 1]), np.array([[2.0, 0.0, 1.0], [0.0, 1.0, 3.0]]))
    {'count': 2.0, 'accuracy': 0.5}

    Args:
        labels: whole numbers [rows], the classes' places.
        scores: float64 [rows, classes].
        weights: float64 [rows], each above 0; None where all rows count alike.
    """
    is_right = scores.argmax(axis=1) == labels
    found = {"count": float(len(labels)), "accuracy": float(np.average(is_right, weights=weights))}
    if np.allclose(scores.sum(axis=1), 1):
        places = np.arange(scores.shape[1])
        found["log_loss"] = float(measured.log_loss(labels, scores, labels=places, sample_weight=weights))
        if len(np.unique(labels)) == scores.shape[1]:
            found["auc"] = float(measured.roc_auc_score(labels, scores, multi_class="ovr", sample_weight=weights))
    return found


def regression(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    """Metrics of predicted numbers, by name.

    count, rmse (root of the mean squared error), mae (mean absolute error), mean_label, and r2 (share of the labels' variance
    that is explained), which is left out when all labels are equal. All but count and r2 are in the label's unit.

    >>> regression(np.array([1.0, 3.0]), np.array([2.0, 4.0]))
    {'count': 2.0, 'rmse': 1.0, 'mae': 1.0, 'mean_label': 2.0, 'r2': 0.0}

    Args:
        labels: float64 [rows], at least one row.
        scores: float64 [rows].
        weights: float64 [rows], each above 0; None where all rows count alike.
    """
    errors = scores - labels
    found = {
        "count": float(len(labels)),
        "rmse": float(np.sqrt(np.average(errors**2, weights=weights))),
        "mae": float(np.average(np.abs(errors), weights=weights)),
        "mean_label": float(np.average(labels, weights=weights)),
    }
    if len(labels) > 1 and np.ptp(labels) > 0:
        found["r2"] = float(measured.r2_score(labels, scores, sample_weight=weights))
    return found


def clustering(prepared: np.ndarray, clusters: np.ndarray) -> dict[str, float]:
    """Metrics of clusters, by name: count, clusters, smallest_cluster (rows in it) and silhouette.

    The silhouette (Rousseeuw, Journal of Computational and Applied Mathematics 20, 1987) is that of `SILHOUETTE_SAMPLE` rows at
    most, and left out when all rows are in one cluster, or each in its own.

    >>> found = clustering(np.array([[0.0], [0.0], [9.0], [9.0], [9.0]]), np.array([0, 0, 1, 1, 1]))
    >>> found == {"count": 5.0, "clusters": 2.0, "smallest_cluster": 2.0, "silhouette": 1.0}
    True

    Args:
        prepared: float64 [rows, columns], what the clusterer measures distances in.
        clusters: each row's cluster [rows].
    """
    sizes = np.unique(clusters, return_counts=True)[1]
    found = {"count": float(len(clusters)), "clusters": float(len(sizes)), "smallest_cluster": float(sizes.min())}
    if 1 < len(sizes) < len(clusters):
        sample = min(len(clusters), SILHOUETTE_SAMPLE)
        found["silhouette"] = float(measured.silhouette_score(prepared, clusters, sample_size=sample, random_state=0))
    return found


def tenths(scores: np.ndarray, weights: np.ndarray | None = None) -> list[np.ndarray]:
    """Places of the rows of each tenth, lowest scores first; those that have rows.

    Tenths have the same weight, as far as equal scores let them, which stay together in the tenth that the middle of their weight
    falls into: what is said of a tenth does not depend on the order of rows.

    >>> [rows.tolist() for rows in tenths(np.array([0.5, 0.1, 0.5]))]
    [[1], [0, 2]]

    Args:
        scores: float64 [rows], at least one row.
        weights: float64 [rows], each above 0; None where all rows count alike.
    """
    distinct, places = np.unique(scores, return_inverse=True)
    weight = np.bincount(places, weights, minlength=len(distinct))
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    number = np.floor(np.round(BINS * middle, 9))[places]  # rounded, since sums in another order end in other digits
    return [np.flatnonzero(number == one) for one in np.unique(number)]


def tenth_of_each(scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Which of `tenths` each row is in, from 0 on: int64 [rows].

    >>> tenth_of_each(np.array([0.5, 0.1, 0.7]))
    array([1, 0, 2])
    """
    found = np.empty(len(scores), np.int64)
    for number, rows in enumerate(tenths(scores, weights)):
        found[rows] = number
    return found


def calibration_error(tenth: np.ndarray, residuals: np.ndarray, weights: np.ndarray) -> float:
    """The expected calibration error of rows whose tenths are known, as `calibration` measures it.

    >>> calibration_error(np.array([0, 1]), np.array([0.25, -0.25]), np.ones(2))
    0.25

    Args:
        tenth: of `tenth_of_each` [rows].
        residuals: score less label, float64 [rows].
        weights: float64 [rows], at least 0.
    """
    return float(np.abs(np.bincount(tenth, weights * residuals)).sum() / weights.sum())


def calibration(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> Iterator[tuple[str, int, float]]:
    """(metric, bin, value) of `tenths` by score: their count, mean score and share of 1.

    The expected calibration error (bin 0; Naeini, Cooper, Hauskrecht, AAAI 2015) is the mean difference of these two, weighted by
    size. With weights there is also how many rows of equal weight would tell as much of the share, calibration_effective_count
    (Kish, Survey sampling, 1965).

    >>> list(calibration(np.array([0, 1]), np.array([0.25, 0.75])))[-1]
    ('calibration_error', 0, 0.25)

    Args:
        labels: 0 or 1 [rows], at least one row.
        scores: float64 [rows], probabilities of 1.
        weights: float64 [rows], each above 0; None where all rows count alike.
    """
    error = 0.0
    for number, rows in enumerate(tenths(scores, weights), start=1):
        own = None if weights is None else weights[rows]
        predicted, observed = (float(np.average(values[rows], weights=own)) for values in (scores, labels))
        size, whole = (len(rows), len(scores)) if own is None else (own.sum(), weights.sum())
        error += abs(predicted - observed) * float(size) / float(whole)
        yield "calibration_count", number, float(len(rows))
        yield "calibration_predicted", number, predicted
        yield "calibration_observed", number, observed
        if own is not None:
            yield "calibration_effective_count", number, float(own.sum() ** 2 / np.sum(own**2))
    yield "calibration_error", 0, error


def calibration_noise(scores: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The mean calibration error that right scores show, since finitely many rows never have just the shares that they say.

    Labels are drawn as the scores say, row by row, and the error is measured on them: an error that is no larger says nothing
    against the scores (consistency resampling: Broecker and Smith, Weather and Forecasting 22, 2007; how the error is biased:
    Roelofs, Cain, Shlens, Mozer, AISTATS 2022).

    >>> calibration_noise(np.array([0.0, 1.0]))
    0.0

    Args:
        scores: float64 [rows], probabilities of 1; at least one row.
        weights: float64 [rows], each above 0; None where all rows count alike.
    """
    tenth, random = tenth_of_each(scores, weights), np.random.default_rng(0)
    own = np.ones(len(scores)) if weights is None else weights
    drawn = (random.random(len(scores)) < scores for _ in range(NOISE_DRAWS))
    return float(np.mean([calibration_error(tenth, scores - labels, own) for labels in drawn]))


def lift(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> Iterator[tuple[str, int, float]]:
    """(metric, bin, value): share of 1 in each of `tenths`, highest first, divided by the overall share; nothing without any 1.

    >>> list(lift(np.array([1, 0]), np.array([0.9, 0.1])))
    [('lift', 1, 2.0), ('lift', 2, 0.0)]

    Args:
        labels: 0 or 1 [rows].
        scores: float64 [rows], higher for 1.
        weights: float64 [rows], each above 0; None where all rows count alike.
    """
    overall = float(np.average(labels, weights=weights))
    if overall == 0:
        return
    for number, rows in enumerate(tenths(-scores, weights), start=1):
        own = None if weights is None else weights[rows]
        yield "lift", number, float(np.average(labels[rows], weights=own)) / overall


def auc_alone(labels: np.ndarray, values: np.ndarray, weights: np.ndarray | None = None) -> float:
    """AUC of one feature alone in its better direction, its missing numbers at the better end; NaN for labels of one class.

    >>> auc_alone(np.array([0, 0, 1, 1]), np.array([4.0, 3.0, 2.0, np.nan]))
    1.0

    Args:
        labels: 0 or 1 [rows].
        values: float64 [rows], NaN for missing.
        weights: float64 [rows], each above 0; None where all rows count alike.
    """
    if len(np.unique(labels)) < 2:
        return float("nan")
    found = [measured.roc_auc_score(labels, _ended(values, end), sample_weight=weights) for end in (-1, 1)]
    return float(max(max(auc, 1 - auc) for auc in found))


def _ended(values: np.ndarray, end: int) -> np.ndarray:
    """Numbers as ranks, the missing ones at the lower (-1) or upper (1) end."""
    ranks = np.unique(values[~np.isnan(values)])
    places = np.searchsorted(ranks, values).astype(np.float64)
    return np.where(np.isnan(values), -1.0 if end < 0 else float(len(ranks)), places)


def interval_half_width(errors: np.ndarray, coverage: float) -> float | None:
    """Split conformal half-width (Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, JASA 113, 2018); None for too few errors.

    It is the absolute error of rank (errors + 1) * coverage, rounded up: of ten errors and 0.8, the ninth.

    >>> interval_half_width(np.arange(1.0, 11.0), 0.8)
    9.0

    Args:
        errors: float64 [rows], of rows that were not trained on, in the label's unit.
        coverage: share of outcomes to cover, from 0 to below 1.
    """
    rank = int(np.ceil((len(errors) + 1) * coverage))
    return float(np.sort(np.abs(errors))[rank - 1]) if 0 < rank <= len(errors) else None


class IntervalBin(NamedTuple):
    """Half-widths of the scores from a start to the next bin's.

    Attributes:
        start: the lowest score; minus infinity in the first bin.
        half_width: at the start, in the label's unit.
        growth: what is added for each unit that a score is above the start.
    """

    start: float
    half_width: float
    growth: float

    def widened(self, factor: float) -> Self:
        """So many times as wide."""
        return type(self)(self.start, factor * self.half_width, factor * self.growth)


class Errors(NamedTuple):
    """How far off a regressor is on rows that it was not fitted on.

    Attributes:
        errors: float64 [rows], in the label's unit.
        scores: float64 [rows], in the same order.
    """

    errors: np.ndarray
    scores: np.ndarray


NO_ERRORS = Errors(np.zeros(0), np.zeros(0))


def interval_bins(test: Errors, earlier: Errors, coverage: float) -> Iterator[tuple[str, int, float]]:
    """(metric, bin, value) of intervals whose width depends on the score; nothing for too few errors.

    interval_from, interval_half_width, interval_growth: a score at or above a bin's start, and below the next one's, has its
    half-width, split conformal within the bin (Mondrian conformal prediction: Vovk, Gammerman, Shafer, Algorithmic Learning in a
    Random World, 2005). The highest bin has no end: above 0 its errors are taken as shares of the score (normalised conformal
    prediction: Papadopoulos, Vovk, Gammerman, J. Artificial Intelligence Research 40, 2011), so that its width grows with it.
    interval_widening (bin 0): times change, so the half-widths are as many times as wide as the test asks for, 1 or more, as lets
    them cover the earlier errors too (widths that follow what was not covered: Gibbs, Candes, NeurIPS 2021).
    interval_coverage (bin 0): share of outcomes covered, each half of the errors by the half-widths of the other;
    interval_coverage_of_top_1_percent (bin 0): of those with the highest scores, where they are 10 or more.

    >>> scores = np.repeat([2.0, 8.0], 200)
    >>> for metric, number, value in interval_bins(Errors(scores / 2, scores), NO_ERRORS, coverage=0.9):
    ...     print(metric, number, value)
    interval_from 1 -inf
    interval_half_width 1 1.0
    interval_growth 1 0.0
    interval_from 2 8.0
    interval_half_width 2 4.0
    interval_growth 2 0.5
    interval_widening 0 1.0
    interval_coverage 0 1.0

    Args:
        test: of the newest times whose outcomes are known.
        earlier: of times before them, by a model that was fitted earlier still; none where there is none.
        coverage: share of outcomes to cover, from 0 to below 1.
    """
    order = np.argsort(test.scores, kind="stable")
    errors, scores = test.errors[order], test.scores[order]
    halves = [_interval_bins(errors[half::2], scores[half::2], coverage) for half in (0, 1)]
    bins = _interval_bins(errors, scores, coverage)
    if not bins or not all(halves):
        return
    widening = _widening(bins, earlier, coverage)
    bins, *halves = ([found.widened(widening) for found in one] for one in (bins, *halves))
    for number, found in enumerate(bins, start=1):
        yield "interval_from", number, found.start
        yield "interval_half_width", number, found.half_width
        yield "interval_growth", number, found.growth
    yield "interval_widening", 0, widening
    covered = np.empty(len(errors), bool)
    for half, found in enumerate(halves):
        covered[1 - half :: 2] = np.abs(errors[1 - half :: 2]) <= _half_widths(scores[1 - half :: 2], found)
    yield "interval_coverage", 0, float(np.mean(covered))
    top = len(covered) // 100
    if top >= SMALLEST_TOP:
        yield "interval_coverage_of_top_1_percent", 0, float(np.mean(covered[-top:]))


def _interval_bins(errors: np.ndarray, scores: np.ndarray, coverage: float) -> list[IntervalBin]:
    """Tenths by score, or fewer and larger bins; errors and scores rise with the score."""
    count = max(1, min(BINS, len(scores) // SMALLEST_INTERVAL_BIN))
    starts = np.unique([part[0] for part in np.array_split(scores, count) if len(part)])[1:]
    places = np.searchsorted(scores, starts, side="left")
    widths = [interval_half_width(part, coverage) for part in np.split(errors, places)]
    if None in widths:
        return []
    found = [IntervalBin(start, width, 0.0) for start, width in zip([-np.inf, *starts.tolist()], widths, strict=True)]
    if starts.size and starts[-1] > 0:
        share = interval_half_width(errors[places[-1] :] / scores[places[-1] :], coverage)
        found[-1] = IntervalBin(found[-1].start, share * found[-1].start, share)
    return found


def _widening(bins: list[IntervalBin], earlier: Errors, coverage: float) -> float:
    """How many times as wide, and at least 1, intervals must be to cover earlier errors; those without a width stay so."""
    widths = _half_widths(earlier.scores, bins)
    has_width = widths > 0
    return max(interval_half_width(earlier.errors[has_width] / widths[has_width], coverage) or 1.0, 1.0)


def _half_widths(scores: np.ndarray, bins: list[IntervalBin]) -> np.ndarray:
    starts, widths, growths = (np.array(column) for column in zip(*bins, strict=True))
    places = np.searchsorted(starts, scores, side="right") - 1
    beyond = np.where(growths[places] == 0, 0.0, scores - starts[places])
    return widths[places] + growths[places] * beyond
