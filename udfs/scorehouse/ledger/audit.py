"""The audit trail of a branch: one JSON object a line, each with the hash of the line before, so that no line changes unnoticed.

A line's `hash` is the SHA-256 of its own bytes without that last member; `before` is the hash of the line before, of the first
line 64 zeros. Beside the trail, `.audit` names its last line, and while one is added that one too; and every release the line
that says it was published: so lines that were removed at the end are missed, and lines that others added are not known. Whoever
writes all three anew, chain and all, is found by a hash that was kept elsewhere.
"""

import hashlib
import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from scorehouse.errors import ScorehouseError
from scorehouse.names.user import user
from scorehouse.names.warehouse import Warehouse
from scorehouse.store.durable import sync, write_durably
from scorehouse.store.provenance import Author

CUT = "cut"
"""The event of a line that tells of bytes before it, which a process left that died while it wrote them."""

_appending = threading.Lock()


@dataclass(frozen=True)
class Mark:
    """A line of a trail: its number, from 1, and its hash."""

    number: int
    hash: str


START = Mark(0, "0" * 64)
"""What stands before the first line."""


@dataclass(frozen=True)
class End:
    """What `.audit` says: the last line, and the one that is being added, or was when a process died."""

    last: Mark
    coming: Mark | None = None

    def names(self, line: "Line | None") -> bool:
        """Whether a trail may end with this line: with the last, with the one that came, or with what tells of a cut one."""
        mark = line.mark if line else START
        return mark in (self.last, self.coming) or (
            self.coming is not None and line is not None and line.event == CUT and line.follows(self.last)
        )

    def __str__(self) -> str:
        return " ".join(f"{mark.number} {mark.hash}" for mark in (self.last, self.coming) if mark)


@dataclass(frozen=True)
class Line:
    """One event.

    Attributes:
        number: from 1.
        at: ISO time, UTC.
        event: what happened, in a word or two.
        who: the user of the operating system.
        commit, run: the commit that was checked out, and dbt's invocation.
        details: of its kind of event; nothing that names a customer.
        before: hash of the line before.
    """

    number: int
    at: str
    event: str
    who: str
    commit: str | None
    run: str
    details: dict[str, object]
    before: str

    @classmethod
    def now(cls, last: Mark, author: Author, event: str, details: Mapping[str, object]) -> Self:
        """The line that follows the last one."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return cls(last.number + 1, at, event, user(), author.commit, author.run_id, dict(details), last.hash)

    @classmethod
    def read(cls, raw: bytes) -> Self | None:
        """The line that some bytes are; None where they are not wholly as they were written."""
        try:
            known = json.loads(raw)
            line = cls(**{name: value for name, value in known.items() if name != "hash"})
            is_typed = type(line.number) is int and isinstance(line.details, dict) and isinstance(line.before, str)
            return line if is_typed and line.raw == raw else None
        except (ValueError, TypeError, AttributeError, RecursionError):
            return None

    @property
    def _text(self) -> str:
        return json.dumps(vars(self), ensure_ascii=False, separators=(",", ":"), default=str)

    @property
    def mark(self) -> Mark:
        """Its number and hash."""
        return Mark(self.number, _hash(self._text.encode()))

    @property
    def raw(self) -> bytes:
        """As it stands in the file."""
        return f'{self._text[:-1]},"hash":"{self.mark.hash}"}}'.encode()

    def follows(self, last: Mark) -> bool:
        """Whether it was written after another line, with none between."""
        return self.number == last.number + 1 and self.before == last.hash

    def tells_of(self, cut: bytes) -> bool:
        """Whether it says that these bytes were cut."""
        return self.event == CUT and self.details.get("sha256") == _hash(cut)


def append(warehouse: Warehouse, author: Author, event: str, details: Mapping[str, object]) -> Mark:
    """Add a line to a branch's trail, durably; the caller's process holds the branch's lock.

    Bytes of a line that was cut stay where they are, and the next line says so.
    """
    with _appending:
        content = _content(warehouse.audit)
        whole, cut = _end_of(content)
        last, text = whole.mark if whole else START, b"" if content.endswith(b"\n") or not content else b"\n"
        end = _end(warehouse)
        # what is missing, or was added, shall not be forgotten
        is_sound = not content if end is None else end.names(whole) and (not cut or end.coming is not None)
        before = last
        if cut:
            line = Line.now(last, author, CUT, {"bytes": len(cut), "sha256": _hash(cut)})
            last, text = line.mark, text + line.raw + b"\n"
        line = Line.now(last, author, event, details)
        if is_sound:
            write_durably(warehouse.audit_end, f"{End(before, line.mark)}\n")
        descriptor = os.open(warehouse.audit, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o640)
        with open(descriptor, "ab") as trail:
            trail.write(text + line.raw + b"\n")
            trail.flush()
            os.fsync(trail.fileno())
        if not content:
            sync(warehouse.folder)
        if is_sound:
            write_durably(warehouse.audit_end, f"{End(line.mark)}\n")
        return line.mark


def _end_of(content: bytes) -> tuple[Line | None, bytes]:
    """A trail's last whole line, and the bytes behind it."""
    pieces = content.removesuffix(b"\n").split(b"\n")
    for place in reversed(range(len(pieces))):
        line = Line.read(pieces[place])
        if line is not None:
            return line, b"\n".join(pieces[place + 1 :])
    return None, content.removesuffix(b"\n")


def _end(warehouse: Warehouse) -> End | None:
    """What is said to be the last line; None where nothing says so."""
    try:
        words = warehouse.audit_end.read_text().split()
        return End(*(Mark(int(number), mark) for number, mark in zip(words[::2], words[1::2], strict=True)))
    except (OSError, ValueError, TypeError):
        return None


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# -------------------------------------------------------------------- is it whole?


@dataclass(frozen=True)
class Trail:
    """A whole trail: its lines, and whether bytes of a line that was cut stand behind the last."""

    lines: list[Line]
    is_cut: bool = False


def verified(warehouse: Warehouse, published: Mapping[str, Mark]) -> Trail:
    """A branch's trail; raises ScorehouseError that names the first line which is not as it was written.

    Args:
        published: by what names them, lines that are known from elsewhere.
    """
    content, end = _content(warehouse.audit), _end(warehouse)
    whole, cut = _end_of(content)
    if end is None and content:
        raise _unlike(warehouse, f"no {warehouse.audit_end.name} beside it, which names the last line")
    name = f"{warehouse.audit_end.name} beside it"
    found = fault(content, {**published, name: end.last if end else START})
    if not found and end and (not end.names(whole) or (cut and end.coming is None)):
        found = f"{_added(end.last)}: {name} names line {end.last.number}"
    if found:
        raise _unlike(warehouse, found)
    pieces = content.removesuffix(b"\n").split(b"\n")
    lines = [line for line in map(Line.read, pieces) if line is not None]
    return Trail(lines, bool(cut))


def _unlike(warehouse: Warehouse, found: str) -> ScorehouseError:
    return ScorehouseError(
        f"{warehouse.audit}: expected the audit trail as it was written, found {found}; compare it with a copy, "
        "and ask who can write there."
    )


def fault(content: bytes, known: Mapping[str, Mark]) -> str | None:
    """What is wrong with a trail, in words that name the first line which is not as it was written; None for a whole one.

    Args:
        content: of its file.
        known: lines that it has, by what says so.
    """
    pieces = content.removesuffix(b"\n").split(b"\n") if content else []
    lines = [Line.read(piece) for piece in pieces]
    marks, place = [START], 0
    while place < len(lines):
        after = next((later for later in range(place, len(lines)) if lines[later]), None)
        if after is None:
            break
        found = _odd_bytes(b"\n".join(pieces[place:after]) if after > place else None, lines[after], marks[-1])
        if not found and not lines[after].follows(marks[-1]):
            found = _out_of_line(pieces, lines, after, marks[-1], set(known.values()))
        if found:
            return found
        marks.append(lines[after].mark)
        place = after + 1
    return _unlike_known(marks, known, is_cut=place < len(lines))


def _odd_bytes(cut: bytes | None, line: Line, last: Mark) -> str | None:
    """What is wrong with the bytes between two whole lines, if there are any; they are right where the second tells of them."""
    if cut is not None and not line.follows(last):
        return f"line {last.number + 1} edited"
    if line.event == CUT and line.follows(last) and (cut is None or not line.tells_of(cut)):
        return f"the cut bytes behind line {last.number} {'removed' if cut is None else 'edited'}"
    return _added(last) if cut is not None and line.event != CUT else None


def _added(last: Mark) -> str:
    return f"a line added after line {last.number}" if last.number else "a line added before line 1"


def _out_of_line(pieces: Sequence[bytes], lines: Sequence[Line | None], place: int, last: Mark, known: set[Mark]) -> str:
    """What became of a trail where a line does not follow the last one, though it is as some line was written."""
    line, expected = lines[place], last.number + 1
    following = lines[place + 1] if place + 1 < len(lines) else None
    if line.number == expected:  # one of the two has another hash than it had
        is_its_own = line.mark in known or (following is not None and following.follows(line.mark))
        return f"line {last.number if is_its_own and last.number else expected} edited"
    stands_for_it = following is not None and following.number == expected + 1
    if pieces.count(pieces[place]) > 1 and not stands_for_it:
        return _added(last)
    if any(other is not None and other.number == expected for other in lines[place + 1 :]):
        return f"line {expected} moved behind line {line.number}: lines were reordered"
    if stands_for_it:
        return f"line {expected} edited"
    return f"line {expected} removed" if line.number > expected else _added(last)


def _unlike_known(marks: Sequence[Mark], known: Mapping[str, Mark], is_cut: bool) -> str | None:
    """What is wrong with a trail whose lines follow each other, by what is known of some of them."""
    sure, last = 0, marks[-1].number
    for name, mark in sorted(known.items(), key=lambda one: (one[1].number, one[0])):
        if mark.number > last:
            return f"line {last + 1} {'cut or edited' if is_cut else 'removed'}: {name} names line {mark.number}"
        if marks[mark.number] != mark:
            since = f" or an earlier one, after line {sure}," if sure + 1 < mark.number else ""
            return f"line {mark.number}{since} edited, and those behind it written anew: {name} has another hash of it"
        sure = mark.number
    return None
