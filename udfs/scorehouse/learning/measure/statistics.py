"""What the training rows looked like, feature by feature: the yardstick for drift."""

import numpy as np
import pyarrow.compute as pc

from scorehouse.scoring.columns import CATEGORICAL, Column

QUANTILES = np.linspace(0, 1, 11)
LISTED_CATEGORIES = 50


def statistic(name: str, kind: str, values: Column) -> dict[str, object]:
    """A row of `version.STATISTIC` without importance and AUC: counts, moments and deciles, or shares of categories."""
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
        found |= {
            "mean": float(finite.mean()),
            "standard_deviation": float(finite.std()),
            "minimum": float(finite.min()),
            "maximum": float(finite.max()),
            "quantiles": np.quantile(finite, QUANTILES).tolist(),
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
