"""The resource envelope of a build: DuckDB's locked settings, the process's memory, and the time of one node."""

import atexit
import faulthandler
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

from scorehouse.errors import ScorehouseError
from scorehouse.names.quoting import literal

LOCKED_SETTINGS = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
}

LEAST_MEMORY = 50 * 10**6

OF_THE_PROCESS = 1 << 30
"""Bytes that a build holds beside what it computes: Python, its libraries, threads."""

GRACE_SECONDS = 10
"""How long interrupted work may go on before the process is ended (never longer than the limit itself)."""


def lock_down(connection: duckdb.DuckDBPyConnection, settings: dict[str, str], folders: list[str]) -> None:
    """Apply a branch's resource envelope to a new connection, confine it to `folders`, and lock its configuration."""
    ((is_locked,),) = connection.execute("select current_setting('lock_configuration')").fetchall()
    if is_locked:  # this process opened the database before
        return
    for name, value in settings.items():
        connection.execute(f"set global {name} = {literal(value)}")  # `set` alone is of this connection, and not of its cursors
    connection.execute(f"set allowed_directories = [{', '.join(map(literal, folders))}]")
    for name, value in LOCKED_SETTINGS.items():
        connection.execute(f"set {name} = {value}")


def memory_limit(connection: duckdb.DuckDBPyConnection, size: str) -> int:
    """The bytes of a size such as 8GB, or what the machine has to give, if that is less.

    Raises ScorehouseError for less than the work database's own tables take.
    """
    ((given,),) = connection.execute("select parse_formatted_bytes(?)", [size]).fetchall()
    if given < LEAST_MEMORY:
        raise ScorehouseError(f"Variable memory_limit: expected at least {LEAST_MEMORY // 10**6}MB, found {size!r}; raise it.")
    return min(given, _to_give())


def _to_give() -> int:
    """The bytes of the machine, or of the control group that the process is in, less what the process holds; half of few."""
    with duckdb.connect() as fresh:
        there = memory_of(fresh) * 5 // 4  # DuckDB takes four fifths of either
    return max(there - OF_THE_PROCESS, there // 2)


def memory_of(connection: duckdb.DuckDBPyConnection) -> int:
    """The bytes that a database may hold."""
    ((size,),) = connection.execute("select parse_formatted_bytes(current_setting('memory_limit'))").fetchall()
    return size


def bound_process(memory_limit: int) -> None:
    """Let the process reserve twice its memory and 4 GiB, what it does not touch included: more is a MemoryError."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with suppress(ValueError, OSError):  # a stricter limit is set already
        resource.setrlimit(resource.RLIMIT_DATA, (2 * memory_limit + (4 << 30), hard))


@contextmanager
def time_limit(cursor: duckdb.DuckDBPyConnection, seconds: float, what: str) -> Iterator[None]:
    """Run a block of work on `cursor` for at most `seconds` of wall-clock time.

    Work that does not heed its interruption (a function that never returns) ends with the process, after a sentence on
    standard error. Raises ScorehouseError naming `what` when the limit interrupted it.
    """
    block = _Block(cursor, seconds, what)
    try:
        with _watch.over(block):
            yield
    except duckdb.InterruptException as error:
        if not block.is_late:
            raise
        raise ScorehouseError(block.sentence) from error


def cancel_all() -> None:
    """Stop all work that runs under a time limit, as if its time were over."""
    _watch.cancel()


class _Block:
    """A block of work under a time limit."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, seconds: float, what: str) -> None:
        self._what = what
        self.sentence = (
            f"{what}: expected to end within {seconds:g} seconds, found it still running and stopped it; "
            f"make the query smaller, or raise the variable query_timeout_seconds."
        )
        self.is_late = False
        self._cursor = cursor
        self._deadline = time.monotonic() + seconds
        self._grace = min(GRACE_SECONDS, seconds)

    def remaining(self) -> float:
        """Seconds until nothing but the end of the process is left, however busy the interpreter is."""
        return max(0.1, self._deadline + 2 * self._grace - time.monotonic())

    def cancel(self) -> None:
        """Let the time be over now."""
        self.sentence = f"{self._what}: stopped by the user."
        self._deadline = time.monotonic()
        self.check()

    def check(self) -> None:
        """Interrupt what is late; end the process when that does not help."""
        late = time.monotonic() - self._deadline
        if late < 0:
            return
        self.is_late = True
        with suppress(duckdb.Error):  # the cursor was closed just now
            self._cursor.interrupt()
        if late > self._grace:
            print(self.sentence, file=sys.__stderr__, flush=True)
            os._exit(1)


class _Watch:
    """One thread that looks after all blocks.

    Where it cannot run, because a block holds the interpreter, C code ends the process and prints where it hung (faulthandler).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: list[_Block] = []
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        atexit.register(self._end)

    @contextmanager
    def over(self, block: _Block) -> Iterator[None]:
        """Watch a block while it runs."""
        with self._lock:
            self._blocks.append(block)
            if len(self._blocks) == 1:
                self._arm()
            if self._thread is None:
                thread = threading.Thread(target=self._look, daemon=True)
                thread.start()  # a machine without room for it raises here
                self._thread = thread
        try:
            yield
        finally:
            with self._lock:
                self._blocks.remove(block)
                if not self._blocks:
                    faulthandler.cancel_dump_traceback_later()

    def cancel(self) -> None:
        """Let the time of all blocks be over."""
        with self._lock:
            blocks = list(self._blocks)
        for block in blocks:
            block.cancel()

    def _end(self) -> None:
        """Let the thread end before the interpreter does: DuckDB reports what a thread holds beyond that as leaked."""
        self._ended.set()
        thread = self._thread
        if thread:
            thread.join(timeout=1)

    def _look(self) -> None:
        while not self._ended.wait(0.2):
            with self._lock:
                if not self._blocks:
                    self._thread = None
                    return
                self._arm()
                blocks = list(self._blocks)
            for block in blocks:
                block.check()

    def _arm(self) -> None:
        if sys.__stderr__ is not None:
            seconds = min(block.remaining() for block in self._blocks)
            faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__)


_watch = _Watch()
