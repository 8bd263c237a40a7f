"""The guard: what may reach DuckDB from dbt's side, and for how long it may run.

Everything an analyst can make dbt execute (tests, hooks, macros that call run_query) passes `check_statement`: queries, and the
few statements that dbt itself needs. The store's own work uses cursors of its own and does not.
"""

import faulthandler
import os
import re
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

from scorehouse import gate
from scorehouse.errors import ScorehouseError
from scorehouse.quoting import literal

LOCKED_SETTINGS = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
}

GRACE_SECONDS = 10
"""How long interrupted work may go on before the process is ended (never longer than the limit itself)."""

CATALOG_FUNCTIONS = frozenset("duckdb_databases duckdb_constraints duckdb_tables duckdb_views duckdb_columns".split())
"""Functions by which dbt asks what is in the database."""

_AUDIT = r'"[^"]+"\."[^"]*dbt_test__audit"\."[^"]+"'
_TEMPORARY = r'"[^"]*__dbt_tmp[^"]*"'
_OF_DBT = re.compile(
    r'create schema if not exists "[^"]+"\."[^"]+"'
    rf"|create\s+temporary\s+table\s+{_TEMPORARY}\s+as \((?P<fixture>.*)\)"
    rf"|create\s+table\s+{_AUDIT}\s+as \((?P<failures>.*)\)"
    rf"|drop table if exists ({_TEMPORARY}|{_AUDIT}) cascade",
    re.IGNORECASE | re.DOTALL,
)
"""What dbt itself sends beside queries: schemas, fixtures of unit tests, stored failures of tests."""

_COMMENT = re.compile(r"^\s*/\*.*?\*/", re.DOTALL)


def check_statement(sql: str, own: frozenset[str] = frozenset()) -> None:
    """Refuse a text that is neither one query that only reads nor one of the statements that dbt needs.

    Args:
        own: names of the project's Python functions, which a query may call beside DuckDB's.

    Raises ScorehouseError naming the statement. Text that DuckDB cannot parse passes: DuckDB refuses it itself.
    """
    try:
        kinds = gate.statement_kinds(sql, "Query")
    except ScorehouseError:
        return
    if kinds in ([], ["transaction"]):
        return
    if kinds == ["select"]:
        gate.check_names(sql, "Query", CATALOG_FUNCTIONS | own)
        return
    text = _COMMENT.sub("", sql, count=1).strip().rstrip(";").rstrip()
    of_dbt = _OF_DBT.fullmatch(text)
    if of_dbt is None or len(kinds) > 1:
        kind = next((kind for kind in kinds if kind != "select"), "second select")
        raise ScorehouseError(
            f"Refused: expected one query, found {kind} statement `{' '.join(text.split())[:60]}`; "
            f"a build may only read through ref() and source() and write through its own models."
        )
    query = of_dbt["fixture"] or of_dbt["failures"]
    if query:
        gate.check_names(query, "Query", CATALOG_FUNCTIONS | own)


def lock_down(connection: duckdb.DuckDBPyConnection, settings: dict[str, str], folders: list[str]) -> None:
    """Apply a branch's resource envelope to a new connection, confine it to `folders`, and lock its configuration."""
    ((is_locked,),) = connection.execute("select current_setting('lock_configuration')").fetchall()
    if is_locked:  # this process opened the database before
        return
    for name, value in settings.items():
        connection.execute(f"set {name} = {literal(value)}")
    connection.execute(f"set allowed_directories = [{', '.join(map(literal, folders))}]")
    for name, value in LOCKED_SETTINGS.items():
        connection.execute(f"set {name} = {value}")


def bound_process(connection: duckdb.DuckDBPyConnection) -> None:
    """Let the whole process, Python functions included, have twice the memory of DuckDB and 4 GiB: more is a MemoryError."""
    ((bytes_of_duckdb,),) = connection.execute("select parse_formatted_bytes(current_setting('memory_limit'))").fetchall()
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with suppress(ValueError, OSError):  # a stricter limit is set already
        resource.setrlimit(resource.RLIMIT_DATA, (2 * bytes_of_duckdb + (4 << 30), hard))


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

    @contextmanager
    def over(self, block: _Block) -> Iterator[None]:
        """Watch a block while it runs."""
        with self._lock:
            self._blocks.append(block)
            if len(self._blocks) == 1:
                self._arm()
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, daemon=True)
                self._thread.start()
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

    def _look(self) -> None:
        while True:
            time.sleep(0.2)
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
