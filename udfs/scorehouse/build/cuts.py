"""What one partition of a model reads of its inputs: the same partition of them, or what was known before its time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from scorehouse.names.fingerprint import digest
from scorehouse.names.partitioning import UNKNOWN, Partitioning
from scorehouse.names.quoting import identifier, literal
from scorehouse.store.records import NodeRecord

HASH = "hash"
"""The grain of partitions that hold all rows of some values of a column that is no time."""
HASHABLE = frozenset(
    "VARCHAR TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UUID DATE BOOLEAN".split()
)
"""Types whose equal values have one hash."""
ROWS_OF_A_HASH = 500_000
"""How many rows of its largest input such a partition is made of, about."""


@dataclass(frozen=True)
class Hashed(Partitioning):
    """Partitions by the hash of a column of whole values: so many."""

    count: int

    def key_sql(self) -> str:
        """The partition of a row, as SQL that gives a text: its number."""
        return f"cast(hash({identifier(self.column)}) % {self.count} as varchar)"


def hashed_into(rows: int) -> int:
    """How many partitions by hash so many rows need: twice as many from one step to the next.

    >>> hashed_into(0), hashed_into(500_000), hashed_into(1_200_000)
    (1, 1, 4)
    """
    return 1 << (max(rows - 1, 0) // ROWS_OF_A_HASH).bit_length()


@dataclass(frozen=True)
class Same:
    """An input whose rows of the same partition are read: the column it is cut by, and the files and marks of each partition."""

    record: NodeRecord
    column: str
    files: Mapping[str, list[str]]
    marks: Mapping[str, str]

    def mark(self, part: str) -> str | None:
        """What is read for a partition; None for nothing."""
        return self.marks.get(part)

    def files_of(self, part: str) -> list[str]:
        """The files that hold what is read for a partition."""
        return self.files.get(part, [])

    def is_read(self, parts: Collection[str], own: Partitioning) -> str:
        """The condition on the rows that are read for some partitions of a model."""
        return f"{replace(own, column=self.column).key_sql()} in ({', '.join(map(literal, parts))})"


@dataclass(frozen=True)
class Before:
    """An input of which a partition reads what was known before its time, or the end of its horizon.

    Attributes:
        column: says when a row was known.
        days: a mark of what became known each day.
        begins: the first of these days in each of its files.
        horizon: from a partition's time to the end of what it reads.
    """

    record: NodeRecord
    column: str
    days: Mapping[str, str]
    begins: Mapping[str, str]
    horizon: timedelta

    def mark(self, part: str) -> str:
        """What is read for a partition."""
        end = end_of(part, self.horizon)
        return digest(sorted(found for found in self.days.items() if found[0] < end))

    def files_of(self, part: str) -> list[str]:
        """The files that hold what is read for a partition."""
        end = end_of(part, self.horizon)
        return [file for file, begins in self.begins.items() if begins < end]

    def is_read(self, parts: Collection[str], _own: Partitioning) -> str:
        """The condition on the rows that are read for one partition."""
        (part,) = parts
        column = identifier(self.column)
        return f"isfinite({column}) and {column} < try_cast({literal(end_of(part, self.horizon))} as timestamp)"


def end_of(part: str, horizon: timedelta) -> str:
    """The day on which the horizon of a partition ends, no later than the last that a date can be."""
    try:
        return part if part == UNKNOWN else str(date.fromisoformat(part) + horizon)
    except (ValueError, OverflowError):
        return str(date.max)
