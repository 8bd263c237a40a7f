"""What the training rows looked like, feature by feature: the yardstick for drift."""

import numpy as np
import pyarrow.compute as pc

from scorehouse.scoring.columns import CATEGORICAL, Column

QUANTILES = np.linspace(0, 1, 11)
"""Those of a number that are kept: minimum, deciles, maximum."""
LISTED_CATEGORIES = 50
"""Categories at most whose shares are kept, the most frequent ones."""


def statistic(name: str, kind: str, values: Column) -> dict[str, object]:
    """A row of `version_row.STATISTIC` without importance and AUC: counts, moments and deciles, or shares of categories.

    Moments and deciles are those of the finite numbers, and the share of them up to each decile, which equal numbers make larger
    than its tenths; the standard deviation is that of the rows themselves, not an estimate.
    NULL is listed among the categories where there is any.

    >>> import pyarrow as pa
    >>> found = statistic("age", "numeric", np.array([20.0, 40.0, np.nan, 60.0]))
    >>> found["mean"], found["missing_share"], found["distinct_count"]
    (40.0, 0.25, 3)
    >>> statistic("visits", "numeric", np.array([1.0, 1.0, 1.0, 9.0]))["shares"][0]
    0.75
    >>> statistic("country", "categorical", pa.array(["uk", None, "uk", "fr"]))["categories"][0]
    {'category': 'uk', 'share': 0.5}

    Args:
        name: the feature's.
        kind: numeric or categorical.
        values: float64 [rows], or Arrow texts [rows].
    """
    return _of_categories(name, values) if kind == CATEGORICAL else _of_numbers(name, values)


def _of_numbers(name: str, values: np.ndarray) -> dict[str, object]:
    finite = values[np.isfinite(values)]
    distinct = len(np.unique(finite))
    has_missing = bool(np.isnan(values).any())
    found: dict[str, object] = {
        "feature": name,
        "count": len(values),
        "missing_share": float(np.mean(np.isnan(values))) if len(values) else None,
        "distinct_count": distinct,
        "is_constant": distinct + has_missing <= 1,
    }
    if len(finite):
        quantiles = np.quantile(finite, QUANTILES)
        found |= {
            "mean": float(finite.mean()),
            "standard_deviation": float(finite.std()),
            "minimum": float(finite.min()),
            "maximum": float(finite.max()),
            "quantiles": quantiles.tolist(),
            "shares": (np.searchsorted(np.sort(finite), quantiles, side="right") / len(finite)).tolist(),
        }
    return found


def _of_categories(name: str, values: Column) -> dict[str, object]:
    counted = sorted(
        ((pair["values"], pair["counts"]) for pair in pc.value_counts(values).to_pylist()),
        key=lambda pair: (-pair[1], pair[0] or ""),
    )
    known = [category for category, _ in counted if category is not None]
    return {
        "feature": name,
        "count": len(values),
        "missing_share": values.null_count / len(values) if len(values) else None,
        "distinct_count": len(known),
        "is_constant": len(counted) <= 1,
        "categories": [{"category": c, "share": n / len(values)} for c, n in counted[:LISTED_CATEGORIES]],
    }
