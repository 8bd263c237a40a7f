"""Raw files into the store: found, checked against their declaration, landed once by content, and read through one view."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from scorehouse.code import folder_hash
from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import digest
from scorehouse.names.partitioning import UNKNOWN, Partitioning
from scorehouse.names.quoting import identifier, literal
from scorehouse.sources import cells
from scorehouse.sources.file_times import written_at
from scorehouse.sources.forgotten import NOBODY, Forgotten
from scorehouse.sources.json_values import finite, json_sql
from scorehouse.sources.keyed import KEY, Key
from scorehouse.sources.masking import ADDRESSES, NOT_SHOWN, mask
from scorehouse.sources.personal import Personal, is_row
from scorehouse.sources.places import Found, RawFile, discover, format_of
from scorehouse.sources.raw_files import (
    FAULT,
    LINE,
    Origin,
    folder_columns,
    hash_of,
    open_copy,
    open_raw,
    read_parquet,
    write_copy,
)
from scorehouse.store.details import Column, Cut, Details, LandedFile, Landing, Piece
from scorehouse.store.durable import for_who_builds
from scorehouse.store.files import Store
from scorehouse.store.records import NodeRecord

_PROPERTIES = Column("properties", "JSON")
_FILE, _SEEN = "scorehouse.file", "scorehouse.seen"
_DAY = Partitioning("own_time", "day").key_sql()
_OWN = (_FILE, _SEEN, LINE, FAULT)
_LISTED = 30
"""How many columns a sentence lists."""
_FILLED = {"file": _FILE, "line": LINE, "seen_at": _SEEN}


@dataclass(frozen=True)
class SourceTable:
    """A source table's declaration.

    Attributes:
        relation: schema.name.
        path: a folder, one file or a glob.
        columns: the contract; other columns of the files go into `properties`, or through behind them where there is none.
        partition_by: time column by which partitioned models may read the files, if any.
        called: what the files call a declared column, by its name; `=purchase` is the value of every row.
        personal: what of its files identifies people.
        keep_from: the first day (YYYY-MM-DD) whose rows are kept, if some are too old: by `partition_by`, else by when the file
            was written.
    """

    relation: str
    path: str
    columns: tuple[Column, ...]
    partition_by: str | None = None
    called: Mapping[str, str] = field(default_factory=dict)
    personal: Personal = field(default_factory=Personal)
    keep_from: str = ""

    def declaration(self) -> str:
        """Hash of everything but the path: what is declared, and the code that reads files by it."""
        columns = [asdict(column) for column in self.columns]
        return digest(columns, self.partition_by, self.called, self.reader)

    @property
    def reader(self) -> str:
        """Hash of how files are read: the code, and what of them identifies people."""
        return digest(reader_code(), self.personal.rules())

    @property
    def names(self) -> dict[str, list[str]]:
        """Declared columns by what the files call them, in lower case: one column may stand for several."""
        found: dict[str, list[str]] = {}
        for column, name in self.called.items():
            if not name.startswith("="):
                found.setdefault(name.lower(), []).append(column)
        return found

    @property
    def constants(self) -> dict[str, str]:
        """Values of declared columns that are the same in every row."""
        return {column: name[1:].strip() for column, name in self.called.items() if name.startswith("=")}

    @property
    def kinds(self) -> dict[str, Column]:
        """The columns that have a kind, by it."""
        return {column.kind: column for column in self.columns if column.kind}

    @property
    def rejects_rows(self) -> bool:
        """Whether a cell that cannot be read is told in a column of its row; else it stops the build."""
        return {"fault_column", "fault_value"} <= self.kinds.keys()

    @property
    def in_files(self) -> list[Column]:
        """The declared columns that files may have."""
        return [column for column in self.columns if column.kind in (None, "id", "name", "property", "truth")]

    def stored_name(self, file: LandedFile) -> str:
        """A landed file's copy, relative to the store."""
        return f"{self.relation}/{file.content}.parquet"


@cache
def reader_code() -> str:
    """Hash of the code that reads raw files: what a mended reader reads is other data."""
    return digest(folder_hash(Path(__file__).parent), duckdb.__version__)


def land(
    table: SourceTable,
    store: Store,
    known: Iterable[LandedFile],
    found: Found | None = None,
    key: Key | None = None,
    forgotten: Forgotten = NOBODY,
) -> list[LandedFile]:
    """Bring the source's files into the store; a file that is known by path, size, time and name is not read again.

    Args:
        found: what lies at the table's path, where it was looked for.
        key: what people's data become pseudonyms with; without one they are dropped.
        forgotten: people whose rows are left out.

    Raises ScorehouseError naming file, column, expected and found, for the first file that breaks the declaration.
    """
    by_identity = {(file.path, file.state, file.name, tuple(file.folders)): file for file in known}
    landed = []
    with _reader() as reader:
        for file in (found or discover(table.path)).files:
            status = file.path.stat()
            state = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            known = by_identity.get((file.place, state, file.name, file.folders))
            is_there = known is not None and known.key == _id_of(key) and may_read(store, table.stored_name(known))
            is_there = is_there and (not known.expired or "" < table.keep_from >= known.kept_from)
            if (
                is_there
                and (
                    known.forgotten == forgotten.version
                    or names_nobody(reader, table, store.path(table.stored_name(known)), forgotten)
                )
                and not _has_expired(table, file, known)
            ):
                landed.append(replace(known, forgotten=forgotten.version))
            else:
                landed.append(_land_file(reader, table, store, file, state, key, forgotten))
    _expect_called(table, landed)
    return sorted(landed, key=lambda file: file.content)  # what they are called is no data


def _expect_called(table: SourceTable, files: list[LandedFile]) -> None:
    """What the files are said to call a column, some file calls one."""
    found = {name.lower() for file in files for name in file.columns}
    absent = [name for name, columns in table.names.items() if not found & {column.lower() for column in columns}]
    if absent and found - {name.lower() for name in _OWN}:
        others = _listed(table, sorted({name for file in files for name in file.columns if name not in _OWN}))
        raise ScorehouseError(
            f"{table.relation}: expected a file with the column '{absent[0]}' for {', '.join(table.names[absent[0]])}, "
            f"found only {others}; correct what the files are said to call it."
        )


def check_landed(table: SourceTable, store: Store, files: Iterable[LandedFile]) -> list[LandedFile]:
    """Check files that are already in the store against a changed declaration; returns them with their days anew."""
    checked = []
    with _reader() as reader:
        for file in files:
            origin = open_copy(reader, store.path(table.stored_name(file)))
            checked.append(_checked(reader, table, file, origin))
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
        nulls = (f"cast(null as {column.data_type}) as {identifier(column.name)}" for column in table.columns)
        return f"select {', '.join(nulls)} where false"
    alike: dict[str, list[LandedFile]] = {}
    for file in files:
        alike.setdefault(repr((sorted(file.columns.items()), file.decimal, file.has_faults)), []).append(file)
    selects = []
    for members in alike.values():
        copies = [store.path(table.stored_name(file)) for file in members]
        selects.append(f"select {', '.join(_columns(table, extra, members[0]))} from {read_parquet(copies)}")
    return " union all ".join(selects)


def _columns(table: SourceTable, extra: list[Column], file: LandedFile) -> list[str]:
    """The columns of files that are like this one."""
    found = {name.lower(): kind for name, kind in file.columns.items()}
    values = {column.name: _value(table, column, file, found) for column in table.columns}
    if _PROPERTIES not in table.columns:
        others = {column.name: _other(column, found.get(column.name.lower())) for column in extra}
        return _named(values | others)
    declared = {column.name.lower() for column in table.in_files}
    own = {
        name: _other(Column(name, kind), kind, is_json=True)
        for name, kind in file.columns.items()
        if name.lower() not in declared and name not in _OWN
    }
    both = [column for column in table.in_files if column.kind == "property" and column.name.lower() in found]
    own |= {column.name: finite(values[column.name], column.data_type) for column in both}
    if own:
        values["properties"] = _merged(own, found.get("properties"))
    values["properties"] = f"nullif({values['properties']}, '{{}}')"  # no members are none
    return _named(values)


def _named(values: Mapping[str, str]) -> list[str]:
    return [f"{value} as {identifier(name)}" for name, value in values.items()]


def _merged(own: Mapping[str, str], properties: str | None) -> str:
    """`properties` with a file's other columns (by name, their SQL), NULLs left out, no value changed.

    A member that a column's name hides is `properties.<name>`. What is no object, or where that name is taken too, stays one
    member `properties`.
    """
    pairs = ", ".join(f"{{'k': {literal(name)}, 'v': to_json({value})}}" for name, value in own.items())
    others = f"map_from_entries(list_filter([{pairs}], lambda own_pair: own_pair.v is not null))"
    if properties is None:
        return f"to_json({others})"
    given = cells.value_sql("properties", properties, _PROPERTIES)
    no_members = "cast(map {} as map(varchar, json))"
    whole = f"case when {given} is null then {no_members} else map {{'properties': {given}}} end"
    hidden = _members("list_contains(map_keys(own_row.own), own_member.key)", "'properties.' || own_member.key")
    rest = _members("not list_contains(map_keys(own_row.own), own_member.key)", "own_member.key")
    is_taken = f"list_has_any(map_keys({hidden}), list_concat(map_keys(own_row.own), map_keys(own_row.given)))"
    merged = (
        f"case when {is_taken} then map_concat(own_row.own, map {{'properties': to_json(own_row.given)}})"
        f" else map_concat({rest}, own_row.own, {hidden}) end"
    )
    row = f"{{'own': {others}, 'given': coalesce(try_cast({given} as map(varchar, json)), {whole})}}"
    return f"to_json(list_transform([{row}], lambda own_row: {merged})[1])"


def _members(condition: str, name: str) -> str:
    """Those members of what is given that are meant, under these names."""
    chosen = f"list_filter(map_entries(own_row.given), lambda own_member: {condition})"
    return f"map_from_entries(list_transform({chosen}, lambda own_member: {{'k': {name}, 'v': own_member.value}}))"


def details(table: SourceTable, files: list[LandedFile]) -> Details:
    """What a source's record keeps of its landing; cut by the days that each file covers where the table is partitioned."""
    landing = Landing(table.path, list(table.columns), files, table.reader)
    if table.partition_by is None:
        return Details(landing=landing)
    pieces = [Piece(file.days, file.content, table.stored_name(file)) for file in files]
    return Details(landing=landing, cut=Cut(table.partition_by, "day", pieces))


def select_files(record: NodeRecord, names: Collection[str], store: Store) -> str:
    """The select that reads some of a landed source's files (paths relative to the store), typed as its view."""
    landing = record.details.landing
    table = SourceTable(record.relation, landing.path, tuple(landing.columns))
    return view_sql(table, [file for file in landing.files if table.stored_name(file) in names], store, landing.files)


def names_nobody(reader: duckdb.DuckDBPyConnection, table: SourceTable, copy: Path, forgotten: Forgotten) -> bool:
    """Whether a copy has no row of people who are to be forgotten."""
    open_copy(reader, copy)
    return not forgotten.taken_out(reader, table.personal.ids)


def _land_file(
    reader: duckdb.DuckDBPyConnection,
    table: SourceTable,
    store: Store,
    file: RawFile,
    state: tuple[int, ...],
    key: Key | None,
    forgotten: Forgotten,
) -> LandedFile:
    in_folders = folder_columns(file)
    personal = next((name for name in in_folders if table.personal.names_person(name)), None)
    if personal:
        raise ScorehouseError(
            f"{table.relation}: expected no people's data in the names of folders, which every record would show, found folders "
            f"{personal}=...; put the column into the files."
        )
    added = {column: value for name, value in in_folders.items() for column in table.names.get(name.lower(), [name])}
    told = {_FILE: file.name} if {"file", "line"} & table.kinds.keys() else {}
    told |= {_SEEN: written_at(file)} if "seen_at" in table.kinds else {}
    read = (file.kind, file.member, added, table.constants, told, table.names, table.rejects_rows, table.reader, hash_of(file))
    content = digest(*read, _id_of(key))
    unread = LandedFile(
        file.place, state, content, {}, [], file.name, key=_id_of(key), forgotten=forgotten.version, folders=[*file.folders]
    )
    copy = _copy_in(store, table.stored_name(unread))
    if copy.exists():
        origin = open_copy(reader, copy)
        if not forgotten.taken_out(reader, table.personal.ids):
            landed = _checked(reader, table, unread, origin)
            if not _has_expired(table, file, landed):
                return landed
    with TemporaryDirectory() as scratch:
        is_strict = not table.rejects_rows
        delimiter = open_raw(reader, file, {**added, **told}, table.constants, Path(scratch), table.names, is_strict)
        origin = Origin(delimiter, tuple(_mask(reader, table, file, key)))
        landed = _checked(reader, table, unread, origin)
        people = forgotten.taken_out(reader, table.personal.ids)
        if people:
            landed, origin = _without(reader, table, landed, people), replace(origin, decimal=landed.decimal)
        if _has_expired(table, file, landed):
            landed, origin = _retained(reader, table, file, landed), replace(origin, decimal=landed.decimal)
        copy = _copy_in(store, table.stored_name(landed))
        if table.personal:
            _make_private(copy.parent)
        if not copy.exists():
            with for_who_builds() if table.personal else nullcontext(), store.new_file(copy, [file.place]) as temporary:
                write_copy(reader, temporary, origin)
    return landed


def may_read(store: Store, name: str) -> bool:
    """Whether a landed copy is there, and this user may read it: those of people's data are for who lands them."""
    return store.holds(name) and os.access(store.path(name), os.R_OK)


def _copy_in(store: Store, name: str) -> Path:
    """Where a landed copy is, or is to be written; one that this user may not read is made once more."""
    return store.path(name) if may_read(store, name) else store.folder / name


def _without(reader: duckdb.DuckDBPyConnection, table: SourceTable, file: LandedFile, people: list[str]) -> LandedFile:
    """The file without the rows of people that were taken out of `raw`; what the others mean stays."""
    ((count,),) = reader.execute("select count(*) from raw").fetchall()
    left = replace(file, content=digest(file.content, people), row_count=count, left_out=file.row_count - count)
    return replace(left, days=_days(reader, table, left))


def _has_expired(table: SourceTable, file: RawFile, landed: LandedFile) -> bool:
    """Whether a landed file has rows that are not kept any more; rows without a time are as old as the file."""
    if not table.keep_from:
        return False
    is_timeless = UNKNOWN in landed.days or table.partition_by is None
    is_old = is_timeless and written_at(file) < table.keep_from
    return landed.row_count > 0 and (is_old or any(_is_before(day, table.keep_from) for day in landed.days))


def _is_before(day: str, first: str) -> bool:
    """Whether a day, as `Partitioning` writes it, comes before the first that is kept; one that is not known does not."""
    if day == UNKNOWN:
        return False
    return [int(part) for part in day.rsplit("-", 2)] < [int(part) for part in first.rsplit("-", 2)]


def _retained(reader: duckdb.DuckDBPyConnection, table: SourceTable, file: RawFile, landed: LandedFile) -> LandedFile:
    """Take the rows that are too old out of `raw`; the file without them."""
    is_old = written_at(file) < table.keep_from
    key = _DAY if table.partition_by is not None else literal(UNKNOWN)
    time = _time(table, landed) if table.partition_by is not None else "null"
    kept = f"case {key} when '{UNKNOWN}' then {not is_old} else own_time >= {literal(table.keep_from)} end"
    reader.execute(
        f"create or replace temp table retained as select * exclude (own_time) from (select *, {time} as own_time from raw)"
        f" where {kept}"
    )
    reader.execute("create or replace temp view raw as from retained")
    ((count,),) = reader.execute("select count(*) from raw").fetchall()
    days = [day for day in landed.days if not (is_old if day == UNKNOWN else _is_before(day, table.keep_from))]
    content = digest(landed.content, "kept", days, count)
    expired = landed.row_count - count
    return replace(landed, content=content, days=days, row_count=count, expired=expired, kept_from=table.keep_from)


def has_expired(table: SourceTable, copy: Path) -> bool:
    """Whether a landed copy has rows that are not kept any more, by their times; one without times has none."""
    with _reader() as reader:
        landed = _checked(reader, table, LandedFile(str(copy), (), "", {}, []), open_copy(reader, copy))
    return any(_is_before(day, table.keep_from) for day in landed.days)


def _make_private(folder: Path) -> None:
    """Let only who builds look into it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(PermissionError):  # a branch may change no modes
        folder.chmod(0o700)


def _id_of(key: Key | None) -> str:
    return key.id if key else ""


def _mask(reader: duckdb.DuckDBPyConnection, table: SourceTable, file: RawFile, key: Key | None) -> list[str]:
    """Mask people's data in `raw`. Raises ScorehouseError where ids are, and no key is there to make others of them."""
    declared = {column.name.lower(): column for column in table.in_files}
    masked = mask(reader, table.personal, declared, (_FILE, _SEEN, LINE), FAULT, key)
    ids = [name for name in masked if _is_id(declared, name)]
    if ids and key is None:
        raise ScorehouseError(
            f"{file.place}: column {ids[0].removesuffix(ADDRESSES)}: expected ids that name nobody, found people's data, and "
            f"no key to make pseudonyms of them; set the environment variable {KEY} (openssl rand -hex 32), and keep it."
        )
    return masked


def _is_id(declared: Mapping[str, Column], masked: str) -> bool:
    column = declared.get(masked.removesuffix(ADDRESSES).lower())
    return column is not None and column.kind == "id"


def _checked(reader: duckdb.DuckDBPyConnection, table: SourceTable, file: LandedFile, origin: Origin) -> LandedFile:
    """The file with its columns and days as `raw` shows them."""
    columns = {name: kind for name, kind, *_ in reader.execute("describe raw").fetchall()}
    ((count,),) = reader.execute("select count(*) from raw").fetchall()
    file = replace(file, columns=columns, row_count=count, masked=list(origin.masked))
    _expect_columns(reader, table, file)
    file = replace(file, decimal=origin.decimal or _decimal(reader, table, file, origin.delimiter))
    file = replace(file, has_faults=_has_faults(reader, table, file))
    return replace(file, days=_days(reader, table, file))


@contextmanager
def _reader() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own for reading raw files: the branch's database may not open them."""
    with TemporaryDirectory() as spill, duckdb.connect(config={"temp_directory": spill}) as reader:
        reader.execute("set global TimeZone = 'UTC'")
        yield reader


def _expect_columns(reader: duckdb.DuckDBPyConnection, table: SourceTable, file: LandedFile) -> None:
    """Every required column is there, and none is of a kind that cannot be its declared type.

    JSON without rows, as an hour without events has it, says no columns.
    """
    if file.row_count == 0 and format_of(file.path) == "json":
        return
    found = {name.lower(): kind for name, kind in file.columns.items()}
    for column in table.in_files:
        kind = found.get(column.name.lower())
        if kind is None and column.is_required:
            others = _listed(table, _in_the_file(table, file))
            called = table.called.get(column.name)
            said = f", called {called} as the files are said to" if called else ""
            wrapped = _wrapped(reader, file)
            todo = "add or rename the column, or say what the file calls it (as by the variable landing_columns)"
            todo = f"its rows stand in {wrapped}: land that array alone" if wrapped else todo
            raise ScorehouseError(
                f"{file.path}: expected the required column {column.name} ({column.data_type}){said}, found "
                f"{f'only {others}' if others else 'none'}; {todo}."
            )
        if kind is not None and _is_nested(kind) and column.data_type.upper() != "JSON":
            raise _wrong_type(file, column, kind)


def _in_the_file(table: SourceTable, file: LandedFile) -> list[str]:
    """The columns of a file by its own names."""
    own = {name: called for name, called in table.called.items() if name not in table.constants}
    return list(dict.fromkeys(own.get(name, name) for name in file.columns if name not in (*_OWN, *table.constants)))


def _listed(table: SourceTable, names: list[str]) -> str:
    """Columns that files have; a file without a header has people in their place."""
    is_headless = is_row(names)
    if not (table.personal.is_whole or is_headless):
        return ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
    known = {column.name.lower() for column in table.columns} | {name.lower() for name in table.called.values()}
    told = [name for name in names if name.lower() in known]
    hint = " (its first line is a row: write the columns' names above it)" if is_headless and not told else ""
    return ", ".join([*told, f"{len(names) - len(told)} that are not declared{hint}"])


def _wrapped(reader: duckdb.DuckDBPyConnection, file: LandedFile) -> str | None:
    """The member that holds the rows of a file of one JSON object, as programs answer; None for any other file."""
    arrays = [name for name, kind in file.columns.items() if kind == "JSON"] if file.row_count == 1 else []
    kinds = ", ".join(f"json_type({identifier(name)}) = 'ARRAY'" for name in arrays)
    found = reader.execute(f"select {kinds} from raw").fetchall()[0] if kinds else ()
    return next((name for name, is_array in zip(arrays, found, strict=True) if is_array), None)


def _is_nested(kind: str) -> bool:
    return kind.startswith(("STRUCT", "MAP", "UNION")) or kind.endswith("]")


def _decimal(reader: duckdb.DuckDBPyConnection, table: SourceTable, file: LandedFile, delimiter: str) -> str:
    """The decimal mark of a file's numbers that are texts: the comma where more of them can only have that than a point.

    It has a question mark where some can only have the other one, and where no declared column says which, but another column has
    commas, or semicolons stand between the cells.
    """
    texts = [(identifier(name), kind) for column, name, kind in _present(table, file) if cells.is_number(column.data_type)]
    numbers = [cells.text_in(name, kind) for name, kind in texts if kind in ("VARCHAR", "JSON")]
    if not numbers:
        return "."
    listed = ", ".join(numbers)
    comma, point = cells.decimal_evidence("value")
    where = f"where regexp_matches(concat_ws(' ', {listed}), ',|[.].*[.]')"
    ((commas,),) = reader.execute(
        f"select count(*) filter ({comma}) from (select unnest([{listed}]) as value from raw {where})"
    ).fetchall()
    if not commas and delimiter != ";" and not _has_commas_elsewhere(reader, table, file):
        return "."
    query = f"select count(*) filter ({point}) from (select unnest([{listed}]) as value from raw)"
    ((points,),) = reader.execute(query).fetchall()
    if commas > points:
        return ",?" if points else ","
    return ".?" if commas or not points else "."


def _has_commas_elsewhere(reader: duckdb.DuckDBPyConnection, table: SourceTable, file: LandedFile) -> bool:
    """Whether some column that is not declared begins with numbers that have decimal commas, and nothing else."""
    declared = {column.name.lower() for column in table.columns}
    texts = [identifier(name) for name, kind in file.columns.items() if kind == "VARCHAR" and name.lower() not in declared]
    columns = ", ".join(f"bool_and({cells.decimal_evidence(name)[0]})" for name in texts)
    return bool(texts) and any(reader.execute(f"select {columns} from (from raw limit 100)").fetchall()[0])


def _present(table: SourceTable, file: LandedFile) -> Iterator[tuple[Column, str, str]]:
    """The declared columns that a file has, with the file's own names and types of them."""
    found = {name.lower(): (name, kind) for name, kind in file.columns.items()}
    for column in table.in_files:
        if column.name.lower() in found:
            yield (column, *found[column.name.lower()])


def _has_faults(reader: duckdb.DuckDBPyConnection, table: SourceTable, file: LandedFile) -> bool:
    """Whether some cell cannot be read. Raises ScorehouseError for the first one where that stops the build."""
    has_faults = FAULT in file.columns
    for column, name, kind in _present(table, file):
        if not _can_be_unread(column, kind):
            continue
        try:
            fault = cells.fault_sql(identifier(name), kind, column, file.decimal)
            found = reader.execute(
                f"select {identifier(LINE) if LINE in file.columns else 0}, {identifier(name)}, count(*) over () from raw"
                f" where {fault} order by 1 limit 1"
            ).fetchall()
        except duckdb.Error:
            raise _wrong_type(file, column, kind) from None
        wrong = found[0] if found else None
        value = NOT_SHOWN if wrong and table.personal.is_whole else wrong and f"'{wrong[1]}'"
        if wrong and not table.rejects_rows:
            place = "line" if kind == "VARCHAR" else "row"
            raise _wrong_type(file, column, f"{value} in {place} {wrong[0]} ({kind})")
        if wrong and wrong[2] == file.row_count and kind not in ("VARCHAR", "JSON"):
            raise _wrong_type(file, column, f"{value} in every row ({kind})")
        has_faults = has_faults or wrong is not None
    return has_faults


def _can_be_unread(column: Column, found: str) -> bool:
    """Whether a column of a file's type could hold what is no value of the declared column."""
    return column.data_type.upper() != found.upper() or column.kind == "id"


def _wrong_type(file: LandedFile, column: Column, found: str) -> ScorehouseError:
    return ScorehouseError(
        f"{file.path}: column {column.name}: expected {column.data_type}, found {found}; correct the file and build again."
    )


def _days(reader: duckdb.DuckDBPyConnection, table: SourceTable, file: LandedFile) -> list[str]:
    if table.partition_by is None:
        return []
    query = f"select distinct {_DAY} from (select {_time(table, file)} as own_time from raw) order by 1"
    return [row[0] for row in reader.execute(query).fetchall()]


def _time(table: SourceTable, file: LandedFile) -> str:
    """The SQL of the column by which a source is partitioned."""
    column = next(column for column in table.columns if column.name == table.partition_by)
    found = {name.lower(): kind for name, kind in file.columns.items()}
    return _value(table, column, file, found)


def _value(table: SourceTable, column: Column, file: LandedFile, found: dict[str, str]) -> str:
    """The SQL of a declared column of a file."""
    if column.kind in _FILLED:
        return f"cast({identifier(_FILLED[column.kind])} as {column.data_type})"
    if column.kind in ("fault_column", "fault_value"):
        return _fault(table, file, column.kind) if file.has_faults else "cast(null as varchar)"
    if column.name.lower() in found:
        return cells.value_sql(identifier(column.name), found[column.name.lower()], column, file.decimal)
    return f"cast(null as {column.data_type})"


def _fault(table: SourceTable, file: LandedFile, kind: str) -> str:
    """The name, or the value, of the first cell of a row that cannot be read."""
    is_name = kind == "fault_column"
    cases = []
    if FAULT in file.columns:
        told = literal("line") if is_name else identifier(FAULT)
        cases.append(f"when {identifier(FAULT)} is not null then {told}")
    for column, name, found in _present(table, file):
        if _can_be_unread(column, found):
            told = literal(column.name) if is_name else f"cast({identifier(name)} as varchar)"
            cases.append(f"when {cells.fault_sql(identifier(name), found, column, file.decimal)} then {told}")
    return f"case {' '.join(cases)} end" if cases else "cast(null as varchar)"


def _extra(table: SourceTable, files: list[LandedFile]) -> list[Column]:
    """The undeclared columns of all files, spelled in one of the files' ways; JSON where the files' types differ."""
    declared = {column.name.lower() for column in table.columns} | set(_OWN)
    found: dict[str, Column] = {}
    for name, kind in sorted(item for file in files for item in file.columns.items()):
        known = found.setdefault(name.lower(), Column(name, kind))
        if known.data_type != kind:
            found[name.lower()] = Column(known.name, "JSON")
    return [found[name] for name in sorted(found.keys() - declared)]


def _other(column: Column, found: str | None, is_json: bool = False) -> str:
    """An undeclared column's value, without numbers that JSON cannot hold, so that another file may make JSON of it."""
    value = identifier(column.name) if found else f"cast(null as {column.data_type})"
    if found is None or not (is_json or column.data_type == "JSON"):
        return finite(value, found or "")
    return json_sql(value, found)
