"""Seeds: CSV files of the project, as typed rows."""

import csv
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from scorehouse.errors import ScorehouseError
from scorehouse.sources.raw_files import reason


def read_seed(path: Path, column_types: Mapping[str, str], delimiter: str) -> pa.Table:
    """Rows of a seed file, typed by DuckDB's CSV reader over the whole file; `column_types` override.

    Raises ScorehouseError when the file cannot be read as CSV.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file, delimiter=delimiter), [])
    unknown = sorted(set(column_types) - set(header))
    if unknown:
        raise ScorehouseError(
            f"{path.name}: expected the columns {', '.join(unknown)} (column_types), found {', '.join(header)}."
        )
    with duckdb.connect() as reader:
        try:
            rows = reader.read_csv(
                str(path), header=True, delimiter=delimiter, sample_size=-1, dtype=dict(column_types), all_varchar=False
            )
            return rows.to_arrow_table()
        except duckdb.Error as error:
            raise ScorehouseError(f"{path.name}: expected a CSV table, found: {reason(str(error))}; correct the file.") from None
