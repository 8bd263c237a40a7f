"""Rows that are written by their columns' names."""

from collections.abc import Mapping

import duckdb


def insert(cursor: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, object]) -> None:
    """Insert one row; columns that it does not name are NULL."""
    cursor.execute(f"insert into {table} by name select {', '.join(f'${name} as {name}' for name in row)}", dict(row))
