"""Scorers by model version, loaded once a process: a version never changes."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa

from scorehouse.errors import ScorehouseError

if TYPE_CHECKING:
    from scorehouse.scoring.scorer import Scorer

Row = Mapping[str, object] | pa.Table

MEASURED = "~measured"
"""Ends the name of what a version's metrics were measured with, where it was fitted again since."""

_scorers: "dict[str, Scorer]" = {}
_lock = threading.Lock()
_read: Callable[[str], Row | None] | None = None


def read_with(read: Callable[[str], Row | None]) -> None:
    """Say how the row of a version that was not put yet is found: `read` gives it, or None where there is no such version."""
    global _read
    _read = read


def put(version: str, row: Row) -> None:
    """Load a version's scorer from its row; raises ScorehouseError when the row has no weights."""
    scorer = _load(row)
    with _lock:
        _scorers[version] = scorer


@contextmanager
def held(scorer: "Scorer") -> "Iterator[str]":
    """A name by which functions find a scorer that is no version yet, until the end of the block."""
    version = f"unproven@{uuid4().hex}"
    with _lock:
        _scorers[version] = scorer
    try:
        yield version
    finally:
        with _lock:
            del _scorers[version]


def get(version: str) -> "Scorer":
    """The scorer of a version, loaded when it is first asked for.

    Raises ScorehouseError when there is no such version, or it has no weights.
    """
    with _lock:
        if version not in _scorers:
            row = _read(version.removesuffix(MEASURED)) if _read else None
            if row is None:
                raise ScorehouseError(
                    f"score_model(): expected a version of a fitted model of this branch, found '{version}'; "
                    f"use the macro score(), which names the version."
                )
            _scorers[version] = _load(row, "measured_weights" if version.endswith(MEASURED) else "weights")
        return _scorers[version]


def _load(row: Row, weights: str = "weights") -> "Scorer":
    from scorehouse.scoring.scorer import load  # compiled code loads only where something is scored

    return load(row, weights)
