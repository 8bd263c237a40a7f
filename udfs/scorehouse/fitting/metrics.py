"""How good a version is, as rows of (split, slice, metric, value)."""

import numpy as np
from sklearn import metrics

Row = dict[str, object]


def classification(split: str, labels: np.ndarray, scores: np.ndarray, slice_name: str = "all") -> list[Row]:
    """Metrics of a probability.

    Args:
        labels: 0 or 1, shape (n,).
        scores: probabilities of 1, shape (n,).

    Returns: rows for count, positive share, AUC, average precision, log loss, Brier score, and lift of the top decile
    (Hastie, Tibshirani, Friedman 2009, ch. 9); those that need both classes are left out when one is absent.
    """
    values = {"count": float(len(labels))}
    if len(labels):
        values["positive_share"] = float(np.mean(labels))
        values["brier"] = float(np.mean((scores - labels) ** 2))
    if len(np.unique(labels)) == 2:
        top = np.argsort(-scores, kind="stable")[: max(1, len(scores) // 10)]
        values |= {
            "auc": float(metrics.roc_auc_score(labels, scores)),
            "average_precision": float(metrics.average_precision_score(labels, scores)),
            "log_loss": float(metrics.log_loss(labels, scores)),
            "top_decile_lift": float(np.mean(labels[top]) / np.mean(labels)),
        }
    return _rows(split, slice_name, values)


def calibration(split: str, labels: np.ndarray, scores: np.ndarray, bins: int = 10) -> list[Row]:
    """Mean score and observed share per bin of equal count, as slices 'bin 01', ..."""
    rows = []
    for number, members in enumerate(
        np.array_split(np.argsort(scores, kind="stable"), min(bins, max(1, len(scores)))), 1
    ):
        if len(members):
            values = {"mean_score": float(np.mean(scores[members])), "observed_share": float(np.mean(labels[members]))}
            rows += _rows(split, f"bin {number:02d}", values)
    return rows


def single_features(split: str, labels: np.ndarray, features: dict[str, np.ndarray]) -> list[Row]:
    """AUC of each numeric feature alone, in its better direction: what a model has to beat."""
    rows: list[Row] = []
    if len(np.unique(labels)) < 2:
        return rows
    for name, values in features.items():
        filled = np.where(np.isfinite(values), values, np.nanmedian(values) if np.isfinite(values).any() else 0.0)
        auc = float(metrics.roc_auc_score(labels, filled))
        rows += _rows(split, f"{name} alone", {"auc": max(auc, 1 - auc)})
    return rows


def regression(split: str, labels: np.ndarray, predictions: np.ndarray) -> list[Row]:
    """Count, RMSE, MAE and R2."""
    values = {"count": float(len(labels))}
    if len(labels) > 1:
        errors = predictions - labels
        values |= {
            "rmse": float(np.sqrt(np.mean(errors**2))),
            "mae": float(np.mean(np.abs(errors))),
            "r2": float(metrics.r2_score(labels, predictions)),
        }
    return _rows(split, "all", values)


def _rows(split: str, slice_name: str, values: dict[str, float]) -> list[Row]:
    return [{"split": split, "slice": slice_name, "metric": name, "value": value} for name, value in values.items()]
