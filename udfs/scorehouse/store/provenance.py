"""Where every store file comes from, as a small file beside it: what is not as that says counts as missing."""

import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from mashumaro.codecs.json import JSONDecoder, JSONEncoder

from scorehouse.foreign import open_plain, read_plain
from scorehouse.store.durable import write_durably

COMPUTED, TRUSTED, VERIFIED, UNLIKE = "computed", "trusted", "verified", "unlike"
"""How a part of the store came by a file: its build alone computed it; it is a copy of what a branch computed; it was computed
again and has that one's rows, or others."""

RECORD = ".json"
_MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class Author:
    """Who computes: the branch, the commit that is checked out, and dbt's invocation."""

    branch: str = ""
    commit: str | None = None
    run_id: str = ""


@dataclass(frozen=True)
class Provenance:
    """Who wrote a file, from what, and what it holds.

    Attributes:
        branch, commit, run_id, process_id: where and when it was computed; of a file that was taken up, by the branch.
        parents: the store files that it was computed from; of a landed copy the raw file, of a seed its path in the project.
        sha256: of its bytes, in hexadecimal.
        promotion: how the part of the store that it lies in came by it.
    """

    branch: str
    commit: str | None
    run_id: str
    process_id: int
    written_at: datetime
    parents: list[str]
    sha256: str
    promotion: str = COMPUTED

    @classmethod
    def of(cls, file: Path, author: Author, parents: Iterable[str]) -> Self:
        """That of a file which this process has just written."""
        now = datetime.now(UTC).replace(tzinfo=None)
        return cls(author.branch, author.commit, author.run_id, os.getpid(), now, sorted(set(parents)), hash_of(file))

    @classmethod
    def beside(cls, file: Path) -> Self | None:
        """What the record of a file says; None where there is none. No link is followed: a branch may make links."""
        try:
            return _DECODER.decode(read_plain(file.parents[2], record_of(file), _MOST_BYTES))
        except (OSError, ValueError, LookupError, RecursionError):
            return None

    def write_beside(self, file: Path) -> None:
        """Make it the record of a file."""
        write_durably(record_of(file), _ENCODER.encode(self))

    def is_of(self, file: Path) -> bool:
        """Whether a file holds what was written."""
        return hash_of(file) == self.sha256


_ENCODER, _DECODER = JSONEncoder(Provenance), JSONDecoder(Provenance)


def record_of(file: Path) -> Path:
    """Path of the record of a store file: <fingerprint>.json, beside <fingerprint>.<ext>."""
    return file.with_suffix(RECORD)


def state_of(file: Path) -> str:
    """What the file system says of a file: another content, or another file of that name, has another state.

    Raises FileNotFoundError for what is no plain file.
    """
    status = file.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(file)
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def hash_of(file: Path) -> str:
    """SHA-256 of a plain file's bytes, in hexadecimal; no link is followed below the folder two above its own."""
    with open(open_plain(file.parents[2], file), "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def delete(file: Path) -> int:
    """Delete a store file and its record; returns its bytes."""
    record_of(file).unlink(missing_ok=True)
    size = file.stat().st_size if file.exists() else 0
    file.unlink(missing_ok=True)
    return size
