"""Operation `forget` of `dbt run-operation`: a person leaves the warehouse, and a receipt says what went and what stayed."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb

from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError
from scorehouse.foreign import PlainFile, delete_folder, keep_only, open_own
from scorehouse.ledger.lines import ROOM, blank, files
from scorehouse.names.warehouse import DBT_LOG, LOGS, OWN_BOOKS, Warehouse
from scorehouse.operations import text
from scorehouse.operations.audit import ERASED, note
from scorehouse.operations.land_sources import declared_in
from scorehouse.operations.others import lock_if_free, others
from scorehouse.operations.register import COMMAND, operation_of
from scorehouse.release.history import summary
from scorehouse.release.pointer import remove
from scorehouse.sandbox import confinement
from scorehouse.sources.forgotten import FILE, Forgotten, as_spelled
from scorehouse.sources.keyed import Key
from scorehouse.sources.raw_files import open_copy
from scorehouse.sources.tables import names_nobody
from scorehouse.store.provenance import RECORD, record_of

MOST_NAMED = 10
NOT_FORGOTTEN, GO_ON = "Not yet forgotten", "go on afterwards with: dbt run-operation forget"
UNSEEN = " No row that has landed is theirs: ask again if tables spell the id otherwise (letter case counts)."


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
    is_new = mark not in known.people
    unseen = is_new and not _may_have_rows(run, replace(known, people=[mark]))
    replace(known, people=[*known.people, *([mark] if is_new else [])], pending=[*known.pending, mark]).write(run.warehouse.store)
    return f"Asked to forget one person: from now on their rows are left out wherever files land.{UNSEEN if unseen else ''}"


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


def _may_have_rows(run: Run, person: Forgotten) -> bool:
    """Whether rows of the one person on a list have landed, as far as what has landed is there to be asked."""
    sources = [(declared_in(run, node), run.records.nodes.get(node.id)) for node in run.manifest.sources()]
    copies = [(table, run.store.path(file)) for table, record in sources for file in (record.files if record else ())]
    with duckdb.connect() as reader:
        return not all(copy.exists() and names_nobody(reader, table, copy, person) for table, copy in copies)


def is_under_way(warehouse: Warehouse) -> bool:
    """Whether something may be left of somebody on main."""
    return warehouse.is_production and bool(Forgotten.read(warehouse.store).pending)


def erase(run: Run) -> Iterator[str]:
    """After a release of main without them was published: delete all that is not known to be without them, and say what.

    What that release reads stays, for it was computed without them, or came out the same. Nothing else is looked at: all other
    store files go, all other releases, all branches, all that is temporary, damaged or unknown, and the logs.
    """
    forgotten = Forgotten.read(run.warehouse.store)
    if not is_under_way(run.warehouse):
        return
    locks = {branch: lock_if_free(branch) for branch in others(run.warehouse)}
    busy = [branch.branch for branch, lock in locks.items() if not lock]
    if busy:
        yield f"{NOT_FORGOTTEN}: {', '.join(busy)} is being built; {GO_ON}"
        return
    withdrawn = [*_dropped(locks), *_withdrawn(run.warehouse)]
    gone = _emptied(run)
    size = sum(file.size for file in gone)
    texts, logs = blank(run.warehouse.ledger, run.ledger.file), _logs_emptied(run)
    note(run, ERASED, {"people": len(forgotten.pending), "files": len(gone), "bytes": size, "withdrawn": withdrawn})
    replace(forgotten, pending=[]).write(run.warehouse.store)
    yield (
        f"Forgotten: {len(forgotten.pending)} of {len(forgotten.people)} people on the list. Deleted {len(gone)} store files "
        f"({size / 1e6:,.1f} MB) that the release does not read, and "
        f"{text.listed(withdrawn, MOST_NAMED) if withdrawn else 'no other release'}."
    )
    if texts or logs:
        yield f"Taken out: the sentences in the ledgers of {texts} earlier runs, and {logs} logs."
    yield from _kept(run, forgotten)


def _dropped(branches: Iterable[Warehouse]) -> Iterator[str]:
    """Delete branches, whole: what is in them, and what of, only they say."""
    for branch in branches:
        try:
            delete_folder(branch.root, branch.folder, branch.lock)
        except PermissionError as error:
            raise ScorehouseError(
                f"branch {branch.branch} may have rows of theirs, and this command may not delete it ({error.strerror}): a build "
                "may delete nothing of branches, and nobody what is somebody else's"
            ) from None
        yield f"branch {branch.branch}"


def _withdrawn(main: Warehouse) -> Iterator[str]:
    """Delete all of main's releases but the current one."""
    for number in main.release_numbers():
        if number != main.current_release():
            remove(main, number)
            yield f"release {number} of {main.branch}"


def _emptied(run: Run) -> list[PlainFile]:
    """Delete what is in the store and in main's folder beside what is known; returns the store's files that are gone."""
    main, current = run.warehouse, summary(run.warehouse, run.warehouse.current_release())
    read = run.records.files.union(current.files if current else ())
    records = {str(record_of(Path(file))) for file in read}
    gone = keep_only(main.root, main.store, {*read, *records, FILE})
    written = [f"{main.ledger.name}/{file.name}" for file in files(main.ledger)]
    keep_only(main.root, main.folder, {*main.known(), *written, f"{main.ledger.name}/{ROOM}"})
    return [file for file in gone if not file.name.endswith(RECORD)]


def _logs_emptied(run: Run) -> int:
    """Empty dbt's own log, delete all others; what own books of `make nightly` and the watchdog remember stays, without texts."""
    folder, gone = run.manifest.folder / LOGS, []
    if (folder / DBT_LOG).exists():
        descriptor = open_own(folder, folder / DBT_LOG)
        os.ftruncate(descriptor, 0)  # dbt has it open, and appends to it
        os.close(descriptor)
    books = [book for command in OWN_BOOKS for book in sorted((folder / command).glob("*"))]
    texts = sum(blank(book) for book in books)
    written = [file for book in books for file in (*files(book), book / ROOM, book / ".lock")]
    gone = keep_only(run.manifest.folder, folder, {DBT_LOG, *(str(file.relative_to(folder)) for file in written)})
    return texts + len(gone)


def _kept(run: Run, forgotten: Forgotten) -> Iterator[str]:
    """What still names them, or was made with their rows, and why it stays."""
    sources = [record for record in run.records.nodes.values() if record.details.landing]
    with duckdb.connect() as reader:
        for copy, file in (pair for one in sources for pair in zip(one.files, one.details.landing.files, strict=True)):
            if file.left_out:
                rows = f"{file.left_out} row{'s' if file.left_out > 1 else ''}"
                yield f"Kept: {file.path} is yours and has {rows} of theirs, which do not land; delete them there."
            open_copy(reader, run.store.path(copy))
            columns = forgotten.columns_naming(reader)
            if columns:
                yield f"Kept: {file.name} has their id in {', '.join(columns)}, which says of nobody whose row it is."
    fitted = [record.relation for record in run.records.nodes.values() if record.details.versions]
    if fitted:
        weights = f"weights of {text.listed(fitted, MOST_NAMED)}, numbers of all customers together"
        yield f"Kept: {weights}, which rows of theirs may have moved."
