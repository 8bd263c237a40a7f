"""Raw files as rows: opened whatever they are packed in, each row with the line that it stands in."""

import bz2
import csv
import gzip
import hashlib
import json
import lzma
import os
import re
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa

from scorehouse.errors import ScorehouseError, first_line
from scorehouse.names.quoting import identifier, literal
from scorehouse.sources.cells import microseconds
from scorehouse.sources.personal import has_address, is_row
from scorehouse.sources.places import RawFile

DELIMITERS = ",;\t|"
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
LINE, FAULT = "scorehouse.line", "scorehouse.fault"
"""Columns that are added to a text file's rows: the line that a row begins in, and what is wrong with the whole row."""

BOMB_BYTES, BOMB_RATIO = 1_000_000_000, 1_000
"""What unpacks to more than both is no data: it would fill the disk."""

MOST_COLUMNS = 2_000
"""Of a file: each is read, typed and looked through, so that many more would take the memory of the whole build."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""The marks that a file in UTF-16 begins with."""

_BATCH_ROWS = 20_000
_CHUNK = 1 << 20
_BROKEN_ARCHIVE = (zipfile.BadZipFile, tarfile.TarError, KeyError)
_UNREADABLE = (duckdb.Error, OSError, EOFError, csv.Error, UnicodeError, lzma.LZMAError, *_BROKEN_ARCHIVE)


def hash_of(file: RawFile) -> str:
    """SHA-256 of a file's bytes, in hexadecimal. Raises ScorehouseError when it cannot be read."""
    try:
        with open(file.path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(file, error) from None


def folder_columns(file: RawFile) -> dict[str, str | None]:
    """Columns that stand in the names of the folders between, Hive's way.

    >>> folder_columns(RawFile(Path("a.parquet"), "a.parquet", folders=("year=2024", "old", "month=01")))
    {'year': '2024', 'month': '01'}
    """
    pairs = [part.split("=", 1) for part in file.folders if part.find("=") > 0]
    return {unquote(name): None if value == HIVE_NULL else unquote(value) for name, value in pairs}


def open_raw(
    reader: duckdb.DuckDBPyConnection,
    file: RawFile,
    added: Mapping[str, str | None],
    constants: Mapping[str, str],
    scratch: Path,
    names: Mapping[str, list[str]],
    is_strict: bool = False,
) -> str:
    """Make the view `raw` the rows of a file, with the column `scorehouse.line`, and of `added` those columns that it lacks.

    Cells of text files stay texts. A row with too many or too few cells says so in the column `scorehouse.fault`.

    Args:
        constants: values of columns that are the same in every row; the file has none of these.
        scratch: an empty folder for what must be unpacked; it must stay while `raw` is read.
        names: what columns are to be called, by what they are called in the file, in lower case.
        is_strict: refuse a file with such a row.

    Returns what stands between the cells of a text file, else nothing. Raises ScorehouseError when the file cannot be read.
    """
    try:
        plain = _unpacked(file, scratch)
        opened = {"csv": _open_csv, "json": _open_json, "parquet": _open_parquet}[file.kind]
        rows, delimiter = opened(reader, file, plain, is_strict)
    except _UNREADABLE as error:
        raise _unreadable(file, error) from None
    found = [row[0] for row in reader.execute(f"describe {rows}").fetchall()]
    called = [(name, new) for name in found for new in names.get(name.lower(), [name])]
    _expect_one_each(file, called)
    known = {new.lower() for _, new in called}
    fixed = next((name for name in constants if name.lower() in known), None)
    if fixed:
        raise ScorehouseError(
            f"{file.place}: expected no column {fixed}, whose value is said to be '{constants[fixed]}' in every row, found one; "
            f"leave out either."
        )
    listed = [f"{identifier(name)} as {identifier(new)}" for name, new in called]
    missing = [
        f"cast({literal(value)} as varchar) as {identifier(name)}"
        for name, value in {**constants, **added}.items()
        if name.lower() not in known
    ]
    reader.execute(f"create or replace temp view raw as select {', '.join([*listed, *missing])} from {rows}")
    return delimiter


@dataclass(frozen=True)
class Origin:
    """What a copy keeps of its raw file beside the rows.

    Attributes:
        delimiter: what stood between the cells of a text file.
        masked: what of it is people's data, see scorehouse.sources.personal.
        decimal: the decimal mark of its texts, where not all of its rows are there to show it.
    """

    delimiter: str = ""
    masked: tuple[str, ...] = ()
    decimal: str = ""


def write_copy(reader: duckdb.DuckDBPyConnection, file: Path, origin: Origin) -> None:
    """Write the rows of `raw` to a file, and where they come from."""
    said = {"delimiter": origin.delimiter, "masked": json.dumps(origin.masked), "decimal": origin.decimal}
    kept = f"kv_metadata {{{', '.join(f'{name}: {literal(value)}' for name, value in said.items())}}}"
    reader.execute(f"copy raw to {literal(file)} (format parquet, compression zstd, {kept})")


def open_copy(reader: duckdb.DuckDBPyConnection, file: Path) -> Origin:
    """Make the view `raw` the rows of a landed copy; returns where they come from."""
    reader.execute(f"create or replace temp view raw as from {read_parquet([file])}")
    query = f"select decode(key), decode(value) from parquet_kv_metadata({literal(_without_pattern(file))})"
    kept = dict(reader.execute(query).fetchall())
    return Origin(kept.get("delimiter", ""), tuple(json.loads(kept.get("masked", "[]"))), kept.get("decimal", ""))


def read_parquet(files: list[Path]) -> str:
    """The table function that reads Parquet files by column name: no file's name is a pattern, no folder's name a column."""
    paths = ", ".join(literal(_without_pattern(file)) for file in files)
    return f"read_parquet([{paths}], union_by_name => true, hive_partitioning => false)"


# -------------------------------------------------------------------- unpacking


def _unpacked(file: RawFile, scratch: Path) -> Path:
    """The plain file: itself, or a copy without compression in `scratch`."""
    with _plain_stream(file) as (stream, is_packed):
        if not is_packed:
            return file.path
        plain = scratch / f"plain.{file.kind}"
        with open(plain, "wb") as target:
            _copy(iter(lambda: stream.read(_CHUNK), b""), target, file.path)
        return plain


def _copy(parts: Iterator[bytes], target: IO[bytes], packed: Path) -> None:
    """Write what a file unpacks to; raises OSError for more than any data is packed so small."""
    most, size = max(BOMB_BYTES, BOMB_RATIO * packed.stat().st_size), 0
    for part in parts:
        size += len(part)
        if size > most:
            raise OSError(f"more than {BOMB_RATIO:,} times its size of {packed.stat().st_size:,} bytes in it")
        target.write(part)


_OPENERS = {
    b"\x1f\x8b": lambda stream, _: gzip.open(stream),  # noqa: SIM115
    b"BZh": lambda stream, file: _streams(stream, bz2.BZ2Decompressor, file),
    b"\xfd7zXZ": lambda stream, file: _streams(stream, lzma.LZMADecompressor, file),
    b"\x28\xb5\x2f\xfd": lambda stream, _: pa.CompressedInputStream(stream, "zstd"),
    b"\x04\x22\x4d\x18": lambda stream, _: pa.CompressedInputStream(stream, "lz4"),
}
_BY_SUFFIX = {".gz": b"\x1f\x8b", ".gzip": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ"}


def _streams(packed: IO[bytes], new: Callable[[], Any], file: Path) -> IO[bytes]:
    """What compressed streams one behind the other hold; Python's own readers leave out what follows a damaged one.

    Raises what the decompressor does, EOFError for a stream without an end, and OSError for more than `file` can hold as data.
    """
    plain = TemporaryFile()  # noqa: SIM115
    _copy(_parts(packed, new), plain, file)
    plain.seek(0)
    return plain


def _parts(packed: IO[bytes], new: Callable[[], Any]) -> Iterator[bytes]:
    decompressor = new()
    while chunk := packed.read(_CHUNK):
        while chunk or not (decompressor.needs_input or decompressor.eof):
            if decompressor.eof:
                chunk = chunk.lstrip(b"\0")  # padding between streams
                if not chunk:
                    break
                decompressor = new()
            yield decompressor.decompress(chunk, _CHUNK)
            chunk = decompressor.unused_data
    if not decompressor.eof:
        raise EOFError("it ends before its data does")


@contextmanager
def _plain_stream(file: RawFile) -> Iterator[tuple[IO[bytes], bool]]:
    """The bytes of a file without what they are packed in, and whether they were; their first bytes say in what."""
    with ExitStack() as stack:
        stream = stack.enter_context(open(file.path, "rb"))
        if file.member:
            stream = _member(stack, file)
        is_packed, suffix = file.member is not None, Path(file.member or file.path.name).suffix.lower()
        while True:
            begin = stream.read(6)
            stream.seek(0)
            found = next((opener for magic, opener in _OPENERS.items() if begin.startswith(magic)), None)
            if found is None and not is_packed and suffix in _BY_SUFFIX and begin[:4] != b"PAR1" and begin:
                found = _OPENERS[_BY_SUFFIX[suffix]]  # says itself what is wrong
            if found is None:
                yield stream, is_packed
                return
            stream, is_packed = stack.enter_context(found(stream, file.path)), True
            if isinstance(stream, pa.NativeFile):
                yield stream, True
                return


def _member(stack: ExitStack, file: RawFile) -> IO[bytes]:
    if zipfile.is_zipfile(file.path):
        archive = stack.enter_context(zipfile.ZipFile(file.path))
        if archive.getinfo(file.member).flag_bits & 1:
            raise zipfile.BadZipFile("it is encrypted")
        return stack.enter_context(archive.open(file.member))
    archive = stack.enter_context(tarfile.open(file.path))  # noqa: SIM115
    return stack.enter_context(archive.extractfile(file.member))


# -------------------------------------------------------------------- Parquet


def _open_parquet(reader: duckdb.DuckDBPyConnection, file: RawFile, plain: Path, is_strict: bool) -> tuple[str, str]:
    """Rows of a Parquet file; texts that are not marked as such are texts, nanoseconds with a zone lose what no reader keeps.

    A column of bytes that are no text stays as it is, and says nothing about the others.
    """
    options = "hive_partitioning => false, file_row_number => true, binary_as_string => "
    texts, given = (f"read_parquet({literal(_without_pattern(plain))}, {options} {flag})" for flag in ("true", "false"))
    _expect_once(file, list(_parquet_names(reader, plain)))
    try:
        return _parquet_rows(reader, texts), ""
    except duckdb.Error:
        names = [row[0] for row in reader.execute(f"describe from {given}").fetchall()]
        no_texts = ", ".join(identifier(name) for name in names if not _can_be_read(reader, name, texts))
        if not no_texts:
            raise
    both = (
        f"(select * from (select * exclude ({no_texts}) from {texts})"
        f" join (select file_row_number, {no_texts} from {given}) using (file_row_number) order by file_row_number)"
    )
    return _parquet_rows(reader, both), ""


def _parquet_names(reader: duckdb.DuckDBPyConnection, plain: Path) -> Iterator[str]:
    """The columns of a Parquet file as it calls them: DuckDB gives one that stands there twice another name."""
    query = f"select name, coalesce(num_children, 0) from parquet_schema({literal(_without_pattern(plain))})"
    below = 0
    for name, children in reader.execute(query).fetchall()[1:]:
        if not below:
            yield name
        below = max(below - 1, 0) + children


def _parquet_rows(reader: duckdb.DuckDBPyConnection, source: str) -> str:
    columns = [row[:2] for row in reader.execute(f"describe from {source}").fetchall()]
    values = [
        f"make_timestamptz({microseconds(identifier(name))}) as {identifier(name)}"
        if kind == "TIMESTAMPTZ_NS"
        else identifier(name)
        for name, kind in columns
        if name != "file_row_number"
    ]
    query = f"select {', '.join(values)}, file_row_number + 1 as {identifier(LINE)} from {source}"
    reader.execute(f"create or replace temp view parquet_rows as {query}")
    reader.execute("select bit_xor(hash(parquet_rows)) from parquet_rows").fetchall()  # every page can be read
    return "parquet_rows"


def _can_be_read(reader: duckdb.DuckDBPyConnection, name: str, source: str) -> bool:
    try:
        reader.execute(f"select bit_xor(hash({identifier(name)})) from {source}").fetchall()
    except duckdb.Error:
        return False
    return True


# -------------------------------------------------------------------- JSON


def _open_json(reader: duckdb.DuckDBPyConnection, file: RawFile, plain: Path, is_strict: bool) -> tuple[str, str]:
    """Rows of JSON objects, one a line or in one array: every member at the top is a column of JSON.

    An object that names a member twice is at fault: readers of JSON differ in which of both they take.
    """
    _expect_closed(plain)
    source = f"read_json_objects({literal(_without_pattern(plain))}, format => 'auto', maximum_object_size => 268435456)"
    reader.execute(f"create or replace temp table objects as select json, row_number() over () as line from {source}")
    wrong = reader.execute("select line, json_type(json) from objects where json_type(json) <> 'OBJECT' limit 1").fetchall()
    for row, kind in wrong:
        if kind == "ARRAY":
            raise ScorehouseError(
                f"{file.place}: row {row}: expected an object, found an array; write the objects one a line, or all in one array."
            )
        raise csv.Error(f"row {row}: expected an object, found {kind.lower()}")
    query = "select key from (select unnest(json_keys(json)) as key, line from objects) group by key order by min(line), min(key)"
    names = [name for (name,) in reader.execute(query).fetchall()]
    if "" in names:
        raise csv.Error("a member without a name")
    _expect_once(file, names)
    repeats = "len(json_keys(json)) > len(list_distinct(json_keys(json)))"
    twice = reader.execute(f"select min(line) from objects where {repeats} having count(*) > 0").fetchall()
    if twice and is_strict:
        raise csv.Error(f"row {twice[0][0]}: expected every member once, found one twice")
    values = [f"{_member_of(name)} as {identifier(name)}" for name in names]
    if twice:
        values.append(f"case when {repeats} then 'a member twice' end as {identifier(FAULT)}")
    query = f"select {', '.join([*values, f'line as {identifier(LINE)}'])} from objects"
    reader.execute(f"create or replace temp table json_rows as {query}")
    return "json_rows", ""


def _expect_closed(plain: Path) -> None:
    """Refuse an array without its end: DuckDB takes a comma behind the last object for it."""
    begin = next((chunk.lstrip() for chunk in _chunks(plain) if chunk.strip()), b"")
    if begin.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"[":
        return
    with open(plain, "rb") as stream:
        size, end = stream.seek(0, os.SEEK_END), b""
        while not end and size:
            start = max(0, size - _CHUNK)
            stream.seek(start)
            end, size = stream.read(size - start).rstrip(), start
    if not end.endswith(b"]"):
        raise EOFError("an array without its end")


def _member_of(name: str) -> str:
    pointer = literal("/" + name.replace("~", "~0").replace("/", "~1"))
    return f"case when json_type(json, {pointer}) <> 'NULL' then json_extract(json, {pointer}) end"


# -------------------------------------------------------------------- CSV


@dataclass(frozen=True)
class _Header:
    """A CSV file's first line: its delimiter and names; whether a line before it says the delimiter."""

    delimiter: str
    names: list[str]
    is_announced: bool = False


def _open_csv(reader: duckdb.DuckDBPyConnection, file: RawFile, plain: Path, is_strict: bool) -> tuple[str, str]:
    """Rows of a CSV exactly as RFC 4180 says, by the delimiter that its header shows.

    DuckDB reads what is plainly written. Line ends of several kinds, lines within cells and rows of other lengths are read
    cell by cell, since DuckDB's reader would refuse them or not say their lines.
    """
    with open(plain, "rb") as stream:
        begin = stream.readline()
    if begin.startswith(b"\xff\xfe\0\0") or (b"\0" in begin and not begin.startswith(_UTF_16)):
        raise UnicodeError("zeros among the letters of its first line, as UTF-32 has them, or UTF-16 without its mark")
    if begin.startswith(_UTF_16):
        return _open_with_care(reader, file, plain, "utf-16", is_strict)
    line = begin.decode("utf-8-sig").rstrip("\n").split("\r")[0]
    header = _header(file, plain, line)
    line_end = _line_end(plain)
    if header.is_announced or line_end is None:
        return _open_with_care(reader, file, plain, "utf-8-sig", is_strict)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header.names)
    query = (
        f"select *, row_number() over () + 1 as {identifier(LINE)} from read_csv({literal(_without_pattern(plain))}, "
        f"auto_detect => false, header => true, columns => {{{columns}}}, delim => {literal(header.delimiter)}, "
        "quote => '\"', escape => '\"', hive_partitioning => false, compression => 'none')"
    )
    try:
        reader.execute(f"create or replace temp table text_rows as {query}")
        ((count,),) = reader.execute("select count(*) from text_rows").fetchall()
    except duckdb.Error as error:
        try:
            return _open_with_care(reader, file, plain, "utf-8-sig", is_strict)
        except (csv.Error, UnicodeError, duckdb.Error):
            raise error from None
    if count + 1 != _line_count(plain, line_end):
        return _open_with_care(reader, file, plain, "utf-8-sig", is_strict)
    return "text_rows", header.delimiter


def _open_with_care(
    reader: duckdb.DuckDBPyConnection, file: RawFile, plain: Path, encoding: str, is_strict: bool
) -> tuple[str, str]:
    """The same, cell by cell."""
    csv.field_size_limit(sys.maxsize)
    with open(plain, encoding=encoding, newline="") as text:
        first = _first_line(text)
        header = _header(file, plain, first, encoding)
        text.seek(0)
        is_a_line_a_row = header.delimiter == "\t" and _have_tabs(text, len(header.names) - 1, header.is_announced)
        cells = _Lines(text) if is_a_line_a_row else csv.reader(text, delimiter=header.delimiter, strict=True)
        for _ in range(2 if header.is_announced else 1):
            next(cells)
        names = [*header.names, LINE, FAULT]
        schema = pa.schema([(name, pa.int64() if name == LINE else pa.string()) for name in names])
        batches = pa.RecordBatchReader.from_batches(schema, _batches(cells, len(header.names), schema, is_strict))
        reader.register("careful", batches)
        try:
            reader.execute("create or replace temp table text_rows as from careful")
        finally:
            reader.unregister("careful")
    return "text_rows", header.delimiter


class _Lines:
    """Rows of a file in which each line is one: a quote that nothing closes in its line is a character."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self.line_num = 0

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        self.line_num += 1
        line = next(self._text).rstrip("\r\n")
        try:
            cells = next(csv.reader([line], delimiter="\t", strict=True), [])
        except csv.Error:
            cells = []
        apart = line.split("\t") if line else []
        return cells if len(cells) == len(apart) else apart


def _have_tabs(text: IO[str], count: int, is_announced: bool) -> bool:
    """Whether every line but empty ones, and one that announces the delimiter, has so many; the text is rewound."""
    if is_announced:
        next(text)
    found = all(line.count("\t") == count for line in text if line.strip("\r\n"))
    text.seek(0)
    return found


def _first_line(text: IO[str]) -> str:
    return re.split(r"[\r\n]", text.readline())[0]


def _batches(cells: Iterator[list[str]], width: int, schema: pa.Schema, is_strict: bool) -> Iterator[pa.RecordBatch]:
    rows: list[list[object]] = []
    before = cells.line_num
    for row in cells:
        line, before = before + 1, cells.line_num
        if not row:
            continue
        rows.append(_row(row, width, line, is_strict))
        if len(rows) == _BATCH_ROWS:
            yield _batch(rows, schema)
            rows = []
    yield _batch(rows, schema)


def _batch(rows: list[list[object]], schema: pa.Schema) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.record_batch([pa.array(column, one.type) for column, one in zip(columns, schema, strict=True)], schema=schema)


def _row(cells: list[str], width: int, line: int, is_strict: bool) -> list[object]:
    """A row's cells, NULL where they are empty, its line and its fault; empty cells behind the last column do not count."""
    found = len(cells)
    if found > width and not any(cells[width:]):
        found = width
    if found != width and is_strict:
        raise csv.Error(f"line {line}: Expected Number of Columns: {width} Found: {found}")
    fault = None if found == width else f"{found} cell{'' if found == 1 else 's'} instead of {width}"
    padded = [*cells[:width], *[None] * (width - len(cells))]
    return [*(cell or None for cell in padded), line, fault]


def _line_end(plain: Path) -> bytes | None:
    """The byte that ends every line of a file; None where line ends are of several kinds."""
    pairs = feeds = returns = 0
    before = b""
    for chunk in _chunks(plain):
        pairs += (before + chunk).count(b"\r\n")
        feeds += chunk.count(b"\n")
        returns += chunk.count(b"\r")
        before = chunk[-1:] if chunk.endswith(b"\r") else b""
    if feeds == 0:
        return b"\r"
    return b"\n" if returns == 0 or pairs == feeds == returns else None


def _line_count(plain: Path, line_end: bytes) -> int:
    """Lines of a file, without empty ones at its end."""
    count, pending, is_any = 0, 0, False
    for chunk in _chunks(plain):
        body = chunk.rstrip(b"\r\n")
        after = chunk[len(body) :].count(line_end)
        if body:
            count, pending, is_any = count + pending + body.count(line_end), after, True
        else:
            pending += after
    return count + is_any


def _chunks(plain: Path) -> Iterator[bytes]:
    with open(plain, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _header(file: RawFile, plain: Path, line: str, encoding: str = "utf-8-sig") -> _Header:
    announced = re.fullmatch(r'(?i)"?sep=(.)"?', line)
    if announced:
        with open(plain, encoding=encoding, newline="") as text:
            _first_line(text)
            line = _first_line(text)
        return _Header(announced[1], _names(file, line, announced[1]), is_announced=True)
    split = {delimiter: next(csv.reader([line], delimiter=delimiter), []) for delimiter in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda candidate: len(split[candidate]))
    return _Header(delimiter, _names(file, line, delimiter))


def _names(file: RawFile, line: str, delimiter: str) -> list[str]:
    if line.count('"') % 2:
        raise ScorehouseError(f"{file.place}: expected a header in one line, found a name with a line break; write it without.")
    cells = next(csv.reader([line], delimiter=delimiter), [])
    names = [name.strip() or f"column{place}" for place, name in enumerate(cells, 1)]
    if not names:
        raise ScorehouseError(
            f"{file.place}: expected a header line, found none; write the columns' names first, or remove the file."
        )
    _expect_once(file, names)
    return names


def _expect_few(file: RawFile, names: list[str]) -> None:
    if len(names) > MOST_COLUMNS:
        raise ScorehouseError(
            f"{file.place}: expected at most {MOST_COLUMNS:,} columns, found {len(names):,}; leave out what nothing reads, or "
            "put it into one column of JSON."
        )


def _expect_once(file: RawFile, names: list[str]) -> None:
    _expect_few(file, names)
    known: set[str] = set()
    repeated = next((name for name in names if name.lower() in known or known.add(name.lower())), None)
    if repeated and is_row(names):
        raise ScorehouseError(
            f"{file.place}: expected every column once, found a first line that has a cell twice and is a row; write the "
            "columns' names above it."
        )
    if repeated:
        raise ScorehouseError(f"{file.place}: expected every column once, found {repeated} twice; rename or remove one.")


def _expect_one_each(file: RawFile, called: list[tuple[str, str]]) -> None:
    """Refuse two columns of a file, (its name, what it is to be called), that are to be called the same."""
    known: dict[str, str] = {}
    for name, new in called:
        other = known.setdefault(new.lower(), name)
        if other != name:
            both = " and ".join("(an e-mail address)" if has_address(one) else one for one in (other, name))
            raise ScorehouseError(
                f"{file.place}: expected one column for {new}, found {both}, one of which is said to be called so "
                f"(as by the variable landing_columns); take it out there, or remove the other from the file."
            )


def _unreadable(file: RawFile, error: Exception) -> ScorehouseError:
    kind = {"csv": "CSV (UTF-8)", "json": "JSON", "parquet": "Parquet"}[file.kind]
    found = reason(str(error)) if isinstance(error, duckdb.Error) else first_line(error)
    is_encoded = file.kind == "csv" and (isinstance(error, UnicodeError) or "not utf-8 encoded" in found)
    todo = "save it as CSV in UTF-8, or remove it" if is_encoded else "correct or remove the file"
    return ScorehouseError(f"{file.place}: expected a readable {kind} file, found: {found}; {todo}.")


def reason(message: str) -> str:
    r"""What is wrong, out of DuckDB's many lines.

    >>> reason("Invalid Input Error: CSV Error on Line: 3\nOriginal Line: 1\nExpected 2 columns\n\nPossible fixes:")
    'line 3: Expected 2 columns'
    """
    if "Traceback" in message:  # of our own reader, which DuckDB asked for rows
        return re.sub(r"^[\w.]+: ", "", message.strip().splitlines()[-1])
    lines = re.sub(r"^\w+( \w+)? Error: ", "", message).split("\nPossible")[0].strip().splitlines()
    place = re.match(r"CSV Error on Line: (\d+)", lines[0])
    cause = next((line for line in lines if line.startswith("Error when converting")), lines[-1])
    return f"line {place[1]}: {cause.rstrip('. ')}" if place else lines[0].rstrip(". ")


def _without_pattern(file: Path) -> str:
    return re.sub(r"([*?\[])", r"[\1]", str(file))
