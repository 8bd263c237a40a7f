"""What a branch knows about its nodes, as values."""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Self

import duckdb

from scorehouse.errors import ScorehouseError, first_line
from scorehouse.names.fingerprint import Fingerprint
from scorehouse.names.quoting import quoted
from scorehouse.names.warehouse import CATALOG, Warehouse
from scorehouse.store import state
from scorehouse.store.contents import Content, Contents
from scorehouse.store.details import Details, Reading
from scorehouse.store.files import Store
from scorehouse.store.rows import insert, insert_all


@dataclass(frozen=True)
class NodeRecord:
    """The newest result of one node on one branch.

    Attributes:
        node_id: dbt's unique id.
        relation: schema.name as in SQL.
        fingerprint: identity of the result.
        text_hash, query_hash: hash of the rendered text with what it was checked by, and of its canonical form.
        inputs: everything that shaped the result, name -> hash; `explain` compares two of these.
        files: data files, relative to the store, in reading order.
        columns: names and DuckDB types of the relation's columns, in order.
        definition: the statement that makes it, of a view or a function.
        action, reason: 'built' or 'reused' in run `run_id`, and why.
        details: what one kind of node keeps beside.
    """

    node_id: str
    relation: str
    resource_type: str
    materialized: str
    fingerprint: Fingerprint
    text_hash: str = ""
    query_hash: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    definition: str | None = None
    row_count: int | None = None
    run_id: str = ""
    action: str = ""
    reason: str = ""
    details: Details = field(default_factory=Details)

    @property
    def is_function(self) -> bool:
        """Whether it is called, and not read."""
        return self.resource_type == "function"

    def stands_where(self, other: "NodeRecord") -> bool:
        """Whether both have one name, in whatever case, and are of a kind: only one of them can stand there."""
        return self.relation.lower() == other.relation.lower() and self.is_function == other.is_function

    def row(self) -> dict[str, object]:
        """The record as a row of `scorehouse.nodes`."""
        mark = self.fingerprint
        marks = {"own": mark.own, "logic": mark.logic, "data": mark.data, "fingerprint": mark.whole}
        return {**vars(self), **marks, **self._as_json()}

    def _as_json(self) -> dict[str, str]:
        return {"inputs": json.dumps(self.inputs), "columns": json.dumps(self.columns), "details": self.details.text()}

    @property
    def name(self) -> str:
        """The node's own name, as in ref(), whatever alias its relation has."""
        return self.node_id.split(".")[2]

    @classmethod
    def of_row(cls, row: Mapping[str, object]) -> Self:
        """The record of a row of `scorehouse.nodes`."""
        fingerprint = Fingerprint(row["own"], row["logic"], row["data"], row["fingerprint"])
        typed = {
            "fingerprint": fingerprint,
            "inputs": json.loads(row["inputs"]),
            "columns": json.loads(row["columns"]),
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
        return NodeRecords(_read(connection))

    @classmethod
    def published(cls, warehouse: Warehouse, number: int | None = None) -> "NodeRecords":
        """Those of a release (default: the current one); none where there is none; raises ScorehouseError for a damaged one."""
        number = number if number is not None else warehouse.current_release()
        if number is None:
            return NodeRecords()
        try:
            with duckdb.connect(str(warehouse.release(number) / CATALOG), read_only=True) as catalog:
                return NodeRecords.read(catalog)
        except duckdb.Error as error:
            raise ScorehouseError(
                f"Release {number} of {warehouse.branch}: expected a catalog that can be read, found: {first_line(error)}; "
                "dbt build publishes what is current anew."
            ) from None

    @classmethod
    def readable(cls, warehouse: Warehouse, number: int | None = None) -> "NodeRecords":
        """The same; none where there is no release, or it is damaged: the next build heals the current one."""
        with suppress(ScorehouseError):
            return cls.published(warehouse, number)
        return NodeRecords()

    @property
    def files(self) -> set[str]:
        """What the nodes have in the store."""
        return {file for record in self.nodes.values() for file in record.files}

    @property
    def fingerprints(self) -> dict[str, str]:
        """Of the nodes' results, by id."""
        return {key: record.fingerprint.whole for key, record in self.nodes.items()}

    def of(self, relation: str) -> NodeRecord | None:
        """The record of schema.name; None for what was not built."""
        return self._by_relation.get(relation)


@dataclass(frozen=True)
class PassedTest:
    """A test that passed: the identity of what it asked, and what its query reads."""

    fingerprint: str
    reading: Reading | None

    def row(self, test_id: str) -> dict[str, object]:
        """As a row of `scorehouse.passed_tests`."""
        return {"test_id": test_id, "fingerprint": self.fingerprint, "reading": Details(reading=self.reading).text()}


class Records(NodeRecords):
    """What a branch's open work database knows: read once, written through.

    What another format of the store wrote is dropped: such a branch builds anew.

    Args:
        store: whose files' contents are remembered.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, store: Store) -> None:
        cursor = connection.cursor()
        state.prepare(cursor)
        super().__init__(_read(cursor))
        self._connection = connection
        self._lock = threading.Lock()
        self._noted: list[NodeRecord] = []
        self._newly_passed: dict[str, PassedTest] = {}
        self._store = store
        store.whole = dict(cursor.execute("from scorehouse.whole").fetchall())
        self._known_whole = dict(store.whole)
        self._passed = {
            test: PassedTest(fingerprint, Details.read(reading).reading)
            for test, fingerprint, reading in cursor.execute("from scorehouse.passed_tests").fetchall()
        }
        self.contents = Contents(store, _read_contents(cursor))
        cursor.close()

    def put(self, record: NodeRecord, statements: Iterable[str] = ()) -> NodeRecord:
        """Replace a node's record, and what stands under its name by what the statements make, in the same transaction.

        Returns the record with the columns that its relation has now.
        """
        previous = self.nodes.get(record.node_id)
        with self._lock, self._transaction() as cursor:
            if previous:
                self._drop(cursor, previous)
            for statement in statements:
                cursor.execute(statement)
            if not record.is_function:
                described = cursor.execute(f"describe {quoted(record.relation)}").fetchall()
                record = replace(record, columns={name: kind for name, kind, *_ in described})
            cursor.execute("delete from scorehouse.nodes where node_id = ?", [record.node_id])
            insert(cursor, "scorehouse.nodes", record.row())
            self._keep(record)
        return record

    def note(self, record: NodeRecord) -> None:
        """Replace a record of which only run, action and reason are new; `flush` writes it."""
        with self._lock:
            self._keep(record)
            self._noted.append(record)

    def _keep(self, record: NodeRecord) -> None:
        self._leave(record.node_id)
        self.nodes[record.node_id] = self._by_relation[record.relation] = record

    def flush(self) -> None:
        """Write what is kept in memory, in one transaction."""
        with self._lock, self._transaction() as cursor:
            if self._noted:
                values = [[record.run_id, record.action, record.reason, record.node_id] for record in self._noted]
                cursor.executemany("update scorehouse.nodes set run_id = ?, action = ?, reason = ? where node_id = ?", values)
            cursor.execute("delete from scorehouse.passed_tests where list_contains(?, test_id)", [list(self._newly_passed)])
            insert_all(cursor, "scorehouse.passed_tests", [passed.row(test) for test, passed in self._newly_passed.items()])
            self._write_contents(cursor)
            self._write_whole(cursor)
            self._noted.clear()
            self._newly_passed.clear()

    def _write_contents(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """What was found of files; what is known of files that nothing names any more goes."""
        used = list(self.files)
        cursor.execute("delete from scorehouse.contents where not list_contains(?, file)", [used])
        found = [
            {"file": file, "question": question, "part": part} | content.row()
            for (file, question), parts in self.contents.found.items()
            for part, content in (parts or {None: Content()}).items()  # a file without rows is known too
        ]
        insert_all(cursor, "scorehouse.contents", found)
        self.contents.found.clear()

    def _write_whole(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Which files the store found whole; what is known of files that nothing names any more goes."""
        now = {file: self._store.whole[file] for file in self.files & self._store.whole.keys()}
        if now != self._known_whole:
            cursor.execute("delete from scorehouse.whole")
            insert_all(cursor, "scorehouse.whole", [{"file": file, "state": state} for file, state in now.items()])
            self._known_whole = now

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
        """Remove nodes that are no longer part of the project, and their views and functions."""
        for node_id in node_ids:
            with self._lock, self._transaction() as cursor:
                self._drop(cursor, self.nodes[node_id])
                cursor.execute("delete from scorehouse.nodes where node_id = ?", [node_id])
            self._leave(node_id)

    def _leave(self, node_id: str) -> None:
        """Forget a node, and its name where no other node has it."""
        record = self.nodes.pop(node_id, None)
        if record and self._by_relation.get(record.relation) is record:
            del self._by_relation[record.relation]

    def _drop(self, cursor: duckdb.DuckDBPyConnection, record: NodeRecord) -> None:
        """Drop what stands under a record's name; where another node has the name by now, it is that node's."""
        others = (other for other in self.nodes.values() if other.node_id != record.node_id)
        if any(other.stands_where(record) for other in others):
            return
        for kind in ("macro", "macro table") if record.is_function else ("view",):
            cursor.execute(f"drop {kind} if exists {quoted(record.relation)}")

    def passed(self, test_id: str) -> PassedTest | None:
        """What a test last passed with; None for one that never passed."""
        return self._passed.get(test_id)

    def put_passed(self, test_id: str, passed: PassedTest) -> None:
        """Remember that a test passed; `flush` writes it."""
        with self._lock:
            self._passed[test_id] = self._newly_passed[test_id] = passed


def _read(cursor: duckdb.DuckDBPyConnection) -> list[NodeRecord]:
    if not state.is_readable(cursor):
        return []
    return [NodeRecord.of_row(row) for row in cursor.sql("from scorehouse.nodes").to_arrow_table().to_pylist()]


def _read_contents(cursor: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], dict[str, Content]]:
    found: dict[tuple[str, str], dict[str, Content]] = {}
    for file, question, part, count, total, mixed in cursor.execute("from scorehouse.contents").fetchall():
        parts = found.setdefault((file, question), {})
        if part is not None:
            parts[part] = Content(count, int(total), int(mixed))
    return found


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Names of the inputs that differ, sorted.

    >>> changes({"a": "1", "b": "2"}, {"b": "3", "c": "4"})
    ['a', 'b', 'c']
    """
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
