"""Make a branch's private database ready: new, copied from a release, or repaired."""

import os
import shutil
from pathlib import Path

import duckdb

from scorehouse.errors import ScorehouseError, first_line
from scorehouse.foreign import keep_only
from scorehouse.names.git import PRODUCTION
from scorehouse.names.quoting import quoted
from scorehouse.names.warehouse import Warehouse
from scorehouse.release.pointer import heal
from scorehouse.store import state
from scorehouse.store.durable import aside, log_of, make_folder, masked, remove_leftovers, set_aside

_OPEN_HERE = "different configuration"
"""In DuckDB's words for a database that this process has open."""


def prepare(warehouse: Warehouse, *, anew: bool = False) -> None:
    """See to it that the branch's folder is in order: its work database opens, its names show the current release.

    A new branch starts as a copy of production's current release; a lost or damaged database of any branch as a copy
    of the branch's own current release. Data lies in the store, so nothing is recomputed for it. What killed processes
    left is removed, temporary files of raw data with it. The caller holds the branch's lock.

    Args:
        anew: whether the work database is to be a new copy though it opens: a database keeps what was deleted from it.
    """
    for folder in (warehouse.own_part(), *warehouse.scratch, warehouse.releases):
        make_folder(folder)
    for folder in warehouse.scratch:
        keep_only(warehouse.root, folder)
    remove_leftovers(warehouse.folder, warehouse.work, warehouse.releases, *warehouse.releases.iterdir())
    heal(warehouse)
    database = warehouse.work_database
    if database.exists() and not _opens(database):
        for file in filter(os.path.lexists, (database, log_of(database))):
            set_aside(file)
    if anew and not _is_open_here(database):
        database.unlink(missing_ok=True)
    if not database.exists():
        log_of(database).unlink(missing_ok=True)
        _start_from_release(warehouse)
    elif database.stat().st_mode & masked() and not log_of(database).exists() and not _is_open_here(database):
        temporary = aside(database)  # a confined branch may close no file: it can only make another
        shutil.copyfile(database, temporary)
        os.replace(temporary, database)


def _start_from_release(warehouse: Warehouse) -> None:
    """A copy of the branch's, or of production's current release that opens; nothing where there is none."""
    for origin in (warehouse, warehouse.on(PRODUCTION)):
        catalog = origin.current_catalog()
        if catalog is None or not catalog.is_file():
            continue
        temporary = aside(warehouse.work_database)
        shutil.copyfile(catalog, temporary)
        if not _opens(temporary):
            temporary.unlink()
            continue
        with duckdb.connect(str(temporary)) as connection:
            reason = f"taken from release {origin.current_release()} of {origin.branch}"
            connection.execute("update scorehouse.nodes set action = 'reused', reason = ?", [reason])
        os.replace(temporary, warehouse.work_database)
        return


def _opens(database: Path) -> bool:
    """Whether a database file, and each row of our tables, can be read; raises ScorehouseError when another program has it open.

    One that this process has open is: what an earlier run of it left open, when an error ended it, is what dbt goes on with.
    """
    try:
        with duckdb.connect(str(database)) as connection:
            for schema, table in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall():
                if schema in state.SCHEMAS:
                    connection.execute(f"select bit_xor(hash(rows)) from {quoted(f'{schema}.{table}')} as rows").fetchall()
        return True
    except duckdb.Error as error:
        if "Conflicting lock" in str(error):
            raise ScorehouseError(
                f"{database}: expected to write the branch's own database, found it open in another program "
                f"({first_line(error)}); close that, and read the catalog instead."
            ) from None
        return _OPEN_HERE in str(error)


def _is_open_here(database: Path) -> bool:
    """Whether this process has a database open: what it writes there would be lost with the file."""
    try:
        duckdb.connect(str(database)).close()
        return False
    except duckdb.Error as error:
        return _OPEN_HERE in str(error)
