"""Files that appear whole, survive a power cut, and leave nothing of a process that died."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def log_of(database: Path) -> Path:
    """Path of a database file's write-ahead log."""
    return database.with_name(database.name + ".wal")


def make_read_only(file: Path, mode: int = 0o444) -> None:
    """Guard a file against mistakes, and open it to nobody whom it was closed to.

    A confined branch may change no file's mode: only its own builds can write its files.
    """
    with suppress(PermissionError):
        os.chmod(file, file.stat().st_mode & mode)


def masked() -> int:
    """The bits that this process gives to no file that it makes."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def for_who_builds() -> Iterator[None]:
    """Close what is made meanwhile to all others, from its beginning; for the whole process, so while one thread works."""
    mask = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(mask)


def set_aside(path: Path) -> None:
    """Move away what is not as it was written, or stands where something of ours belongs: it is looked at by whoever wants to."""
    path.rename(path.with_name(f"{path.name}.damaged.{time.strftime('%Y%m%dT%H%M%S')}"))


def make_folder(folder: Path) -> None:
    """See to it that a folder is there; what is none and stands in its place is set aside."""
    if os.path.lexists(folder) and not folder.is_dir():
        set_aside(folder)
    folder.mkdir(parents=True, exist_ok=True)


def put(temporary: Path, path: Path) -> None:
    """Give a file its name in one step, durably; a folder that stands in its place is set aside."""
    if path.is_dir() and not path.is_symlink():
        set_aside(path)
    os.replace(temporary, path)
    sync(path.parent)


def write_durably(path: Path, text: str) -> None:
    """Replace a small text file in one step, safe against power loss."""
    temporary = aside(path)
    temporary.write_text(text, encoding="utf-8")
    sync(temporary)
    put(temporary, path)


def aside(path: Path, more: str = "") -> Path:
    """Where this process writes what shall become `path`: beside it, hidden, with the process's id in its name.

    >>> aside(Path("/w/store/a.parquet"), "1f").match("/w/store/.a.parquet.1f.*.tmp")
    True
    """
    return path.with_name(".".join(["", path.name, *([more] if more else []), str(os.getpid()), "tmp"]))


def leftovers(folder: Path) -> Iterator[Path]:
    """What processes that no longer run left `aside` in a folder."""
    for path in folder.glob(".*.tmp*"):
        process_id = path.name.split(".tmp")[0].rsplit(".", 1)[-1]
        if not process_id.isdigit() or not _is_alive(int(process_id)):
            yield path


def remove_leftovers(*folders: Path) -> None:
    """Delete what processes that no longer run left in these folders."""
    for path in (left for folder in folders for left in leftovers(folder)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Make a file's content, or the names in a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
        return True
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
