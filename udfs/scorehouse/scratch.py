"""In-memory databases for short questions: opening one takes longer than asking."""

import atexit
import threading

import duckdb
from duckdb.sqltypes import DuckDBPyType

_own = threading.local()


def scratch(purpose: str) -> duckdb.DuckDBPyConnection:
    """This thread's own database for a purpose, which reads no clock but UTC's; what is made in it stays until it is taken away.

    It is closed when the thread ends.

    >>> scratch("a") is scratch("a"), scratch("a") is scratch("b")
    (True, False)
    """
    connections = _own.__dict__
    if purpose not in connections:
        connections[purpose] = duckdb.connect(config={"threads": 1})
        connections[purpose].execute("set global TimeZone = 'UTC'")
    return connections[purpose]


def type_of(data_type: str) -> DuckDBPyType:
    """A type as DuckDB reads its name: `duckdb.sqltype` asks one connection that all threads share, which refuses two at once."""
    return scratch("types").sqltype(data_type)


atexit.register(lambda: _own.__dict__.clear())  # a connection that outlives the interpreter is reported as a leak
