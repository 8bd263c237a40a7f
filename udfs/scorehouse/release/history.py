"""What the kept releases say: their descriptions, and the records of their nodes."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import duckdb
from mashumaro.codecs.json import JSONDecoder, JSONEncoder

from scorehouse.foreign import read_plain
from scorehouse.ledger.audit import Mark
from scorehouse.names.warehouse import CATALOG, SUMMARY, Warehouse
from scorehouse.release.sealed import MOST_BYTES, Sealed
from scorehouse.scratch import copied
from scorehouse.serving.described import Release
from scorehouse.store.durable import make_read_only, write_durably
from scorehouse.store.files import Store
from scorehouse.store.provenance import COMPUTED, Provenance
from scorehouse.store.records import NodeRecords
from scorehouse.store.state import is_readable


@dataclass(frozen=True)
class Summary:
    """What a release is, in a small file: a thousand of them are read while ten catalogs are opened.

    Attributes:
        fingerprints: of its nodes, by id.
        files: what it reads of the store.
        promotions: of these files, how many came how from branches (see scorehouse.store.provenance).
        audited: the line of the branch's audit trail that says it was published; None of a release of before there was one.
        sealed: its files, by their path in it.
        groups: who was to read the files of audiences.
    """

    release: Release
    fingerprints: dict[str, str]
    files: list[str]
    promotions: dict[str, int] = field(default_factory=dict)
    audited: Mark | None = None
    sealed: dict[str, Sealed] = field(default_factory=dict)
    groups: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, release: Release, records: NodeRecords, store: Store | None = None, audited: Mark | None = None) -> Self:
        """The summary of a release with these nodes, whose files are in a store."""
        files = sorted(records.files)
        how = Counter(origin.promotion for file in files if store and (origin := Provenance.beside(store.path(file))))
        promotions = {name: count for name, count in how.items() if name != COMPUTED}
        return cls(release, records.fingerprints, files, promotions, audited)

    def write(self, folder: Path) -> None:
        """Put it into a release's folder."""
        write_durably(folder / SUMMARY, _ENCODER.encode(self))
        make_read_only(folder / SUMMARY)


_UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, MemoryError, duckdb.Error)
"""What reading a file raises that is damaged, or that a branch wrote otherwise than a build does."""

_RELEASE = "scorehouse.release"
_ENCODER, _DECODER = JSONEncoder(Summary), JSONDecoder(Summary)


def summary(warehouse: Warehouse, number: int) -> Summary | None:
    """What a release is; out of its catalog where it has no such file; None where neither can be read."""
    with suppress(*_UNREADABLE):
        return _DECODER.decode(read_plain(warehouse.root, warehouse.release(number) / SUMMARY, MOST_BYTES))
    with suppress(*_UNREADABLE), copied(warehouse.root, warehouse.release(number) / CATALOG) as catalog:
        return Summary.of(Release.read(catalog, _RELEASE), NodeRecords.read(catalog))
    return None


def files_in_work(warehouse: Warehouse) -> set[str] | None:
    """What a branch's work database reads of the store; None where it cannot be read."""
    if not warehouse.work_database.exists():
        return set()
    with suppress(*_UNREADABLE), copied(warehouse.root, warehouse.work_database, warehouse.work_log) as connection:
        rows = connection.execute("select unnest(files) from scorehouse.nodes").fetchall() if is_readable(connection) else []
        return {file for (file,) in rows}
    return None


def description(warehouse: Warehouse, number: int) -> Release:
    """What a release says of itself."""
    with duckdb.connect(str(warehouse.release(number) / CATALOG), read_only=True) as catalog:
        return Release.read(catalog, _RELEASE)
