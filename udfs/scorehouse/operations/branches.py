"""Operations of `dbt run-operation`: releases, rollback, branches, drop_branch, explain."""

from collections.abc import Mapping

import duckdb

from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError
from scorehouse.foreign import delete_folder
from scorehouse.names.git import PRODUCTION
from scorehouse.names.warehouse import Warehouse
from scorehouse.operations import text
from scorehouse.operations.audit import DROPPED, ROLLED_BACK, note
from scorehouse.operations.others import lock_if_free, others
from scorehouse.operations.register import COMMAND, operation, operation_of
from scorehouse.release import pointer
from scorehouse.release.history import summary
from scorehouse.release.moved_store import moved_from
from scorehouse.store.records import changes

DAMAGED = "cannot be read"


@operation
def releases(run: Run) -> str:
    """The branch's kept releases as a text table, newest first."""
    current = run.warehouse.current_release()
    rows = []
    for number in reversed(run.warehouse.release_numbers()):
        known, mark = summary(run.warehouse, number), "* " if number == current else "  "
        if known is None:
            rows.append([f"{mark}{number}", DAMAGED, *[None] * 4])
            continue
        release, promoted = known.release, ", ".join(f"{count} {how}" for how, count in sorted(known.promotions.items()))
        rows.append(
            [
                f"{mark}{number}",
                release.built_at,
                (release.git_commit or "")[:10],
                release.published_by,
                promoted,
                text.listed(release.changed),
            ]
        )
    if not rows:
        return f"Branch '{run.warehouse.branch}' has no release yet; `dbt build` publishes the first."
    return text.table(["release", "built at (UTC)", "commit", "by", "files of branches", "changed"], rows)


@operation_of(COMMAND)
def rollback(run: Run, to: object) -> str:
    """Make an earlier release current: the one before, or number `to`."""
    if to is not None and not (isinstance(to, int) and not isinstance(to, bool)):
        raise ScorehouseError(f"rollback: expected a release number such as {{to: 3}}, found '{to}'.")
    before, now = pointer.rollback(run.warehouse, to, lambda before, now: note(run, ROLLED_BACK, {"from": before, "to": now}))
    run.ledger.write("rolled_back", details={"release": now, "before": before})
    said = f"Branch '{run.warehouse.branch}' now serves release {now} (before: {before}); `dbt build` publishes anew."
    return said + _elsewhere(run.warehouse)


def _elsewhere(warehouse: Warehouse) -> str:
    """A sentence where the current catalog was made before the warehouse was moved: a release is never changed."""
    with duckdb.connect(str(warehouse.catalog), read_only=True) as catalog:
        place = moved_from(catalog, warehouse.root)
    if place is None:
        return ""
    return f" What is served is whole; the views of its catalog read {place}, where the warehouse was when it was published."


@operation
def branches(run: Run) -> str:
    """All branches of the warehouse as a text table."""
    main = run.warehouse.on(PRODUCTION)
    published = summary(main, main.current_release() or 0)
    served = published.fingerprints if published else {}
    rows = [[branch.folder.name, *_state(branch, served)] for branch in [run.warehouse, *others(run.warehouse)]]
    rows.sort(key=lambda row: row[0])
    return text.table(["branch", "release", "built at (UTC)", "nodes unlike main"], rows)


def _state(branch: Warehouse, served: Mapping[str, str]) -> list[object]:
    try:
        number = branch.current_release()
    except OSError:
        return [DAMAGED, None, None]
    if number is None:
        return [None, None, None]
    known = summary(branch, number)
    if known is None:
        return [number, DAMAGED, None]
    return [number, known.release.built_at, len(changes(known.fingerprints, served))]


@operation_of(COMMAND)
def drop_branch(run: Run, branch: object) -> str:
    """Delete a branch's own files, what only it computed included."""
    dropable = {known.folder: known for known in [run.warehouse, *others(run.warehouse)] if not known.is_production}
    names = [known.branch for known in dropable.values()]
    if not isinstance(branch, str) or not branch:
        raise ScorehouseError(f"drop_branch: expected {{branch: <name>}} with one of {text.listed(names)}, found '{branch}'.")
    dropped = dropable.get(run.warehouse.root / branch) or run.warehouse.on(branch)
    if dropped.is_production:
        raise ScorehouseError(
            "drop_branch: expected a branch other than main, found main; main serves customers and is never dropped."
        )
    if dropped.folder not in dropable:
        raise ScorehouseError(f"drop_branch: expected one of {text.listed(names)}, found '{branch}'.")
    if dropped.folder == run.warehouse.folder:
        raise ScorehouseError(
            f"drop_branch: expected another branch than the one this command runs on, found '{branch}'; "
            f"run it from main (SCOREHOUSE_BRANCH=main)."
        )
    lock = lock_if_free(dropped)
    if not lock:
        raise ScorehouseError(f"drop_branch: expected a branch that nobody builds, found '{branch}', which is being built; wait.")
    delete_folder(dropped.root, dropped.folder, dropped.lock)
    note(run, DROPPED, {"branch": branch})
    del lock
    return f"Dropped branch '{branch}', with the data that only it had computed."


@operation
def explain(run: Run, node: object) -> str:
    """For one node or all: built or reused in its last run, and the reason that names the cause."""
    records = sorted(run.records.nodes.values(), key=lambda record: record.relation or "")
    if not records:
        return f"Branch '{run.warehouse.branch}' has built nothing yet; run dbt build first."
    if node is not None:
        records = [
            record for record in records if node in (record.node_id, record.relation, (record.relation or "").split(".")[-1])
        ]
        if not records:
            raise ScorehouseError(
                f"explain: expected the name of a model, seed, source or function of this project, found '{node}'."
            )
    rows = [[record.relation, record.action, record.reason] for record in records]
    return text.table(["node", "last run", "because"], rows)
