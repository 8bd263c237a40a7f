"""What a branch's audit trail is told, and operation `verify_audit` of `dbt run-operation`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from scorehouse.build import versions
from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError
from scorehouse.ledger import lines
from scorehouse.ledger.audit import Line, Mark, append, verified
from scorehouse.names import git
from scorehouse.operations.register import operation
from scorehouse.release.history import summary
from scorehouse.serving.described import Release
from scorehouse.store.details import Decision
from scorehouse.store.files import read_sql
from scorehouse.store.provenance import Author
from scorehouse.store.records import NodeRecord, NodeRecords

PUBLISHED, ROLLED_BACK, ROUTED = "published", "rolled back", "routed"
TRAINED, RETRAINED, KEPT, REJECTED = "trained", "retrained", "kept", "rejected"
ERASED, EXPIRED, DROPPED, GARBAGE = "erased", "expired", "dropped branch", "garbage collected"
"""The events of a trail."""

MOST_NAMED = 10


def note(run: Run, event: str, details: Mapping[str, object]) -> Mark:
    """Add an event to the trail of the branch that the run is on; the run's ledger has it too."""
    run.ledger.write("audited", message=event, details=details)
    author = Author(run.warehouse.branch, git.commit(run.manifest.folder), run.run_id)
    return append(run.warehouse, author, event, details)


def published(run: Run, release: Release) -> Mark:
    """Note that a release is published, and first how it serves by other routes and policies than the one before."""
    before = run.warehouse.current_release()
    for change in _steered_otherwise(run, before) if before is not None else ():
        note(run, ROUTED, {"release": release.release, **change})
    changed = {"count": len(release.changed), "first": release.changed[:MOST_NAMED]}
    return note(run, PUBLISHED, {"release": release.release, "before": before, "changed": changed})


def _steered_otherwise(run: Run, before: int) -> Iterator[dict[str, object]]:
    """What is not as in the release before, of the seeds that say who serves and by which policies; nothing of a damaged one."""
    earlier = NodeRecords.readable(run.warehouse, before).nodes
    for node_id, record in sorted(run.records.nodes.items()):
        name, old = node_id.split(".")[-1], earlier.get(node_id)
        is_steering = record.resource_type == "seed" and (name == "routes" or name.endswith("_policy"))
        if is_steering and old and old.fingerprint.whole != record.fingerprint.whole:
            yield from _changed_rows(name, _rows(run, old), _rows(run, record))


def _rows(run: Run, seed: NodeRecord) -> list[dict[str, object]]:
    """A seed's rows; none where its file is gone."""
    if run.store.lost(seed.files):
        return []
    query = read_sql([run.store.path(file) for file in seed.files])
    return run.connection.cursor().sql(query).to_arrow_table().to_pylist()


def _changed_rows(seed: str, old: list[dict[str, object]], new: list[dict[str, object]]) -> Iterator[dict[str, object]]:
    """What changed of a seed, for each value of its first column.

    >>> old, new = [{"endpoint": "a", "share": 1}, {"endpoint": "b", "share": 1}], [{"endpoint": "a", "share": 1}]
    >>> list(_changed_rows("routes", old, new))
    [{'seed': 'routes', 'endpoint': 'b', 'from': [{'share': 1}], 'to': []}]
    """
    column = next(iter((old or new)[0])) if old or new else ""
    for value in dict.fromkeys(row.get(column) for row in [*old, *new]):
        was, now = ([_without(column, row) for row in rows if row.get(column) == value] for rows in (old, new))
        if was != now:
            yield {"seed": seed, column: value, "from": was, "to": now}


def _without(column: str, row: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != column}


@contextmanager
def decisions(run: Run, node_id: str) -> Iterator[None]:
    """Note what is decided about a fitted model while it is built, also where the build of it fails then."""
    before = _decisions(run, node_id)
    try:
        yield
    finally:
        for place, decision in enumerate(_decisions(run, node_id)[len(before) :], start=len(before)):
            details = {"model": node_id.split(".")[-1], "version": decision.trained_version or decision.model_version}
            more = {"in_use": decision.model_version, "reason": decision.reason}
            note(run, _event(decision, is_first=place == 0), details | more)


def _decisions(run: Run, node_id: str) -> list[Decision]:
    record = run.records.nodes.get(node_id)
    return versions.decisions(record) if record else []


def _event(decision: Decision, is_first: bool) -> str:
    if decision.trained_version is None:
        return KEPT
    if decision.trained_version != decision.model_version:
        return REJECTED
    return TRAINED if is_first else RETRAINED


@operation
def verify_audit(run: Run) -> str:
    """Whether the branch's audit trail is as it was written, in a sentence.

    Raises ScorehouseError that names the first line which is not, or what is served without a line that says so.
    """
    warehouse = run.warehouse
    kept = {f"release {number}": summary(warehouse, number) for number in warehouse.release_numbers()}
    trail = verified(warehouse, {name: known.audited for name, known in kept.items() if known and known.audited})
    if not trail.lines:
        return f"Branch '{warehouse.branch}' has no audit trail yet: it begins with the first event."
    current = warehouse.current_release()
    said = [(line, release) for line in reversed(trail.lines) if (release := _served_after(line)) is not None]
    known = next(((line, release) for line, release in said if release == current or _was_switched(run, line, release)), None)
    line, served = known or (said[0] if said else (None, current))  # behind it are those killed between the line and the switch
    if current is not None and served != current:
        raise ScorehouseError(
            f"{warehouse.audit}: expected release {served} to be served, as line {line.number} says, found "
            f"release {current}, which no line after it says; serve one of them: "
            f"dbt run-operation rollback --args '{{to: {current}}}'"
        )
    first, last = trail.lines[0], trail.lines[-1]
    cut = " A line behind it was cut when a process died; the next event says so." if trail.is_cut else ""
    cut += "".join(f" What {name} says of it cannot be read." for name, known in kept.items() if known is None)
    return (
        f"The audit trail of {warehouse.branch} is whole: {len(trail.lines)} lines from {first.at} to {last.at}, "
        f"the last with hash {last.mark.hash}.{cut}"
    )


def _was_switched(run: Run, line: Line, release: object) -> bool:
    """Whether the ledger says that readers got the release which a line was written for: it is told right after the switch."""
    event = {PUBLISHED: "published", ROLLED_BACK: "rolled_back"}[line.event]
    read = (lines.read(file, (event,)) for file in reversed(lines.files(run.warehouse.ledger)))
    told = (one for written in read for one in written if one.details.get("release") == release)
    return any(one.happened_at[: len("2026-11-28T05:42:01")] >= line.at.rstrip("Z") for one in told)


def _served_after(line: Line) -> object:
    """The release that is served after an event; None where it says nothing of that."""
    return {PUBLISHED: line.details.get("release"), ROLLED_BACK: line.details.get("to")}.get(line.event)
