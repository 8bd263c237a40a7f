"""A run's beginning and end."""

import duckdb

from scorehouse import branch, release, segments
from scorehouse.errors import ScorehouseError, first_line
from scorehouse.landing import land_sources
from scorehouse.operation import operation
from scorehouse.project import REGISTERED
from scorehouse.quoting import quoted
from scorehouse.run import Run


@operation
def start(run: Run) -> None:
    """Before any node: forget what left the project, sweep what died, land new source files."""
    known = {node.unique_id for node in [*run.project.tables(), *run.project.sources()]}
    run.records.forget([node_id for node_id in run.records.nodes if node_id not in known])
    for leftover in run.store.leftovers():
        leftover.unlink(missing_ok=True)
    land_sources(run)


@operation
def finish(run: Run, statuses: dict[str, str], command: str, is_empty: bool) -> dict[str, object]:
    """After all nodes: publish a release if the whole build is green.

    Returns: 'line', what happened, and 'is_red', whether it must end the run as failed: dbt takes an error raised in this
    hook for a keyboard interrupt.
    """
    try:
        found = "\n".join([*sorted(run.failures), _finish(run, statuses, command, is_empty)])
        return {"line": found.rstrip("\n"), "is_red": False}
    except (ScorehouseError, duckdb.Error, OSError) as error:
        found = first_line(error).rstrip(".;")
        return {"line": f"Nothing published: {found}; {_current(run)}.", "is_red": True}


def _finish(run: Run, statuses: dict[str, str], command: str, is_empty: bool) -> str:
    run.records.flush()
    segments.forget_served_before(run)
    if command != "build":
        return ""
    failed = [node_id for node_id, status in statuses.items() if status in ("error", "fail", "runtime error")]
    if failed:
        first = run.project.node(failed[0]).name
        return f"Nothing published: {len(failed)} of {len(statuses)} nodes failed ({first} first); {_current(run)}."
    missing = run.project.unproven(set(statuses))
    if missing or is_empty:
        left_out = f"the selection left out {run.project.node(missing[0]).name}" if missing else "the build was --empty"
        more = f" and {len(missing) - 1} more nodes" if len(missing) > 1 else ""
        return f"Nothing published: {left_out}{more}; plain `dbt build` publishes. {_current(run).capitalize()}."
    return _publish(run)


def _publish(run: Run) -> str:
    served = run.project.served_tables()
    number, is_new = release.publish(
        run.warehouse,
        run.connection,
        run.records,
        served,
        run.project.served_functions(),
        run.project.python_relations(),
        branch.commit(run.project.folder),
        int(run.project.variables["retained_releases"]),
    )
    if not is_new:
        return f"Release {number} of {run.warehouse.branch} stays: nothing changed."
    lines = [f"Published release {number} of {run.warehouse.branch}: {run.warehouse.folder / release.SERVING}"]
    return "\n".join(lines + notices(run))


def notices(run: Run) -> list[str]:
    """What a green build leaves to know: models that cannot score, tables without data, models that the registry lacks."""
    sentences = []
    for record in run.records.nodes.values():
        if record.materialized == "fitted":
            query = f"select status, status_reason from {quoted(record.relation)} where status <> 'ready' and example_count > 0"
            for status, reason in run.connection.cursor().execute(query).fetchall():
                sentences.append(f"{record.relation} gives no scores: {status.replace('_', ' ')}: {reason}")
    counts = {record.relation: record.row_count for record in run.records.nodes.values()}
    empty = sorted(table.name for table in run.project.served_tables() if counts.get(table.relation) == 0)
    unlisted = run.project.unlisted_models()
    return [
        *sentences,
        *([f"Empty, because this data has nothing for them: {', '.join(empty)}."] if empty else []),
        *([f"Schema registry lacks {', '.join(unlisted)}: add the name to {REGISTERED}.sql."] if unlisted else []),
    ]


def _current(run: Run) -> str:
    number = run.warehouse.current_release()
    return "there is no release yet" if number is None else f"release {number} of {run.warehouse.branch} stays as it is"
