"""What a node's result is made of: the columns that its query reads, the definitions that stand in it, and what they hold now."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from scorehouse.build import engine
from scorehouse.build.manifest import Manifest, Node
from scorehouse.build.reasons import ALL_OF, COLUMNS_OF
from scorehouse.cached import cached_property
from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import digest
from scorehouse.names.quoting import identifier
from scorehouse.plans.operators import Operator
from scorehouse.plans.origins import made_of
from scorehouse.plans.reads import columns_read
from scorehouse.plans.row_order import order_dependent
from scorehouse.plans.shadow import Relation, Shadow
from scorehouse.plans.stamps import TIME_OF_BUILD, ComputesWithTimeError, stamps
from scorehouse.sandbox.parse import line_of
from scorehouse.sandbox.queries import HISTORY
from scorehouse.store.contents import Content
from scorehouse.store.details import Reading
from scorehouse.store.records import NodeRecord, Records


@dataclass(frozen=True)
class Inputs:
    """What a query reads, with marks of what that holds: equal marks, equal results.

    Attributes:
        reading: what is read; None for a node that is made of all that it names.
        marks: by name, of each definition and each relation's columns that are read.
        parents: what the node names and its query reads, by relation.
        named: the same for people: what `explain` compares.
    """

    reading: Reading | None
    marks: Mapping[str, str]
    parents: Mapping[str, NodeRecord]
    named: Mapping[str, str]

    @property
    def reads_history(self) -> bool:
        """Whether it reads what the branch keeps of its own history; a name that carries its content's mark never changes."""
        read = self.reading.columns if self.reading else ()
        return any(name.startswith(f"{HISTORY}.") and "@" not in name for name in read)


TYPES = "types of columns"
"""The name of an input: what is known of columns without reading them."""

ORDER = "whether the order of rows counts"
"""The name of an input: by it a result is computed over rows as they lie, or over sorted ones."""

_WORD = re.compile(r"\w+")
_OF_ANY_COLUMN = re.compile(r"\bcolumns\s*\(|typeof\s*\(")
"""What speaks of columns that it does not name: of all of them, or of a whole row."""

Mark = Callable[[NodeRecord, Sequence[str]], str]
"""What some columns of a relation hold, in one text."""


class InputReader:
    """Finds the inputs of queries in one run.

    Args:
        connection: the open work database.
        records: what is built.
    """

    def __init__(self, manifest: Manifest, records: Records, connection: duckdb.DuckDBPyConnection) -> None:
        self._manifest = manifest
        self._records = records
        self._connection = connection

    def inputs(self, node: Node, sql: str, known: Reading | None, mark: Mark | None = None) -> Inputs:
        """The inputs of a node's query.

        Args:
            known: what was read before; the same question is not asked again.
            mark: another way to mark a relation than `self.mark`.

        Raises ScorehouseError for a parent that was never built on this branch.
        """
        mark = mark or self.mark
        reading = self.reading(node, sql, known)
        marks = {f"definition {name}": definition for name, definition in reading.definitions.items()}
        marks |= {TYPES: reading.types, ORDER: str(bool(reading.order_dependent))}
        behind = {record.relation: record for record in self.behind(node).values()}
        for name, columns in reading.columns.items():
            if name in behind:
                marks[f"rows {name}"] = mark(behind[name], columns)
            else:  # the branch's history: it follows from the nodes that write it, which come first
                marks[f"rows {name}"] = digest(sorted(record.fingerprint.whole for record in behind.values()))
        parents = {record.relation: record for record in self.parents(node).values()}
        read = {name: record for name, record in parents.items() if name in reading.columns or name in reading.definitions}
        return Inputs(reading, marks, read, _named(parents, marks))

    def whole(self, node: Node) -> Inputs:
        """The inputs of a node that is made of all that it names."""
        parents = {record.relation: record for record in self.parents(node).values()}
        marks = {f"rows {relation}": record.fingerprint.whole for relation, record in parents.items()}
        return Inputs(None, marks, parents, _named(parents, marks))

    def parents(self, node: Node) -> dict[str, NodeRecord]:
        """The records of what a node refers to, by id.

        Raises ScorehouseError for one that was never built on this branch.
        """
        parents = {}
        for parent in self._manifest.parents(node):
            record = self._records.nodes.get(parent.id)
            if record is None:
                raise ScorehouseError(
                    f"{node.path}: expected '{parent.id.split('.')[-1]}' to be built on this branch, found nothing; "
                    f"build it first: dbt build --select +{node.name}"
                )
            parents[parent.id] = record
        return parents

    def behind(self, node: Node) -> dict[str, NodeRecord]:
        """What a node's query may reach, each after what it is made of: what the node names, and what stands behind views."""
        found: dict[str, NodeRecord] = {}
        for parent_id, record in self.parents(node).items():
            if record.definition:
                found |= self.behind(self._manifest.node(parent_id))
            found[parent_id] = record
        return found

    # ---------------------------------------------------------------- what is read

    def reading(self, node: Node, sql: str, known: Reading | None) -> Reading:
        """What a node's query reads, as its plan says.

        A query whose plan cannot be read counts as reading every column of everything that the node names, in some order.
        """
        question = self._question(node, sql)
        mark = question.mark()
        if known and known.question == mark:
            return known
        try:
            return question.answer(mark)
        except ComputesWithTimeError:
            where = f"{node.path}{line_of(node.text, 'built_at')}"
            raise ScorehouseError(
                f"{where}: expected built_at() as a column of its own, found it computed with; write {{{{ as_of() }}}}."
            ) from None

    def _question(self, node: Node, sql: str) -> "_Question":
        behind = self.behind(node).values()
        statements = list(definitions(behind))
        history = self._history([sql, *statements])
        tables = [Relation(record.relation, record.columns) for record in behind if not record.definition] + history
        keys, stamps = self._manifest.declared_keys, {r.relation: r.details.reading.stamps for r in behind if r.details.reading}
        return _Question(
            sql,
            tables,
            self._stand_ins,
            statements,
            {record.relation: _meaning(record) for record in behind if record.definition},
            {record.relation: record.columns for record in behind if record.definition},
            stamps | {f"{HISTORY}.versions": ["trained_at"]},
            {table.name: sorted(keys[table.name]) for table in tables if table.name in keys},
        )

    def bound(self, node: Node, sql: str) -> tuple[Operator, list[str]]:
        """The plan of a node's query, over an empty copy of what it may reach, and the names of its columns."""
        return self._question(node, sql).bound(node.path)

    @cached_property
    def _stand_ins(self) -> list[str]:
        """Statements that make stand-ins for the project's Python functions."""
        made = []
        for node in self._manifest.python_functions():
            names = ", ".join(identifier(name) for name, _ in node.signature.arguments)
            value = f"cast(cast(hash({names}) as varchar) as {node.signature.returns})"
            made.append(f"create macro {identifier(node.name)}({names}) as {value}")
        return made

    def _history(self, texts: Sequence[str]) -> list[Relation]:
        """The relations of schema history where a text could read them."""
        return self.history() if any(HISTORY in text.lower() for text in texts) else []

    def history(self) -> list[Relation]:
        """The relations of schema history, which no node makes."""
        query = "select table_name, column_name, data_type from duckdb_columns() where schema_name = ? order by 1, column_index"
        found: dict[str, dict[str, str]] = {}
        for table, column, kind in self._connection.cursor().execute(query, [HISTORY]).fetchall():
            found.setdefault(f"{HISTORY}.{table}", {})[column] = kind
        return [Relation(name, columns) for name, columns in found.items()]

    # ---------------------------------------------------------------- what that holds

    def mark(self, record: NodeRecord, columns: Sequence[str]) -> str:
        """What some columns of a relation hold.

        A source and a fitted model are known by what made them; of any other relation the rows count, in whatever order.
        """
        if record.details.landing or record.materialized == "fitted":
            return record.fingerprint.whole
        return self._marked(record, columns, self._contents(record, columns).get("", Content()))

    def marks_by(self, key: str, record: NodeRecord, columns: Sequence[str]) -> dict[str, str]:
        """The same for the rows of each value of a SQL expression, by that value."""
        found = self._contents(record, columns, key)
        return {part: self._marked(record, columns, content) for part, content in found.items()}

    def parts_of(self, key: str, record: NodeRecord, columns: Sequence[str]) -> dict[str, list[str]]:
        """The values of a SQL expression that each file of a relation has, as `marks_by` asks."""
        return {file: [*self._contents(replace(record, files=[file]), columns, key)] for file in record.files}

    def _marked(self, record: NodeRecord, columns: Sequence[str], content: Content) -> str:
        return digest([(column, record.columns[column]) for column in columns], list(vars(content).values()))

    def _contents(self, record: NodeRecord, columns: Sequence[str], by: str = "''") -> dict[str, Content]:
        return self._records.contents.of(self._connection.cursor(), record.files, columns, record.columns, by)


@dataclass(frozen=True)
class _Question:
    """What is asked of a query's plan: an answer follows from this, and from nothing else.

    Attributes:
        sql: the query.
        tables: what it may read, as empty tables.
        stand_ins: what stands for the project's Python functions.
        statements: what makes the views and functions over the tables, each after what it reads.
        standing: views and functions by relation: the hash that a reader knows each by.
        standing_columns: their columns' types, by relation.
        stamps: names of the stamps among a relation's columns, by relation.
        keys: columns that no two rows share, by relation.
    """

    sql: str
    tables: Sequence[Relation]
    stand_ins: Sequence[str]
    statements: Sequence[str]
    standing: Mapping[str, str]
    standing_columns: Mapping[str, Mapping[str, str]]
    stamps: Mapping[str, Sequence[str]]
    keys: Mapping[str, Sequence[tuple[str, ...]]]

    def mark(self) -> str:
        """Hash of the question, and of the code that answers it."""
        columns = [(table.name, list(table.columns.items())) for table in self.tables]
        columns += [(name, list(types.items())) for name, types in self.standing_columns.items()]
        made = [self.stand_ins, self.statements, self.standing]
        return digest(engine.of_readings(), self.sql, columns, made, self.stamps, self.keys)

    def answer(self, mark: str) -> Reading:
        """What the query reads. Raises ComputesWithTimeError.

        Args:
            mark: of the question.
        """
        tables = {table.name: list(table.columns) for table in self.tables}
        try:
            plan, names = self.bound("the query")
            stamped = stamps(plan, self.stamps)
            read, ordered = columns_read(plan, but=stamped), order_dependent(plan, self.keys)
            whole = columns_read(plan)
            origins = {name: sorted(map(".".join, told)) for name, told in zip(names, made_of(plan), strict=True)}
        except ComputesWithTimeError:
            raise
        except Exception as error:  # whatever a reader of plans meets that it does not expect
            return Reading(mark, dict(self.standing), tables, [f"a plan that is not known ({error})"])
        columns = {name: [c for c in tables[name] if c in read[name]] for name in sorted(read) if name in tables}
        passed = {name: [c for c in tables[name] if c in whole[name] - read.get(name, set())] for name in whole if name in tables}
        own_stamps = [names[place] for place in sorted(stamped)]
        kept = {name: columns for name, columns in passed.items() if columns}
        return Reading(mark, dict(self.standing), columns, ordered, own_stamps, self._types(), origins, kept)

    def bound(self, where: str) -> tuple[Operator, list[str]]:
        """The plan, over an empty copy of what the query may reach, and the names of its columns."""
        with Shadow(self.tables, [*self.stand_ins, *self.statements], {"built_at": TIME_OF_BUILD}) as shadow:
            return shadow.plan(self.sql, where), shadow.columns(self.sql)

    def _types(self) -> str:
        """Hash of the types of columns that the texts name, or could: DuckDB answers typeof() from a type, and reads nothing."""
        text = " ".join([self.sql, *self.statements]).lower()
        words, may_name_any = set(_WORD.findall(text)), _OF_ANY_COLUMN.search(text)
        columns = {table.name: table.columns for table in self.tables} | dict(self.standing_columns)
        return digest(
            [
                (relation, name, kind)
                for relation, types in sorted(columns.items())
                for name, kind in types.items()
                if may_name_any or name.lower() in words or (not _WORD.fullmatch(name) and name.lower() in text)
            ]
        )


def definitions(records: Iterable[NodeRecord]) -> Iterator[str]:
    """The statements that make the views and functions among some records, in their order."""
    for record in records:
        if record.definition:
            yield f"create schema if not exists {identifier(record.relation.split('.')[0])}"
            yield record.definition


def _meaning(record: NodeRecord) -> str:
    """What a reader knows a view or function by; what a view reads counts by itself."""
    return record.fingerprint.own if record.materialized == "view" else record.fingerprint.whole


def input_name(record: NodeRecord) -> str:
    """What the inputs of other nodes call a node."""
    name = record.relation if record.resource_type == "source" else record.name
    return f"{record.resource_type} {name}"


def _named(parents: Mapping[str, NodeRecord], marks: Mapping[str, str]) -> dict[str, str]:
    """Parents by the names that people have for them: what is read of each, what it is, and its columns."""
    named = {}
    for relation, record in parents.items():
        name = input_name(record)
        named[name] = marks.get(f"rows {relation}") or marks.get(f"definition {relation}") or "unread"
        named[f"{ALL_OF}{name}"] = record.fingerprint.whole
        named[f"{COLUMNS_OF}{name}"] = ",".join(record.columns)
    return named | {name: marks[name] for name in (TYPES, ORDER) if name in marks}
