"""What every kind of node shares when it is built: its identity, a place to compute it in, and its record."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from scorehouse.build import engine, promotion, versions
from scorehouse.build.addresses import AddressGuard
from scorehouse.build.alone import Sorted, alone
from scorehouse.build.inputs import InputReader, Inputs, Mark, definitions
from scorehouse.build.manifest import Manifest, Node
from scorehouse.build.memory import Memory
from scorehouse.build.reasons import explain
from scorehouse.cached import cached_property
from scorehouse.errors import ScorehouseError, first_line
from scorehouse.names.fingerprint import FORMAT_VERSION, Fingerprint, digest
from scorehouse.names.quoting import quoted
from scorehouse.names.warehouse import Warehouse
from scorehouse.sandbox import queries
from scorehouse.sandbox.limits import memory_of, time_limit
from scorehouse.sandbox.parse import line_of, without_positions
from scorehouse.sources import tables
from scorehouse.store.details import Details, Reading
from scorehouse.store.files import Store, read_sql
from scorehouse.store.records import NodeRecord, NodeRecords, PassedTest, Records

BYTES_OF_A_VALUE = 16
"""What a value that is read takes in memory, about."""
MEMORY_LIMIT = "memory_limit (or what the machine has to give, if less)"
COPIES = 3
"""How often what is read is held, about: by a query grouped and sorted; by a training as columns, matrices and their parts."""


@dataclass(frozen=True)
class Outcome:
    """What became of a node: 'built' or 'reused', the reason, its rows, or in a word what it holds instead."""

    action: str
    reason: str
    row_count: int | None
    held: str | None = None

    @property
    def message(self) -> str:
        """The few words that dbt prints behind a node's name."""
        rows = "" if self.row_count is None else f"{self.row_count:,} rows"
        return f"{self.action.upper()} {self.held or rows}".rstrip()


class Builder:
    """Builds the nodes of one run on one branch.

    Args:
        connection: the open work database; every node uses a cursor of its own.
        records, store, manifest: what is known, where data goes, what is asked for.
        timeout_seconds: wall-clock limit of one node's computation.
        run_id: dbt's invocation id.
        warehouse: its folder for temporary files, and what is published of the branch.

    Attributes:
        reader: what queries read.
        unlike: sentences on results of which a branch computed other rows.
        drafts: records of nodes that are asked for twice in a run, by what was asked.
        columns_from_after: name of an as-of column -> relation -> its columns from after (see scorehouse.learning.prove.lineage).
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        records: Records,
        store: Store,
        manifest: Manifest,
        timeout_seconds: float,
        run_id: str,
        warehouse: Warehouse,
    ) -> None:
        self.connection = connection
        self.records = records
        self.store = store
        self.manifest = manifest
        self.reader = InputReader(manifest, records, connection)
        self._timeout_seconds = timeout_seconds
        self._run_id = run_id
        self.warehouse = warehouse
        self._settling = threading.Lock()
        half = memory_of(connection)
        self._inside, self._beside = Memory(half), Memory(half)
        self.unlike: list[str] = []
        self.drafts: dict[tuple[str, str, str | None], NodeRecord] = {}
        self.columns_from_after: dict[str, dict[str, set[str]]] = {}
        self._readings: dict[str, Reading] = {}
        store.inspect = AddressGuard(connection, manifest, records, self._readings)

    @cached_property
    def published(self) -> NodeRecords:
        """What the branch's current release is made of; nothing where there is none, or it is damaged."""
        return NodeRecords.readable(self.warehouse)

    # ---------------------------------------------------------------- what a node is

    def draft(
        self,
        node_id: str,
        sql: str,
        shape: object = None,
        computed_with: Mapping[str, str] | None = None,
        counted: str | None = None,
        mark: Mark | None = None,
    ) -> tuple[NodeRecord, Inputs]:
        """A node's record up to its fingerprint, and its inputs; its SQL has passed the gate.

        Args:
            shape: what shapes its data beside the query.
            computed_with: what computes it, by name.
            counted: the query whose columns count, where those of `sql` are not all needed.
            mark: another way to mark a relation than the reader's.
        """
        node, previous = self.manifest.node(node_id), self.records.nodes.get(node_id)
        text_hash = self._passage(node, sql)
        if previous and previous.text_hash == text_hash:
            query_hash = previous.query_hash
        else:
            query_hash = digest(without_positions(queries.check(sql, node.path, node.text, self.manifest.reach(node))))
        inputs = self.reader.inputs(node, counted or sql, previous.details.reading if previous else None, mark)
        if inputs.reads_history and node.materialized != "view":
            raise ScorehouseError(
                f"{node.path}{line_of(node.text, 'history')}: expected a view over history(), which changes while a build runs, "
                f"found materialized: {node.materialized}; make the model a view."
            )
        self._readings[node.relation] = inputs.reading
        own = [node.materialized, self.store.data_format, shape, query_hash]
        record = self.record(node, own, computed_with, inputs)
        return replace(
            record, text_hash=text_hash, query_hash=query_hash, details=Details(reading=inputs.reading, query=sql)
        ), inputs

    def record(
        self, node: Node, own: Iterable[object], computed_with: Mapping[str, str] | None = None, inputs: Inputs | None = None
    ) -> NodeRecord:
        """A node's record up to its fingerprint.

        Args:
            own: its own definition.
            computed_with: what computes it, by name, beside what computes all that is stored.
            inputs: what it reads.
        """
        computed_with = {**engine.of_tables(), **(computed_with or {})}
        parents = {relation: parent.fingerprint for relation, parent in inputs.parents.items()} if inputs else {}
        spared = sorted(column.name for column in node.columns if column.is_personal is False)
        own = [node.relation, *own, *([spared] if spared else [])]  # a result is looked through again when less is spared
        fingerprint = Fingerprint.of(own, parents, inputs.marks if inputs else {}, computed_with)
        named = self.manifest.inputs(node) | dict(inputs.named if inputs else {}) | computed_with
        return NodeRecord(node.id, node.relation, node.kind, node.materialized, fingerprint, inputs=named)

    def question(self, test_id: str, sql: str, known: Reading | None = None) -> PassedTest:
        """What a test asks: its query, settings and what it reads; a unit test brings its own rows, and reads functions alone.

        Args:
            known: what was read before.
        """
        node = self.manifest.node(test_id)
        if node.kind == "unit_test":
            called = (one for tested in self.manifest.parents(node) for one in self.manifest.called(tested))
            built = (self.records.nodes.get(one.id) for one in called)
            marks = {one.relation: one.fingerprint.whole for one in built if one}
            moment = self._run_id if queries.HISTORY in sql.lower() else ""  # which no fixture stands for
            return PassedTest(digest(engine.of_tables(), sql, node.settings, sorted(marks.items()), moment), None)
        inputs = self.reader.inputs(node, sql, known)
        moment = self._run_id if inputs.reads_history else ""
        passage = self._passage(node, sql)
        return PassedTest(digest(passage, node.settings, sorted(inputs.marks.items()), moment), inputs.reading)

    def _passage(self, node: Node, sql: str) -> str:
        """Hash of all that the gate looks at, and of the gate: what passed once passes again."""
        reach = self.manifest.reach(node)
        return digest(FORMAT_VERSION, sql, sorted(reach.tables), sorted(reach.functions), engine.of_gate())

    # ---------------------------------------------------------------- where it is computed

    def rows(self, record: NodeRecord, files: list[str] | None = None) -> str:
        """The query that reads a relation from the store: all of it, or some of its files."""
        return stored_rows(record, self.store, files)

    def files_behind(self, draft: NodeRecord) -> list[str]:
        """The store files that a node is computed from, whether or not they are there."""
        return [file for record in self.reader.behind(self.manifest.node(draft.node_id)).values() for file in record.files]

    def parents(self, draft: NodeRecord) -> list[str]:
        """The store files that a node is computed from; raises ScorehouseError for one that is not as it was written."""
        node, files = self.manifest.node(draft.node_id), self.files_behind(draft)
        lost = self.store.lost(files)
        if lost:
            raise ScorehouseError(
                f"{node.path}: expected {lost} in the store as it was written, found it missing or damaged; "
                f"compute it anew: dbt build --select +{node.name}"
            )
        return files

    @contextmanager
    def cursor(
        self, draft: NodeRecord, rows: Mapping[str, str] | None = None, share: float = 1, trains: bool = False
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to compute one node with: the time of the build is set, the time limit runs.

        It is a cursor of the work database, or a connection to a database apart where the order of rows counts. What reads much
        waits until as much memory is free.

        Args:
            rows: other queries for the rows of some relations, if they are read in a database apart.
            share: how much of what the node reads is read at once.
            trains: whether the rows are taken out of the database.

        Raises ScorehouseError where memory or room for temporary files is not enough.
        """
        is_ordered = bool(draft.details.reading and draft.details.reading.order_dependent)
        memory = self._beside if is_ordered or trains else self._inside
        with memory.part(int(share * self._bytes_held(draft))), self._expect_room(draft):
            connection = alone(self.connection, *self._copied(draft, rows or {})) if is_ordered else _cursor(self.connection)
            with connection as cursor, time_limit(cursor, self._timeout_seconds, draft.relation):
                cursor.execute("set variable built_at = ?", [datetime.now(UTC).replace(tzinfo=None)])
                yield cursor

    def _bytes_held(self, draft: NodeRecord) -> int:
        """About how much memory the rows take that a node reads."""
        columns = draft.details.reading.columns if draft.details.reading else {}
        behind = self.reader.behind(self.manifest.node(draft.node_id)).values()
        values = sum((record.row_count or 0) * len(columns.get(record.relation, ())) for record in behind)
        return COPIES * BYTES_OF_A_VALUE * values

    @contextmanager
    def _expect_room(self, draft: NodeRecord) -> Iterator[None]:
        try:
            yield
        except (MemoryError, duckdb.OutOfMemoryException) as error:
            found = first_line(error) if str(error) else "MemoryError"
            is_spilt = "offload" in found or "max_temp_directory_size" in found
            setting, lacking = ("spill_limit", "temporary disk") if is_spilt else (MEMORY_LIMIT, "memory")
            raise ScorehouseError(
                f"{self.manifest.node(draft.node_id).path}: ended for want of {lacking}; expected it to be computed within the "
                f"variable {setting}, found {found}; raise it, or give the query fewer rows at once."
            ) from error

    def _copied(self, draft: NodeRecord, rows: Mapping[str, str]) -> tuple[list[Sorted], list[str]]:
        """What a database apart holds: the relations that a node reads, and the views and macros over them."""
        read, passed = draft.details.reading.columns, draft.details.reading.passed
        behind = self.reader.behind(self.manifest.node(draft.node_id)).values()
        found = {}
        for record in behind:
            if not record.definition:
                name = record.relation
                given = rows.get(name) or self.rows(record)
                found[name] = Sorted(name, given, read.get(name, []), record.columns, passed.get(name, []))
        for relation in self.reader.history():
            kept = self.connection.cursor().sql(f"from {quoted(relation.name)}").to_arrow_table()
            found[relation.name] = Sorted(relation.name, kept, read.get(relation.name, []), relation.columns)
        return list(found.values()), list(definitions(behind))

    # ---------------------------------------------------------------- what is kept of it

    def stored(self, draft: NodeRecord, files: list[Path], is_new: bool) -> Outcome:
        """Record the files that hold a node's rows, and point its name at them."""
        draft = replace(draft, files=[self.store.name(file) for file in files])
        previous = self.records.nodes.get(draft.node_id)
        read = read_sql(files)
        if not is_new and previous and previous.fingerprint.whole == draft.fingerprint.whole:
            draft = replace(draft, row_count=previous.row_count)
        else:
            draft = replace(draft, row_count=self.connection.cursor().execute(f"select count(*) from ({read})").fetchone()[0])
        return self.settle(draft, [f"create or replace view {quoted(draft.relation)} as {read}"], is_new)

    def compute(
        self, cursor: duckdb.DuckDBPyConnection, draft: NodeRecord, query: str, file: Path, columns_ddl: str | None = None
    ) -> None:
        """Write a node's rows into its file, see `Store.write`; compare them with what branches computed under its name."""
        try:
            self.store.write(cursor, query, file, columns_ddl, self.parents(draft))
        except duckdb.InvalidInputException as error:
            if "TUPLE columns" not in str(error):
                raise
            raise ScorehouseError(
                f"{self.manifest.node(draft.node_id).path}: expected columns that a file can keep, found a row of values without "
                f"names; select {{'a': a, 'b': b}} instead of (a, b)."
            ) from None
        self.verify(draft, [file])

    def look_through(self, draft: NodeRecord, query: str) -> None:
        """Look through the rows of a view that is new, or reads something new, as the store does before it takes a result."""
        previous = self.records.nodes.get(draft.node_id)
        if previous is None or previous.fingerprint.whole != draft.fingerprint.whole:
            with self.cursor(draft) as cursor:
                self.store.inspect(f"({query}\n)", Path(draft.relation, "view"), cursor)

    def verify(self, draft: NodeRecord, files: Iterable[Path]) -> None:
        """Compare results that were just computed with what branches computed under their names."""
        reading = draft.details.reading
        stamps = {*(reading.stamps if reading else ()), "trained_at"}
        for file in files:
            with _cursor(self.connection) as cursor:
                self.unlike += promotion.compared(self.store, cursor, file, stamps, self.warehouse.spill)

    def defined(self, draft: NodeRecord, definition: str) -> Outcome:
        """Record a node that is a statement, and run it where it is new."""
        previous = self.records.nodes.get(draft.node_id)
        if previous is not None and previous.fingerprint.own == draft.fingerprint.own:
            definition = previous.definition
        return self.settle(replace(draft, definition=definition), [definition])

    def settle(self, draft: NodeRecord, statements: list[str], is_new: bool | None = None, reason: str | None = None) -> Outcome:
        """Record a node's result; point its name at it where that changed.

        Args:
            statements: what points the name at the result.
            is_new: whether something was computed; None where a new fingerprint alone says so.
            reason: why, where `explain` could not know.
        """
        previous = self.records.nodes.get(draft.node_id)
        is_same = previous is not None and previous.fingerprint.whole == draft.fingerprint.whole
        is_built = not is_same if is_new is None else is_new
        action = "built" if is_built else "reused"
        draft = replace(draft, run_id=self._run_id, action=action, reason=reason or explain(previous, draft, is_built))
        if is_same and is_new and draft.node_id in self.published.nodes:
            self._note_loss(draft)
        noted = replace(draft, columns=previous.columns) if previous else draft
        if not is_new and previous and noted == replace(previous, run_id=self._run_id, action=action, reason=draft.reason):
            self.records.note(noted)
        else:
            self.records.put(draft, statements)
        return Outcome(action, draft.reason, draft.row_count)

    def _note_loss(self, draft: NodeRecord) -> None:
        """What readers are served was computed again though nothing changed: its file was gone, if it was not damaged."""
        is_served = self.published.nodes[draft.node_id].fingerprint.whole == draft.fingerprint.whole
        is_told = any(Path(file).parent.name == draft.relation for file in self.store.damaged)
        if is_served and not is_told:
            self.store.damaged.append(f"{draft.relation}, whose file is gone,")

    def settle_version(self, draft: NodeRecord, is_new: bool, reason: str | None) -> Outcome:
        """Record a fitted model's version in use, and show all versions of all models; one model at a time."""
        with self._settling:
            others = [record for record in self.records.nodes.values() if record.node_id != draft.node_id]
            statements = [versions.view_of(draft, self.store), versions.view_of_all([*others, draft], self.store)]
            return self.settle(draft, statements, is_new, reason)


@contextmanager
def _cursor(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    cursor = connection.cursor()
    try:
        yield cursor
    finally:
        cursor.close()


def files_read(record: NodeRecord, files: list[str] | None = None) -> list[str]:
    """The store files that a relation, or a part of it, is read from: of a fitted model's versions the one in use."""
    listed = record.files if files is None else files
    return listed[:1] if record.materialized == "fitted" else listed


def stored_rows(record: NodeRecord, store: Store, files: list[str] | None = None) -> str:
    """The query that reads a relation from a store: all of it, or some of its files."""
    read = files_read(record, files)
    if record.details.landing:
        return tables.select_files(record, read, store)
    return read_sql([store.path(file) for file in read])
