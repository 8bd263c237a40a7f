"""Raw files into the store: found, checked against their declaration, landed once by content, and read through one view."""

import glob
import hashlib
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from scorehouse.errors import ScorehouseError
from scorehouse.fingerprint import digest
from scorehouse.partitions import Partitioning
from scorehouse.records import NodeRecord
from scorehouse.store import Store

SUFFIXES = (".parquet", ".csv", ".csv.gz", ".tsv", ".tsv.gz")


@dataclass(frozen=True)
class Column:
    """A declared column: name, DuckDB type, and whether a file must have it."""

    name: str
    data_type: str
    is_required: bool = False


@dataclass(frozen=True)
class SourceTable:
    """A source table's declaration.

    Attributes:
        relation: schema.name.
        path: a folder, one file or a glob.
        columns: the contract; other columns of the files go through behind them.
        partition_by: time column by which partitioned models may read the files, if any.
    """

    relation: str
    path: str
    columns: tuple[Column, ...]
    partition_by: str | None = None

    def declaration(self) -> str:
        """Hash of everything but the path."""
        return digest([asdict(column) for column in self.columns], self.partition_by)


@dataclass(frozen=True)
class LandedFile:
    """A raw file and its copy in the store.

    Attributes:
        path, size, modified_ns: identity of the raw file, to skip it next time unread.
        content: hash of its bytes; the copy is <store>/<relation>/<content>.parquet.
        columns: its columns' names and types.
        days: the days (YYYY-MM-DD) its rows cover, where the source is partitioned.
    """

    path: str
    size: int
    modified_ns: int
    content: str
    columns: dict[str, str]
    days: list[str]


def discover(path: str) -> list[Path]:
    """Files of a folder (Parquet, CSV, TSV, also gzipped), of a glob, or the one file; none when there is no such folder.

    >>> discover("/no/such/folder")
    []
    """
    folder = Path(path)
    found = folder.iterdir() if folder.is_dir() else map(Path, [path] if folder.is_file() else glob.glob(path))
    return sorted(file for file in found if file.name.lower().endswith(SUFFIXES) and not file.name.startswith((".", "_")))


def land(table: SourceTable, store: Store, known: Iterable[LandedFile]) -> list[LandedFile]:
    """Bring the source's files into the store; a file that is known by path, size and time is not read again.

    Raises ScorehouseError naming file, column, expected and found, for the first file that breaks the declaration.
    """
    by_identity = {(file.path, file.size, file.modified_ns): file for file in known}
    landed = []
    with _reader() as reader:
        for path in discover(table.path):
            state = path.stat()
            identity = (str(path), state.st_size, state.st_mtime_ns)
            landed.append(by_identity.get(identity) or _land_file(reader, table, store, path, *identity[1:]))
    return landed


def check_landed(table: SourceTable, store: Store, files: Iterable[LandedFile]) -> list[LandedFile]:
    """Check files that are already in the store against a changed declaration; returns them with their days anew."""
    with _reader() as reader:
        return [_checked(reader, table, store, file) for file in files]


def data_version(files: Iterable[LandedFile]) -> str:
    """Hash of the files' contents; names and places do not count."""
    return digest(sorted(file.content for file in files))


def view_sql(table: SourceTable, files: list[LandedFile], store: Store) -> str:
    """The select that reads a source: declared columns, typed, NULL where a file lacks them; then all other columns."""
    declared = {column.name.lower() for column in table.columns}
    present: dict[str, set[str]] = {}
    for name, kind in (item for file in files for item in file.columns.items()):
        present.setdefault(name.lower(), set()).add(kind)
    typed = [_typed(column, present.get(column.name.lower(), set())) for column in table.columns]
    if not files:
        return f"select {', '.join(typed)} where false"
    extra = sorted({name for file in files for name in file.columns if name.lower() not in declared})
    selected = ", ".join([*typed, *(_name(column) for column in extra)])
    paths = ", ".join(_text(copy_of(table, store, file)) for file in files)
    return f"select {selected} from read_parquet([{paths}], union_by_name => true)"


def select_files(record: NodeRecord, files: Iterable[str], store: Store) -> str:
    """The select that reads some of a landed source's files (paths relative to the store), typed as its view."""
    columns = tuple(Column(*column) for column in record.details["columns"])
    table = SourceTable(record.relation, record.details["path"], columns)
    landed = [LandedFile(**file) for file in record.details["files"]]
    chosen = set(files)
    return view_sql(table, [file for file in landed if f"{record.relation}/{file.content}.parquet" in chosen], store)


def copy_of(table: SourceTable, store: Store, file: LandedFile) -> Path:
    """A landed file's copy in the store."""
    return store.folder / table.relation / f"{file.content}.parquet"


def _land_file(
    reader: duckdb.DuckDBPyConnection, table: SourceTable, store: Store, path: Path, size: int, modified_ns: int
) -> LandedFile:
    content = digest(_is_text(path), _hash(path))
    copy = store.folder / table.relation / f"{content}.parquet"
    if not copy.exists():
        _reading(reader, path)
        _check(reader, table, path)
        with store.new_file(copy) as temporary:
            if _is_text(path):
                reader.execute(f"copy raw to {_text(temporary)} (format parquet, compression zstd)")
            else:
                shutil.copyfile(path, temporary)
    return _checked(reader, table, store, LandedFile(str(path), size, modified_ns, content, {}, []))


def _checked(reader: duckdb.DuckDBPyConnection, table: SourceTable, store: Store, file: LandedFile) -> LandedFile:
    reader.execute(f"create or replace view raw as from read_parquet({_text(copy_of(table, store, file))})")
    columns = _check(reader, table, Path(file.path))
    return LandedFile(file.path, file.size, file.modified_ns, file.content, columns, _days(reader, table, columns))


def _reader() -> duckdb.DuckDBPyConnection:
    """A database of its own for reading raw files: the branch's database may not open them."""
    reader = duckdb.connect()
    reader.execute("set TimeZone = 'UTC'")
    return reader


def _reading(reader: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Make `raw` the content of a file: text files as a table of text, since a cast directly over CSV can fail."""
    try:
        if _is_text(path):
            reader.execute(
                f"create or replace temp table raw_text as from read_csv({_text(path)}, all_varchar => true, header => true)"
            )
            reader.execute("create or replace view raw as from raw_text")
        else:
            reader.execute(f"create or replace view raw as from read_parquet({_text(path)})")
            reader.execute("select count(*) from raw").fetchone()
    except (duckdb.Error, UnicodeDecodeError) as error:
        kind = "CSV" if _is_text(path) else "Parquet"
        raise ScorehouseError(
            f"{path}: expected a readable {kind} file, found: {str(error).splitlines()[0]}; replace or remove the file."
        ) from None


def _check(reader: duckdb.DuckDBPyConnection, table: SourceTable, path: Path) -> dict[str, str]:
    """Check `raw` against the declaration; returns its columns and types."""
    columns = {name: kind for name, kind, *_ in reader.execute("describe raw").fetchall()}
    by_name = {name.lower(): name for name in columns}
    for column in table.columns:
        name = by_name.get(column.name.lower())
        if name is None and column.is_required:
            raise ScorehouseError(
                f"{path}: expected the required column {column.name} ({column.data_type}), found only "
                f"{', '.join(columns)}; add or rename the column."
            )
        if name is not None and columns[name].upper() != column.data_type.upper():
            _check_type(reader, path, column, name, columns[name])
    return columns


def _check_type(reader: duckdb.DuckDBPyConnection, path: Path, column: Column, name: str, found_type: str) -> None:
    try:
        wrong = reader.execute(
            f"select row, value from (select row_number() over () as row, {_name(name)} as value from raw)"
            f" where value is not null and {_cast('value', {found_type}, column.data_type, 'try_cast')} is null"
            " order by row limit 1"
        ).fetchone()
    except duckdb.Error:
        wrong = (None, None)
    if wrong is not None:
        row, value = wrong
        found = f"{found_type}" if row is None else f"'{value}' in row {row} ({found_type})"
        raise ScorehouseError(
            f"{path}: column {column.name}: expected {column.data_type}, found {found}; correct the file and build again."
        )


def _days(reader: duckdb.DuckDBPyConnection, table: SourceTable, columns: Mapping[str, str]) -> list[str]:
    if table.partition_by is None:
        return []
    by_name = {name.lower(): kind for name, kind in columns.items()}
    column = next(column for column in table.columns if column.name == table.partition_by)
    typed = _typed(column, {by_name[column.name.lower()]} if column.name.lower() in by_name else set())
    key = Partitioning(table.partition_by, "day").key_sql()
    return [row[0] for row in reader.execute(f"select distinct {key} from (select {typed} from raw) order by 1").fetchall()]


def _typed(column: Column, found: set[str]) -> str:
    value = _cast(_name(column.name), found, column.data_type) if found else f"cast(null as {column.data_type})"
    return f"{value} as {_name(column.name)}"


def _cast(value: str, found: set[str], data_type: str, how: str = "cast") -> str:
    """A cast to the declared type; times become UTC whatever offset they carry and whatever zone the reader is in."""
    if data_type.upper() == "TIMESTAMP" and "VARCHAR" in found:
        has_offset = rf"regexp_matches(cast({value} as varchar), ':[0-9.]+ *(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$')"
        zoned = f"timezone('UTC', {how}({value} as timestamptz))"
        return f"case when {has_offset} then {zoned} else {how}({value} as timestamp) end"
    if data_type.upper() == "TIMESTAMP" and "TIMESTAMP WITH TIME ZONE" in found:
        return f"timezone('UTC', {how}({value} as timestamptz))"
    return f"{how}({value} as {data_type})"


def _is_text(path: Path) -> bool:
    return not path.name.lower().endswith(".parquet")


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"
