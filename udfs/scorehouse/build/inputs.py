"""What a node's result is made of: the columns that its query reads, the definitions that stand in it, and what they hold now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from scorehouse.build.manifest import Manifest, Node
from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import Fingerprint, digest
from scorehouse.names.quoting import identifier
from scorehouse.plans.operators import Operator, UnknownPlanError
from scorehouse.plans.reads import columns_read
from scorehouse.plans.row_order import order_dependent
from scorehouse.plans.shadow import Relation, Shadow
from scorehouse.sandbox.parse import nodes, parse_tree, relation_in
from scorehouse.sandbox.queries import HISTORY
from scorehouse.store.contents import STAMPS, Content
from scorehouse.store.details import Reading
from scorehouse.store.records import ALL_OF, COLUMNS_OF, NodeRecord, Records


@dataclass(frozen=True)
class Inputs:
    """What a query reads, with marks of what that holds: equal marks, equal results.

    Attributes:
        reading: what is read.
        marks: by name, of each definition and each relation's columns that are read.
        parents: fingerprints of what the node names and its query reads.
        named: the same for people: what `explain` compares.
    """

    reading: Reading
    marks: Mapping[str, str]
    parents: Mapping[str, Fingerprint]
    named: Mapping[str, str] = field(default_factory=dict)


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

    # ---------------------------------------------------------------- what is read

    def inputs(self, node: Node, sql: str, known: Reading | None) -> Inputs:
        """The inputs of a node's query.

        Args:
            known: what was read before; the same question is not asked again.

        Raises ScorehouseError for a parent that was never built on this branch.
        """
        reading = self.reading(node, sql, known)
        behind = self._behind(node)
        by_relation = {record.relation: record for record in behind.values()}
        marks = {f"definition {name}": own for name, own in reading.definitions.items()}
        marks |= {f"rows {name}": self.mark(by_relation[name], columns) for name, columns in reading.columns.items()}
        direct = {record.relation: record for record in self.parents(node).values()}
        read = {name: r for name, r in direct.items() if name in reading.columns or name in reading.definitions}
        named: dict[str, str] = {}
        for record in direct.values():
            name = f"{record.resource_type} {record.relation if record.resource_type == 'source' else record.node_id.split('.')[2]}"
            named[name] = marks.get(f"rows {record.relation}") or marks.get(f"definition {record.relation}") or "unread"
            named[f"{ALL_OF}{name}"] = record.fingerprint.whole
            named[f"{COLUMNS_OF}{name}"] = ",".join(record.columns)
        return Inputs(reading, marks, {name: record.fingerprint for name, record in read.items()}, named)

    def reading(self, node: Node, sql: str, known: Reading | None) -> Reading:
        """What a node's query reads, as its plan says.

        A query whose plan cannot be read counts as reading every column of everything that the node names, in some order.
        """
        behind = self._behind(node)
        definitions = {record.relation: record.fingerprint.own for record in behind.values() if record.definition}
        question = digest(sql, sorted(definitions.items()), sorted((r.relation, list(r.columns.items())) for r in behind.values()))
        if known and known.question == question:
            return known
        columns_of = {record.relation: list(record.columns) for record in behind.values() if not record.definition}
        try:
            plan = self.plan(node, sql)
            read, ordered = columns_read(plan), order_dependent(plan, self._manifest.declared_keys)
        except (ScorehouseError, UnknownPlanError) as error:
            return Reading(question, definitions, columns_of, [f"a plan that is not known ({error})"])
        columns = {name: [c for c in columns_of[name] if c in read[name]] for name in sorted(read) if name in columns_of}
        return Reading(question, definitions, columns, ordered)

    def plan(self, node: Node, sql: str) -> Operator:
        """The plan of a node's query, over an empty copy of what it may reach."""
        behind = self._behind(node)
        tables = [Relation(record.relation, record.columns) for record in behind.values() if not record.definition]
        variables = {"built_at": datetime(2000, 1, 1)}
        with Shadow([*tables, *self._history(sql)], self._statements(behind), variables) as shadow:
            return shadow.plan(sql, node.path)

    def _behind(self, node: Node) -> dict[str, NodeRecord]:
        """What a node's query may reach, each after what it is made of: what the node names, and what stands behind views."""
        found: dict[str, NodeRecord] = {}
        for parent_id, record in self.parents(node).items():
            if record.definition:
                found |= self._behind(self._manifest.node(parent_id))
            found[parent_id] = record
        return found

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

    def _statements(self, behind: Mapping[str, NodeRecord]) -> Iterator[str]:
        """Stand-ins for the project's Python functions, then the views and macros as the build made them."""
        for node in self._manifest.python_functions():
            names = ", ".join(identifier(name) for name, _ in node.signature.arguments)
            value = f"cast(cast(hash({names}) as varchar) as {node.signature.returns})"
            yield f"create macro {identifier(node.name)}({names}) as {value}"
        for record in behind.values():
            if record.definition:
                yield f"create schema if not exists {identifier(record.relation.split('.')[0])}"
                yield record.definition

    def _history(self, sql: str) -> list[Relation]:
        """What a query reads of schema history, which no node makes."""
        tables = (relation_in(part) for part in nodes(parse_tree(sql, "Query")) if part.get("type") == "BASE_TABLE")
        names = dict.fromkeys(name for name in tables if name.startswith(f"{HISTORY}."))
        return [Relation(name, self._columns(name)) for name in names]

    def _columns(self, relation: str) -> dict[str, str]:
        schema, name = relation.split(".", 1)
        query = "select column_name, data_type from duckdb_columns() where schema_name = ? and lower(table_name) = ?"
        return dict(self._connection.cursor().execute(f"{query} order by column_index", [schema, name]).fetchall())

    # ---------------------------------------------------------------- what that holds

    def mark(self, record: NodeRecord, columns: Sequence[str]) -> str:
        """What some columns of a relation hold.

        A source and a fitted model are known by what made them; of any other relation the rows count, in whatever order.
        """
        if record.details.landing or record.materialized == "fitted":
            return record.fingerprint.whole
        content = self.contents(record, record.files, columns).get("", Content())
        return self.mark_of(record, columns, content)

    def mark_of(self, record: NodeRecord, columns: Sequence[str], content: Content) -> str:
        """What columns of some types and a content come to."""
        return digest([(column, record.columns[column]) for column in columns], list(vars(content).values()))

    def contents(
        self, record: NodeRecord, files: Sequence[str], columns: Sequence[str], by: str = "''"
    ) -> dict[str, Content]:
        """The content of some columns of some of a relation's files, apart for each value of the expression `by`."""
        counted = [column for column in columns if column not in STAMPS]
        return self._records.contents.of(self._connection.cursor(), files, counted, record.columns, by)
