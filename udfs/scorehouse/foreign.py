"""Folders that somebody else writes: reached by descriptors, which follow no link; only plain files are given out.

A branch may put links, pipes and folders wherever it likes in its own folder. Whoever looks into it for another branch does so
here: nothing outside of it is read, emptied or deleted, whatever it holds, and whatever changes meanwhile.
"""

import errno
import os
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ATTEMPTS = 5
"""So often is made what somebody else takes away again."""


@dataclass(frozen=True)
class PlainFile:
    """A file in a folder.

    Attributes:
        name: its path below that folder.
        size: in bytes.
        written_at: when, in seconds since 1970.
    """

    name: str
    size: int
    written_at: float


@contextmanager
def entered(root: Path, folder: Path) -> Iterator[int]:
    """A descriptor of a folder below `root`, which nobody else writes.

    Raises FileNotFoundError where it, or a folder on the way, is none: a link is none.
    """
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in folder.relative_to(root).parts:
            inner = _open(name, _FOLDER, descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def open_plain(root: Path, file: Path) -> int:
    """A descriptor of a plain file below `root`, to read; raises FileNotFoundError for anything else."""
    with entered(root, file.parent) as folder:
        descriptor = _open(file.name, os.O_RDONLY | _FILE, folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(file)
    return descriptor


def read_plain(root: Path, file: Path, most_bytes: int) -> bytes:
    """What a plain file below `root` holds; raises FileNotFoundError for anything else, and for one of more bytes."""
    with open(open_plain(root, file), "rb") as stream:
        found = stream.read(most_bytes + 1)
    if len(found) > most_bytes:
        raise FileNotFoundError(errno.EFBIG, os.strerror(errno.EFBIG), str(file))
    return found


def copy_plain(root: Path, file: Path, copy: Path, most_bytes: int | None = None) -> None:
    """Copy a plain file below `root` to where nothing is; raises FileNotFoundError as `read_plain`."""
    with open(open_plain(root, file), "rb") as found:
        if most_bytes is not None and os.fstat(found.fileno()).st_size > most_bytes:
            raise FileNotFoundError(errno.EFBIG, os.strerror(errno.EFBIG), str(file))
        with open(copy, "xb") as target:
            shutil.copyfileobj(found, target)


def open_own(root: Path, file: Path) -> int:
    """A descriptor of a file that is ours alone, to read and write; it and its folders are made where they are not there.

    What is no folder on the way, or no file of one name, is taken away: nothing of ours is such.
    """
    root.mkdir(parents=True, exist_ok=True)
    with _told_as(file):
        return _opened_own(root, file)


@contextmanager
def _told_as(path: Path) -> Iterator[None]:
    """Let errors name a path: descriptors know its last name alone."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def _opened_own(root: Path, file: Path) -> int:
    for _ in range(_ATTEMPTS):
        _make_folders(root, file.parent)
        with suppress(FileNotFoundError), entered(root, file.parent) as folder:
            with suppress(FileNotFoundError):
                descriptor = _open(file.name, os.O_RDWR | os.O_CREAT | _FILE, folder, 0o644)
                found = os.fstat(descriptor)
                if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                    return descriptor
                os.close(descriptor)
            _take_away(file.name, folder)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file))


def is_open_as(root: Path, file: Path, descriptor: int) -> bool:
    """Whether the plain file of that path is the one that is open."""
    try:
        found = open_plain(root, file)
    except FileNotFoundError:
        return False
    try:
        return os.path.samestat(os.fstat(found), os.fstat(descriptor))
    finally:
        os.close(found)


def plain_files(root: Path, folder: Path) -> list[PlainFile]:
    """The plain files in a folder's folders, as a part of the store has them, sorted; none where it is no folder."""
    with suppress(FileNotFoundError), entered(root, folder) as part:
        return sorted((file for file in _listed(part, "", 2) if "/" in file.name), key=lambda file: file.name)
    return []


def delete_file(root: Path, file: Path) -> None:
    """Delete a file below `root`, if it is there."""
    with _told_as(file), suppress(FileNotFoundError), entered(root, file.parent) as folder:
        os.unlink(file.name, dir_fd=folder)


def keep_only(root: Path, folder: Path, kept: Collection[str] = ()) -> list[PlainFile]:
    """Delete everything in a folder but some paths, which stay whole; returns the files that are gone.

    Args:
        kept: paths below the folder, of files or folders.
    """
    with _told_as(folder), suppress(FileNotFoundError), entered(root, folder) as descriptor:
        return list(_swept(descriptor, "", frozenset(kept)))
    return []


def delete_folder(root: Path, folder: Path, last: Path | None = None) -> list[PlainFile]:
    """Delete a folder below `root` with everything in it; returns the files that are gone. What somebody begins there anew stays.

    Args:
        last: a file in it that goes after all else.
    """
    kept = () if last is None else (str(last.relative_to(folder)),)
    gone = [*keep_only(root, folder, kept), *keep_only(root, folder)]
    with suppress(FileNotFoundError), entered(root, folder.parent) as parent:
        _remove_if_empty(folder.name, parent)
    return gone


def _open(name: str, flags: int, folder: int, mode: int = 0o777) -> int:
    try:
        return os.open(name, flags, mode, dir_fd=folder)
    except PermissionError:
        raise
    except OSError as error:  # a link, a file on the way, a socket, a folder where a file belongs
        raise FileNotFoundError(error.errno, error.strerror, name) from None


def _make_folders(root: Path, folder: Path) -> None:
    below = folder.relative_to(root)
    for path in [path for path in (*reversed(below.parents), below) if path.name]:
        with entered(root, root / path.parent) as parent:
            if not _is_folder(path.name, parent):
                _take_away(path.name, parent)
                with suppress(FileExistsError):
                    os.mkdir(path.name, dir_fd=parent)


def _is_folder(name: str, parent: int) -> bool:
    with suppress(FileNotFoundError):
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    return False


def _take_away(name: str, folder: int) -> None:
    list(_removed(name, folder, name, frozenset()))


def _listed(folder: int, prefix: str, depth: int) -> Iterator[PlainFile]:
    with os.scandir(folder) as entries:
        found = list(entries)
    for entry in found:
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            yield PlainFile(f"{prefix}{entry.name}", status.st_size, status.st_mtime)
        elif stat.S_ISDIR(status.st_mode) and depth > 1:
            with suppress(FileNotFoundError, PermissionError):
                inner = _open(entry.name, _FOLDER, folder)
                try:
                    yield from _listed(inner, f"{prefix}{entry.name}/", depth - 1)
                finally:
                    os.close(inner)


def _swept(folder: int, prefix: str, kept: frozenset[str]) -> Iterator[PlainFile]:
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        if f"{prefix}{name}" not in kept:
            yield from _removed(name, folder, f"{prefix}{name}", kept)


def _removed(name: str, folder: int, path: str, kept: frozenset[str]) -> Iterator[PlainFile]:
    """Delete one entry of a folder, but what is kept in it."""
    with suppress(FileNotFoundError):  # somebody else was faster
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(name, dir_fd=folder)
            yield PlainFile(path, status.st_size, status.st_mtime)
            return
        if status.st_mode & stat.S_IRWXU != stat.S_IRWXU:
            _allow(name, folder)
        inner = _open(name, _FOLDER, folder)
        try:
            yield from _swept(inner, f"{path}/", kept)
        finally:
            os.close(inner)
        if not any(one.startswith(f"{path}/") for one in kept):
            _remove_if_empty(name, folder)


def _remove_if_empty(name: str, parent: int) -> None:
    """Remove a folder in which nobody has put anything meanwhile."""
    try:
        os.rmdir(name, dir_fd=parent)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _allow(name: str, parent: int) -> None:
    """Give ourselves the rights to empty a folder: whoever made it may have given none."""
    descriptor = _open(name, os.O_DIRECTORY | os.O_NOFOLLOW | getattr(os, "O_PATH", os.O_RDONLY), parent)
    try:
        os.chmod(f"/proc/self/fd/{descriptor}", stat.S_IRWXU)
    finally:
        os.close(descriptor)
