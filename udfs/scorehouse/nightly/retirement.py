"""Ledger files go by age and size, oldest first, as far as nothing needs them any more."""

import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate, islice
from pathlib import Path

from scorehouse.ledger import lines
from scorehouse.nightly import incidents

_DAY = 86400.0
_OF_NODES = ("built", "reused")
"""Events of which a run has hundreds, and of which nothing is read once it is over but by people."""


def retire(folder: Path, days: float, megabytes: float) -> list[Path]:
    """Delete a ledger's files that are older, and the oldest while all are larger together. Returns what went.

    All stays from the first file on that is younger, that says what is open or to be told, or that was the last to publish; of
    what is old in that, the lines of nodes go. What is left reads as it did, whenever this is interrupted.
    """
    files = lines.files(folder)
    old = list(_old(files, days, megabytes * 1e6))
    if not old:
        return []
    first = min(_needed(folder, files), default=lines.number_of(files[-1]))
    gone = [file for file in old if lines.number_of(file) < first]
    with suppress(OSError):
        for file in gone:
            file.unlink()
        for file in old[len(gone) :]:
            lines.leave_out(file, _OF_NODES)
    return gone


def _old(files: list[Path], days: float, most_bytes: float) -> Iterator[Path]:
    """The files at the old end that are older, or too much; what is younger than a day is never too much."""
    now = min([time.time(), *(_began(file) for file in files[-2:-1])])  # a clock that jumps ahead makes nothing old
    sizes = accumulate(reversed([_size(file) for file in files]))
    for file, newer_bytes in zip(files[:-1], reversed([*sizes]), strict=False):
        age = now - _began(file)
        if age <= days * _DAY and (newer_bytes <= most_bytes or age <= _DAY):
            return
        yield file


def _needed(folder: Path, files: list[Path]) -> Iterator[int]:
    """Numbers of the first files that something needs."""
    standing = incidents.standing(incidents.history(folder))
    yield from (one.known_from for one in (*standing.open.values(), *standing.over))
    for event in lines.PUBLICATIONS:
        yield from islice((lines.number_of(file) for file in reversed(files) if any(lines.read(file, [event]))), 1)


def _began(file: Path) -> float:
    """When its run began by what it says, or when it was last written to, in seconds since 1970."""
    began = next((line.at for line in lines.read(file) if line.at), None)
    with suppress(OSError):
        return began.timestamp() if began else file.stat().st_mtime
    return time.time()


def _size(file: Path) -> int:
    with suppress(OSError):
        return file.stat().st_size
    return 0
