"""Rows that are written by their columns' names."""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa


def insert(cursor: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, object]) -> None:
    """Insert one row; columns that it does not name are NULL."""
    cursor.execute(f"insert into {table} by name select {', '.join(f'${name} as {name}' for name in row)}", dict(row))


def insert_all(cursor: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert rows that name the same columns, in one go; none is fine."""
    if rows:
        cursor.register("rows_to_insert", pa.Table.from_pylist(list(rows)))
        cursor.execute(f"insert into {table} by name from rows_to_insert")
        cursor.unregister("rows_to_insert")
