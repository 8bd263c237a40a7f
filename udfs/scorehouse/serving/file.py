"""The serving file: self-contained tables with keys, pure SQL functions, and what the file says of itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import duckdb

from scorehouse.errors import ScorehouseError, first_line
from scorehouse.names.quoting import identifier, literal, quoted
from scorehouse.serving.described import Release, write_release
from scorehouse.serving.offer import Offer, ServedTable
from scorehouse.serving.reader import read
from scorehouse.serving.said import Said
from scorehouse.store.rows import insert

ENDPOINTS, FEATURES, RELEASE = "endpoints", "features", "release"
OWN_TABLES = frozenset({ENDPOINTS, FEATURES, RELEASE})
"""What every serving file holds beside the served tables."""

_ENDPOINTS_DDL = """(
    name varchar primary key, product varchar, type varchar, key varchar[], contract_version integer, owner varchar,
    implementations struct(implementation varchar, model_version varchar, share double)[],
    required_volume_rows bigint, row_count bigint,
    required_refresh_hours double, required_sla_hours double, age_hours double, as_of timestamp,
    required_decay_days double, required_latency_ms double, latency_ms double, required_calls_a_day bigint,
    audiences varchar[], status varchar, in_place varchar, description varchar, example varchar
)"""


LOOKUPS = 9
"""So many rows, spread over a table, are looked up by their keys to measure how long that takes."""

_FEATURES_DDL = "(endpoint varchar, name varchar, meaning varchar, unit varchar, primary key (endpoint, name))"


@dataclass(frozen=True)
class _Measured:
    """What an endpoint holds: the other columns of table `endpoints`."""

    implementations: list[dict[str, object]]
    row_count: int
    as_of: datetime | None
    age_hours: float | None
    latency_ms: float | None
    status: str
    in_place: str | None


def write(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    offer: Offer,
    release: Release,
) -> None:
    """Write the file from the work database.

    Raises ScorehouseError for a key that a table does not have, or that is not one.
    """
    cursor = connection.cursor()
    cursor.execute(f"attach {literal(file)} as serving_file (storage_version 'v1.5.0')")
    try:
        counts = {table.name: _write_table(cursor, table) for table in offer.tables}
        said = Said.of(cursor, offer)
        cursor.execute("force checkpoint serving_file")  # lookups are measured on what readers get
        _write_endpoints(cursor, offer.tables, said, release.built_at)
        _write_features(cursor, said)
        _write_functions(cursor, offer)
        write_release(cursor, f"serving_file.main.{RELEASE}", release.of(counts))
        _write_comments(cursor, said)
        cursor.execute("force checkpoint serving_file")  # detach alone may leave rows in the write-ahead log
    finally:
        cursor.execute("detach serving_file")
        cursor.close()


def row_count(connection: duckdb.DuckDBPyConnection, table: ServedTable) -> int:
    """Rows that a table is going to be served with."""
    return connection.cursor().execute(f"select count(*) from ({_rows(table)})").fetchall()[0][0]


def row_counts(file: Path) -> dict[str, int]:
    """Rows of a serving file's tables, by name; none of a file that is gone or damaged."""
    return _said_of_tables(file, "row_count")


def latencies(file: Path) -> dict[str, float]:
    """Milliseconds of a lookup in a serving file's tables, by name; none of a file that is gone or damaged, or does not say."""
    return {name: latency for name, latency in _said_of_tables(file, "latency_ms").items() if latency is not None}


def _said_of_tables(file: Path, column: str) -> dict[str, Any]:
    """What a column of a serving file's endpoints says, by name; nothing of a file that is gone or damaged."""
    try:
        with read(file) as serving:
            return dict(serving.execute(f"select name, {column} from endpoints").fetchall())
    except duckdb.Error:
        return {}


def redeclared(connection: duckdb.DuckDBPyConnection, file: Path, offer: Offer) -> list[str]:
    """Names of what a serving file says something else of, or knows nothing of: a new owner or meaning is news to readers."""
    now = Said.of(connection.cursor(), offer)
    with read(file) as serving:
        return [f"endpoint {name}" for name in sorted(now.unlike(Said.read(serving)))]


def _write_table(cursor: duckdb.DuckDBPyConnection, table: ServedTable) -> int:
    """Write what this file holds of a table; returns how many rows that is."""
    rows = _rows(table)
    columns = dict(row[:2] for row in cursor.execute(f"describe {rows}").fetchall())
    if not set(table.key) <= set(columns):
        raise ScorehouseError(
            f"{table.relation}: expected its columns to hold the key {', '.join(table.key)} (meta.endpoint.key), "
            f"found {', '.join(columns)}; correct the key"
        )
    target = f"serving_file.main.{identifier(table.name)}"
    key = ", ".join(map(identifier, table.key))
    definitions = ", ".join(f"{identifier(name)} {kind}" for name, kind in columns.items())
    cursor.execute(f"create table {target} ({definitions}, primary key ({key}))")
    try:
        return cursor.execute(f"insert into {target} {rows} order by {key}").fetchall()[0][0]
    except duckdb.ConstraintException as error:
        raise ScorehouseError(
            f"{table.relation}: expected one row for each {', '.join(table.key)} (meta.endpoint.key), "
            f"found: {first_line(error)}; correct the model or the key"
        ) from None


def _rows(table: ServedTable) -> str:
    """The query for what this file holds of a table."""
    columns = "*" if table.shown.columns is None else ", ".join(map(identifier, table.shown.columns))
    return f"select {columns} from {quoted(table.relation)}" + (f" where ({table.shown.rows}\n)" if table.shown.rows else "")


def _write_endpoints(cursor: duckdb.DuckDBPyConnection, served: Sequence[ServedTable], said: Said, built_at: datetime) -> None:
    """What the file offers, by whom and how fresh; an endpoint without rows says so."""
    cursor.execute(f"create table serving_file.main.{ENDPOINTS} {_ENDPOINTS_DDL}")
    for table, declaration in zip(served, said.declarations, strict=True):
        insert(cursor, f"serving_file.main.{ENDPOINTS}", {**vars(declaration), **vars(_measured(cursor, table, built_at))})


def _write_features(cursor: duckdb.DuckDBPyConnection, said: Said) -> None:
    """What the features mean that a table's `reasons` name."""
    cursor.execute(f"create table serving_file.main.{FEATURES} {_FEATURES_DDL}")
    for feature in said.features:
        insert(cursor, f"serving_file.main.{FEATURES}", vars(feature))


def _measured(cursor: duckdb.DuckDBPyConnection, table: ServedTable, built_at: datetime) -> _Measured:
    relation = f"serving_file.main.{identifier(table.name)}"
    names = {row[0] for row in cursor.execute(f"describe {relation}").fetchall()}
    as_of = f"cast({'max(as_of)' if 'as_of' in names else 'null'} as timestamp)"
    age = f"round(epoch(cast($built_at as timestamp) - {as_of}) / 3600, 1)"
    query = f"select count(*), {as_of}, {age} from {relation}"
    count, newest, hours = cursor.execute(query, {"built_at": built_at}).fetchall()[0]
    status = "serving" if count else "empty: its inputs are absent, or its models have no usable version"
    latency = _latency_ms(cursor, relation, table.key, count)
    return _Measured(_shares(cursor, relation, names), count, newest, hours, latency, status, _in_place(cursor, table))


def _latency_ms(cursor: duckdb.DuckDBPyConnection, relation: str, key: Sequence[str], count: int) -> float | None:
    """Milliseconds that a lookup by key takes, the median of a few; None of a table without rows."""
    places = sorted({count * place // LOOKUPS for place in range(LOOKUPS)}) if count else []
    columns = ", ".join(map(identifier, key))
    query = f"select {columns} from {relation} where rowid in ({', '.join(map(str, places))})"
    keys = cursor.execute(query).fetchall() if places else []
    lookup = f"select * from {relation} where {' and '.join(f'{identifier(name)} = ?' for name in key)}"
    taken = [_milliseconds(cursor, lookup, values) for values in keys]
    return round(median(taken), 3) if taken else None


def _milliseconds(cursor: duckdb.DuckDBPyConnection, query: str, values: Sequence[object]) -> float:
    began = perf_counter()
    cursor.execute(query, values).fetchall()
    return (perf_counter() - began) * 1000


def _shares(cursor: duckdb.DuckDBPyConnection, relation: str, names: set[str]) -> list[dict[str, object]]:
    """The implementations behind a served table and their shares of its rows, by name; empty for one that is not routed."""
    if not {"implementation", "model_version"} <= names:
        return []
    share = "count(*) / sum(count(*)) over () as share"
    query = f"select implementation, model_version, {share} from {relation} group by 1, 2 order by 1, 2"
    return cursor.sql(query).to_arrow_table().to_pylist()


def _in_place(cursor: duckdb.DuckDBPyConnection, table: ServedTable) -> str | None:
    """Which baselines serve in the place of models that do not beat them, and why; None where none does."""
    query = (
        "select string_agg(served_by || ' in place of ' || implementation || ': ' || reason, '; ' order by implementation)"
        " from history.gates where endpoint = ? and served_by <> implementation"
    )
    return cursor.execute(query, [table.relation.split(".")[1]]).fetchall()[0][0]


def _write_comments(cursor: duckdb.DuckDBPyConnection, said: Said) -> None:
    query = "select function_name from duckdb_functions() where database_name = 'serving_file' and function_type = 'table_macro'"
    of_tables = {name for (name,) in cursor.execute(query).fetchall()}
    for place, text in said.comments.items():
        kind = "column" if place.column else place.kind
        kind = "macro table" if kind == "macro" and place.name in of_tables else kind
        column = f".{identifier(place.column)}" if place.column else ""
        cursor.execute(f"comment on {kind} serving_file.main.{identifier(place.name)}{column} is {literal(text)}")


def _write_functions(cursor: duckdb.DuckDBPyConnection, offer: Offer) -> None:
    """The functions as the build made them, over the serving file's own tables and functions: no schema is named."""
    names = {one.relation: one.name for one in [*offer.tables, *offer.functions]}
    pattern = "|".join(r'"?{}"?\."?{}\b"?'.format(*relation.split(".")) for relation in names)
    home = cursor.execute("select current_database()").fetchone()[0]
    cursor.execute("use serving_file")
    for function in offer.functions:
        kind, parameters, body = cursor.execute(
            "select function_type, parameters, macro_definition from duckdb_functions()"
            " where database_name = ? and schema_name || '.' || function_name = ?",
            [home, function.relation],
        ).fetchone()
        body = re.sub(pattern, lambda match: names[match[0].replace('"', "")], body)
        table = "table " if kind == "table_macro" else ""
        name = identifier(function.name)
        cursor.execute(f"create macro {name}({', '.join(map(identifier, parameters))}) as {table}({body})")
    cursor.execute(f'use "{home}"')
