"""Linux Landlock: which files this thread, and every thread and process that it starts, may touch from now on.

It needs no privilege and cannot be taken back (https://docs.kernel.org/userspace-api/landlock.html). Three system calls, by their
numbers, which are the same on every architecture.
"""

import ctypes
import os
import stat
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = (1 << bit for bit in range(6, 13))
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15

READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER
"""Files and folders, but no links by name, devices or sockets, and no running of programs."""

WRITE_LINKS = WRITE | MAKE_SYM
"""The same and links by name: a release is made current by one."""

_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
_RIGHTS_SINCE = {1: (1 << 13) - 1, 2: REFER, 3: TRUNCATE, 5: IOCTL_DEV}
_CREATE, _ADD, _RESTRICT = 444, 445, 446
OF_ONE_THREAD = 7
"""The last version that restricts the calling thread alone; later ones restrict all, where they are asked for it."""

_TCP = 0b11
_SCOPES = 0b11
_ALL_THREADS = 1 << 3
_NO_NEW_PRIVILEGES = 38

GAPS = {
    2: "",
    3: "files can be emptied",
    4: "",
    6: "other processes can be sent signals",
}
"""What a kernel before each version of Landlock leaves open that matters here; TCP is closed by `system_calls` as well."""


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def version() -> int:
    """The kernel's version of Landlock, from 1; 0 where it has none."""
    if sys.platform != "linux":
        return 0
    found = _call(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    return max(0, found)


def handled(abi: int) -> int:
    """The rights over files that a version of Landlock can withhold, as bits.

    >>> handled(1) & REFER, handled(2) & REFER == REFER, handled(7) == handled(5)
    (0, True, True)
    """
    return sum(rights for since, rights in _RIGHTS_SINCE.items() if abi >= since)


def restrict(abi: int, rules: Mapping[Path, int], *, with_network: bool = False, with_programs: bool = False) -> None:
    """Withhold every right over files but those in `rules`, TCP, and signals to processes outside.

    Args:
        abi: what `version` found, at least 1.
        rules: rights, as bits, over a file, or over a folder and all that is in it. A path that is absent is left out.
        with_network: leave TCP as it was.
        with_programs: leave the running of programs as it was.

    Raises OSError when the kernel refuses.
    """
    files = handled(abi) & ~(EXECUTE if with_programs else 0)
    ruleset = _Ruleset(files, 0 if with_network or abi < 4 else _TCP, _SCOPES if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    descriptor = _checked(_call(_CREATE, ctypes.byref(ruleset), ctypes.c_size_t(size), ctypes.c_uint32(0)))
    try:
        for path, rights in rules.items():
            _add(descriptor, path, rights & files)
        no_new_privileges()
        _checked(_call(_RESTRICT, ctypes.c_int(descriptor), ctypes.c_uint32(_ALL_THREADS if abi > OF_ONE_THREAD else 0)))
    finally:
        os.close(descriptor)


def gaps(abi: int) -> Iterable[str]:
    """What a version of Landlock cannot withhold, in words.

    >>> list(gaps(2)), list(gaps(7))
    (['files can be emptied', 'other processes can be sent signals'], [])
    """
    return [words for since, words in GAPS.items() if words and abi < since]


def no_new_privileges() -> None:
    """Let no program that is run gain privileges: the kernel asks for it before it confines the unprivileged."""
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.prctl(_NO_NEW_PRIVILEGES, *(ctypes.c_ulong(value) for value in (1, 0, 0, 0))))


def _add(ruleset: int, path: Path, rights: int) -> None:
    """Grant rights over a path, as it is now: a link at its end grants nothing."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISLNK(mode):
            return
        beneath = _Beneath(rights if stat.S_ISDIR(mode) else rights & _OF_FILES, descriptor)
        if beneath.allowed:
            _checked(_call(_ADD, ctypes.c_int(ruleset), ctypes.c_int(1), ctypes.byref(beneath), ctypes.c_uint32(0)))
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    return ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *arguments)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
