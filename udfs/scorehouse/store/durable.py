"""Files that survive a power cut."""

import os
from contextlib import suppress
from pathlib import Path


def log_of(database: Path) -> Path:
    """Path of a database file's write-ahead log."""
    return database.with_name(database.name + ".wal")


def make_read_only(file: Path) -> None:
    """Guard a file against mistakes; a confined branch may change no file's mode: only its own builds can write its files."""
    with suppress(PermissionError):
        os.chmod(file, 0o444)


def write_durably(path: Path, text: str) -> None:
    """Replace a small text file in one step, safe against power loss."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
