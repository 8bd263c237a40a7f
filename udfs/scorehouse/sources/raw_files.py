"""Raw files: which ones a folder holds, and the rows of one of them."""

import csv
import glob
import gzip
import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import duckdb

from scorehouse.errors import ScorehouseError
from scorehouse.names.quoting import identifier, literal

SUFFIXES = (".parquet", ".csv", ".csv.gz", ".tsv", ".tsv.gz")
DELIMITERS = ",;\t|"
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def discover(path: str) -> list[Path]:
    """Files of a folder and its subfolders (Parquet, CSV, TSV, also gzipped), of a glob, or the one file, sorted.

    Hidden files and folders (`.` and `_` come first) do not count. A folder `x` may also be one file `x.csv`. Raises
    ScorehouseError when there are files, and none of them can be read.

    >>> discover("/no/such/folder")
    []
    """
    place = Path(path)
    _expect_listable(fixed_part(path))
    if place.is_dir():
        found = [file for file in place.rglob("*") if not _is_hidden(file.relative_to(place))]
    else:
        found = [Path(name) for pattern in (path, f"{path}.*") for name in glob.glob(pattern)]
    files = sorted(file for file in found if file.is_file())
    readable = [file for file in files if file.name.lower().endswith(SUFFIXES)]
    if files and not readable:
        raise ScorehouseError(f"{place}: expected files {', '.join(SUFFIXES)}, found {files[0].name}; convert or remove it.")
    return readable


def fixed_part(path: str) -> Path:
    """The folder or file where a source's files are looked for, whatever pattern they have.

    >>> fixed_part("/no/such/in/2024-*/a.csv")
    PosixPath('/no/such/in')
    """
    place = Path(path)
    wild = next((count for count, part in enumerate(place.parts) if re.search(r"[*?\[]", part)), None)
    if wild is not None:
        return Path(*place.parts[:wild])
    return place if place.exists() else place.parent


def _expect_listable(place: Path) -> None:
    """Refuse a folder that cannot be read: a pattern finds nothing there, and says nothing."""
    try:
        if place.is_dir():
            os.scandir(place).close()
    except PermissionError:
        raise ScorehouseError(
            f"{place}: expected a folder that this build may read, found another; a branch may read what main reads, what --vars "
            f"names, and what the environment variable SCOREHOUSE_SOURCES lists (folders separated by '{os.pathsep}')."
        ) from None


def is_text(file: Path) -> bool:
    """Whether a file is CSV or TSV; else it is Parquet."""
    return not file.name.lower().endswith(".parquet")


def hash_of(file: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal. Raises ScorehouseError when it cannot be read."""
    try:
        with open(file, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(file, error) from None


def folder_columns(file: Path, folder: Path) -> dict[str, str | None]:
    """Columns that stand in the names of the folders between, Hive's way.

    >>> folder_columns(Path("/in/year=2024/month=01/a.parquet"), Path("/in"))
    {'year': '2024', 'month': '01'}
    """
    between = file.relative_to(folder).parts[:-1] if file.is_relative_to(folder) else ()
    pairs = [part.split("=", 1) for part in between if "=" in part]
    return {unquote(name): None if value == HIVE_NULL else unquote(value) for name, value in pairs}


def open_raw(reader: duckdb.DuckDBPyConnection, file: Path, added: Mapping[str, str | None]) -> None:
    """Make the view `raw` the rows of a file, and of `added` those columns that it lacks.

    Text files become a table of texts first, since a cast directly over a CSV can fail. Raises ScorehouseError when the
    file cannot be read.
    """
    rows = "text_rows" if is_text(file) else "parquet_rows"
    try:
        if is_text(file):
            reader.execute(f"create or replace temp table {rows} as from {_read_csv(file)}")
        else:
            reader.execute(f"create or replace temp view {rows} as from {read_parquet([file])}")
            reader.execute(f"select bit_xor(hash({rows})) from {rows}").fetchone()  # every page can be read
    except (duckdb.Error, OSError, EOFError, csv.Error, UnicodeDecodeError) as error:
        raise _unreadable(file, error) from None
    known = {row[0].lower() for row in reader.execute(f"describe {rows}").fetchall()}
    missing = [
        f"cast({literal(value)} as varchar) as {identifier(name)}" for name, value in added.items() if name.lower() not in known
    ]
    reader.execute(f"create or replace temp view raw as select {', '.join(['*', *missing])} from {rows}")


def read_parquet(files: list[Path]) -> str:
    """The table function that reads Parquet files by column name: no file's name is a pattern, no folder's name a column."""
    paths = ", ".join(literal(_without_pattern(file)) for file in files)
    return f"read_parquet([{paths}], union_by_name => true, hive_partitioning => false)"


def _read_csv(file: Path) -> str:
    """The table function that reads a CSV exactly as RFC 4180 says, by the delimiter that its header shows."""
    opener = gzip.open if file.name.lower().endswith(".gz") else open
    with opener(file, "rb") as stream:
        header = stream.readline().decode("utf-8-sig").rstrip("\n").split("\r")[0]
    delimiter, names = _header(file, header)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    return (
        f"read_csv({literal(_without_pattern(file))}, auto_detect => false, header => true, columns => {{{columns}}}, "
        f"delim => {literal(delimiter)}, quote => '\"', escape => '\"', hive_partitioning => false, "
        f"compression => '{'gzip' if opener is gzip.open else 'none'}')"
    )


def _header(file: Path, line: str) -> tuple[str, list[str]]:
    split = {delimiter: next(csv.reader([line], delimiter=delimiter), []) for delimiter in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda candidate: len(split[candidate]))
    names = [name.strip() or f"column{place}" for place, name in enumerate(split[delimiter], 1)]
    if not names:
        raise ScorehouseError(f"{file}: expected a header line, found none; write the columns' names first, or remove the file.")
    lower = [name.lower() for name in names]
    repeated = next((name for place, name in enumerate(names) if name.lower() in lower[:place]), None)
    if repeated:
        raise ScorehouseError(f"{file}: expected every column once, found {repeated} twice; rename or remove one.")
    return delimiter, names


def _unreadable(file: Path, error: Exception) -> ScorehouseError:
    kind = "CSV (UTF-8)" if is_text(file) else "Parquet"
    return ScorehouseError(f"{file}: expected a readable {kind} file, found: {reason(str(error))}; correct or remove the file.")


def reason(message: str) -> str:
    r"""What is wrong, out of DuckDB's many lines.

    >>> reason("Invalid Input Error: CSV Error on Line: 3\nOriginal Line: 1\nExpected 2 columns\n\nPossible fixes:")
    'line 3: Expected 2 columns'
    """
    lines = re.sub(r"^\w+( \w+)? Error: ", "", message).split("\nPossible")[0].strip().splitlines()
    place = re.match(r"CSV Error on Line: (\d+)", lines[0])
    cause = next((line for line in lines if line.startswith("Error when converting")), lines[-1])
    return f"line {place[1]}: {cause.rstrip('. ')}" if place else lines[0].rstrip(". ")


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _without_pattern(file: Path) -> str:
    return re.sub(r"([*?\[])", r"[\1]", str(file))
