"""Seeds: CSV files of the project, as typed rows."""

import csv
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

    Rows stay in DuckDB, which alone keeps every type. Times without an offset are UTC.

    Raises ScorehouseError when the file cannot be read as CSV, or a cell as its column's type.
    """
    header = seed_header(path, delimiter)
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
                str(path), header=True, delimiter=delimiter, sample_size=-1, dtype=dict(column_types), all_varchar=False
            )
            rows.create(SEED_ROWS)
        except duckdb.Error as error:
            raise _refusal(path, delimiter, str(error)) from None
        yield reader


def _refusal(path: Path, delimiter: str, message: str) -> ScorehouseError:
    """What is wrong with a seed's file, from what DuckDB says of it."""
    fault = _CELL.search(message)
    if fault is None:
        return ScorehouseError(f"{path.name}: expected a CSV table, found: {reason(message)}; correct the file.")
    row, column, value, kind = fault.groups()
    line = _line(path, delimiter, int(row))
    expected = f"{'a whole number' if _WHOLE.fullmatch(kind) else 'a number'} ({kind})" if _NUMBER.match(kind) else kind
    return ScorehouseError(f"{path.name}: line {line}: column {column}: expected {expected}, found '{value}'; correct the cell.")


def _line(path: Path, delimiter: str, row: int) -> int:
    """The line where a row begins: cells can hold line ends, which DuckDB does not count."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows, begins = csv.reader(file, delimiter=delimiter), 1
        for _ in range(row - 1):
            if next(rows, None) is None:
                return row
            begins = rows.line_num + 1
    return begins


def seed_values(path: Path, column_types: Mapping[str, str], delimiter: str) -> list[dict[str, object]]:
    """Rows of a seed file as Python's values, by column (see `read_seed`)."""
    with read_seed(path, column_types, delimiter) as reader:
        return reader.table(SEED_ROWS).to_arrow_table().to_pylist()


def identity(reader: duckdb.DuckDBPyConnection) -> str:
    """What a seed holds: DuckDB's types and values, as DuckDB writes them: Python's have fewer digits, and fewer types."""
    rows = reader.table(SEED_ROWS)
    types = [[name, str(kind)] for name, kind in zip(rows.columns, rows.types, strict=True)]
    return digest(types, reader.execute(f"select cast(columns(*) as varchar) from {SEED_ROWS}").fetchall())
