"""Seeds: CSV files of the project, as typed rows."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import digest
from scorehouse.sources.raw_files import reason

SEED_ROWS = "seed_rows"
"""Name of the table that a seed is read into."""


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

    Raises ScorehouseError when the file cannot be read as CSV.
    """
    header = seed_header(path, delimiter)
    unknown = sorted(set(column_types) - set(header))
    if unknown:
        raise ScorehouseError(
            f"{path.name}: expected the columns {', '.join(unknown)} (column_types), found {', '.join(header)}."
        )
    with duckdb.connect() as reader:
        try:
            reader.execute("set global TimeZone = 'UTC'")
            rows = reader.read_csv(
                str(path), header=True, delimiter=delimiter, sample_size=-1, dtype=dict(column_types), all_varchar=False
            )
            rows.create(SEED_ROWS)
        except duckdb.Error as error:
            raise ScorehouseError(f"{path.name}: expected a CSV table, found: {reason(str(error))}; correct the file.") from None
        yield reader


def seed_values(path: Path, column_types: Mapping[str, str], delimiter: str) -> list[dict[str, object]]:
    """Rows of a seed file as Python's values, by column (see `read_seed`)."""
    with read_seed(path, column_types, delimiter) as reader:
        return reader.table(SEED_ROWS).to_arrow_table().to_pylist()


def identity(reader: duckdb.DuckDBPyConnection) -> str:
    """What a seed holds: DuckDB's types and values, as DuckDB writes them: Python's have fewer digits, and fewer types."""
    rows = reader.table(SEED_ROWS)
    types = [[name, str(kind)] for name, kind in zip(rows.columns, rows.types, strict=True)]
    return digest(types, reader.execute(f"select cast(columns(*) as varchar) from {SEED_ROWS}").fetchall())
