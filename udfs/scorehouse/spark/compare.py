"""Every model's rows on Spark against DuckDB's: keys and counts exactly, doubles to a billionth, everything else exactly."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from scorehouse.errors import first_line
from scorehouse.names.quoting import identifier
from scorehouse.spark.project import Model

RELATIVE, ABSOLUTE = 1e-9, 1e-12
"""How far two floating-point numbers may be apart: of the larger one, or at all."""

_EXAMPLE = 120
"""Characters of an example."""

_BATCH = 10_000
"""Differing rows that are looked at together."""


@dataclass(frozen=True)
class Difference:
    """A model whose rows differ, in a sentence."""

    model: str
    sentence: str


def difference(connection: duckdb.DuckDBPyConnection, model: Model, found: duckdb.DuckDBPyRelation) -> Difference | None:
    """What differs between a model's rows in DuckDB's catalog and those that Spark found; None for nothing.

    Args:
        connection: to the catalog
        found: Spark's rows
    """
    names = {name.lower() for name in found.columns}
    missing = [name for name in model.columns if name.lower() not in names]
    if missing:
        return _said(model, f"expected the columns {', '.join(missing)}, found none")
    typed = ", ".join(f"cast({identifier(name)} as {kind}) as {identifier(name)}" for name, kind in model.columns.items())
    relation = f"{identifier(model.schema)}.{identifier(model.name)}"
    try:
        connection.execute(f"create or replace temp table theirs as select {typed} from found")
    except duckdb.ConversionException as error:
        return _said(model, f"expected values of its types, found {first_line(error)}")
    connection.execute(f"create or replace temp table ours as select * from {relation}")
    counts = [_count(connection, table) for table in ("ours", "theirs")]
    if counts[0] != counts[1]:
        return _said(model, f"expected {counts[0]:,} rows, found {counts[1]:,}")
    sentences = list(_differences(connection, model, counts[0]))
    return _said(model, "; ".join(sentences)) if sentences else None


def _said(model: Model, what: str) -> Difference:
    return Difference(
        model.name, f"{model.file}: {what}; translate it otherwise, or write it in a form that both engines read alike."
    )


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    return int(connection.execute(f"select count(*) from {rows}").fetchall()[0][0])


def _differences(connection: duckdb.DuckDBPyConnection, model: Model, count: int) -> Iterator[str]:
    exact = [name for name, kind in _compared(model).items() if not _has_fractions(kind) and not kind.startswith("MAP")]
    key = list(model.key) or exact
    if not _is_unique(connection, key, count):
        for table in ("ours", "theirs"):
            numbered = f"select *, {_number(key, model)} as place_of_row from {table}"
            connection.execute(f"create or replace temp table {table} as {numbered}")
        key = [*key, "place_of_row"]
    paired = " and ".join(f"ours.{identifier(name)} is not distinct from theirs.{identifier(name)}" for name in key)
    unpaired = _count(connection, f"ours anti join theirs on {paired}")
    if unpaired:
        example = ", ".join(identifier(name) for name in key if name != "place_of_row")
        row = connection.execute(f"select {example or 'null'} from ours anti join theirs on {paired} limit 1").fetchone()
        yield f"{unpaired:,} of {count:,} rows are not in Spark's result, for example {str(row)[:_EXAMPLE]}"
        return
    conditions = {name: _differ(name, kind) for name, kind in _compared(model).items() if name not in key}
    if not conditions:
        return
    joined = f"ours join theirs on {paired}"
    counted = ", ".join(f"count(*) filter (where {condition})" for condition in conditions.values())
    (counts,) = connection.execute(f"select {counted} from {joined}").fetchall()
    for name, differing in zip(conditions, counts, strict=True):
        if differing:
            rows = f"from {joined} where {conditions[name]}"
            yield from _of_column(connection, name, model.columns[name], rows, count)


def _compared(model: Model) -> dict[str, str]:
    """The columns that say what a row is; when it was computed is not compared."""
    return {name: kind for name, kind in model.columns.items() if name not in model.stamps}


def _is_unique(connection: duckdb.DuckDBPyConnection, key: list[str], count: int) -> bool:
    """Whether the key tells our rows apart: as many of theirs are as many keys then, or some of ours has none."""
    keys = ", ".join(identifier(name) for name in key)
    return bool(key) and _count(connection, f"(select distinct {keys} from ours)") == count


def _number(key: list[str], model: Model) -> str:
    rest = [identifier(name) for name, kind in _compared(model).items() if name not in key and not kind.startswith("MAP")]
    partition = f"partition by {', '.join(identifier(name) for name in key)}" if key else ""
    return f"row_number() over ({partition} order by {', '.join(rest) or '1'})"


def _sides(name: str, kind: str) -> tuple[str, str]:
    one, other = (f"{table}.{identifier(name)}" for table in ("ours", "theirs"))
    return (f"list_sort(map_entries({one}))", f"list_sort(map_entries({other}))") if kind.startswith("MAP") else (one, other)


def _differ(name: str, kind: str) -> str:
    """The condition of a column's difference; of numbers within lists it holds for last digits, too."""
    one, other = _sides(name, kind)
    condition = f"{one} is distinct from {other}"
    if kind not in ("DOUBLE", "FLOAT"):
        return condition
    limit = f"greatest({RELATIVE} * greatest(abs({one}), abs({other})), {ABSOLUTE})"
    is_near = f"isfinite({one}) and isfinite({other}) and abs({one} - {other}) <= {limit}"  # inf - 1 <= inf, nan <= nan
    return f"{condition} and not coalesce({is_near}, false)"


def _of_column(connection: duckdb.DuckDBPyConnection, name: str, kind: str, rows: str, count: int) -> Iterator[str]:
    found = connection.execute(f"select {', '.join(_sides(name, kind))} {rows}")
    differing, example = 0, None
    while batch := found.fetchmany(_BATCH):
        pairs = [pair for pair in batch if not is_close(*pair)]
        differing += len(pairs)
        example = example or next(iter(pairs), None)
    if example:
        ours, theirs = (str(value)[:_EXAMPLE] for value in example)
        yield f"column {name}: {differing:,} of {count:,} rows differ, for example expected {ours}, found {theirs}"


def is_close(one: Any, other: Any) -> bool:
    """Whether two values are the same but for the last digits of floating-point numbers within them.

    >>> is_close([{"x": 1.0}], [{"x": 1.0 + 1e-12}]), is_close([{"x": 1.0}], [{"x": 1.1}])
    (True, False)
    """
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_close(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(is_close, one, other))
    return bool(one == other)


def _has_fractions(kind: str) -> bool:
    return "DOUBLE" in kind or "FLOAT" in kind
