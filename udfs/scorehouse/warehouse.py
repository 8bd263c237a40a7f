"""The folders and files of a warehouse. Nothing here opens a database."""

import fcntl
import os
import re
import time
import weakref
from dataclasses import dataclass
from pathlib import Path

from scorehouse import branch as branches
from scorehouse.errors import ScorehouseError


@dataclass(frozen=True)
class Warehouse:
    """Paths of one branch in a warehouse folder (the layout is in the README)."""

    root: Path
    branch: str

    @property
    def store(self) -> Path:
        """Immutable data, shared by all branches."""
        return self.root / "store"

    @property
    def folder(self) -> Path:
        """Everything that belongs to this branch alone."""
        return self.root / branches.slug(self.branch)

    @property
    def work(self) -> Path:
        """The branch's private folder: dbt's own database and spill files."""
        return self.folder / ".work"

    @property
    def work_database(self) -> Path:
        """The only database that a build opens for writing."""
        return self.work / "warehouse.duckdb"

    @property
    def spill(self) -> Path:
        """Temporary files of queries that do not fit in memory."""
        return self.work / "spill"

    @property
    def releases(self) -> Path:
        """One folder a release, named by its number."""
        return self.folder / "releases"

    @property
    def pointer(self) -> Path:
        """Text file with the current release's number."""
        return self.folder / "CURRENT"

    def writable_folders(self) -> list[str]:
        """The folders that the branch's database may reach."""
        return [str(folder) for folder in (self.store, self.spill, self.releases)]

    def on(self, branch: str) -> "Warehouse":
        """The same warehouse seen from another branch."""
        return Warehouse(self.root, branch)

    def release(self, number: int) -> Path:
        """Folder of one release."""
        return self.releases / str(number)

    def current_release(self) -> int | None:
        """Number of the current release, or None before the first."""
        try:
            return int(self.pointer.read_text())
        except FileNotFoundError:
            return None

    def release_numbers(self) -> list[int]:
        """Numbers of the releases that are kept, oldest first."""
        if not self.releases.is_dir():
            return []
        return sorted(int(folder.name) for folder in self.releases.iterdir() if re.fullmatch(r"\d+", folder.name))

    def branch_folders(self) -> list[Path]:
        """Folders of all branches in this warehouse."""
        if not self.root.is_dir():
            return []
        return sorted(folder for folder in self.root.iterdir() if (folder / ".work").is_dir())


class BuildLock:
    """The right to write a branch's work database: one process at a time, re-entrant within a process."""

    _held: "weakref.WeakValueDictionary[Path, BuildLock]" = weakref.WeakValueDictionary()

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __del__(self) -> None:
        os.close(self._descriptor)

    @classmethod
    def take(cls, branch_folder: Path, branch: str, wait_seconds: float) -> "BuildLock":
        """Hold the branch's lock for as long as the returned object lives (or until the process ends, however it ends).

        Raises ScorehouseError when another process still holds it after `wait_seconds`.
        """
        path = branch_folder / ".work" / "lock"
        lock = cls._held.get(path)
        if lock is None:
            lock = cls._held[path] = cls(_acquire(path, branch, wait_seconds))
        return lock


def _acquire(path: Path, branch: str, wait_seconds: float) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + wait_seconds
    while not _try_lock(descriptor):
        if time.monotonic() >= deadline:
            holder = os.pread(descriptor, 32, 0).decode() or "unknown"
            os.close(descriptor)
            raise ScorehouseError(
                f"Branch '{branch}' is being built by another process (pid {holder}): expected it to end "
                f"within {wait_seconds:.0f} seconds; wait for it, or set SCOREHOUSE_LOCK_WAIT to wait longer."
            )
        time.sleep(0.1)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def log_of(database: Path) -> Path:
    """Path of a database file's write-ahead log."""
    return database.with_name(database.name + ".wal")


def write_durably(path: Path, text: str) -> None:
    """Replace a small text file in one step, safe against power loss."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
