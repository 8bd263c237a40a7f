"""Operations of `dbt run-operation`: releases, rollback, branches, drop_branch, collect_garbage, explain."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError
from scorehouse.foreign import PlainFile, delete_file, delete_folder, keep_only, plain_files
from scorehouse.names.git import PRODUCTION
from scorehouse.names.warehouse import Warehouse
from scorehouse.operations import text
from scorehouse.operations.audit import DROPPED, GARBAGE, ROLLED_BACK, note
from scorehouse.operations.register import COMMAND, operation, operation_of
from scorehouse.release import pointer
from scorehouse.release.history import files_in_work, summary
from scorehouse.release.lock import BuildLock
from scorehouse.store.provenance import RECORD, record_of
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
    return f"Branch '{run.warehouse.branch}' now serves release {now} (before: {before}); `dbt build` publishes anew."


@operation
def branches(run: Run) -> str:
    """All branches of the warehouse as a text table."""
    main = run.warehouse.on(PRODUCTION)
    published = summary(main, main.current_release() or 0)
    served = published.fingerprints if published else {}
    rows = [[branch.folder.name, *_state(branch, served)] for branch in run.warehouse.branches()]
    return text.table(["branch", "release", "built at (UTC)", "nodes unlike main"], rows)


def _state(branch: Warehouse, served: Mapping[str, str]) -> list[object]:
    number = branch.current_release()
    if number is None:
        return [None, None, None]
    known = summary(branch, number)
    if known is None:
        return [number, DAMAGED, None]
    return [number, known.release.built_at, len(changes(known.fingerprints, served))]


@operation_of(COMMAND)
def drop_branch(run: Run, branch: object) -> str:
    """Delete a branch's own files, what only it computed included."""
    others = {known.folder: known for known in run.warehouse.branches() if not known.is_production}
    names = [known.branch for known in others.values()]
    if not isinstance(branch, str) or not branch:
        raise ScorehouseError(f"drop_branch: expected {{branch: <name>}} with one of {text.listed(names)}, found '{branch}'.")
    dropped = others.get(run.warehouse.root / branch) or run.warehouse.on(branch)
    if dropped.is_production:
        raise ScorehouseError(
            "drop_branch: expected a branch other than main, found main; main serves customers and is never dropped."
        )
    if dropped.folder not in others:
        raise ScorehouseError(f"drop_branch: expected one of {text.listed(names)}, found '{branch}'.")
    if dropped.folder == run.warehouse.folder:
        raise ScorehouseError(
            f"drop_branch: expected another branch than the one this command runs on, found '{branch}'; "
            f"run it from main (SCOREHOUSE_BRANCH=main)."
        )
    lock = BuildLock.take(dropped, 0)
    delete_folder(dropped.root, dropped.folder)
    note(run, DROPPED, {"branch": branch})
    del lock
    return f"Dropped branch '{branch}', with the data that only it had computed."


@operation_of(COMMAND)
def collect_garbage(run: Run, delete: object) -> str:
    """Delete (or, by default, only show) store files that no kept release and no branch's work refers to.

    A branch that is being built may be reading any file of main's part, and writes its own: these stay.
    """
    if not isinstance(delete, bool):
        raise ScorehouseError(f"collect_garbage: expected {{delete: true}} or {{delete: false}}, found '{delete}'.")
    if not run.warehouse.is_production:
        raise ScorehouseError(
            f"collect_garbage: expected main, which alone may delete from the store, found branch '{run.warehouse.branch}'; "
            f"run it from main (SCOREHOUSE_BRANCH=main)."
        )
    others = [branch for branch in run.warehouse.branches() if branch.folder != run.warehouse.folder]
    locks = [BuildLock.take_if_free(branch) for branch in others]
    idle = [branch for branch, lock in zip(others, locks, strict=True) if lock]
    busy = [branch.branch for branch in others if branch not in idle]
    kept = [*_kept([run.warehouse, *others], idle)]
    damaged = {name: branch for branch, name, files in kept if files is None}
    used = run.records.files.union(*(map(str, files) for _, _, files in kept if files is not None))
    root = run.warehouse.root
    parts = [*([] if busy or damaged else [run.warehouse.store])]
    parts += [branch.own_part() for branch in idle if branch not in damaged.values()]
    unused = [(part, file) for part in parts for file in _results_in(plain_files(root, part)) if file.name not in used]
    rows = [[file.name, file.size] for _, file in sorted(unused, key=lambda one: one[1].name)]
    if delete:
        for part, file in unused:
            delete_file(root, record_of(part / file.name))
            delete_file(root, part / file.name)
        for folder in (folder for branch in idle for folder in branch.scratch):
            keep_only(root, folder)
    del locks
    if not rows:
        return f"Nothing to delete: all {len(used)} files of the store are in use.{_left(busy, [*damaged])}"
    size = sum(row[1] for row in rows)
    if delete:
        note(run, GARBAGE, {"files": len(rows), "bytes": size})
    verb = "Deleted" if delete else "Would delete"
    hint = "" if delete else "\nTo delete them: dbt run-operation collect_garbage --args '{delete: true}'"
    end = f"{verb} {len(rows)} files, {size / 1e6:,.1f} MB; {len(used)} are in use.{_left(busy, [*damaged])}{hint}"
    return f"{text.table(['file', 'bytes'], rows)}\n{end}"


def _left(busy: list[str], damaged: list[str]) -> str:
    """What was not looked at, and why."""
    said = ""
    if busy:
        said += f"\nBeing built: {text.listed(busy)}. What main has and what they write stays; run it again afterwards."
    if damaged:
        said += f"\nCannot be read: {text.listed(damaged)}. What main has stays, since they may use it: drop the branch, or "
        said += "remove the release's folder."
    return said


def _kept(branches: list[Warehouse], idle: list[Warehouse]) -> Iterator[tuple[Warehouse, str, Collection[str] | None]]:
    """The files of every kept release, and of the work of branches that are not being built; None for what cannot be read."""
    for branch in branches:
        for number in branch.release_numbers():
            known = summary(branch, number)
            yield branch, f"release {number} of {branch.branch}", None if known is None else known.files
    for branch in idle:
        yield branch, f"the work of {branch.branch}", files_in_work(branch)


def _results_in(part: list[PlainFile]) -> list[PlainFile]:
    """Of a part's files the results, and what was set aside of them; a record whose file is gone counts too."""
    files = [file for file in part if not Path(file.name).name.startswith(".")]
    results = {record_of(Path(file.name)) for file in files if not file.name.endswith(RECORD)}
    return [file for file in files if not file.name.endswith(RECORD) or Path(file.name) not in results]


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
