"""Store files that nothing refers to any more: shown, deleted when somebody asks, and after each green night."""

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
from scorehouse.operations.provenance import origins
from scorehouse.operations.register import COMMAND, operation_of
from scorehouse.release.history import files_in_work, summary
from scorehouse.release.lock import BuildLock
from scorehouse.store.provenance import RECORD, record_of


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

    A build may write nothing of other branches.
    """
    with _found(run, of_branches=False) as garbage:
        garbage.delete(run)
    if garbage.unused:
        yield f"Deleted {garbage.said}"


@dataclass(frozen=True)
class _Garbage:
    """What nothing refers to.

    Attributes:
        unused: files and the part of the store that each is in, by name.
        told_of: names without extension of the results whose records say what used ones were made of: these records stay.
        branches: the folders of those that were looked at.
        scratch: folders of branches that are not being built, whose files died with their builds.
        used_count: files that something refers to.
        left: sentences on what was not looked at, and why.
    """

    unused: list[tuple[Path, PlainFile]]
    told_of: frozenset[str]
    branches: frozenset[Path]
    scratch: list[Path]
    used_count: int
    left: str

    @property
    def said(self) -> str:
        """How much it is, in words."""
        size = sum(file.size for _, file in self.unused)
        return f"{len(self.unused)} files, {size / 1e6:,.1f} MB; {self.used_count} are in use."

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
    others = [branch for branch in run.warehouse.branches() if branch.folder != run.warehouse.folder]
    locks = [BuildLock.take_if_free(branch) for branch in others]
    idle = [branch for branch, lock in zip(others, locks, strict=True) if lock]
    busy = [branch.branch for branch in others if branch not in idle]
    kept = [*_kept([run.warehouse, *others], idle)]
    damaged = {name: branch for branch, name, files in kept if files is None}
    used = run.records.files.union(*(map(str, files) for _, _, files in kept if files is not None))
    parts = [*([] if busy or damaged else [run.warehouse.store])]
    cleared = idle if of_branches else []
    parts += [branch.own_part() for branch in cleared if branch not in damaged.values()]
    files = [(part, file) for part in parts for file in _results_in(plain_files(run.warehouse.root, part))]
    told_of = frozenset(_stem(name) for name, _ in origins(run, used))
    stays = used | {f"{stem}{RECORD}" for stem in told_of}
    unused = sorted((one for one in files if one[1].name not in stays), key=lambda one: one[1].name)
    scratch = [folder for branch in cleared for folder in branch.scratch]
    branches = frozenset(branch.folder for branch in [run.warehouse, *others])
    yield _Garbage(unused, told_of, branches, scratch, len(used), _left(busy, [*damaged]))
    del locks


def _stem(name: str) -> str:
    return str(Path(name).with_suffix(""))


def _folders(run: Run) -> set[Path]:
    return {branch.folder for branch in run.warehouse.branches()}


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
