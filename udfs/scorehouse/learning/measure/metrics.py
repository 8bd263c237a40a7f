"""How good scores are: rows of (split, slice, metric, bin, value)."""

from collections.abc import Iterator

import numpy as np
from sklearn import metrics as measured

BINS = 10
SMALLEST_INTERVAL_BIN = 100
SILHOUETTE_SAMPLE = 5_000


def classification(labels: np.ndarray, scores: np.ndarray, is_probability: bool) -> dict[str, float]:
    """Metrics of a binary score, by name; those that need both classes are left out when one is absent.

    Args:
        labels: 0 or 1 [rows].
        scores: [rows], higher for 1.
        is_probability: whether log loss and Brier score mean something.
    """
    found = {"count": float(len(labels)), "positive_share": float(np.mean(labels))}
    if is_probability:
        found["brier"] = float(np.mean((scores - labels) ** 2))
        found["log_loss"] = float(measured.log_loss(labels, np.clip(scores, 0, 1), labels=[0, 1]))
    if len(np.unique(labels)) == 2:
        found["auc"] = float(measured.roc_auc_score(labels, scores))
        found["average_precision"] = float(measured.average_precision_score(labels, scores))
    return found


def several_classes(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Metrics of probabilities [rows, classes]; labels are places of classes [rows]."""
    found = {"count": float(len(labels)), "accuracy": float(np.mean(scores.argmax(axis=1) == labels))}
    if np.allclose(scores.sum(axis=1), 1):
        found["log_loss"] = float(measured.log_loss(labels, scores, labels=np.arange(scores.shape[1])))
        if len(np.unique(labels)) == scores.shape[1]:
            found["auc"] = float(measured.roc_auc_score(labels, scores, multi_class="ovr"))
    return found


def regression(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Metrics of predicted numbers [rows]."""
    errors = scores - labels
    found = {
        "count": float(len(labels)),
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "mae": float(np.mean(np.abs(errors))),
        "mean_label": float(np.mean(labels)),
    }
    if len(labels) > 1 and np.ptp(labels) > 0:
        found["r2"] = float(measured.r2_score(labels, scores))
    return found


def clustering(prepared: np.ndarray, clusters: np.ndarray) -> dict[str, float]:
    """Number of clusters, size of the smallest, and the silhouette (Rousseeuw 1987) on a sample."""
    sizes = np.unique(clusters, return_counts=True)[1]
    found = {"count": float(len(clusters)), "clusters": float(len(sizes)), "smallest_cluster": float(sizes.min())}
    if 1 < len(sizes) < len(clusters):
        sample = min(len(clusters), SILHOUETTE_SAMPLE)
        found["silhouette"] = float(measured.silhouette_score(prepared, clusters, sample_size=sample, random_state=0))
    return found


def calibration(labels: np.ndarray, scores: np.ndarray) -> Iterator[tuple[str, int, float]]:
    """(metric, bin, value) of tenths of equal size by score: count, mean score, share of 1.

    The expected calibration error (bin 0) is their mean difference, weighted by size.
    """
    parts = np.array_split(np.argsort(scores, kind="stable"), min(BINS, len(scores)))
    error = 0.0
    for number, rows in enumerate(parts, start=1):
        predicted, observed = float(np.mean(scores[rows])), float(np.mean(labels[rows]))
        error += abs(predicted - observed) * len(rows) / len(scores)
        yield "calibration_count", number, float(len(rows))
        yield "calibration_predicted", number, predicted
        yield "calibration_observed", number, observed
    yield "calibration_error", 0, error


def lift(labels: np.ndarray, scores: np.ndarray) -> Iterator[tuple[str, int, float]]:
    """(metric, decile, value): share of 1 in each tenth, highest scores first, against the overall share."""
    overall = float(np.mean(labels))
    if overall == 0:
        return
    parts = np.array_split(np.argsort(-scores, kind="stable"), min(BINS, len(scores)))
    for number, rows in enumerate(parts, start=1):
        yield "lift", number, float(np.mean(labels[rows])) / overall


def auc_alone(labels: np.ndarray, values: np.ndarray) -> float:
    """AUC of one feature alone in its better direction, its missing numbers at the better end.

    >>> auc_alone(np.array([0, 0, 1, 1]), np.array([4.0, 3.0, 2.0, np.nan]))
    1.0
    """
    if len(np.unique(labels)) < 2:
        return float("nan")
    found = [measured.roc_auc_score(labels, _ended(values, end)) for end in (-1, 1)]
    return float(max(max(auc, 1 - auc) for auc in found))


def _ended(values: np.ndarray, end: int) -> np.ndarray:
    """Numbers as ranks, the missing ones at the lower (-1) or upper (1) end."""
    ranks = np.unique(values[~np.isnan(values)])
    places = np.searchsorted(ranks, values).astype(np.float64)
    return np.where(np.isnan(values), -1.0 if end < 0 else float(len(ranks)), places)


def interval_half_width(errors: np.ndarray, coverage: float) -> float | None:
    """Split conformal half-width (Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, JASA 113, 2018); None for too few errors.

    >>> interval_half_width(np.arange(1.0, 11.0), 0.8)
    9.0
    """
    rank = int(np.ceil((len(errors) + 1) * coverage))
    return float(np.sort(np.abs(errors))[rank - 1]) if 0 < rank <= len(errors) else None


def interval_bins(errors: np.ndarray, scores: np.ndarray, coverage: float) -> Iterator[tuple[str, int, float]]:
    """(metric, bin, value) of intervals that widen with the score; nothing for too few errors.

    interval_from, interval_half_width: a score in or above a bin's start has its half-width, split conformal within the bin
    (Mondrian conformal prediction: Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World, 2005).
    interval_coverage (bin 0): share of outcomes covered, each half of the errors by the half-widths of the other.
    """
    order = np.argsort(scores, kind="stable")
    errors, scores = errors[order], scores[order]
    halves = [_interval_bins(errors[half::2], scores[half::2], coverage) for half in (0, 1)]
    bins = _interval_bins(errors, scores, coverage)
    if not bins or not all(halves):
        return
    for number, (start, half_width) in enumerate(bins, start=1):
        yield "interval_from", number, start
        yield "interval_half_width", number, half_width
    covered = [np.abs(errors[1 - half :: 2]) <= _half_widths(scores[1 - half :: 2], bins) for half, bins in enumerate(halves)]
    yield "interval_coverage", 0, float(np.mean(np.concatenate(covered)))


def _interval_bins(errors: np.ndarray, scores: np.ndarray, coverage: float) -> list[tuple[float, float]]:
    """(start, half-width) of tenths by score, or of fewer and larger bins; errors and scores rise with the score."""
    count = max(1, min(BINS, len(scores) // SMALLEST_INTERVAL_BIN))
    starts = np.unique([part[0] for part in np.array_split(scores, count) if len(part)])[1:]
    parts = np.split(errors, np.searchsorted(scores, starts, side="left"))
    widths = [interval_half_width(part, coverage) for part in parts]
    if None in widths:
        return []
    return list(zip([-np.inf, *starts.tolist()], widths, strict=True))


def _half_widths(scores: np.ndarray, bins: list[tuple[float, float]]) -> np.ndarray:
    starts, widths = np.array(bins).T
    return widths[np.searchsorted(starts, scores, side="right") - 1]
