"""The tables in which a branch keeps what it knows, in its own database: schema `scorehouse`.

`nodes` holds the newest result of every node, `passed_tests` the questions that need not be asked again, `contents` what files
hold, `whole` which files were found to be as they were written, `format` what wrote them. Schema `history` shows models what they
may read of it: decisions about fitted models, and who may serve.
"""

import duckdb

from scorehouse.names.fingerprint import FORMAT_VERSION
from scorehouse.names.quoting import identifier, literal

SCHEMAS = frozenset({"scorehouse", "history", "comparison"})
"""Schemas whose tables are ours: in them no node's result stands, and they alone are copied into catalogs."""

_DDL = f"""
create schema if not exists scorehouse;
create table if not exists scorehouse.format as select {literal(FORMAT_VERSION)} as version;
create table if not exists scorehouse.nodes (
    node_id varchar not null,
    relation varchar,
    resource_type varchar not null,
    materialized varchar not null,
    own varchar not null,
    logic varchar not null,
    data varchar not null,
    fingerprint varchar not null,
    text_hash varchar not null,
    query_hash varchar not null,
    inputs json not null,
    files varchar[] not null,
    columns json not null,
    definition varchar,
    row_count bigint,
    run_id varchar not null,
    action varchar not null,
    reason varchar not null,
    details json not null
);
create table if not exists scorehouse.whole (file varchar not null, state varchar not null);
create table if not exists scorehouse.passed_tests (test_id varchar not null, fingerprint varchar not null, reading json);
create table if not exists scorehouse.contents (
    file varchar not null, question varchar not null, part varchar, count bigint, total varchar not null, mixed varchar not null
);

create schema if not exists history;
create view if not exists history.decisions as
    with listed as (
        select
            string_split(relation, '.')[2] as model,
            unnest(from_json(
                json_extract(details, '$.versions.decisions'),
                '[{{"decided_at": "TIMESTAMP", "decision": "VARCHAR", "reason": "VARCHAR", "model_version": "VARCHAR",
                   "trained_version": "VARCHAR", "measured_version": "VARCHAR", "test_until": "TIMESTAMP",
                   "metrics": [{{"split": "VARCHAR", "slice": "VARCHAR", "metric": "VARCHAR", "bin": "INTEGER",
                                "value": "DOUBLE"}}]}}]'
            )) as decision
        from scorehouse.nodes
        where materialized = 'fitted'
    )
    select model, unnest(decision) from listed;
create table if not exists history.gates (
    endpoint varchar, implementation varchar, model_version varchar, champion_version varchar, policy varchar, status varchar,
    reason varchar, metric varchar, value double, champion_value double, decided_at timestamp
);
"""
_ADDED = """
alter table history.gates add column if not exists baseline_version varchar;
alter table history.gates add column if not exists baseline_value double;
alter table history.gates add column if not exists served_by varchar;
"""
"""What came to tables since the format was the same."""


def prepare(cursor: duckdb.DuckDBPyConnection) -> None:
    """See to it that the tables are there; what another format wrote is dropped."""
    if not is_readable(cursor):
        _start_anew(cursor)
    cursor.execute(_ADDED)


def is_readable(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Whether the tables are there, and of this format."""
    return _format_of(cursor) == FORMAT_VERSION


def _start_anew(cursor: duckdb.DuckDBPyConnection) -> None:
    """Empty tables of this format, and none of the views that an earlier one made."""
    for schema in ("history", "scorehouse"):
        cursor.execute(f"drop schema if exists {schema} cascade")
    for name in cursor.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall():
        cursor.execute(f"drop view {'.'.join(map(identifier, name))}")
    cursor.execute(_DDL)


def _format_of(cursor: duckdb.DuckDBPyConnection) -> str | None:
    try:
        return cursor.execute("select version from scorehouse.format").fetchall()[0][0]
    except duckdb.CatalogException:  # a new database, or one that an earlier format wrote
        return None
