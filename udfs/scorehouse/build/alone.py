"""A query whose result depends on the order in which rows meet, computed in one order: rows sorted, one thread, a database apart.

So its result is the same whatever wrote its inputs, and on however many cores.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from scorehouse.names.quoting import identifier, literal, quoted
from scorehouse.plans.shadow import DATABASE
from scorehouse.sandbox import functions, limits
from scorehouse.scratch import ONE_THREAD
from scorehouse.store.contents import told_apart

_SETTINGS = ("temp_directory", "max_temp_directory_size", "TimeZone")


@dataclass(frozen=True)
class Sorted:
    """Rows to be copied.

    Attributes:
        name: schema.name of the relation.
        rows: the query that gives them, or the rows themselves.
        read: the columns that are read; the others may be NULL.
        columns: all columns' types.
        passed: the columns that are handed on, and count for no order but among rows that are equal otherwise.
    """

    name: str
    rows: str | pa.Table
    read: Sequence[str]
    columns: Mapping[str, str]
    passed: Sequence[str] = ()

    def copy_into(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the relation, its rows in the order of the columns that are read."""
        rows = self.rows
        if isinstance(rows, pa.Table):
            connection.register("rows_of_it", rows)
            rows = "from rows_of_it"
        kept = [*self.read, *self.passed]
        picked = ", ".join(
            f"{identifier(name) if name in kept else f'cast(null as {kind})'} as {identifier(name)}"
            for name, kind in self.columns.items()
        )
        places = [part for name in kept for part in told_apart(identifier(name), self.columns[name])]
        order = f" order by {', '.join(places)}" if places else ""
        connection.execute(f"create schema if not exists {identifier(self.name.split('.')[0])}")
        connection.execute(f"create table {quoted(self.name)} as select {picked} from ({rows}){order}")


@contextmanager
def alone(
    connection: duckdb.DuckDBPyConnection, tables: Iterable[Sorted], definitions: Iterable[str]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database apart that holds sorted copies of some relations, and the views and macros over them.

    Args:
        connection: the work database, whose settings hold there too; a database apart may hold half as much.
        definitions: what makes the views and macros.
    """
    settings = {name: _setting(connection, name) for name in _SETTINGS}
    settings["memory_limit"] = f"{limits.memory_of(connection.cursor()) // 2}B"
    folders = _setting(connection, "allowed_directories")
    file = Path(str(settings["temp_directory"]), f"alone-{uuid.uuid4().hex}.duckdb")
    file.parent.mkdir(parents=True, exist_ok=True)
    apart = duckdb.connect(config=ONE_THREAD)
    try:
        apart.execute(f"attach {literal(file)} as {DATABASE}; use {DATABASE}")
        limits.lock_down(apart, settings, list(folders))
        functions.register_all(apart)
        for table in tables:
            table.copy_into(apart)
        for definition in definitions:
            apart.execute(definition)
        yield apart
    finally:
        functions.unregister_all(apart)
        apart.close()
        for left in (file, file.with_name(f"{file.name}.wal")):
            left.unlink(missing_ok=True)


def _setting(connection: duckdb.DuckDBPyConnection, name: str) -> object:
    return connection.cursor().execute("select current_setting(?)", [name]).fetchall()[0][0]
