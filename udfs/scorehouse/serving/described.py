"""What a release says of itself: table `release` of its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

import duckdb

from scorehouse.names.user import user
from scorehouse.serving.offer import ServedTable
from scorehouse.store.records import Records
from scorehouse.store.rows import insert

_DDL = """(
    release integer, branch varchar, built_at timestamp, git_commit varchar, published_by varchar, changed varchar[],
    table_name varchar, row_count bigint, fingerprint varchar
)"""


@dataclass(frozen=True)
class ReleasedTable:
    """A served table as it was released."""

    table_name: str | None
    row_count: int | None
    fingerprint: str | None


@dataclass(frozen=True)
class Release:
    """A release: when (UTC), from which commit, by whom, what changed since the one before, and its served tables."""

    release: int
    branch: str
    built_at: datetime
    git_commit: str | None
    published_by: str
    changed: list[str]
    tables: tuple[ReleasedTable, ...]

    @classmethod
    def now(
        cls, number: int, branch: str, commit: str | None, changed: list[str], records: Records, served: Sequence[ServedTable]
    ) -> Self:
        """The release of what the records say now."""
        found = ((table.name, records.of(table.relation)) for table in served)
        tables = tuple(ReleasedTable(name, record.row_count, record.fingerprint.whole) for name, record in found)
        return cls(number, branch, datetime.now(UTC).replace(tzinfo=None), commit, user(), changed, tables)

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, table: str) -> Self:
        """The release that a file's table describes."""
        rows = connection.sql(f"from {table}").to_arrow_table().to_pylist()
        tables = (ReleasedTable(*(row.pop(name) for name in ReleasedTable.__dataclass_fields__)) for row in rows)
        known = tuple(table for table in tables if table.table_name is not None)
        return cls(**rows[0], tables=known)

    def of(self, counts: Mapping[str, int]) -> Self:
        """What it says of some tables, of which a file has so many rows."""
        found = (replace(table, row_count=counts[table.table_name]) for table in self.tables if table.table_name in counts)
        return replace(self, tables=tuple(found))

    def rows(self) -> list[dict[str, object]]:
        """One row a served table; one without a table where nothing is served."""
        head = {name: value for name, value in vars(self).items() if name != "tables"}
        return [{**head, **vars(table)} for table in self.tables or [ReleasedTable(None, None, None)]]


def write_release(cursor: duckdb.DuckDBPyConnection, table: str, release: Release) -> None:
    """Make the table that describes a release."""
    cursor.execute(f"create or replace table {table} {_DDL}")
    for row in release.rows():
        insert(cursor, table, row)
