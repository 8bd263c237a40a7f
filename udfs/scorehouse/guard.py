"""The guard: what may reach DuckDB from dbt's side, and for how long it may run.

Everything an analyst can make dbt execute (models, tests, hooks, macros that call run_query) passes `Guard.execute`.
The store's own work uses cursors of its own and does not.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from scorehouse.errors import ScorehouseError

ALLOWED = {"SELECT", "CREATE", "DROP", "ALTER", "INSERT", "UPDATE", "DELETE", "TRANSACTION", "EXPLAIN"}
"""Statement kinds, as DuckDB's own parser names them, that stay inside the branch's work database."""

LOCKED_SETTINGS = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
}


def check_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Refuse a text with a statement that could leave the work database.

    Raises ScorehouseError naming the statement. Text that DuckDB cannot parse passes: DuckDB refuses it itself.
    """
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error:
        return
    for statement in statements:
        kind = statement.type.name
        if kind not in ALLOWED or "secret" in statement.query[:40].lower().split():
            words = " ".join(statement.query.split())[:60]
            raise ScorehouseError(
                f"Refused: expected a query, found {kind.lower()} statement `{words}`; "
                f"a build may only read through ref() and source() and write through its own models."
            )


def lock_down(connection: duckdb.DuckDBPyConnection, settings: dict[str, str], folders: list[str]) -> None:
    """Apply a branch's resource envelope to a new connection, confine it to `folders`, and lock its configuration."""
    ((is_locked,),) = connection.execute("select current_setting('lock_configuration')").fetchall()
    if is_locked:  # this process opened the database before
        return
    for name, value in settings.items():
        connection.execute(f"set {name} = '{value}'")
    listed = ", ".join("'" + folder.replace("'", "''") + "'" for folder in folders)
    connection.execute(f"set allowed_directories = [{listed}]")
    for name, value in LOCKED_SETTINGS.items():
        connection.execute(f"set {name} = {value}")


@contextmanager
def time_limit(cursor: duckdb.DuckDBPyConnection, seconds: float, what: str) -> Iterator[None]:
    """Run a block of work on `cursor` for at most `seconds` of wall-clock time.

    Raises ScorehouseError naming `what` when the limit interrupted it.
    """
    late = threading.Event()

    def interrupt() -> None:
        late.set()
        cursor.interrupt()

    timer = threading.Timer(seconds, interrupt)
    timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        if not late.is_set():
            raise
        raise ScorehouseError(
            f"{what}: expected to end within {seconds:g} seconds, found it still running and stopped it; "
            f"make the query smaller, or raise the variable query_timeout_seconds."
        ) from error
    finally:
        timer.cancel()
