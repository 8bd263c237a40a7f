"""What a stored file holds, column by column: equal contents have equal marks, in whatever order the rows lie."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

from scorehouse.code import code_hash
from scorehouse.names.fingerprint import digest
from scorehouse.names.quoting import identifier
from scorehouse.store.files import Store, read_sql

_TOTALS = 2**128


@dataclass(frozen=True)
class Content:
    """Rows as a sum over them: their number, and the sum and the exclusive or of each row's 64-bit hash."""

    count: int = 0
    total: int = 0
    mixed: int = 0

    def row(self) -> dict[str, object]:
        """As columns of `scorehouse.contents`."""
        return {"count": self.count, "total": str(self.total), "mixed": str(self.mixed)}

    def __add__(self, other: "Content") -> "Content":
        """Both together."""
        return Content(self.count + other.count, (self.total + other.total) % _TOTALS, self.mixed ^ other.mixed)


def contents_of(
    cursor: duckdb.DuckDBPyConnection, rows: str, columns: Sequence[str], types: Mapping[str, str], by: str = "''"
) -> dict[str, Content]:
    """The content of some columns of the rows that a query gives, apart for each value of the expression `by`.

    Args:
        columns: without any, only the number of rows counts.
        types: DuckDB types by column.
    """
    hashed = ", ".join(part for column in columns for part in told_apart(identifier(column), types[column])) or "0"
    query = (
        f"select part, count(*), sum(hash(h)), bit_xor(hash(h)) from (select {by} as part, hash({hashed}) as h from ({rows}))"
        " group by part"
    )
    return {part: Content(count, int(total), int(mixed)) for part, count, total, mixed in cursor.execute(query).fetchall()}


_PLAIN = re.compile(
    r"BOOLEAN|U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL\(.*\)|VARCHAR|JSON|BLOB|BIT|UUID"
    r"|DATE|TIME|TIMESTAMP(_S|_MS|_NS| WITH TIME ZONE)?"
)
"""Types whose values are equal to nothing but themselves."""


def told_apart(column: str, data_type: str) -> list[str]:
    """Expressions that are different for any two values of a column that a query could tell apart.

    >>> told_apart("amount", "DOUBLE")
    ['amount', 'signbit(amount)']

    DuckDB takes values for equal, and hashes them alike, that calculate or read differently: -0.0 and 0.0, one month and thirty
    days, and whatever holds such. Their texts tell them apart.
    """
    if _PLAIN.fullmatch(data_type):
        return [column]
    return [column, f"signbit({column})"] if data_type in ("DOUBLE", "FLOAT") else [column, f"cast({column} as varchar)"]


@cache
def _counted_by() -> str:
    """What finds contents: hash of this code, and DuckDB's version, whose hashes they are made of."""
    return code_hash([Path(__file__)]) + duckdb.__version__


class Contents:
    """Contents of store files, each looked at once.

    Args:
        store: where the files are.
        known: what a database remembers, by file (relative to the store) and question.
    """

    def __init__(self, store: Store, known: Mapping[tuple[str, str], dict[str, Content]]) -> None:
        self._store = store
        self._known = dict(known)
        self.found: dict[tuple[str, str], dict[str, Content]] = {}

    def of(
        self,
        cursor: duckdb.DuckDBPyConnection,
        files: Iterable[str],
        columns: Sequence[str],
        types: Mapping[str, str],
        by: str = "''",
    ) -> dict[str, Content]:
        """The content of some columns of all these files together, apart for each value of the expression `by`."""
        totals: dict[str, Content] = {}
        for file in files:
            for part, content in self._of_file(cursor, file, columns, types, by).items():
                totals[part] = totals.get(part, Content()) + content
        return totals

    def _of_file(
        self, cursor: duckdb.DuckDBPyConnection, file: str, columns: Sequence[str], types: Mapping[str, str], by: str
    ) -> dict[str, Content]:
        key = file, digest(list(columns), [types[column] for column in columns], by, _counted_by())
        if key not in self._known:
            rows = read_sql([self._store.path(file)])
            present = {name for name, *_ in cursor.execute(f"describe {rows}").fetchall()}
            nulls = [f"cast(null as {types[c]}) as {identifier(c)}" for c in columns if c not in present]
            with_all = f"select {', '.join(['*', *nulls])} from ({rows})"  # a partition may be older than a column
            self._known[key] = self.found[key] = contents_of(cursor, with_all, columns, types, by)
        return self._known[key]
