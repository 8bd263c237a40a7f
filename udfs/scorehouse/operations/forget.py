"""Operation `forget` of `dbt run-operation`: a person leaves the warehouse, and a receipt says what went and what stayed."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb

from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError
from scorehouse.ledger.lines import blank
from scorehouse.names.warehouse import CATALOG, NIGHTLY_LOGS, Warehouse
from scorehouse.operations import text
from scorehouse.operations.audit import ERASED, note
from scorehouse.operations.register import COMMAND, operation_of
from scorehouse.release.history import summary
from scorehouse.release.lock import BuildLock
from scorehouse.release.pointer import remove
from scorehouse.sandbox import confinement
from scorehouse.sources.forgotten import Forgotten, as_spelled
from scorehouse.sources.keyed import Key
from scorehouse.sources.raw_files import open_copy
from scorehouse.store.files import EXTENSIONS
from scorehouse.store.provenance import RECORD, Provenance, delete
from scorehouse.store.records import NodeRecords

MOST_NAMED = 10


@operation_of(COMMAND)
def forget(run: Run, customer_id: object = None) -> str:
    """Put a person on the list of those whose rows are left out; the build that follows does the rest.

    Without an id it goes on with those of whom something may be left.
    """
    if not run.warehouse.is_production:
        raise ScorehouseError(
            f"forget: expected main, which alone may delete from the store, found branch '{run.warehouse.branch}'; "
            f"run it from main (SCOREHOUSE_BRANCH=main)."
        )
    known = Forgotten.read(run.warehouse.store)
    if customer_id is None:
        if not known.pending:
            raise ScorehouseError(
                "forget: expected {customer_id: '...'}, found none, and nobody of whom something is left; name one."
            )
        return f"Asked to go on: {len(known.pending)} of {len(known.people)} people on the list may have left something."
    mark = known.mark(_person(run, customer_id))
    people = [*known.people, *([mark] if mark not in known.people else [])]
    replace(known, people=people, pending=[*known.pending, mark]).write(run.warehouse.store)
    return "Asked to forget one person: from now on their rows are left out wherever files land."


def _person(run: Run, customer_id: object) -> str:
    """Whom an argument names, as tables spell it."""
    if not isinstance(customer_id, str):
        raise ScorehouseError(
            f"forget: expected {{customer_id: '...'}}, a text, found {customer_id}, as YAML reads it; write the id in quotes."
        )
    if not any(column.whose is not None for source in run.manifest.sources() for column in source.columns):
        raise ScorehouseError(
            "forget: expected a source with a column of meta: {person: true}, which says whose a row is, found none; declare it."
        )
    person = as_spelled(customer_id, Key.of(confinement.personal_key()))
    if person is None:
        raise ScorehouseError(
            "forget: expected an id that a customer can have, found a blank or a word for none, or an e-mail address without the "
            "key that makes its pseudonym; give the id as tables show it."
        )
    return person


def erase(run: Run) -> Iterator[str]:
    """After a release of main without them was published: delete what named people who are to be forgotten, and say what.

    Whatever was computed from a landed copy that names them goes, as the records beside store files tell; what the release reads
    stays, for it was computed without them, or came out the same. So go releases that read any of it.
    """
    forgotten = Forgotten.read(run.warehouse.store)
    if not forgotten.pending or not run.warehouse.is_production:
        return
    others = [branch for branch in run.warehouse.branches() if branch.folder != run.warehouse.folder]
    locks = {branch.folder: BuildLock.take_if_free(branch) for branch in others}
    busy = [branch.branch for branch in others if not locks[branch.folder]]
    if busy:
        yield f"Not yet forgotten: {', '.join(busy)} is being built; go on afterwards with: dbt run-operation forget"
        return
    parts = [branch.own_part() for branch in (run.warehouse, *others)]
    lost = set(_descendants(parts, set(_naming(forgotten, parts)))) - run.records.files
    gone = [name for branch in (run.warehouse, *others) for name in _withdrawn(branch, lost)]
    size = sum(delete(part / file) for part in parts for file in lost)
    texts = sum(blank(branch.ledger, run.ledger.file) for branch in (run.warehouse, *others))
    logs = list((run.manifest.folder / NIGHTLY_LOGS).glob("*.*"))
    for log in logs:
        log.unlink()
    note(run, ERASED, {"people": len(forgotten.pending), "files": len(lost), "bytes": size, "withdrawn": gone})
    replace(forgotten, pending=[]).write(run.warehouse.store)
    yield (
        f"Forgotten: {len(forgotten.pending)} of {len(forgotten.people)} people on the list. Deleted {len(lost)} store files "
        f"({size / 1e6:,.1f} MB) that their rows had gone into, and {text.listed(gone, MOST_NAMED) if gone else 'no release'}."
    )
    if texts or logs:
        yield f"Taken out: the sentences in the ledgers of {texts} earlier runs, and {len(logs)} logs of nightly runs."
    yield from _kept(run, forgotten)


def _naming(forgotten: Forgotten, parts: Iterable[Path]) -> Iterator[str]:
    """Landed copies in which somebody on the list stands in any column; a store file without a record, too."""
    with duckdb.connect() as reader:
        for file in (file for part in parts for file in part.glob("*/*") if file.suffix[1:] in EXTENSIONS):
            origin = Provenance.beside(file)
            if origin is None or (_is_landed(origin) and _columns_naming(reader, forgotten, file)):
                yield f"{file.parent.name}/{file.name}"


def _is_landed(origin: Provenance) -> bool:
    """Whether a file is a copy of a raw file: what it was made of is no file of the store."""
    return len(origin.parents) == 1 and Path(origin.parents[0]).is_absolute()


def _columns_naming(reader: duckdb.DuckDBPyConnection, forgotten: Forgotten, file: Path) -> list[str]:
    open_copy(reader, file)
    return forgotten.columns_naming(reader)


def _descendants(parts: Iterable[Path], files: set[str]) -> set[str]:
    """Files, and everything that was computed from them."""
    children: dict[str, set[str]] = {}
    for record in (record for part in parts for record in part.glob(f"*/*{RECORD}")):
        origin = Provenance.beside(record)
        for file in (record.with_suffix(f".{extension}") for extension in EXTENSIONS):
            for parent in origin.parents if origin and file.exists() else ():
                children.setdefault(parent, set()).add(f"{file.parent.name}/{file.name}")
    found, waiting = set(files), list(files)
    while waiting:
        new = children.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _withdrawn(branch: Warehouse, lost: set[str]) -> Iterator[str]:
    """Delete the releases of a branch that read what is lost, and its work where that does; comparisons copy rows, and go too."""
    current = branch.current_release()
    numbers = [number for number in branch.release_numbers() if _reads(branch, number, lost)]
    for number in numbers:
        if not (branch.is_production and number == current):
            remove(branch, number)
            yield f"release {number} of {branch.branch}"
    if branch.is_production or not branch.work_database.is_file():
        return
    if current in numbers or _holds(branch.work_database, lost):
        for path in (branch.work_database, branch.current, branch.catalog, branch.serving, branch.pointer):
            path.unlink(missing_ok=True)
        yield f"the work of branch {branch.branch}"


def _reads(branch: Warehouse, number: int, lost: set[str]) -> bool:
    return not lost.isdisjoint(summary(branch, number).files) or _holds(branch.release(number) / CATALOG, lost)


def _holds(database: Path, lost: set[str]) -> bool:
    """Whether a database has views of what is lost, or rows of a comparison."""
    with duckdb.connect(str(database), read_only=True) as connection:
        query = "select count(*) from duckdb_tables() where schema_name = 'comparison' and estimated_size > 0"
        ((compared,),) = connection.execute(query).fetchall()
        return bool(compared) or not lost.isdisjoint(NodeRecords.read(connection).files)


def _kept(run: Run, forgotten: Forgotten) -> Iterator[str]:
    """What still names them, or was made with their rows, and why it stays."""
    sources = [record for record in run.records.nodes.values() if record.details.landing]
    with duckdb.connect() as reader:
        for copy, file in (pair for one in sources for pair in zip(one.files, one.details.landing.files, strict=True)):
            if file.left_out:
                rows = f"{file.left_out} row{'s' if file.left_out > 1 else ''}"
                yield f"Kept: {file.path} is yours and has {rows} of theirs, which do not land; delete them there."
            columns = _columns_naming(reader, forgotten, run.store.path(copy))
            if columns:
                yield f"Kept: {file.name} has their id in {', '.join(columns)}, which says of nobody whose row it is."
    fitted = [record.relation for record in run.records.nodes.values() if record.details.versions]
    if fitted:
        weights = f"weights of {text.listed(fitted, MOST_NAMED)}, numbers of all customers together"
        yield f"Kept: {weights}, which rows of theirs may have moved."
