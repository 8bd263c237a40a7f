"""After a release: raw copies with rows older than a source's `retain_days` leave the store, whoever still names them."""

from collections.abc import Collection, Iterator
from pathlib import Path

from scorehouse.build.run import Run
from scorehouse.operations.audit import EXPIRED, note
from scorehouse.operations.land_sources import declared_in
from scorehouse.operations.others import lock_if_free, others
from scorehouse.sources.tables import SourceTable, has_expired
from scorehouse.store.details import LandedFile
from scorehouse.store.provenance import Provenance, delete


def expire(run: Run) -> Iterator[str]:
    """Delete superseded copies with rows that are too old, and say how many.

    Main's wait until no branch is being built, which could be reading them. Earlier releases, and those of branches that stay at
    main's files, serve what they did; their catalogs' views of raw data find nothing then.
    """
    tables = [declared_in(run, node) for node in run.manifest.sources()]
    part = run.warehouse.own_part()
    copies = [(table, copy) for table in tables if table.keep_from for copy in sorted((part / table.relation).glob("*.parquet"))]
    superseded = [(table, copy) for table, copy in copies if run.store.name(copy) not in run.records.files]
    cut = {file.path for table in tables for file in _landed(run, table) if file.expired}
    old = [copy for table, copy in superseded if _is_old(table, copy, cut)]
    locks = [lock_if_free(branch) for branch in others(run.warehouse)] if run.warehouse.is_production and old else []
    if not all(locks):
        yield f"{len(old)} raw copies older than retain_days stay until no branch is being built: the next build deletes them."
        return
    for copy in old:
        delete(copy)
    if old:
        note(run, EXPIRED, {"files": len(old)})
        yield f"Deleted {len(old)} raw cop{'y' if len(old) == 1 else 'ies'} with rows older than their source's retain_days."


def _landed(run: Run, table: SourceTable) -> list[LandedFile]:
    record = run.records.of(table.relation)
    return record.details.landing.files if record and record.details.landing else []


def _is_old(table: SourceTable, copy: Path, cut: Collection[str]) -> bool:
    """Whether a copy has rows that are too old.

    One of a file that has lost rows has them, too; without times it is as old as its landing.
    """
    origin = Provenance.beside(copy)
    if origin is None or origin.parents[0] in cut:
        return True
    return str(origin.written_at) < table.keep_from if table.partition_by is None else has_expired(table, copy)
