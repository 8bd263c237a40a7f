"""Operations of `dbt run-operation`: releases, rollback, branches, drop_branch, collect_garbage, explain."""

import shutil
from pathlib import Path

import duckdb

from scorehouse import branch as branches_
from scorehouse import release, text
from scorehouse.errors import ScorehouseError
from scorehouse.operation import operation
from scorehouse.records import NodeRecord, Records
from scorehouse.run import Run
from scorehouse.warehouse import BuildLock, Warehouse


@operation
def releases(run: Run) -> str:
    """The branch's kept releases as a text table, newest first."""
    history = release.history(run.warehouse)
    if not history:
        return f"Branch '{run.warehouse.branch}' has no release yet; `dbt build` publishes the first."
    rows = [
        [
            ("* " if info.is_current else "  ") + str(info.number),
            info.built_at,
            (info.git_commit or "")[:10],
            info.published_by,
            _listed(info.changed),
        ]
        for info in history
    ]
    return text.table(["release", "built at (UTC)", "commit", "by", "changed"], rows)


@operation
def rollback(run: Run, to: object) -> str:
    """Make an earlier release current: the one before, or number `to`."""
    if to is not None and not (isinstance(to, int) and not isinstance(to, bool)):
        raise ScorehouseError(f"rollback: expected a release number such as {{to: 3}}, found '{to}'.")
    before, now = release.rollback(run.warehouse, to)
    return f"Branch '{run.warehouse.branch}' now serves release {now} (before: {before}); `dbt build` publishes anew."


@operation
def branches(run: Run) -> str:
    """All branches of the warehouse as a text table."""
    rows = [
        [folder.name, *_state(Warehouse(run.warehouse.root, folder.name), folder)] for folder in run.warehouse.branch_folders()
    ]
    return text.table(["branch", "release", "built at (UTC)", "nodes unlike main"], rows)


@operation
def drop_branch(run: Run, branch: object) -> str:
    """Delete a branch's own files; data in the store stays until collect_garbage."""
    names = [folder.name for folder in run.warehouse.branch_folders() if folder.name != branches_.PRODUCTION]
    if not isinstance(branch, str) or not branch:
        raise ScorehouseError(f"drop_branch: expected {{branch: <name>}} with one of {_listed(names)}, found '{branch}'.")
    folder = _folder_of(run.warehouse, branch)
    if folder.name == branches_.PRODUCTION:
        raise ScorehouseError(
            "drop_branch: expected a branch other than main, found main; main serves customers and is never dropped."
        )
    if folder.name not in names:
        raise ScorehouseError(f"drop_branch: expected one of {_listed(names)}, found '{branch}'.")
    if folder == run.warehouse.folder:
        raise ScorehouseError(
            f"drop_branch: expected another branch than the one this command runs on, found '{branch}'; "
            f"run it from main (SCOREHOUSE_BRANCH=main)."
        )
    lock = _lock_of(folder)
    shutil.rmtree(folder)
    del lock
    return f"Dropped branch '{branch}'; `dbt run-operation collect_garbage` frees the data that only it used."


@operation
def collect_garbage(run: Run, delete: object) -> str:
    """Delete (or, by default, only show) store files that no kept release and no branch's work refers to."""
    if not isinstance(delete, bool):
        raise ScorehouseError(f"collect_garbage: expected {{delete: true}} or {{delete: false}}, found '{delete}'.")
    locks = [_lock_of(folder) for folder in run.warehouse.branch_folders() if folder != run.warehouse.folder]
    used = _used_files(run)
    unused = [file for file in _store_files(run.warehouse) if str(file.relative_to(run.warehouse.store)) not in used]
    rows = [[str(file.relative_to(run.warehouse.store)), file.stat().st_size] for file in unused]
    if delete:
        for file in unused:
            file.unlink()
    del locks
    if not rows:
        return f"Nothing to delete: all {len(used)} files of the store are in use."
    size = sum(row[1] for row in rows) / 1e6
    verb = "Deleted" if delete else "Would delete"
    hint = "" if delete else "\nTo delete them: dbt run-operation collect_garbage --args '{delete: true}'"
    return f"{text.table(['file', 'bytes'], rows)}\n{verb} {len(rows)} files, {size:,.1f} MB; {len(used)} are in use.{hint}"


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


def _state(warehouse: Warehouse, folder: Path) -> list[object]:
    pointer = folder / "CURRENT"
    if not pointer.is_file():
        return [None, None, None]
    number = int(pointer.read_text())
    catalog = folder / "releases" / str(number) / release.CATALOG
    with duckdb.connect(str(catalog), read_only=True) as connection:
        built_at = connection.execute("select any_value(built_at) from scorehouse.release").fetchone()[0]
        mine = Records(connection, writable=False).nodes
    return [number, built_at, _difference(mine, release.records_of(warehouse.on(branches_.PRODUCTION)))]


def _difference(mine: dict[str, NodeRecord], main: dict[str, NodeRecord]) -> int:
    marks = [{key: record.fingerprint.whole for key, record in side.items()} for side in (mine, main)]
    return sum(marks[0].get(key) != marks[1].get(key) for key in marks[0].keys() | marks[1].keys())


def _folder_of(warehouse: Warehouse, name: str) -> Path:
    """A branch's folder by its git name or by its folder's name."""
    direct = warehouse.root / name
    return direct if direct in warehouse.branch_folders() else warehouse.on(name).folder


def _lock_of(folder: Path) -> BuildLock:
    return BuildLock.take(folder, folder.name, 0)


def _used_files(run: Run) -> set[str]:
    used = {file for record in run.records.nodes.values() for file in record.files}
    for folder in run.warehouse.branch_folders():
        catalogs = list(folder.glob(f"releases/*/{release.CATALOG}"))
        if folder != run.warehouse.folder and (folder / ".work" / "warehouse.duckdb").is_file():
            catalogs.append(folder / ".work" / "warehouse.duckdb")
        for catalog in catalogs:
            with duckdb.connect(str(catalog), read_only=True) as connection:
                used |= {file for record in Records(connection, writable=False).nodes.values() for file in record.files}
    return used


def _store_files(warehouse: Warehouse) -> list[Path]:
    return sorted(file for file in warehouse.store.glob("*/*") if not file.name.startswith("."))


def _listed(names: list[str], most: int = 4) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown or "none"
