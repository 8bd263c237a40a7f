"""The serving file: self-contained tables with keys, pure SQL functions, and what the file says of itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from scorehouse.build.manifest import Offer, ServedTable
from scorehouse.errors import ScorehouseError, first_line
from scorehouse.names.quoting import identifier, literal, quoted
from scorehouse.release.described import Release, write_release
from scorehouse.store.rows import insert

_ENDPOINTS_DDL = """(
    name varchar primary key, product varchar, type varchar, key varchar[], contract_version integer, owner varchar,
    implementations struct(implementation varchar, model_version varchar, share double)[],
    volume varchar, refresh varchar, decay varchar, sla varchar,
    row_count bigint, as_of timestamp, status varchar, description varchar, example varchar
)"""


_FEATURES_DDL = "(endpoint varchar, name varchar, meaning varchar, unit varchar, primary key (endpoint, name))"

_COMMENTS = {
    "endpoints": "What this file serves. One row is one table.",
    "endpoints.name": "Name of the table.",
    "endpoints.product": "The data product that it belongs to.",
    "endpoints.type": "What it gives for its key: a score, a rank, a segment, or a choice among arms.",
    "endpoints.key": "Columns of its primary key.",
    "endpoints.contract_version": "Rises when a column that was promised changes or goes.",
    "endpoints.owner": "Whom to ask.",
    "endpoints.implementations": "The models behind its rows, with version and share of the rows; empty where it is not routed.",
    "endpoints.volume": "Rows that it is made for.",
    "endpoints.refresh": "How often it is to be computed.",
    "endpoints.decay": "After how long its scores are worth half.",
    "endpoints.sla": "How old it may be.",
    "endpoints.row_count": "Rows now.",
    "endpoints.as_of": "Time of its newest row's features (UTC).",
    "endpoints.status": "serving, or why it is empty.",
    "endpoints.description": "What the table is, and what one row is.",
    "endpoints.example": "A query that works.",
    "features": "What the features in reasons mean. One row is one feature of the models behind one table.",
    "features.endpoint": "Name of the table.",
    "features.name": "Name of the feature, as in reasons.",
    "features.meaning": "What its number says.",
    "features.unit": "Unit of the number; NULL where it has none.",
    "release": "What this release is. One row is one table.",
    "release.release": "Number of the release, as in the file CURRENT.",
    "release.branch": "The branch that it was built on.",
    "release.built_at": "When it was published (UTC).",
    "release.git_commit": "The commit that it was built from.",
    "release.published_by": "The user who built it.",
    "release.changed": "What differs from the release before.",
    "release.table_name": "Name of the table.",
    "release.row_count": "Its rows.",
    "release.fingerprint": "Identity of its content.",
}
"""What readers find beside the tables that describe the file."""


@dataclass(frozen=True)
class _Declaration:
    """What a model's meta says of its endpoint: columns of table `endpoints`."""

    name: str
    product: str
    type: str
    key: list[str]
    contract_version: int
    owner: str
    volume: str | None
    refresh: str | None
    decay: str | None
    sla: str | None

    @classmethod
    def of(cls, table: ServedTable) -> "_Declaration":
        needs = {name: table.requirements.get(name) for name in ("volume", "refresh", "decay", "sla")}
        return cls(table.name, table.product, table.kind, table.key, table.contract_version, table.owner, **needs)


@dataclass(frozen=True)
class _Measured:
    """What an endpoint holds: the other columns of table `endpoints`."""

    implementations: list[dict[str, object]]
    row_count: int
    as_of: datetime | None
    status: str
    description: str
    example: str


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
        for table in offer.tables:
            _write_table(cursor, table)
        _write_endpoints(cursor, offer.tables)
        _write_features(cursor, offer)
        _write_functions(cursor, offer)
        write_release(cursor, "serving_file.main.release", release)
        _write_comments(cursor)
        cursor.execute("force checkpoint serving_file")  # detach alone may leave rows in the write-ahead log
    finally:
        cursor.execute("detach serving_file")
        cursor.close()


def row_count(connection: duckdb.DuckDBPyConnection, table: ServedTable) -> int:
    """Rows that a table is going to be served with."""
    return connection.cursor().execute(f"select count(*) from {quoted(table.relation)}").fetchall()[0][0]


def row_counts(file: Path) -> dict[str, int]:
    """Rows of a serving file's tables, by name; none of a file that is gone or damaged."""
    try:
        with duckdb.connect(str(file), read_only=True) as serving:
            return dict(serving.execute("select name, row_count from endpoints").fetchall())
    except duckdb.Error:
        return {}


def redeclared(file: Path, offer: Offer) -> list[str]:
    """Names of endpoints and functions that a serving file declares otherwise: a new owner or key is news to readers."""
    columns = ", ".join(_Declaration.__dataclass_fields__)
    with duckdb.connect(str(file), read_only=True) as serving:
        rows = serving.sql(f"select {columns} from endpoints").to_arrow_table().to_pylist()
        names = serving.execute(
            "select function_name from duckdb_functions() where database_name = current_database()"
        ).fetchall()
    before = {row["name"]: _Declaration(**row) for row in rows} | {name: None for (name,) in names}
    after = {table.name: _Declaration.of(table) for table in offer.tables} | {one.name: None for one in offer.functions}
    absent = object()
    changed = (name for name in before.keys() | after.keys() if before.get(name, absent) != after.get(name, absent))
    return [f"endpoint {name}" for name in sorted(changed)]


def _write_table(cursor: duckdb.DuckDBPyConnection, table: ServedTable) -> None:
    columns = dict(row[:2] for row in cursor.execute(f"describe {quoted(table.relation)}").fetchall())
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
        cursor.execute(f"insert into {target} select * from {quoted(table.relation)} order by {key}")
    except duckdb.ConstraintException as error:
        raise ScorehouseError(
            f"{table.relation}: expected one row for each {', '.join(table.key)} (meta.endpoint.key), "
            f"found: {first_line(error)}; correct the model or the key"
        ) from None
    cursor.execute(f"comment on table {target} is {literal(table.description)}")
    for column, text in table.columns.items():
        cursor.execute(f"comment on column {target}.{identifier(column)} is {literal(text)}")


def _write_endpoints(cursor: duckdb.DuckDBPyConnection, served: Sequence[ServedTable]) -> None:
    """What the file offers, by whom and how fresh; an endpoint without rows says so."""
    cursor.execute(f"create table serving_file.main.endpoints {_ENDPOINTS_DDL}")
    for table in served:
        insert(cursor, "serving_file.main.endpoints", {**vars(_Declaration.of(table)), **vars(_measured(cursor, table))})


def _write_features(cursor: duckdb.DuckDBPyConnection, offer: Offer) -> None:
    """What the features mean that a table's `reasons` name: those of the fitted models behind it."""
    cursor.execute(f"create table serving_file.main.features {_FEATURES_DDL}")
    query = "select model, unnest(features).name from history.versions where is_current"
    by_model: dict[str, list[str]] = {}
    for model, feature in cursor.execute(query).fetchall():
        by_model.setdefault(model, []).append(feature)
    for table in offer.tables:
        if "reasons" in table.columns:
            found = {f: offer.features[model].get(f) for model in reversed(table.models) for f in by_model.get(model, [])}
            for name, column in sorted(found.items()):
                meaning, unit = (column.description, column.unit) if column else (None, None)
                row = {"endpoint": table.name, "name": name, "meaning": meaning, "unit": unit or None}
                insert(cursor, "serving_file.main.features", row)


def _measured(cursor: duckdb.DuckDBPyConnection, table: ServedTable) -> _Measured:
    relation = f"serving_file.main.{identifier(table.name)}"
    names = {row[0] for row in cursor.execute(f"describe {relation}").fetchall()}
    as_of = "max(as_of)" if "as_of" in names else "cast(null as timestamp)"
    count, newest = cursor.execute(f"select count(*), {as_of} from {relation}").fetchall()[0]
    status = "serving" if count else "empty: its inputs are absent, or its models have no usable version"
    return _Measured(_shares(cursor, relation, names), count, newest, status, table.description, table.example)


def _shares(cursor: duckdb.DuckDBPyConnection, relation: str, names: set[str]) -> list[dict[str, object]]:
    """The implementations behind a served table and their shares of its rows, by name; empty for one that is not routed."""
    if not {"implementation", "model_version"} <= names:
        return []
    share = "count(*) / sum(count(*)) over () as share"
    query = f"select implementation, model_version, {share} from {relation} group by 1, 2 order by 1, 2"
    return cursor.sql(query).to_arrow_table().to_pylist()


def _write_comments(cursor: duckdb.DuckDBPyConnection) -> None:
    for name, text in _COMMENTS.items():
        kind = "column" if "." in name else "table"
        cursor.execute(f"comment on {kind} serving_file.main.{name} is {literal(text)}")


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
        cursor.execute(f"comment on macro {table}{name} is {literal(function.description)}")
    cursor.execute(f'use "{home}"')
