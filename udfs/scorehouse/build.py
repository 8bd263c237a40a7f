"""Build a node once: find its result by fingerprint, or compute it into the store."""

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from scorehouse import gate, partitions, sources
from scorehouse.canonical import canonical_sql
from scorehouse.errors import ScorehouseError
from scorehouse.fingerprint import Fingerprint, digest
from scorehouse.guard import time_limit
from scorehouse.partitions import Partitioning
from scorehouse.project import Project, relation_of
from scorehouse.quoting import identifier, quoted
from scorehouse.raw_files import reason
from scorehouse.records import NodeRecord, Records
from scorehouse.store import FORMAT_VERSION, Store, read_sql

Compute = Callable[[duckdb.DuckDBPyConnection, Path], None]


@dataclass
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
        records, store, project: what is known, where data goes, what is asked for.
        timeout_seconds: wall-clock limit of one node's computation.
        run_id: dbt's invocation id.

    Attributes:
        columns_from_after: name of an as-of column -> relation -> its columns from after (see scorehouse.learning.lineage).
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        records: Records,
        store: Store,
        project: Project,
        timeout_seconds: float,
        run_id: str,
    ) -> None:
        self._connection = connection
        self.records = records
        self.store = store
        self.project = project
        self._timeout_seconds = timeout_seconds
        self._run_id = run_id
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
        """Build or reuse a model partition by partition (see scorehouse.partitions)."""
        node = self.project.node(node_id)
        where = node.original_file_path
        cut = Partitioning.of(where, node.config.meta)
        draft = self._contracted(node_id, sql, columns_ddl, [columns_ddl, cut.column, cut.grain])
        parents = self.parents(node).values()
        seen = {parent.relation: partitions.input_of(parent, cut, self._select_of(parent)) for parent in parents}
        inputs = [read for read in seen.values() if read]
        whole = {parent.relation: self._mark(parent) for parent in parents if seen[parent.relation] is None}
        if not inputs:
            raise ScorehouseError(
                f"{where}: expected a partitioned input (a source with meta.partition_by, or a partitioned model of the "
                f"same or a finer grain), found {', '.join(whole) or 'none'}; materialize it as a table instead."
            )
        marks = partitions.marks(draft.fingerprint.own, inputs, whole) or {partitions.UNKNOWN: draft.fingerprint.whole}
        folder = self.store.folder / draft.relation
        files = {part: folder / f"{mark}.parquet" for part, mark in marks.items()}
        missing = {part: file for part, file in files.items() if not file.exists()}
        if missing:
            tree = gate.check(sql, where, node.raw_code, self.project.reach(node))
            with self.cursor(draft) as cursor:
                partitions.compute(cursor, self.store, tree, cut, inputs, missing, columns_ddl, where)
        pieces = [{"parts": [part], "mark": marks[part], "file": f"{draft.relation}/{marks[part]}.parquet"} for part in files]
        draft = replace(
            draft,
            files=[piece["file"] for piece in pieces],
            details={
                "partitions": {"column": cut.column, "grain": cut.grain, "pieces": pieces},
                "computed": list(missing),
            },
        )
        return self._settle_files(draft, list(files.values()), bool(missing))

    def _mark(self, parent: NodeRecord) -> str:
        """What a partition knows a whole input by: its fingerprint, or its rows where `meta: {read_by: rows}` says so."""
        if self.project.node(parent.node_id).config.meta.get("read_by") != "rows":
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
        where = self.project.node(node_id).original_file_path
        if columns_ddl and gate.statement_kinds(f"create table data {columns_ddl}", where) != ["create"]:
            raise ScorehouseError(
                f"{where}: expected a contract of columns, found several statements; correct its types and checks."
            )
        return self.draft(node_id, sql, shape)

    def draft(self, node_id: str, sql: str, shape: object = None) -> NodeRecord:
        """A node's record up to its fingerprint; its SQL has passed the gate."""
        node = self.project.node(node_id)
        text_hash = digest(FORMAT_VERSION, sql)
        previous = self.records.nodes.get(node_id)
        if previous and previous.text_hash == text_hash:
            query_hash = previous.query_hash
        else:
            query_hash = digest(canonical_sql(gate.check(sql, node.original_file_path, node.raw_code, self.project.reach(node))))
        own = [node.config.materialized, self.store.data_format, shape, query_hash]
        return self._record(node, own, sql, text_hash=text_hash, query_hash=query_hash)

    def _record(self, node: Any, own: list[object], sql: str = "", **known: Any) -> NodeRecord:
        parents = self.parents(node)
        inputs = self.project.inputs(node) | {_named(parent): parent.fingerprint.whole for parent in parents.values()}
        read = {parent.relation or name: parent.fingerprint for name, parent in self.read_by(node, sql).items()}
        fingerprint = Fingerprint.of(own, read)
        materialized = "function" if node.resource_type == "function" else node.config.materialized
        return NodeRecord(
            node.unique_id,
            relation_of(node),
            str(node.resource_type),
            materialized,
            fingerprint,
            inputs=inputs,
            **known,
        )

    def read_by(self, node: Any, sql: str) -> dict[str, NodeRecord]:
        """The parents that a result is made of: all but the seeds that steer a macro, whose effect stands in the SQL."""
        parents = self.parents(node)
        unseen = {name for name, p in parents.items() if p.resource_type == "seed" and quoted(p.relation) not in sql}
        read = gate.tables_in(sql) if unseen and sql else frozenset()  # a name may stand there without quotes
        return {name: p for name, p in parents.items() if name not in unseen or p.relation.lower() in read}

    def parents(self, node: Any) -> dict[str, NodeRecord]:
        """The records of what a node refers to, by id.

        Raises ScorehouseError for one that was never built on this branch.
        """
        parents = {}
        for parent_id in self.project.parents(node):
            record = self.records.nodes.get(parent_id)
            if record is None:
                name = parent_id.split(".")[-1]
                raise ScorehouseError(
                    f"{node.original_file_path}: expected '{name}' to be built on this branch, found nothing; "
                    f"build it first: dbt build --select +{node.name}"
                )
            parents[parent_id] = record
        return parents

    # ---------------------------------------------------------------- seeds and functions

    def seed(self, node_id: str) -> Outcome:
        """Load or reuse a seed: its fingerprint is its values and types, not its spelling."""
        node = self.project.node(node_id)
        path = self.project.folder / node.original_file_path
        if not path.resolve().is_relative_to(self.project.folder):
            raise ScorehouseError(
                f"{node.original_file_path}: expected a file of the project, found a link to {path.resolve()}; "
                f"copy the file, or declare it as a source."
            )
        text_hash = digest(
            FORMAT_VERSION,
            hashlib.sha256(path.read_bytes()).hexdigest(),
            node.config.column_types,
            node.config.delimiter,
        )
        previous = self.records.nodes.get(node_id)
        if previous and previous.text_hash == text_hash:
            query_hash, rows = previous.query_hash, None
        else:
            rows = read_seed(path, node.config.column_types, node.config.delimiter)
            query_hash = digest([str(field) for field in rows.schema], rows.to_pylist())
        draft = self._record(node, ["seed", self.store.data_format, query_hash], text_hash=text_hash, query_hash=query_hash)

        def load(cursor: duckdb.DuckDBPyConnection, file: Path) -> None:
            seed_rows = rows if rows is not None else read_seed(path, node.config.column_types, node.config.delimiter)
            cursor.register("seed_rows", seed_rows)
            self.store.write(cursor, "select * from seed_rows", file)

        return self._stored(draft, load)

    def function(self, node_id: str, body: str) -> Outcome:
        """Create or keep a function node: a macro of its SQL, or a macro that calls the registered Python function.

        Args:
            body: the SQL; for a Python function the file's own text counts.
        """
        node = self.project.node(node_id)
        arguments = [(argument.name, argument.data_type) for argument in node.arguments]
        text = node.raw_code if node.language == "python" else body  # the file is what was registered
        table, value = "table " if node.config.meta.get("returns_table") else "", self._value_of(node, body)
        own = ["function", arguments, node.returns.data_type, text]
        draft = self._record(node, own, value if table else f"select {value}")
        create = f"create or replace macro {quoted(draft.relation)}({_arguments(node)}) as {table}{value}"
        if node.language == "python":  # a branch starts from a catalog, which has no macro over what only this process can run
            self._connection.cursor().execute(create)
        return self.settle(draft, [create])

    def _value_of(self, node: Any, body: str) -> str:
        """What a macro computes, in brackets; it names no database, so that it holds wherever the file is opened."""
        if node.language == "python":
            return f"({identifier(node.name)}({_arguments(node)}))"
        where, reach = node.original_file_path, self.project.reach(node)
        body = body.strip().replace(f"{identifier(gate.DATABASE)}.", "")
        if node.config.meta.get("returns_table"):
            gate.check(body, where, node.raw_code, reach)
            return f"(\n{body}\n)"
        gate.check_expression(body, where, reach)
        return f"(cast((\n{body}\n) as {gate.check_type(node.returns.data_type, where)}))"

    # ---------------------------------------------------------------- tests

    def test_fingerprint(self, node_id: str, sql: str) -> str:
        """Identity of a test's question: its text, and the data it looks at."""
        node = self.project.node(node_id)
        parents = [self.records.nodes.get(parent) for parent in self.project.parents(node)]
        known = [parent.fingerprint.whole for parent in parents if parent]
        return digest(FORMAT_VERSION, sql, str(node.config), known)

    # ---------------------------------------------------------------- one rule for all

    def _select_of(self, record: NodeRecord) -> Callable[[list[str]], str]:
        """How to read some of a partitioned relation's files."""
        if record.resource_type == "source":
            return lambda files: sources.select_files(record, files, self.store)
        return lambda files: read_sql([self.store.folder / file for file in files])

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
        draft = replace(draft, files=[str(file.relative_to(self.store.folder))])
        draft = replace(draft, details=self._cut(draft, file))
        return self._settle_files(draft, [file], is_new)

    def _cut(self, draft: NodeRecord, file: Path) -> dict[str, object]:
        """The time partitions of a table that declares meta.partition_by, so that partitioned models may read it by them."""
        node = self.project.node(draft.node_id)
        if "partition_by" not in node.config.meta:
            return {}
        cut = Partitioning.of(node.original_file_path, node.config.meta)
        query = f"select distinct {cut.key_sql()} from ({read_sql([file])}) order by 1"
        parts = [part for (part,) in self._connection.cursor().execute(query).fetchall()]
        piece = {"parts": parts, "mark": draft.fingerprint.whole, "file": draft.files[0]}
        return {"partitions": {"column": cut.column, "grain": cut.grain, "pieces": [piece]}}

    def _settle_files(self, draft: NodeRecord, files: list[Path], is_new: bool) -> Outcome:
        previous = self.records.nodes.get(draft.node_id)
        read = read_sql(files)
        if not is_new and previous and previous.fingerprint.whole == draft.fingerprint.whole:
            draft = replace(draft, row_count=previous.row_count)
        else:
            draft = replace(draft, row_count=self._connection.cursor().execute(f"select count(*) from ({read})").fetchone()[0])
        return self.settle(draft, [f"create or replace view {quoted(draft.relation)} as {read}"], is_new)

    def settle(self, draft: NodeRecord, statements: list[str], is_new: bool | None = None, reason: str | None = None) -> Outcome:
        """Record a node's result; point its name at it where that changed."""
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


def _arguments(node: Any) -> str:
    return ", ".join(identifier(argument.name) for argument in node.arguments)


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
    """Names of the inputs that differ, sorted."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def read_seed(path: Path, column_types: Mapping[str, str], delimiter: str) -> pa.Table:
    """Rows of a seed file, typed by DuckDB's CSV reader over the whole file; `column_types` override.

    Raises ScorehouseError when the file cannot be read as CSV.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file, delimiter=delimiter), [])
    unknown = sorted(set(column_types) - set(header))
    if unknown:
        raise ScorehouseError(
            f"{path.name}: expected the columns {', '.join(unknown)} (column_types), found {', '.join(header)}."
        )
    with duckdb.connect() as reader:
        try:
            rows = reader.read_csv(
                str(path), header=True, delimiter=delimiter, sample_size=-1, dtype=dict(column_types), all_varchar=False
            )
            return rows.to_arrow_table()
        except duckdb.Error as error:
            raise ScorehouseError(f"{path.name}: expected a CSV table, found: {reason(str(error))}; correct the file.") from None


def _named(record: NodeRecord) -> str:
    kind = record.resource_type
    return f"{kind} {record.relation if kind == 'source' else record.node_id.split('.')[2]}"
