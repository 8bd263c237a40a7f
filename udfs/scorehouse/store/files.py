"""The store: immutable data files, named by the fingerprint of what produced them."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import duckdb

from scorehouse.errors import ScorehouseError, first_line
from scorehouse.foreign import copy_plain
from scorehouse.names.quoting import literal
from scorehouse.store.durable import aside, log_of, make_folder, make_read_only, put, set_aside, sync
from scorehouse.store.provenance import TRUSTED, Author, Provenance, state_of

Parents = Callable[[], Iterable[str]]
"""Says what a result is computed from."""

EXTENSIONS = {"duckdb": "duckdb", "parquet": "parquet"}


class Inspect(Protocol):
    """Looks through rows before the store takes them."""

    def __call__(self, rows: str, file: Path, cursor: duckdb.DuckDBPyConnection | None = None) -> None:
        """Raise StrangeResultError for what no result may hold.

        Args:
            rows: a query.
            file: what they are going to be called.
            cursor: of the database that sees them.
        """


class StrangeResultError(ScorehouseError):
    """A result that the store does not take: no plain file, not what its record says, or with what no result may hold."""


class Store:
    """Files of one warehouse's store: the part that this build writes, and parts that others wrote.

    A file counts as there when it holds what its record says (see scorehouse.store.provenance). One of the own part that does not
    is set aside, and so computed again.

    Args:
        folder: the part that this build writes.
        data_format: 'duckdb' (native files, the default: measured faster to write and to scan) or 'parquet'.
        others: parts of others, in which is looked for what the own part lacks.
        takes_up: whether a file that is found there is copied into the own part, or passed over; None reads it where it is, where
            its writer could change it.
        author: who writes.

    Attributes:
        whole: states of files that were found to be as their records say, by name.
        damaged: files that were found to hold something else.
        inspect: looks through a result before the store takes it.
    """

    def __init__(
        self,
        folder: Path,
        data_format: str = "duckdb",
        others: Iterable[Path] = (),
        takes_up: Callable[[Path], bool] | None = None,
        author: Author | None = None,
    ) -> None:
        self.folder = folder
        self.data_format = data_format
        self.others = tuple(others)
        self.damaged: list[str] = []
        self.whole: dict[str, str] = {}
        self.inspect: Inspect = lambda rows, file, cursor=None: None
        self._takes_up = takes_up
        self._author = author or Author()

    def file(self, relation: str, fingerprint: str, parents: Parents = tuple) -> Path:
        """Path of a relation's data, for example <store>/features.customer_snapshots/<fingerprint>.duckdb; see `result`."""
        return self.result(f"{relation}/{fingerprint}.{EXTENSIONS[self.data_format]}", parents)

    def result(self, file: str, parents: Parents | None = None) -> Path:
        """Where a result is, or is to be written; one that only another part has is taken up, where this store does so.

        Args:
            parents: what it is computed from: this build says so, whatever the record beside the other one says. None where no
                build of this part knows it: then that record is all there is.
        """
        found = self._found(file)
        if not self._takes_up or found is None or found.is_relative_to(self.folder):
            return found or self.folder / file
        if self._is_read(found) and (origin := Provenance.beside(found)):
            made_of = origin.parents if parents is None else sorted(set(parents()))
            # the folder says which branch it is: what the record says of it, a branch wrote
            origin = replace(origin, branch=found.parents[2].name, parents=made_of, promotion=TRUSTED)
            try:
                with self.new_file(self.folder / file, origin=origin) as temporary:
                    copy_of(found, temporary)
                    self.inspect(read_sql([temporary], found.suffix), found)
            except StrangeResultError:
                self.damaged.append(str(found))
        return self.folder / file

    def path(self, file: str) -> Path:
        """Where a file of a record is (records name files relative to the store), or is to be written."""
        return self._found(file, () if self._takes_up else self.others) or self.folder / file

    def holds(self, file: str) -> bool:
        """Whether the parts that are read in place have a file, as its record says."""
        return self._found(file, () if self._takes_up else self.others) is not None

    def lost(self, files: Iterable[str]) -> str | None:
        """The first of some files that is missing, or not as its record says; None where all are there."""
        return next((file for file in files if not self.holds(file)), None)

    def names(self, pattern: str, *, of_others: bool = False) -> list[str]:
        """What records call the files that match a pattern, sorted: of the own part, or of others that are not passed over."""
        parts = self.others if of_others else [self.folder]
        names = {self.name(file) for part in parts for file in part.glob(pattern) if file.suffix[1:] in EXTENSIONS}
        found = ((name, self._found(name, parts)) for name in sorted(names))
        return [name for name, file in found if file and (not of_others or self._is_read(file))]

    def _is_read(self, file: Path) -> bool:
        return self._takes_up is None or self._takes_up(file)

    def name(self, path: Path) -> str:
        """What a record calls a file."""
        return f"{path.parent.name}/{path.name}"

    def _found(self, file: str, others: Iterable[Path] | None = None) -> Path | None:
        parts = (self.folder, *(self.others if others is None else others))
        return next((part / file for part in parts if self._is_whole(part / file)), None)

    def _is_whole(self, file: Path) -> bool:
        """Whether a file is there and as its record says; its bytes are read again when the file system shows another state."""
        try:
            name, state = self.name(file), state_of(file)
            if self.whole.get(name) == state:
                return True
            origin = Provenance.beside(file)
            if origin is not None and origin.is_of(file):
                self.whole[name] = state
                return True
            if file.is_relative_to(self.folder):
                set_aside(file)
        except (FileNotFoundError, NotADirectoryError):  # it was never there, or another thread set it aside
            return False
        except PermissionError:  # raw data about people, which only who builds main may read
            return not file.is_relative_to(self.folder)
        self.damaged.append(str(file))
        return False

    def write(
        self,
        cursor: duckdb.DuckDBPyConnection,
        query: str,
        file: Path,
        columns_ddl: str | None = None,
        parents: Iterable[str] = (),
    ) -> None:
        """Compute `query` into `file`, which appears whole and read-only, or not at all.

        Args:
            cursor: a cursor on the database that the query reads.
            query: one select.
            columns_ddl: column definitions with constraints, '(a integer not null, ...)', which the rows must satisfy.
            parents: what it is computed from.
        """
        writer = _write_parquet if self.data_format == "parquet" else _write_duckdb
        try:
            with self.new_file(file, parents) as temporary:
                writer(cursor, query, temporary, columns_ddl, lambda rows: self.inspect(rows, file, cursor))
        except duckdb.ConstraintException as error:
            raise ScorehouseError(
                f"{file.parent.name}: expected rows that keep the contract, found one that does not: {first_line(error)}; "
                f"correct the select, or the column's constraints."
            ) from None

    def write_parquet(self, cursor: duckdb.DuckDBPyConnection, query: str, file: Path, parents: Iterable[str] = ()) -> None:
        """Write a partition: always Parquet, of which many small files are cheap to open together."""
        with self.new_file(file, parents) as temporary:
            _write_parquet(cursor, query, temporary, None, lambda rows: self.inspect(rows, file, cursor))

    @contextmanager
    def new_file(self, file: Path, parents: Iterable[str] = (), origin: Provenance | None = None) -> Iterator[Path]:
        """Hand out a temporary path beside `file`; afterwards make it read-only and durable, and give it its name and record.

        Args:
            parents: what it is computed from.
            origin: where it comes from instead, if it is a copy.

        Raises StrangeResultError for a result that it does not take.
        """
        temporary = aside(file, uuid.uuid4().hex[:8])
        try:
            make_folder(file.parent)
            try:
                yield temporary
                _publish(temporary, file, origin or Provenance.of(temporary, self._author, parents))
                self.whole[self.name(file)] = state_of(file)
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


def copy_of(file: Path, copy: Path) -> None:
    """Copy a result from another's part. No link is followed there: a branch may make links, also to what it cannot read.

    Raises StrangeResultError for what is no plain file.
    """
    try:
        copy_plain(file.parents[2], file, copy)
    except OSError as error:
        raise StrangeResultError(
            f"{file}: expected a result that a branch computed, found something else ({error.strerror or error}); remove it."
        ) from None


def read_sql(files: list[Path], suffix: str | None = None) -> str:
    """The select that reads store files of one relation (native ones hold one table, `data`).

    >>> read_sql([Path("/w/store/s.t/ab.duckdb")])
    "select * from read_duckdb('/w/store/s.t/ab.duckdb', table_name => 'data')"
    >>> read_sql([Path("/w/a.parquet"), Path("/w/b.parquet")])
    "select * from read_parquet(['/w/a.parquet', '/w/b.parquet'], union_by_name => true)"
    """
    paths = [literal(file) for file in files]
    listed = paths[0] if len(paths) == 1 else f"[{', '.join(paths)}]"
    by_name = ", union_by_name => true" if len(paths) > 1 else ""
    if (suffix or files[0].suffix) == ".parquet":
        return f"select * from read_parquet({listed}{by_name})"
    return f"select * from read_duckdb({listed}, table_name => 'data'{by_name})"


Look = Callable[[str], None]
"""Looks through what a query reads."""


def _write_duckdb(cursor: duckdb.DuckDBPyConnection, query: str, file: Path, columns_ddl: str | None, look: Look) -> None:
    alias = f"new_{uuid.uuid4().hex[:12]}"
    cursor.execute(f"attach {literal(file)} as {alias} (storage_version 'v1.5.0')")
    try:
        if columns_ddl:
            cursor.execute(f"create table {alias}.data {columns_ddl}")
            cursor.execute(f"insert into {alias}.data by name ({query}\n)")
        else:
            cursor.execute(f"create table {alias}.data as ({query}\n)")
        look(f"select * from {alias}.data")
        cursor.execute(f"force checkpoint {alias}")  # detach alone may leave the rows in the write-ahead log
    finally:
        cursor.execute(f"detach {alias}")


def _write_parquet(cursor: duckdb.DuckDBPyConnection, query: str, file: Path, columns_ddl: str | None, look: Look) -> None:
    rows = f"({query}\n)"
    if columns_ddl:
        rows = "checked"
        cursor.execute(f"create or replace temp table checked {columns_ddl}")
        cursor.execute(f"insert into checked by name ({query}\n)")
    cursor.execute(f"copy {rows} to {literal(file)} (format parquet, compression zstd)")
    if columns_ddl:
        cursor.execute("drop table checked")
    look(read_sql([file], ".parquet"))


def _publish(temporary: Path, file: Path, origin: Provenance) -> None:
    if log_of(temporary).exists():
        raise ScorehouseError(f"Store: expected {file} to be written whole, found a write-ahead log; run the build again.")
    if origin.promotion == TRUSTED and not origin.is_of(temporary):
        raise StrangeResultError(f"Store: expected {file} as branch {origin.branch} wrote it, found other bytes; build again.")
    make_read_only(temporary)
    sync(temporary)
    origin.write_beside(file)
    put(temporary, file)


def _out_of_order(file: Path, found: str) -> ScorehouseError:
    return ScorehouseError(
        f"Store {file.parent}: expected to write {file.name}, found: {found}; "
        f"free disk space or make the folder writable and run the build again (nothing was published, nothing is lost)."
    )
