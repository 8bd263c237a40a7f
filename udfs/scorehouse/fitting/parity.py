"""The parity check: estimator, formula and SQL give the same score on real and on hostile rows."""

from collections.abc import Callable, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from scorehouse.formulas.columns import Features
from scorehouse.formulas.formula import Feature, Formula, features_of

TOLERANCE = 1e-9
HOSTILE_NUMBERS = [np.nan, 0.0, -0.0, 1.0, -1.0, 1e-300, 1e15, -1e15, np.inf, -np.inf]
HOSTILE_TEXTS = [None, "", "never seen", "it's", 'a "b"', "\u00e9\u4e16"]


def check(formula: Formula, predict: Callable[[Features], np.ndarray], real: pa.Table) -> list[dict[str, object]]:
    """Largest differences between the ways to run a model.

    Args:
        predict: the estimator's own scores from raw features.
        real: rows with the features' columns.

    Returns: rows (rows_of, path, row_count, max_difference, has_passed): real, hostile, one and zero rows.
    """
    hostile = hostile_rows(real, formula.features)
    found = []
    for name, table in {"real": real, "hostile": hostile, "one": real.slice(0, 1), "zero": real.slice(0, 0)}.items():
        features = features_of(table, formula.features)
        reference = formula.score(features)
        found.append(_row(name, "estimator", reference, predict(features) if table.num_rows else reference))
        loaded = formula.score_arrow(_struct(table, formula.features))
        found.append(_row(name, "user-defined function", reference, loaded))
        expression = formula.sql_expression()
        if expression is not None:
            found.append(_row(name, "sql", reference, _run(expression, table)))
    return found


def hostile_rows(real: pa.Table, features: Sequence[Feature]) -> pa.Table:
    """A real row with one feature at a time set to something nasty, and rows of nothing but NULL."""
    base = real.slice(0, 1).to_pylist() or [dict.fromkeys(real.column_names)]
    rows = [dict.fromkeys(real.column_names)]
    for feature in features:
        values = HOSTILE_NUMBERS if feature.group == "numeric" else HOSTILE_TEXTS
        rows += [{**base[0], feature.name: value} for value in values]
    columns = {
        f.name: pa.array([row[f.name] for row in rows], type=pa.float64() if f.group == "numeric" else pa.string())
        for f in features
    }
    return pa.table(columns)


def _run(expression: str, table: pa.Table) -> np.ndarray:
    with duckdb.connect() as connection:
        connection.register("rows", table)
        ordered = connection.sql(f"select {expression} as score from rows").to_arrow_table()
    return ordered.column("score").cast(pa.float64()).to_numpy(zero_copy_only=False)


def _struct(table: pa.Table, features: Sequence[Feature]) -> pa.StructArray:
    names = [feature.name for feature in features]
    return pa.StructArray.from_arrays([table.column(name).combine_chunks() for name in names], names)


def _row(rows_of: str, path: str, reference: np.ndarray, other: np.ndarray) -> dict[str, object]:
    both = np.isnan(reference) & np.isnan(other)
    differences = np.abs(np.where(both | (reference == other), 0.0, reference - other))
    largest = float(np.max(differences, initial=0.0))
    return {
        "rows_of": rows_of,
        "path": path,
        "row_count": len(reference),
        "max_difference": largest,
        "has_passed": bool(largest <= TOLERANCE),
    }
