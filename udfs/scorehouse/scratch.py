"""In-memory databases for short questions: opening one takes longer than asking."""

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from duckdb.sqltypes import DuckDBPyType

from scorehouse.foreign import copy_plain
from scorehouse.names.quoting import literal

_own = threading.local()

ONE_THREAD = {"threads": 1, "async_threads": 1}
"""Settings of a database that works on one thread, and reads ahead on one: DuckDB starts eight for that."""
_ENVELOPE = {**ONE_THREAD, "memory_limit": "1GB"}
MOST_SECONDS, MOST_BYTES = 20, 1_000_000_000
"""What a look at a database that somebody else wrote may take: it may say anything."""


def scratch(purpose: str) -> duckdb.DuckDBPyConnection:
    """This thread's own database for a purpose, which reads no clock but UTC's; what is made in it stays until it is taken away.

    It is closed when the thread ends.

    >>> scratch("a") is scratch("a"), scratch("a") is scratch("b")
    (True, False)
    """
    connections = _own.__dict__
    if purpose not in connections:
        connections[purpose] = duckdb.connect(config=ONE_THREAD)
        connections[purpose].execute("set global TimeZone = 'UTC'")
    return connections[purpose]


def type_of(data_type: str) -> DuckDBPyType:
    """A type as DuckDB reads its name: `duckdb.sqltype` asks one connection that all threads share, which refuses two at once."""
    return scratch("types").sqltype(data_type)


@contextmanager
def copied(root: Path, database: Path, log: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database below `root` that somebody else wrote, as a copy: what is in it opens temporary files alone, and ends in time.

    Args:
        log: its write-ahead log, which counts where it is there.

    Raises FileNotFoundError where it is no plain file, and for a larger one.
    """
    with TemporaryDirectory() as folder:
        copy = Path(folder, database.name)
        copy_plain(root, database, copy, MOST_BYTES)
        if log is not None:
            with suppress(FileNotFoundError):
                copy_plain(root, log, Path(folder, log.name), MOST_BYTES)
        with _attached(copy) as connection:
            is_read = threading.Event()
            threading.Thread(target=_interrupt, args=(connection, is_read), daemon=True).start()
            try:
                yield connection
            finally:
                is_read.set()


@contextmanager
def _attached(copy: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor on a copy, in a database that this thread has for all of them, and that opens nothing but temporary files.

    What went wrong in it may go on: then the next copy has another one.
    """
    places = str(copy.parents[1])
    purpose = f"copies in {places}"
    connection = _own.__dict__.get(purpose)
    if connection is None:
        connection = _own.__dict__[purpose] = duckdb.connect(config=_ENVELOPE)
        connection.execute(f"set allowed_directories = [{literal(places)}]")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"attach {literal(copy)} as copied")
            cursor.execute("use copied")
            yield cursor
            cursor.execute("use memory")
            cursor.execute("detach copied")
    except BaseException:
        _own.__dict__.pop(purpose).close()
        raise


def _interrupt(connection: duckdb.DuckDBPyConnection, is_read: threading.Event) -> None:
    """Let no query go on for long, nor any that follows it."""
    seconds = MOST_SECONDS
    while not is_read.wait(seconds):
        connection.interrupt()
        seconds = 0.1


atexit.register(lambda: _own.__dict__.clear())  # a connection that outlives the interpreter is reported as a leak
