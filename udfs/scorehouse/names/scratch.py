"""In-memory databases for short questions: opening one takes longer than asking."""

import atexit
import threading

import duckdb

_open: dict[tuple[int, str], duckdb.DuckDBPyConnection] = {}


def scratch(purpose: str) -> duckdb.DuckDBPyConnection:
    """This thread's own database for a purpose, which reads no clock but UTC's; what is made in it stays until it is taken away.

    >>> scratch("a") is scratch("a"), scratch("a") is scratch("b")
    (True, False)
    """
    key = threading.get_ident(), purpose
    if key not in _open:
        connection = duckdb.connect()
        connection.execute("set TimeZone = 'UTC'")
        _open[key] = connection
    return _open[key]


atexit.register(_open.clear)  # a connection that outlives the interpreter is reported as a leak
