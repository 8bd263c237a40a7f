"""Ledger files go by age, oldest first, as far as nothing needs them any more."""

import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice, takewhile
from pathlib import Path

from scorehouse.ledger import lines
from scorehouse.nightly import incidents

_DAY = 86400.0
_SERVED = ("published", "confirmed")
"""Events whose newest lines SLAs and the audit trail are judged by."""


def retire(folder: Path, days: float) -> list[Path]:
    """Delete a ledger's files that are older. Returns what went.

    All stays from the first file on that is younger, that says what is open or to be told, or that was the last to publish.
    What is left reads as it did, whenever this is interrupted.
    """
    files = lines.files(folder)
    old = list(takewhile(lambda file: _age(file) > days * _DAY, files[:-1]))
    if not old:
        return []
    first = min(_needed(folder, files), default=lines.number_of(files[-1]))
    gone = list(takewhile(lambda file: lines.number_of(file) < first, old))
    with suppress(OSError):
        for file in gone:
            file.unlink()
    return gone


def _needed(folder: Path, files: list[Path]) -> Iterator[int]:
    """Numbers of the first files that something needs."""
    standing = incidents.standing(incidents.history(folder))
    yield from (one.since for one in (*standing.open.values(), *standing.over))
    for event in _SERVED:
        yield from islice((lines.number_of(file) for file in reversed(files) if any(lines.read(file, [event]))), 1)


def _age(file: Path) -> float:
    """Seconds since its run began by what it says, or since it was last written to."""
    began = next((line.at for line in lines.read(file) if line.at), None)
    with suppress(OSError):
        return time.time() - (began.timestamp() if began else file.stat().st_mtime)
    return 0.0
