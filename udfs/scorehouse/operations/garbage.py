"""Store files that nothing refers to any more: shown, deleted when somebody asks, and after each green night."""

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError
from scorehouse.foreign import PlainFile, delete_file, keep_only, plain_files
from scorehouse.names.warehouse import Warehouse
from scorehouse.operations import text
from scorehouse.operations.audit import GARBAGE, note
from scorehouse.operations.others import HiddenError, lock_if_free, others
from scorehouse.operations.provenance import origins
from scorehouse.operations.register import COMMAND, operation_of
from scorehouse.release.history import files_in_work, summary
from scorehouse.release.lock import BuildLock
from scorehouse.store.provenance import RECORD, record_of

NEEDLESS = "files that no release needs"


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
    with _found(run) as garbage:
        if delete:
            garbage.delete(run)
    if not garbage.unused:
        return f"Nothing to delete: all {garbage.used_count} files of the store are in use.{garbage.left}"
    rows = [[file.name, file.size] for _, file in garbage.unused]
    verb = "Deleted" if delete else "Would delete"
    hint = "" if delete else "\nTo delete them: dbt run-operation collect_garbage --args '{delete: true}'"
    return f"{text.table(['file', 'bytes'], rows)}\n{verb} {garbage.said}{garbage.left}{hint}"


def collected(run: Run) -> Iterator[str]:
    """Delete main's unused files after a release of main that stands, and say so in a line where there were any.

    A build may write nothing of other branches. What stays for a branch that cannot be read stays until somebody mends that.
    """
    with _found(run, of_branches=False) as garbage:
        garbage.delete(run)
    if garbage.unused:
        yield f"Deleted {garbage.said}"
    if garbage.unread:
        yield f"Not yet deleted, {NEEDLESS}: {' '.join(garbage.unread)}"
    elif garbage.busy:
        yield f"{NEEDLESS.capitalize()} stay for the next night: {text.listed(garbage.busy)} being built may be reading them."


@dataclass(frozen=True)
class _Garbage:
    """What nothing refers to.

    Attributes:
        unused: files and the part of the store that each is in, by name.
        told_of: names without extension of the results whose records say what used ones were made of: these records stay.
        branches: the folders of those that were looked at.
        scratch: folders of branches that are not being built, whose files died with their builds.
        used_count: files that something refers to.
        busy: branches that are being built.
        unread: sentences on what cannot be read, and what stays for it.
    """

    unused: list[tuple[Path, PlainFile]]
    told_of: frozenset[str]
    branches: frozenset[Path]
    scratch: list[Path]
    used_count: int
    busy: list[str]
    unread: list[str]

    @property
    def said(self) -> str:
        """How much it is, in words."""
        size = sum(file.size for _, file in self.unused)
        return f"{len(self.unused)} files, {size / 1e6:,.1f} MB; {self.used_count} are in use."

    @property
    def left(self) -> str:
        """Lines on what was not looked at, and why."""
        waits = "What main has and what they write stays; run it again afterwards."
        busy = [f"Being built: {text.listed(self.busy)}. {waits}"] if self.busy else []
        return "".join(f"\n{sentence}" for sentence in (*busy, *self.unread))

    def delete(self, run: Run) -> None:
        """Delete it, each record before what it is of; the audit trail has how much it was.

        Raises ScorehouseError, and deletes no more, where a branch has begun since: it may read any file of main's part.
        """
        root, deleted = run.warehouse.root, []
        try:
            for part, file in self.unused:
                begun = _folders(run) - self.branches
                if begun:
                    raise ScorehouseError(f"expected no branch to begin meanwhile, found {begun.pop().name}; run it again.")
                if _stem(file.name) not in self.told_of:
                    delete_file(root, record_of(part / file.name))
                delete_file(root, part / file.name)
                deleted.append(file)
            for folder in self.scratch:
                keep_only(root, folder)
        finally:
            if deleted:
                note(run, GARBAGE, {"files": len(deleted), "bytes": sum(file.size for file in deleted)})


@contextmanager
def _found(run: Run, of_branches: bool = True) -> Iterator[_Garbage]:
    """The garbage, while no branch that is there can begin a build.

    Args:
        of_branches: whether theirs counts too.
    """
    branches = _folders(run)
    locks, hidden = _locks(others(run.warehouse))
    idle, busy = ([branch for branch in locks if bool(locks[branch]) is is_free] for is_free in (True, False))
    kept = [*_kept([run.warehouse, *locks], idle)]
    damaged = [one for one in kept if one.files is None]
    used = run.records.files.union(*(map(str, one.files) for one in kept if one.files is not None))
    border = math.inf if busy or hidden else max((one.written_at for one in damaged), default=-math.inf)
    root, store = run.warehouse.root, run.warehouse.store
    files = [(store, file) for file in _results_in(plain_files(root, store)) if file.written_at > border]
    cleared = idle if of_branches else []
    parts = [branch.own_part() for branch in cleared if branch not in [one.branch for one in damaged]]
    files += [(part, file) for part in parts for file in _results_in(plain_files(root, part))]
    told_of = frozenset(_stem(name) for name, _ in origins(run, used))
    stays = used | {f"{stem}{RECORD}" for stem in told_of}
    unused = sorted((one for one in files if one[1].name not in stays), key=lambda one: one[1].name)
    scratch = [folder for branch in cleared for folder in branch.scratch]
    unread = [f"{sentence} What main has stays until then, since it may use it." for sentence in hidden]
    unread += _named(damaged)
    yield _Garbage(unused, told_of, branches, scratch, len(used), [branch.branch for branch in busy], unread)
    del locks


def _locks(branches: list[Warehouse]) -> tuple[dict[Warehouse, BuildLock | None], list[str]]:
    """The locks of branches that are not being built, none of the others; and a sentence for each that cannot be looked into."""
    locks: dict[Warehouse, BuildLock | None] = {}
    hidden = []
    for branch in branches:
        try:
            locks[branch] = lock_if_free(branch)
        except HiddenError as error:
            hidden.append(str(error))
    return locks, hidden


def _stem(name: str) -> str:
    return str(Path(name).with_suffix(""))


def _folders(run: Run) -> frozenset[Path]:
    return frozenset(branch.folder for branch in others(run.warehouse))


@dataclass(frozen=True)
class _Kept:
    """A release, or the work of a branch, that may use files of the store.

    Attributes:
        name: what it is called.
        files: what it uses; None where that cannot be read.
        written_at: when, in seconds since 1970: of what came later it uses nothing.
    """

    branch: Warehouse
    name: str
    files: Collection[str] | None
    written_at: float


def _kept(branches: list[Warehouse], idle: list[Warehouse]) -> Iterator[_Kept]:
    """Every kept release, and the work of branches that are not being built."""
    for branch in branches:
        try:
            numbers = branch.release_numbers()
        except OSError:
            yield _Kept(branch, f"the releases of {branch.branch}", None, math.inf)
            continue
        for number in numbers:
            known, folder = summary(branch, number), branch.release(number)
            name = f"release {number} of {branch.branch}"
            yield _Kept(branch, name, None if known is None else known.files, _written_at(folder))
    for branch in idle:
        written_at = max(map(_written_at, (branch.work_database, branch.work_log)))
        yield _Kept(branch, f"the work of {branch.branch}", files_in_work(branch), written_at)


def _written_at(path: Path) -> float:
    """When a file, or what is in a folder, was last changed; never where it is not there, for ever where that cannot be asked."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return -math.inf
    except OSError:
        return math.inf


def _named(damaged: list[_Kept]) -> Iterator[str]:
    if damaged:
        yield (
            f"Cannot be read: {text.listed([one.name for one in damaged])}. What main had when they were written stays, since "
            "they may use it: drop the branch, or remove the release's folder."
        )


def _results_in(part: list[PlainFile]) -> list[PlainFile]:
    """Of a part's files the results, and what was set aside of them; a record whose file is gone counts too."""
    files = [file for file in part if not Path(file.name).name.startswith(".")]
    results = {record_of(Path(file.name)) for file in files if not file.name.endswith(RECORD)}
    return [file for file in files if not file.name.endswith(RECORD) or Path(file.name) not in results]
