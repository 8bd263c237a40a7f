"""Seeds: CSV files of the project, as typed rows."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import duckdb

from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import digest
from scorehouse.sources.raw_files import reason

SEED_ROWS = "seed_rows"
"""Name of the table that a seed is read into."""

_CELL = re.compile(
    r'CSV Error on Line: (\d+)\n.*^Error when converting column "(.*?)"\. Could not convert string "(.*?)" to \'(.*?)\'$',
    re.M | re.S,
)
"""How DuckDB names a row, counted from the header, its column, what stands there, and the type that the column has."""

_WHOLE = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?")
_NUMBER = re.compile(rf"({_WHOLE.pattern}|FLOAT|DOUBLE|DECIMAL|BIGNUM)\b")
"""DuckDB's types of numbers."""

_NO_YEAR_FIRST = re.compile(r"\s*\d{1,2}\D")
"""How a date begins that could be two, or not the one that was meant: with its day, its month, or two digits of its year."""


def seed_header(path: Path, delimiter: str) -> list[str]:
    """The names of a seed file's columns.

    Raises ScorehouseError when the file has no text, or `delimiter` is not one character.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file, delimiter=delimiter), [])
    except TypeError:
        raise ScorehouseError(
            f"{path.name}: config: delimiter: expected one character, found {delimiter!r}; correct it."
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ScorehouseError(f"{path.name}: expected a CSV table in UTF-8, found: {error}; correct the file.") from None


@contextmanager
def read_seed(path: Path, column_types: Mapping[str, str], delimiter: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own with a seed file's rows, typed by DuckDB's CSV reader over the whole file; `column_types` override.

    Rows stay in DuckDB, which alone keeps every type. Times without an offset are UTC. Only types are found out: the first line
    is the header, and double quotes alone are quotes.

    Raises ScorehouseError when the file is no CSV, names a column twice, or has a cell that is none of its column's type.
    """
    header = seed_header(path, delimiter)
    _expect_distinct(path, header)
    unknown = sorted(set(column_types) - set(header))
    if unknown:
        raise ScorehouseError(
            f"{path.name}: expected the columns {', '.join(unknown)} (column_types), found {', '.join(header)}; "
            f"rename a column, or add one."
        )
    with duckdb.connect() as reader:
        try:
            reader.execute("set global TimeZone = 'UTC'")
            rows = reader.read_csv(
                str(path),
                header=True,
                skiprows=0,
                delimiter=delimiter,
                quotechar='"',
                escapechar='"',
                sample_size=-1,
                dtype=dict(column_types),
                all_varchar=False,
            )
            rows.create(SEED_ROWS)
        except duckdb.Error as error:
            raise _refusal(path, delimiter, str(error)) from None
        _expect_clear_dates(path, delimiter, [str(kind) for kind in rows.types])
        yield reader


def _expect_distinct(path: Path, header: Sequence[str]) -> None:
    """Refuse a file without a header, and two columns that DuckDB takes for one: its reader would call the second `name_1`."""
    if not header:
        raise ScorehouseError(f"{path.name}: expected a header line, found none; write the columns' names first.")
    known: set[str] = set()
    for name in map(str.strip, header):
        if name and name.lower() in known:
            raise ScorehouseError(
                f"{path.name}: column {name}: expected every column once, in whatever case, found it twice; rename or remove one."
            )
        known.add(name.lower())


def _expect_clear_dates(path: Path, delimiter: str, types: Sequence[str]) -> None:
    """Refuse a date that does not begin with its year: DuckDB guesses what `03/01/2026` is, and from all rows together."""
    dates = [place for place, kind in enumerate(types) if kind.startswith(("DATE", "TIMESTAMP"))]
    (_, header), *rows = _rows(path, delimiter) if dates else [(1, [])]
    for line, row in rows:
        unclear = next((place for place in dates if row and _NO_YEAR_FIRST.match(row[place])), None)
        if unclear is not None:
            raise ScorehouseError(
                f"{path.name}: line {line}: column {header[unclear]}: expected a date as 2026-01-03, found '{row[unclear]}', "
                f"which could be another; write the year first, or declare the column VARCHAR (column_types)."
            )


def _refusal(path: Path, delimiter: str, message: str) -> ScorehouseError:
    """What is wrong with a seed's file, from what DuckDB says of it."""
    fault = _CELL.search(message)
    if fault is None:
        found = _malformed(path, delimiter) or f"expected a CSV table, found: {reason(message)}; correct the file"
        return ScorehouseError(f"{path.name}: {found}.")
    row, column, value, kind = fault.groups()
    line = next((line for line, _ in islice(_rows(path, delimiter), int(row) - 1, None)), row)
    expected = f"{'a whole number' if _WHOLE.fullmatch(kind) else 'a number'} ({kind})" if _NUMBER.match(kind) else kind
    return ScorehouseError(f"{path.name}: line {line}: column {column}: expected {expected}, found '{value}'; correct the cell.")


def _malformed(path: Path, delimiter: str) -> str | None:
    """The first row that is not of as many cells as the header, or whose quotes are wrong; else line ends of several kinds."""
    line, width = 0, None
    try:
        for line, row in _rows(path, delimiter, is_strict=True):
            width = len(row) if width is None else width
            if row and len(row) != width:
                return f"line {line}: expected as many cells as the header has, {width}, found {len(row)}; correct the row"
    except UnicodeDecodeError as error:
        return f"expected a CSV table in UTF-8, found: {error}; correct the file"
    except csv.Error as error:
        return f"line {line + 1}: expected every quote closed, and doubled within a cell, found: {error}; correct the row"
    ends = set(re.findall(rb"\r\n|\r|\n", path.read_bytes()))
    return "expected lines that all end alike, found several kinds of line ends; save the file anew" if len(ends) > 1 else None


def _rows(path: Path, delimiter: str, is_strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """The rows of a seed's file, header and empty ones too, each with the line where it begins: cells can hold line ends."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows, begins = csv.reader(file, delimiter=delimiter, strict=is_strict), 1
        for row in rows:
            yield begins, row
            begins = rows.line_num + 1


def seed_values(path: Path, column_types: Mapping[str, str], delimiter: str) -> list[dict[str, object]]:
    """Rows of a seed file as Python's values, by column (see `read_seed`)."""
    with read_seed(path, column_types, delimiter) as reader:
        return reader.table(SEED_ROWS).to_arrow_table().to_pylist()


def identity(reader: duckdb.DuckDBPyConnection) -> str:
    """What a seed holds: DuckDB's types and values, as DuckDB writes them: Python's have fewer digits, and fewer types."""
    rows = reader.table(SEED_ROWS)
    types = [[name, str(kind)] for name, kind in zip(rows.columns, rows.types, strict=True)]
    return digest(types, reader.execute(f"select cast(columns(*) as varchar) from {SEED_ROWS}").fetchall())
