"""A relation's rows computed again from what its query read, as the records of a release say; nothing is kept of them."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from scorehouse.build.alone import Sorted, alone
from scorehouse.build.builder import files_read, stored_rows
from scorehouse.build.inputs import definitions, input_name
from scorehouse.errors import ScorehouseError
from scorehouse.names.quoting import identifier, quoted
from scorehouse.store.files import Store
from scorehouse.store.records import NodeRecord, NodeRecords


class Again:
    """Computes relations of a release again, in a database apart.

    Args:
        connection: the open work database, whose limits hold there too.
        store: where the release's files are.
        records: of the release.
        through: relations whose queries are computed again, too, where one reads them: what was stored of them is not read.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, store: Store, records: NodeRecords, through: Collection[str] = ()
    ) -> None:
        self._connection = connection
        self._store = store
        self._records = records
        self._through = frozenset(through)
        self._named = {input_name(record): record for record in records.nodes.values()}
        self._made_of: dict[str, dict[str, NodeRecord]] = {}

    # ---------------------------------------------------------------- what is made of what

    def parents(self, record: NodeRecord) -> list[NodeRecord]:
        """What a node names."""
        return [self._named[name] for name in record.inputs if name in self._named]

    def ways(self, record: NodeRecord, to: NodeRecord) -> list[NodeRecord]:
        """What lies between a relation and one that it is made of, that one included; nothing where it is not made of it."""
        return [one for one in self.made_of(record).values() if one is to or to.node_id in self.made_of(one)]

    def made_of(self, record: NodeRecord) -> dict[str, NodeRecord]:
        """All that a relation is made of, by id."""
        if record.node_id not in self._made_of:
            found: dict[str, NodeRecord] = {}
            for parent in self.parents(record):
                found |= self.made_of(parent) | {parent.node_id: parent}
            self._made_of[record.node_id] = found
        return self._made_of[record.node_id]

    def behind(self, record: NodeRecord) -> list[NodeRecord]:
        """What a node's query may reach, each after what it is made of: what it names, and what stands behind views."""
        found: dict[str, NodeRecord] = {}
        for parent in self.parents(record):
            inner = self.behind(parent) if parent.definition else []
            found |= {one.node_id: one for one in [*inner, parent]}
        return list(found.values())

    # ---------------------------------------------------------------- rows

    def rows(self, record: NodeRecord, condition: str = "true") -> pa.Table:
        """The rows of a relation for which a condition over its columns holds, as they are stored but for the times of the build.

        Raises ScorehouseError for one whose query, or what that reads, is not there any more.
        """
        with self._database(record) as database:
            database.execute("set variable built_at = ?", [datetime.now(UTC).replace(tzinfo=None)])
            return database.sql(f"from ({_typed(record)}) where {condition}").to_arrow_table()

    def stored(self, record: NodeRecord, condition: str = "true") -> pa.Table:
        """The rows of a relation that has files, as they are stored."""
        return self._connection.cursor().sql(f"from ({self._files(record)}) where {condition}").to_arrow_table()

    @contextmanager
    def _database(self, record: NodeRecord) -> Iterator[duckdb.DuckDBPyConnection]:
        self._expect_known(record)
        read, behind = record.details.reading.columns, self.behind(record)
        if record.details.reading.order_dependent:  # computed as it was: over rows that are sorted by what is read of them
            given = [one for one in behind if one.relation in read]
            tables = [Sorted(one.relation, self._given(one), read[one.relation], one.columns) for one in given]
            statements = list(definitions(behind))
        else:
            of_order = [one for one in behind if one.relation in read and self._is_computed(one) and _is_ordered(one)]
            tables = [Sorted(one.relation, self.rows(one), list(one.columns), one.columns) for one in of_order]
            statements = list(self._statements(record, {one.relation for one in of_order}))
        with alone(self._connection, tables, statements) as database:
            yield database

    def _statements(self, record: NodeRecord, made: set[str]) -> Iterator[str]:
        """What makes all that a query reads, by name, where it is not made yet."""
        self._expect_known(record)
        for one in self.behind(record):
            if one.relation in made or not (one.definition or one.relation in record.details.reading.columns):
                continue
            made.add(one.relation)
            if one.definition:
                yield from definitions([one])
                continue
            if self._is_computed(one):
                yield from self._statements(one, made)
            rows = _typed(one) if self._is_computed(one) else self._files(one)
            yield f"create schema if not exists {identifier(one.relation.split('.')[0])}"
            yield f"create view {quoted(one.relation)} as {rows}"

    def _given(self, record: NodeRecord) -> str | pa.Table:
        return self.rows(record) if self._is_computed(record) else self._files(record)

    def _is_computed(self, record: NodeRecord) -> bool:
        return record.relation in self._through

    def _files(self, record: NodeRecord) -> str:
        """The query that reads a relation from the store."""
        lost = self._store.lost(files_read(record))
        if lost:
            raise ScorehouseError(
                f"expected {lost} in the store as it was written, found it missing or damaged; dbt build makes it."
            )
        return stored_rows(record, self._store)

    def _expect_known(self, record: NodeRecord) -> None:
        details = record.details
        if not details.query or details.reading is None:
            raise ScorehouseError(
                f"expected the query of {record.relation} in the release, found none: it was published before queries were "
                "kept, or it is no model; run dbt build, which publishes the next one when something changes."
            )
        read = [name for name in details.reading.columns if self._records.of(name) is None]
        if read:
            raise ScorehouseError(
                f"expected a query over what is in the release, found {record.relation}, which reads {read[0]}: what was "
                "served before, or decided until then, is not kept for each release."
            )


def _is_ordered(record: NodeRecord) -> bool:
    return bool(record.details.reading and record.details.reading.order_dependent)


def _typed(record: NodeRecord) -> str:
    """A relation's query, its columns of the types that they are stored in."""
    columns = ", ".join(f"cast({identifier(name)} as {kind}) as {identifier(name)}" for name, kind in record.columns.items())
    return f"select {columns} from ({record.details.query}\n)"
