"""The dbt-duckdb plugin: the one module that knows dbt and DuckDB together.

dbt reaches it in two ways. dbt-duckdb calls `initialize`, `configure_connection` and `configure_cursor` when it opens the
database; macros call `{{ scorehouse('<operation>', ...) }}`, which arrives in `store` and is answered in the request itself.
"""

import atexit
import errno
import os
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import MISSING, fields
from functools import wraps
from pathlib import Path
from typing import Any

import agate
import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.environments import local
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from dbt.adapters.factory import get_adapter_by_type
from dbt.artifacts.schemas.results import RunStatus
from dbt.artifacts.schemas.run import RunResult
from dbt.flags import get_flags
from dbt.task.test import TestRunner
from dbt_common.events.base_types import EventLevel
from dbt_common.events.functions import fire_event
from dbt_common.events.types import Note
from dbt_common.exceptions import DbtRuntimeError
from dbt_common.invocation import get_invocation_id

import scorehouse.operations  # fills the list of operations
from scorehouse import hooks
from scorehouse.build import memory, variables
from scorehouse.build.manifest import Manifest
from scorehouse.build.promotion import taking_up
from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError
from scorehouse.ledger.lines import GIVEN, Ledger
from scorehouse.names import git
from scorehouse.names.warehouse import Warehouse
from scorehouse.nightly.retirement import retire
from scorehouse.nightly.settings import Settings
from scorehouse.operations.forget import is_under_way
from scorehouse.operations.journal import told
from scorehouse.operations.register import COMMAND, HOOKS, NODE, Answer, named
from scorehouse.release.lock import BuildLock
from scorehouse.release.moved_store import follow
from scorehouse.release.work_database import prepare
from scorehouse.sandbox import confinement, functions, limits
from scorehouse.sandbox.statements import check_statement
from scorehouse.store.files import Store
from scorehouse.store.provenance import Author
from scorehouse.store.records import Records

__all__ = ["Plugin", "scorehouse"]


class Plugin(BasePlugin):
    """Puts a dbt run on its branch, guards it, and carries out what macros ask for."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Find the branch, take its lock and point dbt at the branch's own database.

        Raises DbtRuntimeError for a profile that says more than where the project is.
        """
        with _ShownByDbt():
            _expect_profile(self.creds)
        folder = project_folder()
        self._warehouse = Warehouse.of_project(folder, os.environ)
        with _ShownByDbt():
            confinement.expect_own(folder, self._warehouse.root, self._warehouse.branch)
            self._lock = BuildLock.take(self._warehouse, _wait_seconds(), _say)
            prepare(self._warehouse, anew=is_under_way(self._warehouse))
            _retire_ledger(self._warehouse)
        self.creds.path = str(self._warehouse.work_database)
        self.creds.keep_open = True  # with one thread dbt would close the database between two nodes
        self._run: Run | None = None
        self._starting = threading.Lock()

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Write files that DuckDB 1.5 can read."""
        config["storage_compatibility_version"] = "v1.5.0"

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Confine the database to the branch's folders and its resource envelope."""
        with _ShownByDbt():
            values = _variables()
            memory_limit = limits.memory_limit(conn, values["memory_limit"])
        follow(conn, self._warehouse.root)
        limits.lock_down(conn, _envelope(self._warehouse, values, memory_limit), self._warehouse.writable_folders())
        limits.bound_process(memory_limit)
        self._timeout_seconds = float(values["query_timeout_seconds"])
        _take_over(conn)
        self._connection = conn
        self._run = None

    def unbuilt(self, test_id: str) -> str | None:
        """Name of something that a data test reads and that was never built on this branch; None where there is nothing such."""
        with _ShownByDbt():
            return self._current_run().unbuilt(test_id)

    def guarded(self, cursor: Any) -> local.DuckDBCursorWrapper:
        """A cursor of this database, as dbt gets it."""
        is_parsed = get_adapter_by_type("duckdb").get_macro_resolver() is not None
        if is_parsed and get_flags().WHICH == "show":  # it runs no hook, which would register the Python functions
            with _ShownByDbt():
                self._current_run()
        return _GuardedCursor(cursor, self._timeout_seconds)

    def store(self, target_config: TargetConfig) -> None:
        """Carry out one operation; the answer is put into the request as 'result'."""
        request = target_config.config
        arguments = {name: value for name, value in request.items() if name != "result"}
        with _ShownByDbt():
            operation = named(target_config.location.path, arguments, _asked_by())
            found = told(self._current_run(), operation, arguments)
            request["result"] = _as_agate(found) if isinstance(found, Answer) else found

    def _current_run(self) -> Run:
        with self._starting:  # dbt compiles nodes in several threads
            return self._run_of(get_invocation_id())

    def _run_of(self, run_id: str) -> Run:
        if self._run is None or self._run.run_id != run_id:
            manifest = get_adapter_by_type("duckdb").get_macro_resolver()
            values = _variables()
            store = _store(self._warehouse, values, run_id)
            self._run = Run(
                run_id=run_id,
                warehouse=self._warehouse,
                connection=self._connection,
                records=Records(self._connection, store),
                store=store,
                manifest=Manifest(manifest, values, project_folder()),
                timeout_seconds=float(values["query_timeout_seconds"]),
                ledger=Ledger(self._warehouse.ledger, run_id, os.environ.get(GIVEN)),
                options=frozenset(_options()),
            )
        return self._run


def _store(warehouse: Warehouse, values: dict[str, Any], run_id: str) -> Store:
    return Store(
        warehouse.own_part(),
        values["store_format"],
        warehouse.other_parts(),
        taking_up(values["promotion"], values["verified_share"]) if warehouse.is_production else None,
        Author(warehouse.branch, git.commit(project_folder()), run_id),
    )


def _asked_by() -> str:
    """Who asks for an operation now."""
    if get_flags().WHICH == "run-operation":
        return COMMAND
    return HOOKS if hooks.are_running() else NODE


PROFILE = frozenset("database schema path threads module_paths plugins keep_open retries".split())
"""What a profile may say; everything else opens other databases, files or networks, or sets what the project's variables set."""


def _expect_profile(credentials: Any) -> None:
    known = {setting.name: setting for setting in fields(credentials)}
    for name, setting in known.items():
        default = setting.default if setting.default_factory is MISSING else setting.default_factory()
        value = getattr(credentials, name)
        if name not in PROFILE and value and value != default:
            raise ScorehouseError(
                f"profiles.yml: expected only {', '.join(sorted(PROFILE))}, found {name}; remove it: declare data as sources, "
                f"and set memory, threads and time by the project's variables."
            )


def _as_agate(answer: Answer) -> agate.Table:
    """Rows as dbt's macros read them; texts, numbers and booleans only."""
    kinds = {bool: agate.Boolean(), int: agate.Number(), str: agate.Text()}
    types = [kinds[type(value)] for value in answer.rows[0]] if answer.rows else None
    return agate.Table(answer.rows, answer.columns, types)


_connections: list[duckdb.DuckDBPyConnection] = []


def _say(sentence: str) -> None:
    fire_event(Note(msg=sentence), level=EventLevel.INFO)


def _take_over(connection: duckdb.DuckDBPyConnection) -> None:
    """Close what an earlier invocation in this process left open: its functions would stand in the way of new ones."""
    if not _connections:
        atexit.register(_close_all)
    _close_all()
    _connections.append(connection)


def _close_all() -> None:
    """Let go of registered functions: one that outlives the interpreter is reported as a leak."""
    while _connections:
        connection = _connections.pop()
        with suppress(duckdb.ConnectionException):  # dbt closed it
            functions.unregister_all(connection)
            connection.close()


def _wait_seconds() -> float:
    """How long a command waits for the branch's lock."""
    given = os.environ.get("SCOREHOUSE_LOCK_WAIT", "600")
    with suppress(ValueError):
        if float(given) >= 0:
            return float(given)
    raise ScorehouseError(f"SCOREHOUSE_LOCK_WAIT: expected seconds from 0, found '{given}'; correct it.")


def project_folder() -> Path:
    """The root of the project that dbt runs."""
    config = get_adapter_by_type("duckdb").config
    return Path(getattr(config, "project_root", get_flags().PROJECT_DIR)).resolve()  # `dbt debug` looks at the profile alone


def _variables() -> dict[str, Any]:
    config = get_adapter_by_type("duckdb").config
    return variables.checked(variables.in_force(config) if hasattr(config, "vars") else {})  # `dbt debug` has none


def _retire_ledger(warehouse: Warehouse) -> None:
    """Let old files of the branch's ledger go, but not in a night, which has done so, and which tells of wrong settings."""
    if not os.environ.get(GIVEN):
        with suppress(ScorehouseError):
            settings = Settings.of(_variables().get("nightly") or {})
            retire(warehouse.ledger, settings.kept_ledger_days, settings.kept_ledger_megabytes)


def _options() -> Iterator[str]:
    """The options of dbt's command that concern us; Jinja sees only some of them."""
    for name in ("EMPTY", "SAMPLE", "FULL_REFRESH"):
        if getattr(get_flags(), name, None):
            yield f"--{name.lower().replace('_', '-')}"


def _envelope(warehouse: Warehouse, values: dict[str, Any], memory_limit: int) -> dict[str, str]:
    """The settings of the work database: half of the memory; the other is of what trains or computes apart."""
    return {
        "temp_directory": str(warehouse.spill),
        "memory_limit": f"{memory_limit // 2}B",
        "max_temp_directory_size": values["spill_limit"],
        "threads": str(values["query_threads"] or os.cpu_count()),
        "TimeZone": "UTC",
    }


_SHUT = re.compile(r'Cannot open file "([^"]+)": (Permission denied|Read-only file system)')
"""How DuckDB says that a file of ours may not be written, in whatever kind of error."""

OF_FRESHNESS = frozenset({"now"})
"""What dbt itself asks when it looks how old sources are."""


class _ShownByDbt:
    """Shows a ScorehouseError, or a place that is out of reach, as dbt shows its own errors: the sentence, no trace."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ScorehouseError):
            raise DbtRuntimeError(str(error)) from None
        if isinstance(error, duckdb.Error) and (sentence := functions.refusal_in(error)):
            raise DbtRuntimeError(sentence) from None
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            raise DbtRuntimeError(
                f"{Path(str(error.filename)).name[:60]}...: expected a name that a file can have, found one of more than 255 "
                "bytes; write a shorter alias or schema."
            ) from None
        if isinstance(error, OSError) and error.filename:
            raise _out_of_reach(str(error.filename), str(error.strerror)) from None
        if isinstance(error, duckdb.Error) and (shut := _SHUT.search(str(error))):
            raise _out_of_reach(*shut.groups()) from None


def _out_of_reach(place: str, found: str) -> DbtRuntimeError:
    return DbtRuntimeError(
        f"{place}: expected a place that this build may read and write, found: {found}; "
        "give it to the user who builds, or set WAREHOUSE_PATH to another folder."
    )


class _GuardedCursor(local.DuckDBCursorWrapper):
    """A cursor of our project's database: every statement that dbt sends passes the guard."""

    def __init__(self, cursor: Any, timeout_seconds: float) -> None:
        super().__init__(cursor)
        self._timeout_seconds = timeout_seconds

    def execute(self, sql: str, bindings: Any = None) -> Any:
        """Run one statement that a build may run, within its time."""
        with _ShownByDbt():
            check_statement(sql, functions.registered() | (OF_FRESHNESS if get_flags().WHICH == "freshness" else frozenset()))
            with limits.time_limit(self._cursor, self._timeout_seconds, "Query"):
                return super().execute(sql, bindings)

    def fetchall(self) -> Any:
        """All rows that are left: a function may refuse as late as here."""
        with _ShownByDbt():
            return self._cursor.fetchall()

    def fetchmany(self, size: int) -> Any:
        """The next rows."""
        with _ShownByDbt():
            return self._cursor.fetchmany(size)


def _guard() -> None:
    """Let dbt-duckdb hand out guarded cursors where our plugin stands, and refuse Python there; once a process.

    dbt-duckdb has no hook between a statement and its cursor, so three of its methods are replaced. Another project's database in
    the same process (a scheduler's) has no such plugin, and stays as it is.
    """
    handle, submit, cancel = (vars(local.LocalEnvironment)[name] for name in ("handle", "submit_python_job", "cancel"))
    if hasattr(handle, "__wrapped__"):
        return

    @wraps(handle)
    def guarded_handle(environment: Any) -> Any:
        connection = handle(environment)
        if (plugin := _plugin_of(environment)) is not None:
            connection._cursor = plugin.guarded(connection._cursor._cursor)
        return connection

    @wraps(submit)
    def guarded_submit(environment: Any, *arguments: Any) -> Any:
        if _plugin_of(environment) is None:
            return submit(environment, *arguments)
        raise DbtRuntimeError(
            "Refused: expected a model written in SQL, found Python; write a select, a fitted model or a function node."
        )

    @wraps(cancel.__func__)
    def guarded_cancel(cls: type, connection: Any) -> None:
        if isinstance(connection.handle.cursor(), _GuardedCursor):
            memory.let_nobody_begin()
            limits.cancel_all()  # Ctrl-C: the store computes on cursors that dbt does not know
        cancel.__func__(cls, connection)

    local.LocalEnvironment.handle = guarded_handle
    local.LocalEnvironment.submit_python_job = guarded_submit
    local.LocalEnvironment.cancel = classmethod(guarded_cancel)


def _plugin_of(environment: Any) -> Plugin | None:
    """Our plugin in a database's environment; None in that of another project."""
    return next((plugin for plugin in environment._plugins.values() if isinstance(plugin, Plugin)), None)


def _let_tests_wait() -> None:
    """Let a data test that reads what was never built on this branch not be asked, and say so; once a process.

    dbt asks every test of a selected node, also one that reads others. Its word for a node that was not run and did not fail is
    NO-OP; a skipped one would fail the command, and stop the nodes behind it.
    """
    run = TestRunner.run_with_hooks
    if hasattr(run, "__wrapped__"):
        return

    @wraps(run)
    def run_with_hooks(runner: Any, manifest: Any) -> Any:
        environment = DuckDBConnectionManager._ENV
        plugin = _plugin_of(environment) if isinstance(environment, local.LocalEnvironment) else None
        missing = plugin.unbuilt(runner.node.unique_id) if plugin and not runner.skip else None
        if missing is None:
            return run(runner, manifest)
        said = f"Not asked: {runner.node.name} reads {missing}, which was not built; dbt build --select +{missing}"
        _say(said)
        runner.node.update_event_status(node_status=RunStatus.NoOp)
        return RunResult.from_node(runner.node, RunStatus.NoOp, said)

    TestRunner.run_with_hooks = run_with_hooks


_guard()
_let_tests_wait()
