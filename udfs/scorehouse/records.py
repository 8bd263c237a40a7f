"""What a branch knows about its nodes: small tables in schema `scorehouse` of the branch's database.

Schema `history` holds what models may read of it: decisions about fitted models and their versions.
"""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb

from scorehouse.fingerprint import Fingerprint
from scorehouse.quoting import quoted

_DDL = """
create schema if not exists scorehouse;
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
                json_extract(details, '$.decisions'),
                '[{"decided_at": "TIMESTAMP", "decision": "VARCHAR", "reason": "VARCHAR", "model_version": "VARCHAR",
                   "trained_version": "VARCHAR", "measured_version": "VARCHAR", "test_until": "TIMESTAMP",
                   "metrics": [{"split": "VARCHAR", "slice": "VARCHAR", "metric": "VARCHAR", "bin": "INTEGER",
                                "value": "DOUBLE"}]}]'
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
        details: what one kind of node needs beside (a source's landed files, a partition's fingerprints).
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
    details: dict = field(default_factory=dict)

    def row(self) -> list[object]:
        """The record in the order of the table's columns."""
        mark = self.fingerprint
        return [
            self.node_id,
            self.relation,
            self.resource_type,
            self.materialized,
            mark.own,
            mark.logic,
            mark.data,
            mark.whole,
            self.text_hash,
            self.query_hash,
            json.dumps(self.inputs),
            self.files,
            self.row_count,
            self.run_id,
            self.action,
            self.reason,
            json.dumps(self.details),
        ]

    @classmethod
    def from_row(cls, row: tuple) -> "NodeRecord":
        """The record of a row read in the order of the table's columns."""
        own, logic, data, whole = row[4:8]
        return cls(
            *row[:4],
            Fingerprint(own, logic, data, whole),
            *row[8:10],
            json.loads(row[10]),
            *row[11:16],
            json.loads(row[16]),
        )


class Records:
    """Node and test records of an open database: read once, written through.

    Args:
        connection: an open DuckDB connection; with `writable` false its tables are only read.
        schema: where the tables are, `<database>.scorehouse` for an attached one.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, schema: str = "scorehouse", writable: bool = True) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        cursor = connection.cursor()
        if writable:
            cursor.execute(_DDL)
        rows = cursor.execute(f"from {schema}.nodes").fetchall()
        self.nodes = {row[0]: NodeRecord.from_row(row) for row in rows}
        self._noted: list[NodeRecord] = []
        self._newly_passed: dict[str, str] = {}
        self._passed = dict(cursor.execute(f"from {schema}.passed_tests").fetchall())
        cursor.close()

    def put(self, record: NodeRecord, statements: Iterable[str] = ()) -> None:
        """Replace a node's record and run the statements that belong to it (its views) in the same transaction."""
        with self._lock, self._transaction() as cursor:
            for statement in statements:
                cursor.execute(statement)
            cursor.execute("delete from scorehouse.nodes where node_id = ?", [record.node_id])
            marks = ", ".join("?" * len(record.row()))
            cursor.execute(f"insert into scorehouse.nodes values ({marks})", record.row())
            self.nodes[record.node_id] = record

    def note(self, record: NodeRecord) -> None:
        """Replace a record of which only run, action and reason are new; `flush` writes it."""
        with self._lock:
            self.nodes[record.node_id] = record
            self._noted.append(record)

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
