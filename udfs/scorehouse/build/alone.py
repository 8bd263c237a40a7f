"""A query whose result depends on the order in which rows meet, computed in one order: rows sorted, one thread, a database apart.

So its result is the same whatever wrote its inputs, and on however many cores.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from scorehouse.names.quoting import identifier, literal, quoted
from scorehouse.plans.shadow import DATABASE


@dataclass(frozen=True)
class Sorted:
    """Rows to be copied: the query that gives them, the columns that are read (the others may be NULL), and all columns' types."""

    name: str
    rows: str
    read: Sequence[str]
    columns: Mapping[str, str]

    def sql(self) -> str:
        """The query that gives the rows in the order of the columns that are read."""
        picked = ", ".join(
            identifier(name) if name in self.read else f"cast(null as {kind}) as {identifier(name)}"
            for name, kind in self.columns.items()
        )
        order = f" order by {', '.join(map(identifier, self.read))}" if self.read else ""
        return f"select {picked} from ({self.rows}){order}"


@dataclass(frozen=True)
class Place:
    """Where such a query is computed.

    Attributes:
        spill: folder for the copy.
        settings: of the work database, but for its threads.
        register: makes the project's Python functions known to a connection.
    """

    spill: Path
    settings: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def alone(
    spill: Path, settings: Mapping[str, str], tables: Iterable[Sorted], statements: Iterable[str], built_at: object
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database apart that holds sorted copies of some relations, and the views and macros over them.

    Args:
        spill: folder for the copy.
        settings: of the work database.
        statements: what makes the views and macros.
    """
    spill.mkdir(parents=True, exist_ok=True)
    file = spill / f"alone-{uuid.uuid4().hex}.duckdb"
    connection = duckdb.connect()
    try:
        for name, value in {**settings, "threads": "1"}.items():
            connection.execute(f"set {name} = {literal(value)}")
        connection.execute(f"attach {literal(file)} as {DATABASE}; use {DATABASE}")
        connection.execute("set variable built_at = ?", [built_at])
        for table in tables:
            connection.execute(f"create schema if not exists {identifier(table.name.split('.')[0])}")
            connection.execute(f"create table {quoted(table.name)} as {table.sql()}")
        for statement in statements:
            connection.execute(statement)
        yield connection
    finally:
        connection.close()
        for left in (file, file.with_name(f"{file.name}.wal")):
            left.unlink(missing_ok=True)
