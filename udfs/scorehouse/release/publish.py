"""Publishing: a release's files are written aside, verified, and moved into place by rename."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from scorehouse.errors import ScorehouseError
from scorehouse.ledger.audit import Mark
from scorehouse.names.quoting import identifier, literal, quoted
from scorehouse.names.warehouse import AUDIENCES, CATALOG, COMING, NUMBER, SERVING, SUMMARY, Warehouse
from scorehouse.release.history import Summary, description, summary
from scorehouse.release.moved_store import moved_from
from scorehouse.release.pointer import has_come, point_to, remove
from scorehouse.release.sealed import OPEN, Sealed, close_all_but, seal, seal_file, unlike_sealed
from scorehouse.serving import file as serving_file
from scorehouse.serving.audiences import FOR_ONE_GROUP, groups_of, keep_from_others, write_for_each
from scorehouse.serving.described import Release, write_release
from scorehouse.serving.offer import Offer
from scorehouse.serving.reader import read
from scorehouse.store import state
from scorehouse.store.durable import aside, sync
from scorehouse.store.files import Store
from scorehouse.store.records import NodeRecords, Records, changes


@dataclass(frozen=True)
class Publisher:
    """Publishes one branch's work database.

    Attributes:
        connection: the open work database.
        records, store: what it holds.
        offer: what of it is served.
    """

    warehouse: Warehouse
    connection: duckdb.DuckDBPyConnection
    records: Records
    store: Store
    offer: Offer

    def publish(self, commit: str | None, audit: Callable[[Release], Mark]) -> tuple[int, list[str]]:
        """Publish the work database's state as the branch's next release.

        Args:
            commit: git commit the state was built from.
            audit: puts into the branch's audit trail that a release is published, just before it is.

        Returns: the current release's number, and what of it is new. A state equal to the current release is not
        published again. Raises ScorehouseError when the new files fail their check; the old release then stays.
        """
        warehouse, offer = self.warehouse, self.offer
        current = warehouse.current_release()
        changed = self._changed(current)
        if current is not None and not changed:
            return current, []
        number = max([0, current or 0, *warehouse.release_numbers()]) + 1
        folder = aside(warehouse.release(number))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            release = Release.now(number, warehouse.branch, commit, changed, self.records, offer.tables)
            serving_file.write(self.connection, folder / SERVING, offer, release)
            write_for_each(self.connection, folder / AUDIENCES, offer, release)
            self._write_catalog(folder / CATALOG, release)
            (folder / NUMBER).write_text(f"{number}\n")
            self._verify(folder, release)
            sealed = seal(folder, self._mode_of)
            if offer.audiences:
                keep_from_others(warehouse.store, warehouse.work, *warehouse.releases.glob("*/*.duckdb"))
            described = Summary.of(release, self.records, self.store, audit(release))
            replace(described, sealed=sealed, groups=groups_of(offer)).write(folder)
            (folder / COMING).touch()
            os.rename(folder, warehouse.release(number))
            sync(warehouse.releases)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        point_to(warehouse, number)
        has_come(warehouse, number)
        close_all_but(warehouse, number)
        return number, changed

    def refresh_catalog(self) -> bool:
        """Show readers of the current catalog the work database's other tables (a comparison), by rename.

        Does nothing and returns False when the work database is ahead of the current release: that is not proven yet.
        """
        number = self.warehouse.current_release()
        if number is None or self._changed(number):
            return False
        catalog = self.warehouse.release(number) / CATALOG
        temporary = aside(catalog)
        self._write_catalog(temporary, description(self.warehouse, number))
        seal_file(temporary, self._mode_of(catalog))
        os.replace(temporary, catalog)
        known = summary(self.warehouse, number)
        replace(known, sealed=known.sealed | {CATALOG: Sealed.of(catalog)}).write(catalog.parent)
        return True

    def _mode_of(self, file: Path) -> int:
        """Where audiences get parts, databases are for their groups alone."""
        return FOR_ONE_GROUP if self.offer.audiences and file.suffix == ".duckdb" else OPEN

    def _changed(self, number: int | None) -> list[str]:
        """What a release does not have as the work database has it; every table where there is none, or it is damaged."""
        if number is None:
            return self._unlike(NodeRecords())
        folder = self.warehouse.release(number)
        try:
            with duckdb.connect(str(folder / CATALOG), read_only=True) as catalog:
                is_here = moved_from(catalog, self.warehouse.root) is None
                published = NodeRecords.read(catalog) if is_here else NodeRecords()
            said = serving_file.redeclared(self.connection, folder / SERVING, self.offer)
            return self._unlike(published) + said + self._damaged(number)
        except (duckdb.Error, OSError):
            return self._unlike(NodeRecords())

    def _damaged(self, number: int) -> list[str]:
        """What is not as it was sealed of a release's files, and whose group there is only now."""
        groups, known = groups_of(self.offer), summary(self.warehouse, number)
        if known is None:
            return [f"file {SUMMARY}"]
        files = [f"file {name}" for name in unlike_sealed(self.warehouse.release(number), known.sealed)]
        return files + [f"group {name}" for name in sorted(groups) if groups[name] != known.groups.get(name)]

    def _unlike(self, published: NodeRecords) -> list[str]:
        """Names of the nodes that differ from what was published."""
        return [".".join(key.split(".")[2:]) for key in changes(published.fingerprints, self.records.fingerprints)]

    def _write_catalog(self, file: Path, release: Release) -> None:
        """The views and functions that readers can run, and our own tables; nothing else of the work database, no byte of it."""
        cursor = self.connection.cursor()
        home = cursor.execute("select current_database()").fetchone()[0]
        cursor.execute(f"attach {literal(file)} as catalog_file (storage_version 'v1.5.0')")
        try:
            cursor.execute(f"copy from database {identifier(home)} to catalog_file (schema)")
            for schema, table in _tables(cursor, "catalog_file"):
                name = f"{identifier(schema)}.{identifier(table)}"
                do = "insert into {0} from {1}" if schema in state.SCHEMAS else "drop table {0}"
                cursor.execute(do.format(f"catalog_file.{name}", f"{identifier(home)}.{name}"))
            for function in self.offer.unreadable:
                cursor.execute(f"drop macro if exists catalog_file.{quoted(function)}")
            write_release(cursor, "catalog_file.scorehouse.release", release)
            cursor.execute("force checkpoint catalog_file")  # detach alone may leave rows in the write-ahead log
        finally:
            cursor.execute("detach catalog_file")
            cursor.close()

    def _verify(self, folder: Path, release: Release) -> None:
        """Open both files as a reader would, and look for every data file they name."""
        lost = self.store.lost(sorted(self.records.files))
        if lost:
            raise ScorehouseError(
                f"Release: expected {lost} in the store as it was written, found it missing or damaged; run dbt build again."
            )
        with duckdb.connect(str(folder / CATALOG), read_only=True) as catalog:
            if NodeRecords.read(catalog).nodes.keys() != self.records.nodes.keys():
                raise ScorehouseError(
                    "Release: expected the catalog to list every node, found another list; run dbt build again."
                )
        with read(folder / SERVING) as serving:
            for table in release.tables:
                found = serving.execute(f"select count(*) from {identifier(table.table_name)}").fetchone()[0]
                if found != table.row_count:
                    raise ScorehouseError(
                        f"Release: expected {table.row_count} rows in {table.table_name}, found {found}; run dbt build again."
                    )

    def forget_old(self, keep: int) -> None:
        """Remove all but the newest releases, of which the current one always stays."""
        current = self.warehouse.current_release()
        for number in self.warehouse.release_numbers()[:-keep]:
            if number != current:
                remove(self.warehouse, number)


def _tables(cursor: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    query = "select schema_name, table_name from duckdb_tables() where database_name = ?"
    return cursor.execute(query, [database]).fetchall()
