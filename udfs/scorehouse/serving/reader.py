"""How a serving file is read: nothing but its own tables and functions is in reach of a query."""

from pathlib import Path

import duckdb

HARDENED = {"enable_external_access": False, "lock_configuration": True}
"""DuckDB's settings beside `read_only`: without them a query could read any file, and write beside."""


def read(file: Path) -> duckdb.DuckDBPyConnection:
    """A connection to a serving file, on this process's terms where it has the file open already: DuckDB keeps one of each.

    Raises duckdb.Error for a file that is gone or damaged.
    """
    try:
        return duckdb.connect(str(file), read_only=True, config=HARDENED)
    except duckdb.ConnectionException:
        return duckdb.connect(str(file), read_only=True)
