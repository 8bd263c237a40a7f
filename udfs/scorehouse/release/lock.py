"""The right to write a branch's work database: one process at a time."""

import fcntl
import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from scorehouse.errors import ScorehouseError
from scorehouse.foreign import is_open_as, open_own, open_plain
from scorehouse.names.warehouse import Warehouse


class HeldError(ScorehouseError):
    """Another process builds the branch."""


class BuildLock:
    """The right to write a branch's work database: one process at a time, re-entrant within a process."""

    _held: "weakref.WeakValueDictionary[Path, BuildLock]" = weakref.WeakValueDictionary()

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __del__(self) -> None:
        os.close(self._descriptor)

    @classmethod
    def take(cls, warehouse: Warehouse, wait_seconds: float, tell: Callable[[str], None] = lambda _: None) -> "BuildLock":
        """Hold the branch's lock for as long as the returned object lives (or until the process ends, however it ends).

        Args:
            tell: is told, in a sentence, for whom this waits.

        Raises HeldError when another process still holds it after `wait_seconds`.
        """
        lock = cls._held.get(warehouse.lock)
        if lock is None:
            lock = cls._held[warehouse.lock] = cls(_acquire(warehouse, wait_seconds, tell))
        return lock

    @classmethod
    def take_if_free(cls, warehouse: Warehouse) -> "BuildLock | None":
        """Hold the branch's lock; None where another process does.

        Who builds a branch has made its lock: where there is none, and this process may make none there, nobody builds.
        """
        try:
            return cls.take(warehouse, 0)
        except HeldError:
            return None
        except FileNotFoundError:
            return cls(os.open(warehouse.root, os.O_RDONLY))


def _acquire(warehouse: Warehouse, wait_seconds: float, tell: Callable[[str], None]) -> int:
    branch, deadline, told = warehouse.branch, time.monotonic() + wait_seconds, ""
    while True:
        descriptor = _opened(warehouse)
        holder = hold(descriptor)
        if holder is None and is_open_as(warehouse.folder, warehouse.lock, descriptor):
            return descriptor
        os.close(descriptor)
        if holder is None:  # the branch was dropped meanwhile
            continue
        if holder != told and wait_seconds:
            tell(f"Waiting for process {holder}, which builds branch '{branch}', for {wait_seconds:.0f} seconds at most.")
            told = holder
        if time.monotonic() >= deadline:
            raise HeldError(
                f"Branch '{branch}' is being built by another process (pid {holder}): expected it to end "
                f"within {wait_seconds:.0f} seconds; wait for it, or set SCOREHOUSE_LOCK_WAIT to wait longer."
            )
        time.sleep(0.1)


def _opened(warehouse: Warehouse) -> int:
    """The lock's file; a build on main may read that of a branch, and a lock needs no more."""
    try:
        return open_own(warehouse.folder, warehouse.lock)
    except PermissionError:
        return open_plain(warehouse.folder, warehouse.lock)


def hold(descriptor: int) -> str | None:
    """Lock an open file and put this process's id into it; the id of whoever has it already, None where it is ours."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        written = os.pread(descriptor, 32, 0)
        return written.decode() if written.isdigit() else "unknown"
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return None
