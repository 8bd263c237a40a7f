"""The ledger of one run: JSON lines, each written and made durable as it happens.

`dbt build` writes it as far as hooks reach; `make nightly` begins and ends it, and says what no hook sees. A line is never
changed, but for texts that are blanked when a person is forgotten.
"""

import fcntl
import json
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from scorehouse.names.quoting import literal
from scorehouse.store.durable import write_durably

GIVEN = "SCOREHOUSE_LEDGER"
"""Environment variable: the file that a supervised build writes to, as the supervisor does."""

NIGHT = "SCOREHOUSE_NIGHT"
"""Environment variable: set for a supervised build after which what nothing refers to any more is deleted."""

START, FINISH, FAILED, ATTENTION = "start", "finish", "failed", "attention"
"""Events that a run's outcome is read from; all others are told by their names alone."""

BUILD, BUILD_ENDED = "build", "build_ended"
"""What stands for start and finish of a build in the file of whoever supervises it."""

PUBLICATIONS = PUBLISHED, CONFIRMED = "published", "confirmed"
"""Of a release that is served from now on, or that stays because nothing changed: after these readers have what is new, whatever
becomes of the run."""

GREEN, RED = "green", "red"
"""Outcomes."""

NOTHING_PUBLISHED = "Nothing published: "
"""What the sentence of a build begins with that came to its end and may not be served."""

ROOM, ROOM_BYTES = ".room", 65_536
"""A file that holds room on the disk for the lines of a run that finds it full: what went wrong, and who was told."""
_NAME = re.compile(r"(\d{8})-([\w-]+)\.jsonl")
_CUT = "cut"
BLANKED = "(taken out when a person was forgotten)"
COLUMNS = {
    "happened_at": "TIMESTAMP",
    "up": "DOUBLE",
    "process": "BIGINT",
    "event": "VARCHAR",
    "node": "VARCHAR",
    "message": "VARCHAR",
    "seconds": "DOUBLE",
    "row_count": "BIGINT",
    "details": "JSON",
}
"""What a line can say, and its DuckDB type."""


@dataclass(frozen=True)
class Line:
    """One event.

    Attributes:
        event: what happened, in a word: start, landed, built, reused, failed, trained, published, alert, finish, ...
        node: dbt's unique id of what it happened to.
        message: a sentence.
        seconds: how long it took.
        row_count: rows of the result.
        details: whatever else there is to say, by name.
        happened_at: UTC, ISO 8601, by the machine's clock.
        up: seconds by a clock that nobody sets, of which only differences within one run mean something.
        process: id of the process that wrote it.
    """

    event: str
    node: str | None = None
    message: str | None = None
    seconds: float | None = None
    row_count: int | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    happened_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"))
    up: float = field(default_factory=time.monotonic)
    process: int = field(default_factory=os.getpid)

    @classmethod
    def read(cls, text: str) -> Self:
        """A line of a file; one that a crash or a full disk cut is an event of its own, with its text."""
        with suppress(ValueError, TypeError, RecursionError, AttributeError):
            said = json.loads(text)
            line = cls(**{name: said[name] for name in cls.__dataclass_fields__ if name in said})
            is_whole = isinstance(line.event, str) and isinstance(line.details, dict) and line.at and line.at.tzinfo
            texts, numbers = (line.node, line.message), (line.seconds, line.row_count)
            is_typed = all(value is None or isinstance(value, str) for value in texts)
            is_typed &= all(value is None or _is_number(value) for value in numbers) and _is_number(line.up)
            if is_whole and is_typed:
                return line
        return cls(_CUT, message=text, happened_at="", up=0.0, process=0)

    @property
    def at(self) -> datetime | None:
        """When it happened; None for a cut line."""
        return datetime.fromisoformat(self.happened_at) if self.happened_at else None

    def text(self) -> str:
        """As it stands in the file; what says nothing is left out."""
        said = {name: value for name, value in asdict(self).items() if value not in (None, {})}
        return json.dumps({"happened_at": said.pop("happened_at"), **said}, ensure_ascii=False, default=str) + "\n"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class Ledger:
    """Appends to one run's file, which appears with its first line.

    Writing never fails a run: a line for which there is no room gets what was kept for it, or waits, and is written before the
    next one.

    Args:
        folder: the branch's ledger folder.
        run_id: names the run's file.
        given: another process's file, which this one goes on with.
    """

    def __init__(self, folder: Path, run_id: str, given: str | None = None) -> None:
        self._folder = folder
        self._run_id = run_id
        self._lock = threading.Lock()
        self._waiting = b""
        self.file = Path(given) if given and Path(given).parent == folder else None
        self.is_given = self.file is not None

    def write(self, event: str, **said: object) -> Line:
        """Append an event, durably; `said` are attributes of a Line. Returns the line."""
        line = Line(event, **said)
        with self._lock:
            self._waiting += line.text().encode("utf-8", "backslashreplace")
            with suppress(OSError):
                self._write_waiting()
            if self._waiting and _room_made(self._folder):
                with suppress(OSError):
                    self._write_waiting()
        return line

    @property
    def number(self) -> int:
        """The run's number; 0 before its first line."""
        return number_of(self.file) if self.file else 0

    @property
    def is_behind(self) -> bool:
        """Whether lines still wait, for a disk without room, or a folder that cannot be written."""
        return bool(self._waiting)

    @property
    def wrong(self) -> str | None:
        """Why no line could be written yet, in a sentence; None where it could."""
        is_usable = self._folder.is_dir() and os.access(self._folder, os.W_OK)
        return not_writable(self._folder) if self._waiting and not is_usable else None

    def _write_waiting(self) -> None:
        if self.file is None:
            self.file = _created(self._folder, self._run_id)
        descriptor = os.open(self.file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            size = os.fstat(descriptor).st_size
            text = self._waiting
            if size and os.pread(descriptor, 1, size - 1) != b"\n":  # what was cut stays a line of its own
                text = b"\n" + text
            written = os.write(descriptor, text)
            if written < len(text):  # no room for all of it: it is tried again as a whole
                if os.fstat(descriptor).st_size == size + written:
                    os.ftruncate(descriptor, size)
                return
            self._waiting = b""
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def not_writable(folder: Path) -> str:
    """The sentence for a folder into which nothing can be written."""
    found = "another file" if folder.exists() and not folder.is_dir() else "none, or one of somebody else"
    return f"{folder}: expected a folder that can be written, found {found}; move it away, or give it to the user who builds."


def _created(folder: Path, run_id: str) -> Path:
    """A new file, whose number is larger than those before: a clock that jumps does not change their order."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # no two runs have one number
        file = folder / f"{max((number_of(file) for file in files(folder)), default=0) + 1:08d}-{run_id}.jsonl"
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o640))
        _keep_room(folder)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return file


def _keep_room(folder: Path) -> None:
    """Hold room for a run that finds the disk full; not where it is full already."""
    with suppress(OSError, AttributeError):  # a system without posix_fallocate keeps none
        if not (folder / ROOM).exists():
            descriptor = os.open(folder / ROOM, os.O_WRONLY | os.O_CREAT, 0o640)
            try:
                os.posix_fallocate(descriptor, 0, ROOM_BYTES)
            except OSError:
                (folder / ROOM).unlink()
            finally:
                os.close(descriptor)


def _room_made(folder: Path) -> bool:
    """Whether there was room left to give up, and now is."""
    with suppress(OSError):
        (folder / ROOM).unlink()
        return True
    return False


def files(folder: Path) -> list[Path]:
    """A branch's ledger files, oldest first; none where there is no ledger yet, or none that can be read."""
    with suppress(OSError):
        return sorted(file for file in folder.iterdir() if _NAME.fullmatch(file.name))
    return []


def number_of(file: Path) -> int:
    """The run's number in its ledger file's name."""
    return int(file.name[:8])


def read(file: Path, events: Sequence[str] = ()) -> Iterator[Line]:
    """The lines of one run, or those of some events; none where the file is gone, or not ours to read."""
    marks = [f'"event": "{event}"' for event in events]
    with suppress(OSError), open(file, encoding="utf-8", errors="replace") as stream:
        for text in stream:
            if text.strip() and (not marks or any(mark in text for mark in marks)):
                yield Line.read(text)


def blank(folder: Path, spared: Path | None = None) -> int:
    """Take the texts out of all runs' lines but one's: a person is forgotten whom a sentence may have named. Returns how many."""
    found = 0
    for file in (file for file in files(folder) if file != spared):
        written = list(read(file))
        kept = [replace(line, message=None if line.message is None else BLANKED) for line in written]
        kept = [replace(line, details=_without_texts(line.details)) for line in kept]
        if kept != written:
            found += 1
            write_durably(file, "".join(line.text() for line in kept))
    return found


def leave_out(file: Path, events: Sequence[str]) -> None:
    """Take the lines of some events out of one run's file."""
    marks = [f'"event": "{event}"' for event in events]
    written = file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    kept = [text for text in written if not any(mark in text for mark in marks)]
    if kept != written:
        write_durably(file, "".join(kept))


def _without_texts(details: Mapping[str, object]) -> dict[str, object]:
    """Details without what is written for people: causes' sentences, reasons, titles of messages, names of files."""
    return {name: value for name, value in details.items() if name not in ("causes", "reason", "title", "files", "command")}


def view_sql(folder: Path) -> str:
    """The query over all lines of a branch's ledger, always as the files are now: `run_number`, `line`, and `COLUMNS`."""
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in COLUMNS.items())
    number = "cast(regexp_extract(filename, '(\\d{8})-[^/]*$', 1) as bigint)"
    return (
        f"select {number} as run_number, * exclude (filename) from read_ndjson({literal(str(folder / '*.jsonl'))}, "
        f"columns => {{{columns}}}, ignore_errors => true, filename => true) where event is not null"
    )
