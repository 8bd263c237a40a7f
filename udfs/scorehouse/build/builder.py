"""Build a node once: find its result by fingerprint, or compute it into the store."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from scorehouse.build import partitions, versions
from scorehouse.build.manifest import Manifest, Node
from scorehouse.errors import ScorehouseError
from scorehouse.names.canonical import without_positions
from scorehouse.names.fingerprint import FORMAT_VERSION, Fingerprint, digest
from scorehouse.names.partitioning import UNKNOWN, Partitioning
from scorehouse.names.quoting import identifier, quoted
from scorehouse.sandbox import queries
from scorehouse.sandbox.limits import time_limit
from scorehouse.sandbox.parse import check_type, statement_kinds, tables_in
from scorehouse.sources import tables
from scorehouse.sources.seeds import read_seed
from scorehouse.sources.tables import SourceTable
from scorehouse.store.details import Cut, Details, LandedFile, Piece
from scorehouse.store.files import Store, read_sql
from scorehouse.store.records import NodeRecord, Records, explain

Compute = Callable[[duckdb.DuckDBPyConnection, Path], None]


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

    Attributes:
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
    ) -> None:
        self._connection = connection
        self.records = records
        self.store = store
        self.manifest = manifest
        self._timeout_seconds = timeout_seconds
        self._run_id = run_id
        self._settling = threading.Lock()
        self._drafts: dict[tuple[str, str, str | None], NodeRecord] = {}
        self.columns_from_after: dict[str, dict[str, set[str]]] = {}

    # ---------------------------------------------------------------- models

    def table(self, node_id: str, sql: str, columns_ddl: str | None = None) -> Outcome:
        """Build or reuse a model whose rows are stored."""
        draft = self._contracted(node_id, sql, columns_ddl, columns_ddl)
        return self._stored(draft, lambda cursor, file: self.store.write(cursor, sql, file, columns_ddl))

    def is_stored(self, node_id: str, sql: str, columns_ddl: str) -> bool:
        """Whether the store has the very rows that `table` would compute."""
        draft = self._contracted(node_id, sql, columns_ddl, columns_ddl)
        return self.store.file(draft.relation, draft.fingerprint.whole).exists()

    def partitioned(self, node_id: str, sql: str, columns_ddl: str | None = None) -> Outcome:
        """Build or reuse a model partition by partition (see scorehouse.build.partitions)."""
        node = self.manifest.node(node_id)
        cut = Partitioning.of(node.path, node.meta)
        draft = self._contracted(node_id, sql, columns_ddl, [columns_ddl, cut.column, cut.grain])
        parents = self.parents(node).values()
        seen = {parent.relation: partitions.input_of(parent, cut, self._select_of(parent)) for parent in parents}
        inputs = [read for read in seen.values() if read]
        whole = {parent.relation: self._mark(parent) for parent in parents if seen[parent.relation] is None}
        if not inputs:
            raise ScorehouseError(
                f"{node.path}: expected a partitioned input (a source with meta.partition_by, or a partitioned model of the "
                f"same or a finer grain), found {', '.join(whole) or 'none'}; materialize it as a table instead."
            )
        marks = partitions.marks(draft.fingerprint.own, inputs, whole) or {UNKNOWN: draft.fingerprint.whole}
        files = {part: self.store.folder / draft.relation / f"{mark}.parquet" for part, mark in marks.items()}
        missing = {part: file for part, file in files.items() if not file.exists()}
        if missing:
            tree = queries.check(sql, node.path, node.text, self.manifest.reach(node))
            with self.cursor(draft) as cursor:
                partitions.compute(cursor, self.store, tree, cut, inputs, missing, columns_ddl, node.path)
        pieces = [Piece([part], marks[part], self.store.name(file)) for part, file in files.items()]
        draft = replace(draft, details=Details(cut=Cut(cut.column, cut.grain, pieces)))
        return self._settle_files(draft, list(files.values()), bool(missing))

    def _mark(self, parent: NodeRecord) -> str:
        """What a partition knows a whole input by: its fingerprint, or its rows where `meta: {read_by: rows}` says so."""
        if self.manifest.node(parent.node_id).meta.get("read_by") != "rows":
            return parent.fingerprint.whole
        return partitions.rows_mark(self._connection.cursor(), parent.relation)

    def view(self, node_id: str, sql: str) -> Outcome:
        """Create or keep a model that is only a query."""
        draft = self.draft(node_id, sql)
        return self.settle(draft, [f"create or replace view {quoted(draft.relation)} as ({sql}\n)"])

    def _contracted(self, node_id: str, sql: str, columns_ddl: str | None, shape: object) -> NodeRecord:
        """The draft of a stored model, whose contract is columns and nothing else; asked again, it is the same."""
        key = (node_id, sql, columns_ddl)
        if key not in self._drafts:
            self._drafts[key] = self._checked(node_id, sql, columns_ddl, shape)
        return self._drafts[key]

    def _checked(self, node_id: str, sql: str, columns_ddl: str | None, shape: object) -> NodeRecord:
        where = self.manifest.node(node_id).path
        if columns_ddl and statement_kinds(f"create table data {columns_ddl}", where) != ["create"]:
            raise ScorehouseError(
                f"{where}: expected a contract of columns, found several statements; correct its types and checks."
            )
        return self.draft(node_id, sql, shape)

    def draft(self, node_id: str, sql: str, shape: object = None) -> NodeRecord:
        """A node's record up to its fingerprint; its SQL has passed the gate."""
        node = self.manifest.node(node_id)
        text_hash = digest(FORMAT_VERSION, sql)
        previous = self.records.nodes.get(node_id)
        if previous and previous.text_hash == text_hash:
            query_hash = previous.query_hash
        else:
            query_hash = digest(without_positions(queries.check(sql, node.path, node.text, self.manifest.reach(node))))
        own = [node.materialized, self.store.data_format, shape, query_hash]
        return self._record(node, own, sql, text_hash=text_hash, query_hash=query_hash)

    def _record(self, node: Node, own: list[object], sql: str = "", **known: Any) -> NodeRecord:
        parents = self.parents(node)
        inputs = self.manifest.inputs(node) | {_named(parent): parent.fingerprint.whole for parent in parents.values()}
        read = {parent.relation or name: parent.fingerprint for name, parent in self.read_by(node, sql).items()}
        return NodeRecord(node.id, node.relation, node.kind, node.materialized, Fingerprint.of(own, read), inputs=inputs, **known)

    def read_by(self, node: Node, sql: str) -> dict[str, NodeRecord]:
        """The parents that a result is made of: all but the seeds that steer a macro, whose effect stands in the SQL."""
        parents = self.parents(node)
        unseen = {name for name, p in parents.items() if p.resource_type == "seed" and quoted(p.relation) not in sql}
        read = tables_in(sql) if unseen and sql else frozenset()  # a name may stand there without quotes
        return {name: p for name, p in parents.items() if name not in unseen or p.relation.lower() in read}

    def parents(self, node: Node) -> dict[str, NodeRecord]:
        """The records of what a node refers to, by id.

        Raises ScorehouseError for one that was never built on this branch.
        """
        parents = {}
        for parent in self.manifest.parents(node):
            record = self.records.nodes.get(parent.id)
            if record is None:
                raise ScorehouseError(
                    f"{node.path}: expected '{parent.id.split('.')[-1]}' to be built on this branch, found nothing; "
                    f"build it first: dbt build --select +{node.name}"
                )
            parents[parent.id] = record
        return parents

    # ---------------------------------------------------------------- sources, seeds and functions

    def source(self, node_id: str, table: SourceTable, files: list[LandedFile]) -> Outcome:
        """Point a source's relation at its landed files."""
        inputs = {f"file {Path(file.path).name}": file.content for file in files}
        draft = NodeRecord(
            node_id,
            table.relation,
            "source",
            "source",
            Fingerprint.of_source(table.declaration(), tables.data_version(files)),
            inputs=inputs | {"declaration": table.declaration()},
            files=[table.stored_name(file) for file in files],
            details=tables.details(table, files),
        )
        schema = table.relation.split(".")[0]
        view = f"create or replace view {quoted(table.relation)} as {tables.view_sql(table, files, self.store)}"
        return self.settle(draft, [f"create schema if not exists {identifier(schema)}", view])

    def seed(self, node_id: str) -> Outcome:
        """Load or reuse a seed: its fingerprint is its values and types, not its spelling."""
        node = self.manifest.node(node_id)
        path = self.manifest.folder / node.path
        if not path.resolve().is_relative_to(self.manifest.folder):
            raise ScorehouseError(
                f"{node.path}: expected a file of the project, found a link to {path.resolve()}; "
                f"copy the file, or declare it as a source."
            )
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        text_hash = digest(FORMAT_VERSION, content, node.seed_types, node.seed_delimiter)
        previous = self.records.nodes.get(node_id)
        if previous and previous.text_hash == text_hash:
            query_hash, rows = previous.query_hash, None
        else:
            rows = read_seed(path, node.seed_types, node.seed_delimiter)
            query_hash = digest([str(field) for field in rows.schema], rows.to_pylist())
        draft = self._record(node, ["seed", self.store.data_format, query_hash], text_hash=text_hash, query_hash=query_hash)

        def load(cursor: duckdb.DuckDBPyConnection, file: Path) -> None:
            seed_rows = rows if rows is not None else read_seed(path, node.seed_types, node.seed_delimiter)
            cursor.register("seed_rows", seed_rows)
            self.store.write(cursor, "select * from seed_rows", file)

        return self._stored(draft, load)

    def seed_rows(self, name: str) -> list[dict[str, object]]:
        """Rows of a seed that steers the build, as its file says now; none where the project has no such seed."""
        node = self.manifest.seed(name)
        return read_seed(self.manifest.folder / node.path, node.seed_types, node.seed_delimiter).to_pylist() if node else []

    def function(self, node_id: str, body: str) -> Outcome:
        """Create or keep a function node: a macro of its SQL, or a macro that calls the registered Python function.

        Args:
            body: the SQL; for a Python function the file's own text counts.
        """
        node, signature = self.manifest.node(node_id), self.manifest.node(node_id).signature
        is_python = signature.language == "python"
        value = self._value_of(node, body)
        own = ["function", signature.arguments, signature.returns, node.text if is_python else body]
        draft = self._record(node, own, value if signature.is_table else f"select {value}")
        table = "table " if signature.is_table else ""
        create = f"create or replace macro {quoted(draft.relation)}({_arguments(node)}) as {table}{value}"
        if is_python:  # a branch starts from a catalog, which has no macro over what only this process can run
            self._connection.cursor().execute(create)
        return self.settle(draft, [create])

    def _value_of(self, node: Node, body: str) -> str:
        """What a macro computes, in brackets; it names no database, so that it holds wherever the file is opened."""
        if node.signature.language == "python":
            return f"({identifier(node.name)}({_arguments(node)}))"
        reach = self.manifest.reach(node)
        body = body.strip().replace(f"{identifier(queries.DATABASE)}.", "")
        if node.signature.is_table:
            queries.check(body, node.path, node.text, reach)
            return f"(\n{body}\n)"
        queries.check_expression(body, node.path, reach)
        return f"(cast((\n{body}\n) as {check_type(node.signature.returns, node.path)}))"

    # ---------------------------------------------------------------- tests

    def test_fingerprint(self, node_id: str, sql: str) -> str:
        """Identity of a test's question: its text, and the data it looks at."""
        node = self.manifest.node(node_id)
        parents = [self.records.nodes.get(parent.id) for parent in self.manifest.parents(node)]
        known = [parent.fingerprint.whole for parent in parents if parent]
        return digest(FORMAT_VERSION, sql, node.settings, known)

    # ---------------------------------------------------------------- one rule for all

    def _select_of(self, record: NodeRecord) -> Callable[[list[str]], str]:
        """How to read some of a partitioned relation's files."""
        if record.details.landing:
            return lambda files: tables.select_files(record, files, self.store)
        return lambda files: read_sql([self.store.path(file) for file in files])

    @contextmanager
    def cursor(self, draft: NodeRecord) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor to compute one node with: the time of the build is set, the time limit runs."""
        cursor = self._connection.cursor()
        try:
            cursor.execute("set variable built_at = ?", [datetime.now(UTC).replace(tzinfo=None)])
            with time_limit(cursor, self._timeout_seconds, draft.relation):
                yield cursor
        finally:
            cursor.close()

    def _stored(self, draft: NodeRecord, compute: Compute) -> Outcome:
        file = self.store.file(draft.relation, draft.fingerprint.whole)
        is_new = not file.exists()
        if is_new:
            with self.cursor(draft) as cursor:
                compute(cursor, file)
        return self._settle_files(replace(draft, details=Details(cut=self._cut(draft, file))), [file], is_new)

    def _cut(self, draft: NodeRecord, file: Path) -> Cut | None:
        """The time partitions of a table that declares meta.partition_by, so that partitioned models may read it by them."""
        node = self.manifest.node(draft.node_id)
        if "partition_by" not in node.meta:
            return None
        cut = Partitioning.of(node.path, node.meta)
        query = f"select distinct {cut.key_sql()} from ({read_sql([file])}) order by 1"
        parts = [part for (part,) in self._connection.cursor().execute(query).fetchall()]
        return Cut(cut.column, cut.grain, [Piece(parts, draft.fingerprint.whole, self.store.name(file))])

    def _settle_files(self, draft: NodeRecord, files: list[Path], is_new: bool) -> Outcome:
        draft = replace(draft, files=[self.store.name(file) for file in files])
        previous = self.records.nodes.get(draft.node_id)
        read = read_sql(files)
        if not is_new and previous and previous.fingerprint.whole == draft.fingerprint.whole:
            draft = replace(draft, row_count=previous.row_count)
        else:
            draft = replace(draft, row_count=self._connection.cursor().execute(f"select count(*) from ({read})").fetchone()[0])
        return self.settle(draft, [f"create or replace view {quoted(draft.relation)} as {read}"], is_new)

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
        if is_same and previous.inputs == draft.inputs and previous.details == draft.details and not is_new:
            self.records.note(draft)
        else:
            self.records.put(draft, statements)
        return Outcome(action, draft.reason, draft.row_count)

    def settle_version(self, draft: NodeRecord, is_new: bool, reason: str | None) -> Outcome:
        """Record a fitted model's version in use, and show all versions of all models; one model at a time."""
        with self._settling:
            others = [record for record in self.records.nodes.values() if record.node_id != draft.node_id]
            statements = [versions.view_of(draft, self.store), versions.view_of_all([*others, draft], self.store)]
            return self.settle(draft, statements, is_new, reason)


def _arguments(node: Node) -> str:
    return ", ".join(identifier(name) for name, _ in node.signature.arguments)


def _named(record: NodeRecord) -> str:
    kind = record.resource_type
    return f"{kind} {record.relation if kind == 'source' else record.node_id.split('.')[2]}"
