"""Formulas by model version, loaded once a process."""

import threading
from collections.abc import Callable, Mapping

from scorehouse.errors import ScorehouseError
from scorehouse.formulas.formula import Formula, load

Read = Callable[[str], Mapping[str, object] | None]

_formulas: dict[str, Formula] = {}
_lock = threading.Lock()
_read: Read = lambda version: None  # noqa: E731


def read_with(read: Read) -> None:
    """Say how a version's row is read; formulas loaded before stay, since a version never changes."""
    global _read
    _read = read


def formula(version: str) -> Formula:
    """The formula of a version; raises ScorehouseError when there is no such version."""
    with _lock:
        if version not in _formulas:
            row = _read(version)
            if row is None:
                raise ScorehouseError(f"score_model: expected a model version of this branch, found '{version}'.")
            _formulas[version] = load(row)
        return _formulas[version]
