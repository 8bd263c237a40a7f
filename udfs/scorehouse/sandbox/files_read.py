"""While a project's own estimator is fitted it opens no file: what it would read there is in no fingerprint."""

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from scorehouse.code import is_installed
from scorehouse.errors import ScorehouseError
from scorehouse.sandbox.confinement import installed

_OWN = str(Path(__file__).parent.parent)
_KNOWN = tuple({_OWN, sys.prefix, sys.base_prefix, "/proc", "/sys", "/dev"})
"""Where this package, Python and the kernel keep what is theirs; memory that processes share is in /dev, too."""
_CODE = frozenset({".py", ".pyc", ".code", ".so", ".nbi", ".nbc"})
"""What is imported counts as code (see `scorehouse.build.engine`); Python and numba keep what they compiled of it."""


_OF_THE_SYSTEM = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime")

Result = TypeVar("Result")


def without_files(work: Callable[[], Result], where: str, code: Iterable[Path]) -> Result:
    """What `work` returns, done in a thread of its own in which no file is opened but this package's, Python's and libraries'.

    Python's own reports refuse what is opened through it, by name; the kernel (Landlock) refuses what a library opens by itself.

    Args:
        where: the model's file.
        code: files of the project that `work` may import.

    Raises ScorehouseError with `where` for what is opened through Python, and whatever `work` raises.
    """
    with ThreadPoolExecutor(1) as own_thread:
        return own_thread.submit(_confined, work, where, list(code)).result()


def _confined(work: Callable[[], Result], where: str, code: list[Path]) -> Result:
    landlock = installed("landlock")
    if landlock and (abi := landlock.version()):
        landlock.restrict(min(abi, landlock.OF_ONE_THREAD), _rules(landlock, code))
    with no_file_read(where):
        return work()


def _rules(landlock: ModuleType, code: list[Path]) -> dict[Path, int]:
    """Rights over files: to read what is installed and the code, and to keep what numba compiles."""
    libraries = [Path(entry) for entry in sys.path if is_installed(Path(entry))]
    rules = {folder: landlock.READ_DIR for file in code for folder in file.parents}
    rules |= dict.fromkeys([*map(Path, (*_KNOWN, *_OF_THE_SYSTEM)), *libraries, *code], landlock.READ)
    rules |= {Path("/dev"): landlock.READ | landlock.WRITE_FILE}
    compiled = os.environ.get("NUMBA_CACHE_DIR")
    return rules | ({Path(compiled): landlock.WRITE} if compiled else {})


class _Fitting(threading.local):
    """What this thread fits: the model's file, and the first file that was opened meanwhile; None where it fits nothing."""

    where: str | None = None
    opened: str | None = None


_fitting = _Fitting()
_hooks: list[object] = []


@contextmanager
def no_file_read(where: str) -> Iterator[None]:
    """Raise ScorehouseError with `where`, the model's file, when this thread opens a file that is no installed library's.

    Python reports every file that it opens (an audit hook), whichever library asks; what a library opens without Python it does
    not see.
    """
    if not _hooks:  # a hook stays for good
        _hooks.append(_seen)
        sys.addaudithook(_seen)
    _fitting.where, _fitting.opened = where, None
    try:
        yield
    except Exception:
        if _fitting.opened is None:
            raise
    finally:
        _fitting.where = None
    if _fitting.opened is not None:  # also where the estimator went on without it
        raise _refusal(where, _fitting.opened)


def _seen(event: str, arguments: tuple[object, ...]) -> None:
    where = _fitting.where
    if event != "open" or where is None or isinstance(arguments[0], int | None):
        return
    name = arguments[0].decode() if isinstance(arguments[0], bytes) else str(arguments[0])
    path = Path(name).absolute()
    compiled = os.environ.get("NUMBA_CACHE_DIR")
    if path.suffix in _CODE or is_installed(path) or str(path).startswith((*_KNOWN, *([compiled] if compiled else []))):
        return
    _fitting.opened = _fitting.opened or name
    raise _refusal(where, name)


def _refusal(where: str, name: str) -> ScorehouseError:
    return ScorehouseError(
        f"{where}: meta.estimator: expected an estimator that learns from its examples and parameters alone, found one that "
        f"opens the file {name}, by which it could depend on something else unseen; give it as a parameter, or as a column of "
        f"the examples."
    )
