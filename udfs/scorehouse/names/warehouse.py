"""The folders and files of a warehouse; every name stands here, and nothing here opens a database."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from scorehouse.names import git

CATALOG, SERVING, NUMBER, SUMMARY = "catalog.duckdb", "serving.duckdb", "CURRENT", "release.json"
"""A release's files: what readers find them by, and what operations read."""

COMING = ".coming"
"""In a release's folder until readers were led to it: a process that died before left one that never was a release."""

AUDIENCES = "serving"
"""A release's folder with a serving file for each audience, if there are any."""

LOGS, DBT_LOG = "logs", "dbt.log"
"""A project's folder of logs, and dbt's own in it."""

NIGHTLY_LOGS = Path(LOGS, "nightly")
"""Where a project keeps the logs of its nightly runs."""

OWN_BOOKS = NIGHTS, WATCHDOG = "nights", "watchdog"
"""Folders of the logs' where `make nightly` and the watchdog remember what no branch's ledger has."""

WORK_DATABASE = "warehouse.duckdb"
STORE = "store"
BUILT = "built"
_WORK = ".work"


@dataclass(frozen=True)
class Warehouse:
    """Paths of one branch in a warehouse folder.

    Attributes:
        root: the warehouse folder.
        branch: the branch's name, or its folder's where only that is known.
        folder: everything that belongs to this branch alone.
    """

    root: Path
    branch: str
    folder: Path

    @classmethod
    def of(cls, root: Path, branch: str) -> Self:
        """A branch's place in the warehouse at `root`.

        >>> Warehouse.of(Path("/w"), "new weights").folder.name
        'new_weights_75f585ae18'
        """
        return cls(root, branch, root / git.slug(branch))

    @classmethod
    def of_project(cls, project: Path, environment: Mapping[str, str]) -> Self:
        """The place of the branch that a project's folder is on: in `WAREHOUSE_PATH`, else beside the project."""
        root = Path(environment.get("WAREHOUSE_PATH") or project / "warehouse").resolve()
        return cls.of(root, git.current(project, environment))

    def on(self, branch: str) -> Self:
        """The same warehouse seen from another branch, given by its name."""
        return self.of(self.root, branch)

    def branches(self) -> list[Self]:
        """All branches in this warehouse, by their folders, sorted; none where there is no warehouse yet."""
        if not self.root.is_dir():
            return []
        folders = sorted(folder for folder in self.root.iterdir() if not folder.is_symlink() and os.path.lexists(folder / _WORK))
        return [type(self)(self.root, folder.name, folder) for folder in folders]

    # ---------------------------------------------------------------- shared by all branches

    @property
    def store(self) -> Path:
        """Immutable data that main wrote or took up: every branch reads it, main alone writes it."""
        return self.root / STORE

    @property
    def is_production(self) -> bool:
        """Whether this is main."""
        return self.branch == git.PRODUCTION

    def own_part(self) -> Path:
        """The part of the store that this branch's builds write."""
        return self.store if self.is_production else self.folder / BUILT

    def other_parts(self) -> list[Path]:
        """The parts that it looks into: a branch into main's, main into every branch's."""
        if not self.is_production:
            return [self.store]
        return [branch.folder / BUILT for branch in self.branches() if branch.folder != self.folder]

    # ---------------------------------------------------------------- the build's own

    @property
    def work(self) -> Path:
        """The branch's private folder."""
        return self.folder / _WORK

    @property
    def work_database(self) -> Path:
        """dbt's own database: the only one that a build opens for writing."""
        return self.work / WORK_DATABASE

    @property
    def work_log(self) -> Path:
        """Its write-ahead log."""
        return self.work / f"{WORK_DATABASE}.wal"

    @property
    def landed(self) -> Path:
        """Text file with the places that sources are read from, one a line: a confined branch may read main's too."""
        return self.work / "sources"

    @property
    def spill(self) -> Path:
        """Temporary files of queries that do not fit in memory."""
        return self.work / "spill"

    @property
    def scratch(self) -> tuple[Path, Path]:
        """Folders of temporary files, also of raw data: those of who builds this branch, and of who was killed."""
        return self.spill, self.work / "tmp"

    @property
    def lock(self) -> Path:
        """The file that the process which builds this branch has locked; it holds that process's id."""
        return self.work / "lock"

    @property
    def ledger(self) -> Path:
        """One file of JSON lines a run: what happened, as it happened."""
        return self.folder / "ledger"

    @property
    def audit(self) -> Path:
        """The branch's audit trail: one line an event, only ever added to."""
        return self.folder / "audit.jsonl"

    @property
    def audit_end(self) -> Path:
        """Text file with the number and hash of the trail's last line."""
        return self.folder / ".audit"

    @property
    def nightly_lock(self) -> Path:
        """The file that the process which supervises a run has locked."""
        return self.folder / "nightly.lock"

    def known(self) -> set[str]:
        """Paths below the branch's folder of what is in it beside its own part of the store and the files of its ledger.

        Of its releases the current one. What a build writes there stands here: forgetting a person deletes everything else.
        """
        number = self.current_release()
        releases = [] if number is None else [self.release(number)]
        readers = (self.catalog, self.serving, self.audiences, self.pointer, self.current)
        own = (self.work_database, self.work_log, self.landed, self.lock, *self.scratch)
        own += tuple(self.work / name for name in ("sealed", "numba", "python"))
        paths = (*releases, *readers, *own, self.audit, self.audit_end, self.nightly_lock)
        return {str(path.relative_to(self.folder)) for path in paths}

    def writable_folders(self) -> list[str]:
        """The folders that the branch's database may reach."""
        return [str(folder) for folder in {self.store, self.own_part(), self.spill, self.releases, self.ledger}]

    # ---------------------------------------------------------------- what readers open

    @property
    def releases(self) -> Path:
        """One folder a release, named by its number."""
        return self.folder / "releases"

    def release(self, number: int) -> Path:
        """Folder of one release."""
        return self.releases / str(number)

    @property
    def catalog(self) -> Path:
        """The current release's views over the store, under its fixed name."""
        return self.folder / CATALOG

    @property
    def serving(self) -> Path:
        """The current release's self-contained file, under its fixed name."""
        return self.folder / SERVING

    @property
    def audiences(self) -> Path:
        """The current release's serving files for audiences, under their fixed names."""
        return self.folder / AUDIENCES

    @property
    def pointer(self) -> Path:
        """Text file with the current release's number."""
        return self.folder / NUMBER

    @property
    def current(self) -> Path:
        """The link to the current release's folder, which all fixed names lead through."""
        return self.folder / ".current"

    def current_release(self) -> int | None:
        """Number of the current release, or None before the first."""
        name = os.path.basename(os.readlink(self.current)) if self.current.is_symlink() else ""
        return int(name) if name.isascii() and name.isdigit() else None

    def release_numbers(self) -> list[int]:
        """Numbers of the releases that are kept, oldest first."""
        if not self.releases.is_dir():
            return []
        return sorted(int(folder.name) for folder in self.releases.iterdir() if re.fullmatch(r"\d+", folder.name))

    def current_catalog(self) -> Path | None:
        """The current release's own catalog, or None before the first."""
        number = self.current_release()
        return None if number is None else self.release(number) / CATALOG
