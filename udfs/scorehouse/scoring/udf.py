"""Scoring by user-defined functions over Arrow batches.

DuckDB gives a function that is registered without parameter types one argument of any type for each parameter of the Python
function. So one registration takes the features struct of every model, whatever its fields:

    score_model(model_version, features)          -> DOUBLE
    score_model_parts(model_version, features)    -> DOUBLE[]   for scores of several parts (classes, clusters, ...)
    score_model_reasons(model_version, features)  -> STRUCT(feature VARCHAR, contribution DOUBLE)[]

The version's scorer comes from `loaded`; a version that is NULL gives NULL.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from scorehouse.scoring import loaded, reasons, structs
from scorehouse.scoring import sql_builders as sql
from scorehouse.scoring.formula import Formula, printed
from scorehouse.scoring.scorer import Scorer

SCORE = "score_model"
PARTS = "score_model_parts"
REASONS = "score_model_reasons"

PARTS_TYPE = "DOUBLE[]"


def score_model(model_version: pa.ChunkedArray, features: pa.ChunkedArray) -> pa.Array:
    """The score of each row as float64 [rows]; NULL where there is none.

    Raises ScorehouseError for a version that is not known, and naming the features that are missing.

    Args:
        model_version: texts; usually the same in every row.
        features: structs with a field for each feature; more fields are ignored.
    """
    return _by_version(model_version, features, lambda scorer, rows: structs.as_arrow(scorer.score(rows)), pa.float64())


def score_model_parts(model_version: pa.ChunkedArray, features: pa.ChunkedArray) -> pa.Array:
    """The parts of each row's score as list<float64> [rows]; NULL where the version is.

    A part that is not a number is NULL in its list. Arguments and errors are those of `score_model`.
    """
    return _by_version(model_version, features, lambda scorer, rows: _lists(scorer.score(rows)), pa.list_(pa.float64()))


def score_model_reasons(model_version: pa.ChunkedArray, features: pa.ChunkedArray) -> pa.Array:
    """The largest contributions to each row's score as list<`reasons.REASON`> [rows]; NULL where there are none.

    Arguments and errors are those of `score_model`.
    """
    return _by_version(model_version, features, lambda scorer, rows: scorer.reasons(rows), pa.list_(reasons.REASON))


FUNCTIONS: Mapping[str, tuple[Callable, str]] = {
    SCORE: (score_model, "DOUBLE"),
    PARTS: (score_model_parts, PARTS_TYPE),
    REASONS: (score_model_reasons, reasons.SQL_TYPE),
}
"""Each function by its name, with its DuckDB return type."""


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known to a connection; raises DuckDB's error where one has their names already."""
    for name, (function, returns) in FUNCTIONS.items():
        connection.create_function(name, function, None, returns, type="arrow", null_handling="special")


def call_sql(formula: Formula, version: str) -> str:
    """The call that scores the feature columns in scope with a version; of the version's score type.

    Parts come out of the function as a list and are named by a lambda, so that the function runs once.

    >>> from scorehouse.scoring.steps import Inputs, Result
    >>> print(call_sql(Formula((Inputs.of({"x": "numeric"}), Result(("x",), ("score",), ("DOUBLE",)))), "churn@1a2b"))
    SCORE_MODEL('churn@1a2b', {'x': CAST("x" AS DOUBLE)})
    """
    if len(formula.result.outputs) == 1:
        return printed(_call(SCORE, formula, version))
    parts = exp.to_identifier("parts")
    fields = [
        (name, _part(exp.Column(this=parts), place, kind))
        for place, (name, kind) in enumerate(zip(formula.result.outputs, formula.result.types, strict=True), start=1)
    ]
    listed = exp.Array(expressions=[_call(PARTS, formula, version)])
    named = exp.Transform(this=listed, expression=exp.Lambda(this=sql.struct(fields), expressions=[parts]))
    return printed(sql.element(named, 1))


def reasons_sql(formula: Formula, version: str) -> str:
    """The call that explains the score that a version gives the feature columns in scope; of type `reasons.SQL_TYPE`."""
    return printed(_call(REASONS, formula, version))


def _call(function: str, formula: Formula, version: str) -> exp.Expression:
    fields = [
        (name, sql.column(name, "double" if kind == "numeric" else "varchar")) for name, kind in formula.inputs.kind_of.items()
    ]
    return exp.Anonymous(this=function, expressions=[sql.text(version), sql.struct(fields)])


def _part(parts: exp.Expression, place: int, kind: str) -> exp.Expression:
    value = sql.element(parts, place)
    return value if kind == "DOUBLE" else exp.cast(value, kind)


def _by_version(
    versions: pa.ChunkedArray,
    features: pa.ChunkedArray,
    run: Callable[[Scorer, pa.Array], pa.Array],
    returns: pa.DataType,
) -> pa.Array:
    first = versions[0].as_py() if len(versions) else None
    if first is not None and versions.equals(_repeated(first, len(versions))):
        return run(loaded.get(first), features)
    codes = pc.dictionary_encode(versions, null_encoding="encode").combine_chunks()
    found, places = [], []
    for code, version in enumerate(codes.dictionary.to_pylist()):
        rows = np.flatnonzero(codes.indices.to_numpy(zero_copy_only=False) == code)
        places.append(rows)
        chosen = features.take(pa.array(rows))
        found.append(pa.nulls(len(rows), returns) if version is None else run(loaded.get(version), chosen))
    if not found:
        return pa.array([], returns)
    return pa.concat_arrays(found).take(pa.array(np.argsort(np.concatenate(places))))


@lru_cache(maxsize=64)
def _repeated(version: str, count: int) -> pa.ChunkedArray:
    return pa.chunked_array([pa.repeat(pa.scalar(version), count)])


def _lists(scores: np.ndarray) -> pa.Array:
    offsets = np.arange(len(scores) + 1, dtype=np.int32) * scores.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), structs.as_arrow(scores.ravel()))
