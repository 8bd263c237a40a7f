"""While a project's own estimator is fitted it opens no file: what it would read there is in no fingerprint."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scorehouse.errors import ScorehouseError
from scorehouse.names.code import is_installed

_OWN = str(Path(__file__).parent.parent)
_KNOWN = tuple({_OWN, sys.prefix, sys.base_prefix, "/proc", "/sys", "/dev"})
"""Where this package, Python and the kernel keep what is theirs; memory that processes share is in /dev, too."""
_CODE = frozenset({".py", ".pyc", ".so", ".nbi", ".nbc"})
"""What is imported counts as code (see `scorehouse.build.engine`), and numba keeps what it compiled of this package."""


class _Fitting(threading.local):
    """What this thread fits: the model's file, and the first file that was opened meanwhile; None where it fits nothing."""

    where: str | None = None
    opened: str | None = None


_fitting = _Fitting()
_hooks: list[object] = []


@contextmanager
def no_file_read(where: str) -> Iterator[None]:
    """Raise ScorehouseError with `where`, the model's file, when this thread opens a file that is no installed library's.

    Python reports every file that it opens (an audit hook), whichever library asks; what a library opens without Python, and
    in another process, it does not see.
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
    if path.suffix in _CODE or is_installed(path) or str(path).startswith(_KNOWN):
        return
    _fitting.opened = _fitting.opened or name
    raise _refusal(where, name)


def _refusal(where: str, name: str) -> ScorehouseError:
    return ScorehouseError(
        f"{where}: meta.estimator: expected an estimator that learns from its examples and parameters alone, found one that "
        f"opens the file {name}, by which it could depend on something else unseen; give it as a parameter, or as a column of "
        f"the examples."
    )
