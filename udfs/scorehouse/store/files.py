"""The store: immutable data files, named by the fingerprint of what produced them."""

import os
import shutil
import stat
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from scorehouse.errors import ScorehouseError, first_line
from scorehouse.names.quoting import literal
from scorehouse.store.durable import aside, log_of, make_read_only, sync

EXTENSIONS = {"duckdb": "duckdb", "parquet": "parquet"}


class Store:
    """Files of one warehouse's store: the part that this build writes, and parts that others wrote.

    Args:
        folder: the part that this build writes.
        data_format: 'duckdb' (native files, the default: measured faster to write and to scan) or 'parquet'.
        others: parts of others, in which is looked for what the own part lacks.
        takes_up: copy what is found there into the own part, instead of reading it where it is: its writer can change it there.
    """

    def __init__(self, folder: Path, data_format: str = "duckdb", others: Iterable[Path] = (), takes_up: bool = False) -> None:
        if data_format not in EXTENSIONS:
            raise ScorehouseError(
                f"Variable store_format: expected one of {', '.join(EXTENSIONS)}, found '{data_format}'; correct it."
            )
        self.folder = folder
        self.data_format = data_format
        self._others = tuple(others)
        self._takes_up = takes_up

    def file(self, relation: str, fingerprint: str) -> Path:
        """Path of a relation's data, for example <store>/features.customer_snapshots/<fingerprint>.duckdb."""
        return self.result(f"{relation}/{fingerprint}.{EXTENSIONS[self.data_format]}")

    def result(self, file: str) -> Path:
        """Where a result is, or is to be written; one that only another part has is taken up, where this store does so."""
        found = self._found(file)
        if self._takes_up and found is not None and not found.is_relative_to(self.folder):
            with self.new_file(self.folder / file) as temporary:
                _take_up(found, temporary)
        return self.folder / file if found is None or self._takes_up else found

    def path(self, file: str) -> Path:
        """Where a file of a record is (records name files relative to the store), or is to be written."""
        found = None if self._takes_up else self._found(file)
        return found or self.folder / file

    def names(self, pattern: str) -> list[str]:
        """What records call the files of all parts that match a pattern, sorted."""
        return sorted({self.name(file) for folder in (self.folder, *self._others) for file in folder.glob(pattern)})

    def name(self, path: Path) -> str:
        """What a record calls a file."""
        return f"{path.parent.name}/{path.name}"

    def _found(self, file: str) -> Path | None:
        return next((folder / file for folder in (self.folder, *self._others) if (folder / file).is_file()), None)

    def write(self, cursor: duckdb.DuckDBPyConnection, query: str, file: Path, columns_ddl: str | None = None) -> None:
        """Compute `query` into `file`, which appears whole and read-only, or not at all.

        Args:
            cursor: a cursor on the database that the query reads.
            query: one select.
            columns_ddl: column definitions with constraints, '(a integer not null, ...)', which the rows must satisfy.

        When another process finishes the same file first, its file stays: both hold the same data.
        """
        writer = _write_parquet if self.data_format == "parquet" else _write_duckdb
        try:
            with self.new_file(file) as temporary:
                writer(cursor, query, temporary, columns_ddl)
        except duckdb.ConstraintException as error:
            raise ScorehouseError(
                f"{file.parent.name}: expected rows that keep the contract, found one that does not: {first_line(error)}; "
                f"correct the select, or the column's constraints."
            ) from None

    def write_parquet(self, cursor: duckdb.DuckDBPyConnection, query: str, file: Path) -> None:
        """Write a partition: always Parquet, of which many small files are cheap to open together."""
        with self.new_file(file) as temporary:
            _write_parquet(cursor, query, temporary, None)

    @contextmanager
    def new_file(self, file: Path) -> Iterator[Path]:
        """Hand out a temporary path beside `file`; afterwards make it read-only, durable and give it its name."""
        temporary = aside(file, uuid.uuid4().hex[:8])
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                yield temporary
                _publish(temporary, file)
            finally:
                temporary.unlink(missing_ok=True)
                log_of(temporary).unlink(missing_ok=True)
        except OSError as error:
            raise _out_of_order(file, error.strerror or str(error)) from error
        except duckdb.IOException as error:
            raise _out_of_order(file, first_line(error)) from error

    def folders(self) -> list[Path]:
        """One folder a relation."""
        return [folder for folder in self.folder.iterdir() if folder.is_dir()] if self.folder.is_dir() else []


def _take_up(file: Path, copy: Path) -> None:
    """Copy a result from another's part. No link is followed there: a branch may make links, also to what it cannot read.

    Raises ScorehouseError for what is no plain file.
    """
    part = file.parent.parent
    descriptors = []
    try:
        for name, flags in ((part, os.O_DIRECTORY), (file.parent.name, os.O_DIRECTORY), (file.name, os.O_NONBLOCK)):
            above = {"dir_fd": descriptors[-1]} if descriptors else {}
            descriptors.append(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | flags, **above))
        if not stat.S_ISREG(os.fstat(descriptors[-1]).st_mode):
            raise OSError(f"it is no file: {file}")
        with open(descriptors.pop(), "rb") as source, open(copy, "xb") as target:
            shutil.copyfileobj(source, target)
    except OSError as error:
        raise ScorehouseError(
            f"{file}: expected a result that a branch computed, found something else ({error.strerror or error}); remove it."
        ) from None
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def read_sql(files: list[Path]) -> str:
    """The select that reads store files of one relation (native ones hold one table, `data`).

    >>> read_sql([Path("/w/store/s.t/ab.duckdb")])
    "select * from read_duckdb('/w/store/s.t/ab.duckdb', table_name => 'data')"
    >>> read_sql([Path("/w/a.parquet"), Path("/w/b.parquet")])
    "select * from read_parquet(['/w/a.parquet', '/w/b.parquet'], union_by_name => true)"
    """
    paths = [literal(file) for file in files]
    listed = paths[0] if len(paths) == 1 else f"[{', '.join(paths)}]"
    if files[0].suffix == ".parquet":
        by_name = ", union_by_name => true" if len(paths) > 1 else ""
        return f"select * from read_parquet({listed}{by_name})"
    return f"select * from read_duckdb({listed}, table_name => 'data')"


def _write_duckdb(cursor: duckdb.DuckDBPyConnection, query: str, file: Path, columns_ddl: str | None) -> None:
    alias = f"new_{uuid.uuid4().hex[:12]}"
    cursor.execute(f"attach {literal(file)} as {alias} (storage_version 'v1.5.0')")
    try:
        if columns_ddl:
            cursor.execute(f"create table {alias}.data {columns_ddl}")
            cursor.execute(f"insert into {alias}.data by name ({query}\n)")
        else:
            cursor.execute(f"create table {alias}.data as ({query}\n)")
        cursor.execute(f"force checkpoint {alias}")  # detach alone may leave the rows in the write-ahead log
    finally:
        cursor.execute(f"detach {alias}")


def _write_parquet(cursor: duckdb.DuckDBPyConnection, query: str, file: Path, columns_ddl: str | None) -> None:
    if not columns_ddl:
        cursor.execute(f"copy ({query}\n) to {literal(file)} (format parquet, compression zstd)")
        return
    cursor.execute(f"create or replace temp table checked {columns_ddl}")
    cursor.execute(f"insert into checked by name ({query}\n)")
    cursor.execute(f"copy checked to {literal(file)} (format parquet, compression zstd)")
    cursor.execute("drop table checked")


def _publish(temporary: Path, file: Path) -> None:
    if log_of(temporary).exists():
        raise ScorehouseError(f"Store: expected {file} to be written whole, found a write-ahead log; run the build again.")
    make_read_only(temporary)
    sync(temporary)
    try:
        os.link(temporary, file)
    except FileExistsError:
        return
    sync(file.parent)


def _out_of_order(file: Path, found: str) -> ScorehouseError:
    return ScorehouseError(
        f"Store {file.parent}: expected to write {file.name}, found: {found}; "
        f"free disk space or make the folder writable and run the build again (nothing was published, nothing is lost)."
    )
