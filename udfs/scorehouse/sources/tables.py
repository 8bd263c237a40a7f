"""Raw files into the store: found, checked against their declaration, landed once by content, and read through one view."""

import shutil
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import duckdb

from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import digest
from scorehouse.names.partitioning import Partitioning
from scorehouse.names.quoting import identifier, literal
from scorehouse.sources.raw_files import discover, folder_columns, hash_of, is_text, open_raw, read_parquet
from scorehouse.store.details import Column, Cut, Details, LandedFile, Landing, Piece
from scorehouse.store.files import Store
from scorehouse.store.records import NodeRecord

_PROPERTIES = Column("properties", "JSON")


@dataclass(frozen=True)
class SourceTable:
    """A source table's declaration.

    Attributes:
        relation: schema.name.
        path: a folder, one file or a glob.
        columns: the contract; other columns of the files go into `properties`, or through behind them where there is none.
        partition_by: time column by which partitioned models may read the files, if any.
    """

    relation: str
    path: str
    columns: tuple[Column, ...]
    partition_by: str | None = None

    def declaration(self) -> str:
        """Hash of everything but the path."""
        return digest([asdict(column) for column in self.columns], self.partition_by)

    def stored_name(self, file: LandedFile) -> str:
        """A landed file's copy, relative to the store."""
        return f"{self.relation}/{file.content}.parquet"


def land(table: SourceTable, store: Store, known: Iterable[LandedFile]) -> list[LandedFile]:
    """Bring the source's files into the store; a file that is known by path, size and time is not read again.

    Raises ScorehouseError naming file, column, expected and found, for the first file that breaks the declaration.
    """
    by_identity = {(file.path, file.state): file for file in known}
    landed = []
    with _reader() as reader:
        for path in discover(table.path):
            found = path.stat()
            state = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
            landed.append(by_identity.get((str(path), state)) or _land_file(reader, table, store, path, state))
    return sorted(landed, key=lambda file: file.content)  # what they are called is no data


def check_landed(table: SourceTable, store: Store, files: Iterable[LandedFile]) -> list[LandedFile]:
    """Check files that are already in the store against a changed declaration; returns them with their days anew."""
    checked = []
    with _reader() as reader:
        for file in files:
            open_raw(reader, store.path(table.stored_name(file)), {})
            checked.append(_checked(reader, table, file))
    return checked


def data_version(files: Iterable[LandedFile]) -> str:
    """Hash of the files' contents; names and places do not count."""
    return digest(sorted(file.content for file in files))


def view_sql(table: SourceTable, files: list[LandedFile], store: Store, among: list[LandedFile] | None = None) -> str:
    """The select that reads a source: declared columns, typed, NULL where a file lacks them; then all other columns.

    A table with the JSON column `properties` has the other columns in that, as each file spells them: a file with a new column
    is new data, and every query over the table stays as it is. Files with the same columns and types are read together, so
    that no file's types change the values of another's. Otherwise an undeclared column that has several types becomes JSON.
    The columns and types are those of all the files `among` which `files` are.
    """
    extra = _extra(table, among or files)
    if not files:
        return f"select {', '.join(_typed(column, None) for column in table.columns)} where false"
    alike: dict[tuple[tuple[str, str], ...], list[LandedFile]] = {}
    for file in files:
        alike.setdefault(tuple(sorted(file.columns.items())), []).append(file)
    selects = []
    for columns, members in alike.items():
        copies = [store.path(table.stored_name(file)) for file in members]
        selects.append(f"select {', '.join(_columns(table, extra, dict(columns)))} from {read_parquet(copies)}")
    return " union all ".join(selects)


def _columns(table: SourceTable, extra: list[Column], columns: dict[str, str]) -> list[str]:
    """The columns of files that have these, by name with their types."""
    found = {name.lower(): kind for name, kind in columns.items()}
    typed = {column.name: _typed(column, found.get(column.name.lower())) for column in table.columns}
    if _PROPERTIES not in table.columns:
        others = ((column, _other(column, found.get(column.name.lower()))) for column in extra)
        return [*typed.values(), *(f"{value} as {identifier(column.name)}" for column, value in others)]
    declared = {column.name.lower() for column in table.columns}
    own = [Column(name, kind) for name, kind in columns.items() if name.lower() not in declared]
    if own:
        given = _cast("properties", found["properties"], "JSON") if "properties" in found else "cast(null as json)"
        others = ", ".join(f"{identifier(column.name)} := {_other(column, column.data_type)}" for column in own)
        typed["properties"] = f"json_merge_patch({_object(given)}, to_json(struct_pack({others}))) as properties"
    return list(typed.values())


def _object(value: str) -> str:
    """A JSON value as an object: what is another kind of value stays in one, under its column's name."""
    return (
        f"case when {value} is null then '{{}}' when json_type({value}) = 'OBJECT' then {value}"
        f" else json_object('properties', {value}) end"
    )


def details(table: SourceTable, files: list[LandedFile]) -> Details:
    """What a source's record keeps of its landing; cut by the days that each file covers where the table is partitioned."""
    landing = Landing(table.path, list(table.columns), files)
    if table.partition_by is None:
        return Details(landing=landing)
    pieces = [Piece(file.days, file.content, table.stored_name(file)) for file in files]
    return Details(landing=landing, cut=Cut(table.partition_by, "day", pieces))


def select_files(record: NodeRecord, names: Collection[str], store: Store) -> str:
    """The select that reads some of a landed source's files (paths relative to the store), typed as its view."""
    landing = record.details.landing
    table = SourceTable(record.relation, landing.path, tuple(landing.columns))
    return view_sql(table, [file for file in landing.files if table.stored_name(file) in names], store, landing.files)


def _land_file(
    reader: duckdb.DuckDBPyConnection, table: SourceTable, store: Store, path: Path, state: tuple[int, ...]
) -> LandedFile:
    added = folder_columns(path, Path(table.path))
    content = digest(is_text(path), added, hash_of(path))
    unread = LandedFile(str(path), state, content, {}, [])
    copy = store.path(table.stored_name(unread))
    if copy.exists():
        open_raw(reader, copy, {})
    else:
        open_raw(reader, path, added)
    landed = _checked(reader, table, unread)
    if not copy.exists():
        with store.new_file(copy) as temporary:
            if added or is_text(path):
                reader.execute(f"copy raw to {literal(temporary)} (format parquet, compression zstd)")
            else:
                shutil.copyfile(path, temporary)
    return landed


def _checked(reader: duckdb.DuckDBPyConnection, table: SourceTable, file: LandedFile) -> LandedFile:
    """The file with its columns and days as `raw` shows them."""
    columns = _check(reader, table, Path(file.path))
    return replace(file, columns=columns, days=_days(reader, table, columns))


def _reader() -> duckdb.DuckDBPyConnection:
    """A database of its own for reading raw files: the branch's database may not open them."""
    reader = duckdb.connect()
    reader.execute("set TimeZone = 'UTC'")
    return reader


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
    is_nested = found_type.startswith(("STRUCT", "MAP", "UNION")) or found_type.endswith("]")
    if is_nested and column.data_type.upper() != "JSON":
        raise _wrong_type(path, column, found_type)
    if column.data_type.upper() == "VARCHAR":
        return
    try:
        wrong = reader.execute(
            f"select row, value from (select row_number() over () as row, {identifier(name)} as value from raw)"
            f" where value is not null and {_cast('value', found_type, column.data_type, 'try_cast')} is null"
            " order by row limit 1"
        ).fetchone()
    except duckdb.Error:
        raise _wrong_type(path, column, found_type) from None
    if wrong:
        raise _wrong_type(path, column, f"'{wrong[1]}' in row {wrong[0]} ({found_type})")


def _wrong_type(path: Path, column: Column, found: str) -> ScorehouseError:
    return ScorehouseError(
        f"{path}: column {column.name}: expected {column.data_type}, found {found}; correct the file and build again."
    )


def _days(reader: duckdb.DuckDBPyConnection, table: SourceTable, columns: Mapping[str, str]) -> list[str]:
    if table.partition_by is None:
        return []
    by_name = {name.lower(): kind for name, kind in columns.items()}
    column = next(column for column in table.columns if column.name == table.partition_by)
    key = Partitioning(table.partition_by, "day").key_sql()
    typed = _typed(column, by_name.get(column.name.lower()))
    return [row[0] for row in reader.execute(f"select distinct {key} from (select {typed} from raw) order by 1").fetchall()]


def _typed(column: Column, found: str | None) -> str:
    value = _cast(identifier(column.name), found, column.data_type) if found else f"cast(null as {column.data_type})"
    return f"{value} as {identifier(column.name)}"


def _extra(table: SourceTable, files: list[LandedFile]) -> list[Column]:
    """The undeclared columns of all files, spelled in one of the files' ways; JSON where the files' types differ."""
    declared = {column.name.lower() for column in table.columns}
    found: dict[str, Column] = {}
    for name, kind in sorted(item for file in files for item in file.columns.items()):
        known = found.setdefault(name.lower(), Column(name, kind))
        if known.data_type != kind:
            found[name.lower()] = Column(known.name, "JSON")
    return [found[name] for name in sorted(found.keys() - declared)]


def _other(column: Column, found: str | None) -> str:
    """An undeclared column's value, without numbers that JSON cannot hold."""
    value = identifier(column.name)
    if found is None:
        value = f"cast(null as {column.data_type})"
    elif found in ("FLOAT", "DOUBLE"):
        value = f"case when isfinite({value}) then {value} end"
    return f"to_json({value})" if column.data_type == "JSON" else value


def _cast(value: str, found: str, data_type: str, how: str = "cast") -> str:
    """A cast to the declared type.

    Times become UTC whatever offset they carry and whatever zone the reader is in; what follows a time must be a zone that
    DuckDB knows. Ids that were written as floating-point numbers lose their `.0`.
    """
    if data_type.upper() == "TIMESTAMP" and found == "VARCHAR":
        has_zone = f"regexp_matches({value}, ':[0-9.]+ *[A-Za-z+-]')"
        zoned = f"timezone('UTC', {how}(trim({value}) as timestamptz))"
        return f"case when {has_zone} then {zoned} else {how}(trim({value}) as timestamp) end"
    if data_type.upper() == "TIMESTAMP" and found == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {value})"
    if data_type.upper() == "VARCHAR" and found in ("FLOAT", "DOUBLE"):
        return rf"nullif(regexp_replace(cast({value} as varchar), '\.0$', ''), 'nan')"
    return f"{how}({value} as {data_type})"
