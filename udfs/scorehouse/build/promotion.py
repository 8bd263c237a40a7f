"""Results that branches computed: main takes them up (variable `promotion: trust`), or computes them again too (`verify`)."""

import random
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from scorehouse.errors import ScorehouseError
from scorehouse.store.contents import contents_of
from scorehouse.store.files import Store, copy_of, read_sql
from scorehouse.store.provenance import UNLIKE, VERIFIED, Provenance

TRUST, VERIFY = POLICIES = ("trust", "verify")

SMALL_BYTES = 64_000_000
"""Results below it are computed again whatever the share is."""


def taking_up(policy: str, verified_share: float) -> Callable[[Path], bool]:
    """Whether main copies a branch's file instead of computing it again; of large ones chance says which."""

    def takes_up(file: Path) -> bool:
        is_large = file.stat().st_size >= SMALL_BYTES
        return policy == TRUST or (is_large and random.SystemRandom().random() >= verified_share)

    return takes_up


def compared(store: Store, cursor: duckdb.DuckDBPyConnection, file: Path, stamps: Collection[str], scratch: Path) -> list[str]:
    """Compare a result that was just computed with what other parts of the store have under its name, and note it in its record.

    Args:
        stamps: columns that say when a row was computed, which do not count.
        scratch: a folder that the database may read.

    Returns a sentence for each branch that has other rows there: those of this build serve.
    """
    sentences = []
    for part in store.others:
        theirs = part / store.name(file)
        if Provenance.beside(theirs) is not None:
            is_same = _rows(cursor, file, stamps) == _rows_of_others(cursor, theirs, stamps, scratch)
            replace(Provenance.beside(file), promotion=VERIFIED if is_same else UNLIKE).write_beside(file)
            if not is_same:
                sentences.append(
                    f"{store.name(file)}: expected the rows that branch {part.parent.name} computed, found others; main "
                    "uses its own: look at what that branch was, or drop it."
                )
    return sentences


Rows = tuple[list[tuple[str, str]], object]


def _rows_of_others(cursor: duckdb.DuckDBPyConnection, file: Path, stamps: Collection[str], scratch: Path) -> Rows | None:
    """The same of a file of another part, which the database cannot reach; None for what cannot be read."""
    with TemporaryDirectory(dir=scratch) as folder:
        copy = Path(folder) / file.name
        try:
            copy_of(file, copy)
            return _rows(cursor, copy, stamps)
        except (ScorehouseError, duckdb.Error):
            return None


def _rows(cursor: duckdb.DuckDBPyConnection, file: Path, stamps: Collection[str]) -> Rows:
    """The columns of a file, in order, and what its rows hold in all that count."""
    rows = read_sql([file])
    types = {name: kind for name, kind, *_ in cursor.execute(f"describe {rows}").fetchall()}
    counted = [name for name in types if name not in stamps]
    return list(types.items()), contents_of(cursor, rows, counted, types)
