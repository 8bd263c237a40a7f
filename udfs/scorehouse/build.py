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

from scorehouse import gate, partitions, sources, versions
from scorehouse.canonical import canonical_sql
from scorehouse.errors import ScorehouseError
from scorehouse.fingerprint import Fingerprint, digest
from scorehouse.guard import time_limit
from scorehouse.learning import Spec, fit
from scorehouse.partitions import Partitioning
from scorehouse.project import Project, relation_of
from scorehouse.records import NodeRecord, Records, identifier, quoted
from scorehouse.store import FORMAT_VERSION, Store, read_sql
from scorehouse.versions import POLICY_SEED, Entry, version_name

Compute = Callable[[duckdb.DuckDBPyConnection, Path], None]


@dataclass
class Outcome:
    """What became of a node: 'built' or 'reused', the reason, rows and the node's id."""

    action: str
    reason: str
    row_count: int | None

    @property
    def message(self) -> str:
        """The few words that dbt prints behind a node's name."""
        rows = "" if self.row_count is None else f" {self.row_count:,} rows"
        return f"{self.action.upper()}{rows}"


class Builder:
    """Builds the nodes of one run on one branch.

    Args:
        connection: the open work database; every node uses a cursor of its own.
        records, store, project: what is known, where data goes, what is asked for.
        timeout_seconds: wall-clock limit of one node's computation.
        run_id: dbt's invocation id.
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
        self._records = records
        self._store = store
        self._project = project
        self._timeout_seconds = timeout_seconds
        self._run_id = run_id

    # ---------------------------------------------------------------- models

    def table(self, node_id: str, sql: str, columns_ddl: str | None = None) -> Outcome:
        """Build or reuse a model whose rows are stored."""
        _check_columns(columns_ddl, self._project.node(node_id).original_file_path)
        draft = self._draft(node_id, sql, columns_ddl)
        return self._stored(draft, lambda cursor, file: self._store.write(cursor, sql, file, columns_ddl))

    def is_stored(self, node_id: str, sql: str, columns_ddl: str) -> bool:
        """Whether the store has the very rows that `table` would compute."""
        if self._project.node(node_id).config.materialized == "partitioned":
            return False
        _check_columns(columns_ddl, self._project.node(node_id).original_file_path)
        draft = self._draft(node_id, sql, columns_ddl)
        return self._store.file(draft.relation, draft.fingerprint.whole).exists()

    def fitted(self, node_id: str, sql: str) -> Outcome:
        """Train a model, or keep the version in use: its data are its versions' rows (see scorehouse.versions)."""
        node = self._project.node(node_id)
        spec = Spec.read(node.original_file_path, node.config.meta)
        draft = self._draft(node_id, sql, spec.text())
        previous = self._records.nodes.get(node_id)
        if versions.is_answered(previous, draft, self._store):
            same = replace(draft, fingerprint=previous.fingerprint, files=previous.files, details=previous.details, row_count=1)
            return self._settle(same, versions.statements(same, self._store), False)
        with self._cursor(draft) as cursor:
            record, is_new, reason = self._decided(cursor, node, sql, spec, draft)
        return self._settle(record, versions.statements(record, self._store), is_new, reason)

    def _decided(
        self, cursor: duckdb.DuckDBPyConnection, node: Any, sql: str, spec: Spec, draft: NodeRecord
    ) -> tuple[NodeRecord, bool, str | None]:
        """The model's new record, whether something was trained, and the policy's reason where it had one."""
        previous = self._records.nodes.get(node.unique_id)
        row, now = self._retrain_policy(cursor, node), version_name(node.name, draft.fingerprint.whole)
        known = versions.incumbent(previous, draft, self._store) if row else None
        if known is None:
            file, is_new = self._trained(cursor, node, sql, spec, draft)
            return (
                versions.replaced(previous, draft, file, Entry("train", explain(previous, draft, True), now, now)),
                is_new,
                None,
            )
        from scorehouse.learning import policy  # scikit-learn loads only where something is decided

        limits, in_use = policy.Policy.of(row), known["model_version"][0].as_py()
        found = policy.decide(limits, known, cursor.sql(sql).to_arrow_table(), spec, node.original_file_path)
        measured = {"measured_version": in_use, "test_until": found.test_until, "metrics": list(found.metrics)}
        if found.decision != policy.TRAIN:
            entry = Entry(found.decision, found.reason, in_use, **measured)
            return versions.kept(previous, draft, entry), False, f"{found.decision}: {found.reason}"
        file, is_new = self._trained(cursor, node, sql, spec, draft)
        refused = policy.refusal(limits, versions.read_row(self._store.folder / file), known, policy.by_slice(found.metrics))
        if refused:
            entry = Entry(policy.ALARM, f"{found.reason}; {now} was trained and is rejected: {refused}", in_use, now, **measured)
            return versions.kept(previous, replace(draft, files=[file]), entry), False, f"alarm: {entry.reason}"
        entry = Entry(policy.TRAIN, found.reason, now, now, **measured)
        return versions.replaced(previous, draft, file, entry), is_new, f"train: {found.reason}"

    def _trained(self, cursor: duckdb.DuckDBPyConnection, node: Any, sql: str, spec: Spec, draft: NodeRecord) -> tuple[str, bool]:
        """The file of the version that a draft asks for, and whether it had to be trained."""
        file = self._store.file(draft.relation, draft.fingerprint.whole)
        is_new = not file.exists()
        if is_new:
            from scorehouse.scoring.sql import with_sql  # compiled code loads only where something trains

            self._refuse_later_features(cursor, node, sql, spec)
            version = version_name(node.name, draft.fingerprint.whole)
            row = with_sql(fit(cursor.sql(sql).to_arrow_table(), spec, version, node.original_file_path))
            cursor.register("fitted_version", row)
            examples = digest({parent.relation: parent.fingerprint.whole for parent in self._read_by(node, sql).values()})
            query = (
                f"select *, '{draft.fingerprint.whole}' as fingerprint, '{examples}' as examples_fingerprint,"
                f" getvariable('built_at') as trained_at from fitted_version"
            )
            self._store.write(cursor, query, file)
        return str(file.relative_to(self._store.folder)), is_new

    def _refuse_later_features(self, cursor: duckdb.DuckDBPyConnection, node: Any, sql: str, spec: Spec) -> None:
        """Refuse features that the examples' SQL computes from after their time (see scorehouse.learning.lineage)."""
        if spec.split is None:
            return
        from scorehouse.learning import lineage  # scikit-learn loads only where something trains

        schema = lineage.schema_of(cursor)
        known: dict[str, set[str]] = {}
        for ancestor in self._project.compiled_ancestors(node):
            known[relation_of(ancestor)] = lineage.columns_from_after(ancestor.compiled_code, spec.split.time, schema, known)
        lineage.refuse(lineage.columns_from_after(sql, spec.split.time, schema, known), spec, node.original_file_path)

    def _retrain_policy(self, cursor: duckdb.DuckDBPyConnection, node: Any) -> dict[str, object] | None:
        """The policy's row for a model, else its row `default`; None for a model that does not name the seed."""
        seed = next((p for p in self._parents(node).values() if p.relation and p.relation.endswith(f".{POLICY_SEED}")), None)
        return versions.policy_row(cursor, quoted(seed.relation), node.name) if seed else None

    def partitioned(self, node_id: str, sql: str, columns_ddl: str | None = None) -> Outcome:
        """Build or reuse a model partition by partition (see scorehouse.partitions)."""
        node = self._project.node(node_id)
        where = node.original_file_path
        _check_columns(columns_ddl, where)
        cut = Partitioning.of(where, node.config.meta)
        draft = self._draft(node_id, sql, [columns_ddl, cut.column, cut.grain])
        parents = self._parents(node).values()
        seen = {parent.relation: partitions.input_of(parent, cut, self._select_of(parent)) for parent in parents}
        inputs = [read for read in seen.values() if read]
        whole = {parent.relation: self._mark(parent) for parent in parents if seen[parent.relation] is None}
        if not inputs:
            raise ScorehouseError(
                f"{where}: expected a partitioned input (a source with meta.partition_by, or a partitioned model of the "
                f"same or a finer grain), found {', '.join(whole) or 'none'}; materialize it as a table instead."
            )
        marks = partitions.marks(draft.fingerprint.own, inputs, whole) or {partitions.UNKNOWN: draft.fingerprint.whole}
        folder = self._store.folder / draft.relation
        files = {part: folder / f"{mark}.parquet" for part, mark in marks.items()}
        missing = {part: file for part, file in files.items() if not file.exists()}
        if missing:
            tree = gate.check(sql, where, node.raw_code, self._project.reach(node))
            with self._cursor(draft) as cursor:
                partitions.compute(cursor, self._store, tree, cut, inputs, missing, columns_ddl, where)
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
        if self._project.node(parent.node_id).config.meta.get("read_by") != "rows":
            return parent.fingerprint.whole
        return partitions.rows_mark(self._connection.cursor(), parent.relation)

    def view(self, node_id: str, sql: str) -> Outcome:
        """Create or keep a model that is only a query."""
        draft = self._draft(node_id, sql)
        return self._settle(draft, [f"create or replace view {quoted(draft.relation)} as ({sql}\n)"])

    def _draft(self, node_id: str, sql: str, shape: object = None) -> NodeRecord:
        """A node's record up to its fingerprint; its SQL has passed the gate."""
        node = self._project.node(node_id)
        text_hash = digest(FORMAT_VERSION, sql)
        previous = self._records.nodes.get(node_id)
        if previous and previous.text_hash == text_hash:
            query_hash = previous.query_hash
        else:
            query_hash = digest(canonical_sql(gate.check(sql, node.original_file_path, node.raw_code, self._project.reach(node))))
        own = [node.config.materialized, self._store.data_format, shape, query_hash]
        return self._record(node, own, sql, text_hash=text_hash, query_hash=query_hash)

    def _record(self, node: Any, own: list[object], sql: str = "", **known: Any) -> NodeRecord:
        parents = self._parents(node)
        inputs = self._project.inputs(node) | {_named(parent): parent.fingerprint.whole for parent in parents.values()}
        read = {parent.relation or name: parent.fingerprint for name, parent in self._read_by(node, sql).items()}
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

    def _read_by(self, node: Any, sql: str) -> dict[str, NodeRecord]:
        """The parents that a result is made of: all but the seeds that steer a macro, whose effect stands in the SQL."""
        parents = self._parents(node)
        unseen = {name for name, p in parents.items() if p.resource_type == "seed" and quoted(p.relation) not in sql}
        read = gate.tables_in(sql) if unseen and sql else frozenset()  # a name may stand there without quotes
        return {name: p for name, p in parents.items() if name not in unseen or p.relation.lower() in read}

    def _parents(self, node: Any) -> dict[str, NodeRecord]:
        parents = {}
        for parent_id in self._project.parents(node):
            record = self._records.nodes.get(parent_id)
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
        node = self._project.node(node_id)
        path = self._project.folder / node.original_file_path
        if not path.resolve().is_relative_to(self._project.folder):
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
        previous = self._records.nodes.get(node_id)
        if previous and previous.text_hash == text_hash:
            query_hash, rows = previous.query_hash, None
        else:
            rows = read_seed(path, node.config.column_types, node.config.delimiter)
            query_hash = digest([str(field) for field in rows.schema], rows.to_pylist())
        draft = self._record(node, ["seed", self._store.data_format, query_hash], text_hash=text_hash, query_hash=query_hash)

        def load(cursor: duckdb.DuckDBPyConnection, file: Path) -> None:
            seed_rows = rows if rows is not None else read_seed(path, node.config.column_types, node.config.delimiter)
            cursor.register("seed_rows", seed_rows)
            self._store.write(cursor, "select * from seed_rows", file)

        return self._stored(draft, load)

    def function(self, node_id: str, body: str) -> Outcome:
        """Create or keep a function node: a macro of its SQL, or a macro that calls the registered Python function.

        Args:
            body: the SQL; for a Python function the file's own text counts.
        """
        node = self._project.node(node_id)
        arguments = [(argument.name, argument.data_type) for argument in node.arguments]
        text = node.raw_code if node.language == "python" else body  # the file is what was registered
        table, value = "table " if node.config.meta.get("returns_table") else "", self._value_of(node, body)
        own = ["function", arguments, node.returns.data_type, text]
        draft = self._record(node, own, value if table else f"select {value}")
        create = f"create or replace macro {quoted(draft.relation)}({_arguments(node)}) as {table}{value}"
        if node.language == "python":  # a branch starts from a catalog, which has no macro over what only this process can run
            self._connection.cursor().execute(create)
        return self._settle(draft, [create])

    def _value_of(self, node: Any, body: str) -> str:
        """What a macro computes, in brackets; it names no database, so that it holds wherever the file is opened."""
        if node.language == "python":
            return f"({identifier(node.name)}({_arguments(node)}))"
        where, reach = node.original_file_path, self._project.reach(node)
        body = body.strip().replace(f"{identifier(gate.DATABASE)}.", "")
        if node.config.meta.get("returns_table"):
            gate.check(body, where, node.raw_code, reach)
            return f"(\n{body}\n)"
        gate.check_expression(body, where, reach)
        return f"(cast((\n{body}\n) as {gate.check_type(node.returns.data_type, where)}))"

    # ---------------------------------------------------------------- tests

    def test_fingerprint(self, node_id: str, sql: str) -> str:
        """Identity of a test's question: its text, and the data it looks at."""
        node = self._project.node(node_id)
        parents = [self._records.nodes.get(parent) for parent in self._project.parents(node)]
        known = [parent.fingerprint.whole for parent in parents if parent]
        return digest(FORMAT_VERSION, sql, str(node.config), known)

    # ---------------------------------------------------------------- one rule for all

    def _select_of(self, record: NodeRecord) -> Callable[[list[str]], str]:
        """How to read some of a partitioned relation's files."""
        if record.resource_type == "source":
            return lambda files: sources.select_files(record, files, self._store)
        return lambda files: read_sql([self._store.folder / file for file in files])

    @contextmanager
    def _cursor(self, draft: NodeRecord) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor to compute one node with: the time of the build is set, the time limit runs."""
        cursor = self._connection.cursor()
        try:
            cursor.execute("set variable built_at = ?", [datetime.now(UTC).replace(tzinfo=None)])
            with time_limit(cursor, self._timeout_seconds, draft.relation):
                yield cursor
        finally:
            cursor.close()

    def _stored(self, draft: NodeRecord, compute: Compute) -> Outcome:
        file = self._store.file(draft.relation, draft.fingerprint.whole)
        is_new = not file.exists()
        if is_new:
            with self._cursor(draft) as cursor:
                compute(cursor, file)
        draft = replace(draft, files=[str(file.relative_to(self._store.folder))])
        draft = replace(draft, details=self._cut(draft, file))
        return self._settle_files(draft, [file], is_new)

    def _cut(self, draft: NodeRecord, file: Path) -> dict[str, object]:
        """The time partitions of a table that declares meta.partition_by, so that partitioned models may read it by them."""
        node = self._project.node(draft.node_id)
        if "partition_by" not in node.config.meta:
            return {}
        cut = Partitioning.of(node.original_file_path, node.config.meta)
        query = f"select distinct {cut.key_sql()} from ({read_sql([file])}) order by 1"
        parts = [part for (part,) in self._connection.cursor().execute(query).fetchall()]
        piece = {"parts": parts, "mark": draft.fingerprint.whole, "file": draft.files[0]}
        return {"partitions": {"column": cut.column, "grain": cut.grain, "pieces": [piece]}}

    def _settle_files(self, draft: NodeRecord, files: list[Path], is_new: bool) -> Outcome:
        previous = self._records.nodes.get(draft.node_id)
        read = read_sql(files)
        if not is_new and previous and previous.fingerprint.whole == draft.fingerprint.whole:
            draft = replace(draft, row_count=previous.row_count)
        else:
            draft = replace(draft, row_count=self._connection.cursor().execute(f"select count(*) from ({read})").fetchone()[0])
        return self._settle(draft, [f"create or replace view {quoted(draft.relation)} as {read}"], is_new)

    def _settle(self, draft: NodeRecord, statements: list[str], is_new: bool | None = None, reason: str | None = None) -> Outcome:
        """Record a node's result; point its name at it where that changed."""
        previous = self._records.nodes.get(draft.node_id)
        is_same = previous is not None and previous.fingerprint.whole == draft.fingerprint.whole
        is_built = not is_same if is_new is None else is_new
        action = "built" if is_built else "reused"
        draft = replace(draft, run_id=self._run_id, action=action, reason=reason or explain(previous, draft, is_built))
        if is_same and previous.inputs == draft.inputs and previous.details == draft.details and not is_new:
            self._records.note(draft)
        else:
            self._records.put(draft, statements)
        return Outcome(action, draft.reason, draft.row_count)


def _check_columns(columns_ddl: str | None, where: str) -> None:
    if columns_ddl and gate.statement_kinds(f"create table data {columns_ddl}", where) != ["create"]:
        raise ScorehouseError(f"{where}: expected a contract of columns, found several statements; correct its types and checks.")


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
            raise ScorehouseError(
                f"{path.name}: expected a CSV table, found: {str(error).splitlines()[0]}; correct the file."
            ) from None


def _named(record: NodeRecord) -> str:
    kind = record.resource_type
    return f"{kind} {record.relation if kind == 'source' else record.node_id.split('.')[2]}"
