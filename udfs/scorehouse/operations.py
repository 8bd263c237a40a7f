"""What macros can ask for, by name."""

from collections.abc import Callable
from typing import Any

from scorehouse import branch, gate, release
from scorehouse.errors import ScorehouseError
from scorehouse.landing import land_sources
from scorehouse.run import Run

Operation = Callable[..., Any]
_OPERATIONS: dict[str, Operation] = {}


def operation(function: Operation) -> Operation:
    """Make a function reachable as `{{ scorehouse('<its name>', ...) }}`."""
    _OPERATIONS[function.__name__] = function
    return function


def named(name: str) -> Operation:
    """The operation called `name`."""
    if name not in _OPERATIONS:
        raise ScorehouseError(f"scorehouse(): expected one of {', '.join(sorted(_OPERATIONS))}, found '{name}'.")
    return _OPERATIONS[name]


# ---------------------------------------------------------------- a run's beginning and end


@operation
def start(run: Run) -> None:
    """Before any node: forget what left the project, sweep what died, land new source files."""
    known = {node.unique_id for node in [*run.project.tables(), *run.project.sources()]}
    run.records.forget([node_id for node_id in run.records.nodes if node_id not in known])
    for leftover in run.store.leftovers():
        leftover.unlink(missing_ok=True)
    land_sources(run)


@operation
def finish(run: Run, statuses: dict[str, str], command: str, is_empty: bool) -> str:
    """After all nodes: publish a release if the whole build is green. Returns one line that says what happened."""
    run.records.flush()
    if command != "build":
        return ""
    failed = [node_id for node_id, status in statuses.items() if status in ("error", "fail", "runtime error")]
    if failed:
        stays = _current(run)
        return f"Nothing published: {len(failed)} of {len(statuses)} nodes failed ({failed[0].split('.')[2]} first); {stays}."
    missing = run.project.unproven(set(statuses))
    if missing or is_empty or "skipped" in statuses.values():
        why = "--empty" if is_empty else f"a selection; {len(missing)} nodes were left out"
        return f"Nothing published: this was {why}; run `dbt build` without one to publish. {_current(run).capitalize()}."
    return _publish(run)


def _publish(run: Run) -> str:
    served = run.project.served_tables()
    number, is_new = release.publish(
        run.warehouse,
        run.connection,
        run.records,
        served,
        run.project.python_functions(),
        branch.commit(run.project.folder),
        int(run.project.variables["retained_releases"]),
    )
    if not is_new:
        return f"Release {number} of {run.warehouse.branch} stays: nothing changed."
    return f"Published release {number} of {run.warehouse.branch}: {run.warehouse.folder / release.SERVING}"


def _current(run: Run) -> str:
    number = run.warehouse.current_release()
    return "there is no release yet" if number is None else f"release {number} of {run.warehouse.branch} stays as it is"


# ---------------------------------------------------------------- nodes


@operation
def table(run: Run, node_id: str, sql: str, columns_ddl: str | None) -> str:
    """Build or reuse a stored model; returns dbt's message."""
    return run.builder.table(node_id, sql, columns_ddl).message


@operation
def view(run: Run, node_id: str, sql: str) -> str:
    """Create or keep a view; returns dbt's message."""
    return run.builder.view(node_id, sql).message


@operation
def fitted(run: Run, node_id: str, sql: str) -> str:
    """Train or reuse a fitted model; returns dbt's message."""
    return run.builder.fitted(node_id, sql).message


@operation
def seed(run: Run, node_id: str) -> str:
    """Load or reuse a seed; returns dbt's message."""
    return run.builder.seed(node_id).message


@operation
def function(run: Run, node_id: str, body: str, create: str) -> str:
    """Create or keep a function node; returns dbt's message."""
    return run.builder.function(node_id, body, create).message


@operation
def check_sql(run: Run, node_id: str, sql: str) -> None:
    """Let a test's SQL pass the sandbox gate."""
    node = run.project.node(node_id)
    gate.check(sql, node.original_file_path, getattr(node, "raw_code", None))


@operation
def has_passed(run: Run, node_id: str, sql: str) -> bool:
    """True when this test passed before on the very same data and definition."""
    return run.records.has_passed(node_id, run.builder.test_fingerprint(node_id, sql))


@operation
def remember_passed(run: Run, node_id: str, sql: str) -> None:
    """Remember that a test passed on the data it just looked at."""
    run.records.put_passed(node_id, run.builder.test_fingerprint(node_id, sql))
