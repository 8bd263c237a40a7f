"""Every model's rows on Spark against DuckDB's: keys and counts exactly, doubles to a billionth, everything else exactly."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from scorehouse.errors import first_line
from scorehouse.names.quoting import identifier
from scorehouse.spark.project import Model

RELATIVE, ABSOLUTE = 1e-9, 1e-12
"""How far two floating-point numbers may be apart: of the larger one, or at all."""

_EXAMPLE = 120
"""Characters of an example."""


@dataclass(frozen=True)
class Difference:
    """A model whose rows differ, in a sentence."""

    model: str
    sentence: str


def difference(connection: duckdb.DuckDBPyConnection, model: Model, found: pa.Table) -> Difference | None:
    """What differs between a model's rows in DuckDB's catalog and those that Spark found; None for nothing.

    Args:
        connection: to the catalog
        found: Spark's rows
    """
    connection.register("found", found)
    names = {name.lower() for name in found.column_names}
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
    counts = [connection.execute(f"select count(*) from {table}").fetchall()[0][0] for table in ("ours", "theirs")]
    if counts[0] != counts[1]:
        return _said(model, f"expected {counts[0]:,} rows, found {counts[1]:,}")
    sentences = list(_differences(connection, model, counts[0]))
    return _said(model, "; ".join(sentences)) if sentences else None


def _said(model: Model, what: str) -> Difference:
    return Difference(
        model.name, f"{model.file}: {what}; translate it otherwise, or write it in a form that both engines read alike."
    )


def _differences(connection: duckdb.DuckDBPyConnection, model: Model, count: int) -> Iterator[str]:
    exact = [name for name, kind in _compared(model).items() if not _has_fractions(kind) and not kind.startswith("MAP")]
    key = list(model.key) or exact
    for table in ("ours", "theirs"):
        connection.execute(
            f"create or replace temp table {table} as select *, {_number(key, model)} as place_of_row from {table}"
        )
    paired = " and ".join(
        f"ours.{identifier(name)} is not distinct from theirs.{identifier(name)}" for name in [*key, "place_of_row"]
    )
    joined = f"ours full join theirs on {paired}"
    query = f"select count(*) from {joined} where ours.place_of_row is null or theirs.place_of_row is null"
    unpaired = connection.execute(query).fetchall()[0][0]
    if unpaired:
        example = (
            f"select {', '.join(f'ours.{identifier(name)}' for name in key)} from {joined} where theirs.place_of_row is null"
        )
        row = connection.execute(f"{example} limit 1").fetchone()
        yield f"{unpaired // 2:,} of {count:,} rows are not in Spark's result, for example {str(row)[:_EXAMPLE]}"
        return
    for name, kind in _compared(model).items():
        if name not in key:
            yield from _of_column(connection, name, kind, joined, count)


def _compared(model: Model) -> dict[str, str]:
    """The columns that say what a row is; when it was computed is not compared."""
    return {name: kind for name, kind in model.columns.items() if name not in model.stamps}


def _number(key: list[str], model: Model) -> str:
    rest = [identifier(name) for name, kind in _compared(model).items() if name not in key and not kind.startswith("MAP")]
    partition = f"partition by {', '.join(identifier(name) for name in key)}" if key else ""
    return f"row_number() over ({partition} order by {', '.join(rest) or '1'})"


def _of_column(connection: duckdb.DuckDBPyConnection, name: str, kind: str, joined: str, count: int) -> Iterator[str]:
    one, other = f"ours.{identifier(name)}", f"theirs.{identifier(name)}"
    if kind.startswith("MAP"):
        one, other = (f"list_sort(map_entries({side}))" for side in (one, other))
    condition = f"{one} is distinct from {other}"
    if kind in ("DOUBLE", "FLOAT"):
        limit = f"greatest({RELATIVE} * greatest(abs({one}), abs({other})), {ABSOLUTE})"
        condition += f" and not coalesce(abs({one} - {other}) <= {limit}, false)"
    rows = connection.execute(f"select {one}, {other} from {joined} where {condition}").fetchall()
    if kind not in ("DOUBLE", "FLOAT"):
        rows = [row for row in rows if not is_close(*row)]
    if rows:
        ours, theirs = (str(value)[:_EXAMPLE] for value in rows[0])
        yield f"column {name}: {len(rows):,} of {count:,} rows differ, for example expected {ours}, found {theirs}"


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
