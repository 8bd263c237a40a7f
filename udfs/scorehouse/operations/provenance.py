"""Operation `provenance` of `dbt run-operation`: where the files of a release come from, and whether they are whole."""

from pathlib import Path

from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError
from scorehouse.operations import text
from scorehouse.operations.register import operation
from scorehouse.release.history import records_of
from scorehouse.store.provenance import Provenance
from scorehouse.store.records import NodeRecord


@operation
def provenance(run: Run, node: object) -> str:
    """For each store file of the current release, or of one node: who computed it, how main came by it, and if it is whole."""
    number = run.warehouse.current_release()
    if number is None:
        return f"Branch '{run.warehouse.branch}' has no release yet; `dbt build` publishes the first."
    records = [record for record in records_of(run.warehouse, number).nodes.values() if record.files]
    chosen = [record for record in records if node is None or node in (record.relation, record.relation.split(".")[-1])]
    if not chosen:
        raise ScorehouseError(
            f"provenance: expected the name of a stored model, seed or source of release {number}, found '{node}'."
        )
    rows = [_told(file, run.store.path(file)) for record in sorted(chosen, key=_name) for file in record.files]
    wrong = [row[0] for row in rows if row[-1] != "yes"]
    end = f"Of {len(rows)} files {len(wrong) or 'none'} is not as it was written{': build again' if wrong else ''}."
    return f"{text.table(['file', 'branch', 'commit', 'written at (UTC)', 'by', 'from', 'promotion', 'whole'], rows)}\n{end}"


def _name(record: NodeRecord) -> str:
    return record.relation or ""


def _told(name: str, file: Path) -> list[object]:
    origin = Provenance.beside(file)
    if origin is None or not file.is_file():
        return [name, *[None] * 6, "no"]
    by = f"process {origin.process_id} of run {origin.run_id[:8]}"
    parents = f"{len(origin.parents)} files" if len(origin.parents) != 1 else origin.parents[0]
    is_whole = "yes" if origin.is_of(file) else "no"
    return [name, origin.branch, (origin.commit or "")[:10], origin.written_at, by, parents, origin.promotion, is_whole]
