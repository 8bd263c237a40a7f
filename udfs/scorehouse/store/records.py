"""What a branch knows about its nodes: three small tables in schema `scorehouse` of the branch's database.

`nodes` holds the newest result of every node, `passed_tests` the questions that need not be asked again, `format` what wrote
them. Schema `history` shows models what they may read of it: decisions about fitted models, and who may serve.
"""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import duckdb

from scorehouse.names.fingerprint import FORMAT_VERSION, Fingerprint
from scorehouse.names.quoting import identifier, literal, quoted
from scorehouse.store.details import Details
from scorehouse.store.rows import insert

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
    row_count bigint,
    run_id varchar not null,
    action varchar not null,
    reason varchar not null,
    details json not null
);
create table if not exists scorehouse.passed_tests (test_id varchar not null, fingerprint varchar not null);

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


@dataclass(frozen=True)
class NodeRecord:
    """The newest result of one node on one branch.

    Attributes:
        node_id: dbt's unique id.
        relation: schema.name as in SQL; None for what has no relation.
        fingerprint: identity of the result.
        text_hash, query_hash: hash of the rendered text, and of its canonical form.
        inputs: everything that shaped the result, name -> hash; `explain` compares two of these.
        files: data files, relative to the store, in reading order.
        action, reason: 'built' or 'reused' in run `run_id`, and why.
        details: what one kind of node keeps beside.
    """

    node_id: str
    relation: str | None
    resource_type: str
    materialized: str
    fingerprint: Fingerprint
    text_hash: str = ""
    query_hash: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    row_count: int | None = None
    run_id: str = ""
    action: str = ""
    reason: str = ""
    details: Details = field(default_factory=Details)

    def row(self) -> dict[str, object]:
        """The record as a row of `scorehouse.nodes`."""
        mark = self.fingerprint
        marks = {"own": mark.own, "logic": mark.logic, "data": mark.data, "fingerprint": mark.whole}
        return {**vars(self), **marks, "inputs": json.dumps(self.inputs), "details": self.details.text()}

    @classmethod
    def of_row(cls, row: Mapping[str, object]) -> Self:
        """The record of a row of `scorehouse.nodes`."""
        fingerprint = Fingerprint(row["own"], row["logic"], row["data"], row["fingerprint"])
        typed = {
            "fingerprint": fingerprint,
            "inputs": json.loads(row["inputs"]),
            "details": Details.read(row["details"]),
        }
        return cls(**{name: typed.get(name, row[name]) for name in cls.__dataclass_fields__})


class NodeRecords:
    """Node records: `nodes` by id, `of` by relation."""

    def __init__(self, records: Iterable[NodeRecord] = ()) -> None:
        self.nodes = {record.node_id: record for record in records}
        self._by_relation = {record.relation: record for record in self.nodes.values()}

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection) -> "NodeRecords":
        """Those of an open database; none where another format of the store wrote them."""
        return NodeRecords(_read(connection.cursor()))

    def of(self, relation: str) -> NodeRecord | None:
        """The record of schema.name; None for what was not built."""
        return self._by_relation.get(relation)


class Records(NodeRecords):
    """Node and test records of a branch's open work database: read once, written through.

    What another format of the store wrote is dropped: such a branch builds anew.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        cursor = connection.cursor()
        if _format_of(cursor) != FORMAT_VERSION:
            _start_anew(cursor)
        super().__init__(_read(cursor))
        self._connection = connection
        self._lock = threading.Lock()
        self._noted: list[NodeRecord] = []
        self._newly_passed: dict[str, str] = {}
        self._passed = dict(cursor.execute("from scorehouse.passed_tests").fetchall())
        cursor.close()

    def put(self, record: NodeRecord, statements: Iterable[str] = ()) -> None:
        """Replace a node's record and run the statements that belong to it (its views) in the same transaction."""
        with self._lock, self._transaction() as cursor:
            for statement in statements:
                cursor.execute(statement)
            cursor.execute("delete from scorehouse.nodes where node_id = ?", [record.node_id])
            insert(cursor, "scorehouse.nodes", record.row())
            self._keep(record)

    def note(self, record: NodeRecord) -> None:
        """Replace a record of which only run, action and reason are new; `flush` writes it."""
        with self._lock:
            self._keep(record)
            self._noted.append(record)

    def _keep(self, record: NodeRecord) -> None:
        self.nodes[record.node_id] = self._by_relation[record.relation] = record

    def flush(self) -> None:
        """Write what `note` and `put_passed` kept in memory, in one transaction."""
        with self._lock, self._transaction() as cursor:
            if self._noted:
                values = [[record.run_id, record.action, record.reason, record.node_id] for record in self._noted]
                cursor.executemany("update scorehouse.nodes set run_id = ?, action = ?, reason = ? where node_id = ?", values)
            if self._newly_passed:
                cursor.execute("delete from scorehouse.passed_tests where list_contains(?, test_id)", [list(self._newly_passed)])
                cursor.executemany("insert into scorehouse.passed_tests values (?, ?)", list(self._newly_passed.items()))
            self._noted.clear()
            self._newly_passed.clear()

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._connection.cursor()
        cursor.execute("begin")
        try:
            yield cursor
            cursor.execute("commit")
        except BaseException:
            cursor.execute("rollback")
            raise
        finally:
            cursor.close()

    def forget(self, node_ids: Iterable[str]) -> None:
        """Remove nodes that are no longer part of the project, and their views."""
        for node_id in node_ids:
            record = self.nodes.pop(node_id)
            self._by_relation.pop(record.relation, None)
            with self._lock, self._transaction() as cursor:
                if record.relation:
                    cursor.execute(f"drop view if exists {quoted(record.relation)}")
                cursor.execute("delete from scorehouse.nodes where node_id = ?", [node_id])

    def has_passed(self, test_id: str, fingerprint: str) -> bool:
        """True when this test passed before on the very same data and definition."""
        return self._passed.get(test_id) == fingerprint

    def put_passed(self, test_id: str, fingerprint: str) -> None:
        """Remember that a test passed; `flush` writes it."""
        with self._lock:
            self._passed[test_id] = self._newly_passed[test_id] = fingerprint


def _read(cursor: duckdb.DuckDBPyConnection) -> list[NodeRecord]:
    if _format_of(cursor) != FORMAT_VERSION:
        return []
    return [NodeRecord.of_row(row) for row in cursor.sql("from scorehouse.nodes").to_arrow_table().to_pylist()]


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


def explain(previous: NodeRecord | None, now: NodeRecord, is_built: bool) -> str:
    """Why a node was built or could be reused, in one sentence that names the cause."""
    if previous is None:
        return "first build on this branch" if is_built else "the store has it from another build"
    changed = changes(previous.inputs, now.inputs)
    named = ", ".join(changed) or "nothing"
    if previous.fingerprint.whole == now.fingerprint.whole:
        if is_built:
            return "its file was missing from the store"
        return f"{named} changed, the query is the same" if changed else "nothing changed"
    return f"{named} changed" if is_built else f"{named} changed, and the store has the result already"


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Names of the inputs that differ, sorted.

    >>> changes({"a": "1", "b": "2"}, {"b": "3", "c": "4"})
    ['a', 'b', 'c']
    """
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
