"""Make a branch's private database ready: new, copied from a release, or repaired."""

import os
import shutil
import time
from pathlib import Path

import duckdb

from scorehouse.names.git import PRODUCTION
from scorehouse.names.warehouse import Warehouse
from scorehouse.store.durable import log_of


def prepare(warehouse: Warehouse) -> None:
    """See to it that the work database exists and opens.

    A new branch starts as a copy of production's current release; a lost or damaged database of any branch as a copy
    of the branch's own current release. Data lies in the store, so nothing is recomputed for it.
    """
    for folder in (warehouse.store, warehouse.own_part(), warehouse.spill, warehouse.releases):
        folder.mkdir(parents=True, exist_ok=True)
    database = warehouse.work_database
    if database.exists() and log_of(database).exists() and not _opens(database):
        _set_aside(database)
    if not database.exists():
        _start_from_release(warehouse)


def _start_from_release(warehouse: Warehouse) -> None:
    for origin in (warehouse, warehouse.on(PRODUCTION)):
        catalog = origin.current_catalog()
        if catalog is None:
            continue
        temporary = warehouse.work / f".start.{os.getpid()}.tmp"
        shutil.copyfile(catalog, temporary)
        with duckdb.connect(str(temporary)) as connection:
            reason = f"taken from release {origin.current_release()} of {origin.branch}"
            connection.execute("update scorehouse.nodes set action = 'reused', reason = ?", [reason])
        os.replace(temporary, warehouse.work_database)
        return


def _opens(database: Path) -> bool:
    try:
        with duckdb.connect(str(database)) as connection:
            connection.execute("select count(*) from duckdb_tables()")
        return True
    except duckdb.Error:
        return False


def _set_aside(database: Path) -> None:
    stamp = time.strftime("%Y%m%dT%H%M%S")
    for file in (database, log_of(database)):
        if file.exists():
            file.rename(file.with_name(f"{file.name}.damaged.{stamp}"))
