"""The whole log of every nightly run: a dated file to read, and the same as JSON lines; old ones go."""

import json
import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from scorehouse.ledger.lines import not_writable
from scorehouse.names.warehouse import NIGHTLY_LOGS
from scorehouse.nightly.child import Said

_DAY = 86400.0


class Log:
    """Writes what is said; a disk without room costs lines, never the run.

    Args:
        project: the project's folder.
        name: of the run.
    """

    def __init__(self, project: Path, name: str) -> None:
        folder = project / NIGHTLY_LOGS
        self.text = folder / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{name}.log"
        self.lines = self.text.with_suffix(".jsonl")
        self.lost = 0
        self._why = ""
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        self.wrong = None if os.access(folder, os.W_OK) else not_writable(folder)

    def write(self, said: Said) -> None:
        """Append to both files."""
        now = datetime.now(UTC)
        node = {"node": said.node} if said.node else {}
        line = json.dumps({"at": now.isoformat(), "level": said.level, "event": said.name, **node, "text": said.text})
        marked = f"{said.level.upper()}: {said.text}" if said.level in ("error", "warn") else said.text
        for file, text in ((self.text, f"{now:%H:%M:%S}  {marked}"), (self.lines, line)):
            try:
                with open(file, "a", encoding="utf-8", errors="backslashreplace") as stream:
                    stream.write(f"{text}\n")
            except OSError as error:
                self.lost += 1
                self._why = error.strerror or str(error)

    @property
    def incomplete(self) -> str | None:
        """That lines are lost, in a sentence; None where none are."""
        return f"{self.text}: {self.lost} lines of the log could not be written ({self._why})" if self.lost else None


def rotate(project: Path, days: float, megabytes: float) -> list[Path]:
    """Delete logs that are older, and the oldest while all are larger together; the newest run's stay. Returns what went."""
    files = sorted((project / NIGHTLY_LOGS).glob("*.*"), key=lambda file: file.name) if (project / NIGHTLY_LOGS).is_dir() else []
    newest = files[-1].stem if files else ""
    sizes = {file: _size(file) for file in files}
    now = min([time.time(), *(_written(file) for file in files[-1:])])  # a clock that jumps ahead makes nothing old
    left, gone = sum(sizes.values()), []
    for file in (file for file in files if file.stem != newest):
        if now - _written(file) > days * _DAY or left > megabytes * 1e6:
            left -= sizes[file]
            gone.append(file)
    for file in gone:
        with suppress(OSError):
            file.unlink()
    return gone


def _size(file: Path) -> int:
    with suppress(OSError):
        return file.stat().st_size
    return 0


def _written(file: Path) -> float:
    with suppress(OSError):
        return file.stat().st_mtime
    return time.time()
