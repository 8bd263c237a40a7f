"""A release's files as they were sealed: one that is not so any more is damaged."""

import json
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from scorehouse.foreign import read_plain
from scorehouse.names.warehouse import AUDIENCES, SUMMARY, Warehouse
from scorehouse.store.durable import make_read_only, sync
from scorehouse.store.provenance import hash_of, state_of

OPEN, FOR_NOBODY = 0o444, 0o400

MOST_BYTES = 100_000_000
"""What a release says of itself is shorter."""


@dataclass(frozen=True)
class Sealed:
    """What a file of a release was like.

    Attributes:
        sha256: of its bytes, in hexadecimal.
        state: what the file system said of it; while it says the same, the bytes are not read again.
        mode, group: who may read it.
    """

    sha256: str
    state: str
    mode: int
    group: int

    @classmethod
    def of(cls, file: Path) -> Self:
        """As a file is now."""
        status = file.stat()
        return cls(hash_of(file), state_of(file), stat.S_IMODE(status.st_mode), status.st_gid)

    def is_content_of(self, file: Path) -> bool:
        """Whether a file holds what was sealed."""
        try:
            return state_of(file) == self.state or hash_of(file) == self.sha256
        except OSError:
            return False

    def is_read_like(self, file: Path) -> bool:
        """Whether who could read what was sealed can read a file, and nobody else."""
        status = file.stat()
        return (stat.S_IMODE(status.st_mode), status.st_gid) == (self.mode, self.group)


def seal(folder: Path, mode_of: Callable[[Path], int]) -> dict[str, Sealed]:
    """Make all files of a release read-only and durable; returns what each is like, by its path in the release."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for file in files:
        seal_file(file, mode_of(file))
    return {str(file.relative_to(folder)): Sealed.of(file) for file in files}


def seal_file(file: Path, mode: int = OPEN) -> None:
    """Make one file read-only and durable."""
    make_read_only(file, mode)
    sync(file)
    sync(file.parent)


def is_whole(warehouse: Warehouse, number: int) -> bool:
    """Whether a kept release's files hold what was sealed; since then, they may have been closed to some who read them."""
    folder, sealed = warehouse.release(number), sealed_in(warehouse, number)
    return bool(sealed) and all(known.is_content_of(folder / name) for name, known in sealed.items())


def unlike_sealed(folder: Path, sealed: Mapping[str, Sealed]) -> list[str]:
    """The files of a release that hold something else, or are read by others, than when they were sealed."""
    if not sealed:
        return [SUMMARY]
    same = (name for name, known in sealed.items() if known.is_content_of(folder / name) and known.is_read_like(folder / name))
    return sorted(sealed.keys() - set(same))


def close_all_but(warehouse: Warehouse, number: int) -> None:
    """Take from audiences the files of all releases but one: what they got once, they may get no longer."""
    for file in warehouse.releases.glob(f"*/{AUDIENCES}/*"):
        if file.parents[1].name != str(number) and stat.S_IMODE(file.stat().st_mode) != FOR_NOBODY:
            make_read_only(file, FOR_NOBODY)


def open_again(warehouse: Warehouse, number: int) -> None:
    """Give a release's files to its audiences as they were sealed."""
    for name, known in sealed_in(warehouse, number).items():
        if name.startswith(f"{AUDIENCES}/"):
            with suppress(OSError):  # a confined branch may change no modes
                (warehouse.release(number) / name).chmod(known.mode)


def sealed_in(warehouse: Warehouse, number: int) -> dict[str, Sealed]:
    """Of what a release says (`history.Summary`), its files alone; nothing where it cannot be read."""
    try:
        said = json.loads(read_plain(warehouse.root, warehouse.release(number) / SUMMARY, MOST_BYTES))
        return {name: Sealed(**known) for name, known in said["sealed"].items()}
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return {}
