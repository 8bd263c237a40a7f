"""The one row that a fitted model is."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

import pyarrow as pa

from scorehouse.scoring import weights

LIBRARIES = ("scikit-learn", "numpy", "scipy", "numba", "duckdb", "sqlglot", "lightgbm", "xgboost", "onnxruntime", "skops")

FEATURE = pa.struct([("name", pa.string()), ("type", pa.string()), ("group", pa.string()), ("kind", pa.string())])
SHARE = pa.struct([("category", pa.string()), ("share", pa.float64())])
STATISTIC = pa.struct(
    [
        ("feature", pa.string()),
        ("count", pa.int64()),
        ("missing_share", pa.float64()),
        ("distinct_count", pa.int64()),
        ("mean", pa.float64()),
        ("standard_deviation", pa.float64()),
        ("minimum", pa.float64()),
        ("maximum", pa.float64()),
        ("quantiles", pa.list_(pa.float64())),
        ("categories", pa.list_(SHARE)),
        ("is_constant", pa.bool_()),
        ("importance", pa.float64()),
        ("auc_alone", pa.float64()),
        ("shares", pa.list_(pa.float64())),
    ]
)
METRIC = pa.struct(
    [
        ("split", pa.string()),
        ("slice", pa.string()),
        ("metric", pa.string()),
        ("bin", pa.int32()),
        ("value", pa.float64()),
        ("lower_bound", pa.float64()),
        ("upper_bound", pa.float64()),
    ]
)
"""A measurement; lower_bound and upper_bound end its 95% interval, where it has one."""
PARITY = pa.struct(
    [
        ("rows_of", pa.string()),
        ("path", pa.string()),
        ("row_count", pa.int64()),
        ("refused_count", pa.int64()),
        ("largest_difference", pa.float64()),
        ("tolerance", pa.float64()),
        ("has_passed", pa.bool_()),
    ]
)
PLAN = pa.struct(
    [
        ("plan", pa.string()),
        ("is_chosen", pa.bool_()),
        ("is_possible", pa.bool_()),
        ("size", pa.int64()),
        ("nanoseconds_per_row", pa.float64()),
        ("reason", pa.string()),
    ]
)
LIBRARY = pa.struct([("library", pa.string()), ("version", pa.string())])

SCHEMA = pa.schema(
    [
        ("model_version", pa.string()),
        ("status", pa.string()),
        ("status_reason", pa.string()),
        ("estimator", pa.string()),
        ("task", pa.string()),
        ("score_type", pa.string()),
        ("spec", pa.string()),
        ("features", pa.list_(FEATURE)),
        ("classes", pa.list_(pa.string())),
        ("example_count", pa.int64()),
        ("train_count", pa.int64()),
        ("test_count", pa.int64()),
        ("train_from", pa.timestamp("us")),
        ("train_until", pa.timestamp("us")),
        ("measured_until", pa.timestamp("us")),
        ("test_from", pa.timestamp("us")),
        ("test_until", pa.timestamp("us")),
        ("chosen_parameters", pa.string()),
        ("interval_coverage", pa.float64()),
        ("interval_half_width", pa.float64()),
        ("plan", pa.string()),
        ("sql_expression", pa.string()),
        ("reasons_expression", pa.string()),
        ("weights", pa.list_(weights.WEIGHT)),
        ("measured_weights", pa.list_(weights.WEIGHT)),
        ("feature_statistics", pa.list_(STATISTIC)),
        ("metrics", pa.list_(METRIC)),
        ("parity", pa.list_(PARITY)),
        ("scoring_plans", pa.list_(PLAN)),
        ("library_versions", pa.list_(LIBRARY)),
    ]
)
"""Columns of a fitted model.

status: ready, insufficient_examples (scores are empty) or parity_failed (the version must not be scored with).
score_type: DuckDB type of the score: DOUBLE, or a STRUCT with a part for each class, component, or cluster and distance.
train_from .. test_until: first and last time of what it was fitted on, and of the test. measured_weights: of the same
declaration fitted until measured_until alone, whose metrics stand in the row; none where it was not fitted again since.
interval_half_width: for a regressor, score plus and minus this covers the share interval_coverage of outcomes.
plan: sql or udf, the chosen one of scoring_plans.
sql_expression, reasons_expression: DuckDB SQL over the feature columns; NULL where SQL is not possible.
"""


STORED = pa.schema(
    [
        *SCHEMA,
        ("score_sql", pa.string()),
        ("measured_sql", pa.string()),
        ("reasons_sql", pa.string()),
        ("fingerprint", pa.string()),
        ("examples_fingerprint", pa.string()),
        ("trained_at", pa.timestamp("us")),
    ]
)
"""Columns of a version in the store: those of `SCHEMA`, and what the build adds."""


def row(**values: object) -> pa.Table:
    """One row of `SCHEMA`; columns that are not given are NULL, or empty lists."""
    table = []
    for field in SCHEMA:
        empty = [] if pa.types.is_list(field.type) else None
        value = values.pop(field.name, empty)
        table.append(_cell(value, field.type))
    if values:
        raise KeyError(f"columns that a version does not have: {sorted(values)}")
    return pa.Table.from_arrays(table, schema=SCHEMA)


def of_sample(version: pa.Table, total: int, sentence: str) -> pa.Table:
    """A version's row that says of how many examples its own are a sample, and ends status_reason in one more sentence.

    >>> found = of_sample(row(status_reason="Short history.", example_count=2), 9, "Learned from a sample.")
    >>> found.select(["status_reason", "example_count"]).to_pylist()
    [{'status_reason': 'Short history. Learned from a sample.', 'example_count': 9}]
    """
    told = " ".join(filter(None, [version["status_reason"][0].as_py(), sentence]))
    for name, value in {"status_reason": told, "example_count": total}.items():
        version = version.set_column(version.column_names.index(name), SCHEMA.field(name), _cell(value, SCHEMA.field(name).type))
    return version


def _cell(value: object, data_type: pa.DataType) -> pa.Array:
    if isinstance(value, pa.Table):
        structs = value.to_struct_array()
        values = structs.combine_chunks() if isinstance(structs, pa.ChunkedArray) else structs
        return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values.cast(data_type.value_type))
    return pa.array([value], data_type)


def libraries() -> list[Mapping[str, str]]:
    """Versions of the libraries that made a version."""
    found = []
    for library in LIBRARIES:
        try:
            found.append({"library": library, "version": installed(library)})
        except PackageNotFoundError:
            continue
    return found
