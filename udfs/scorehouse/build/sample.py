"""The examples that a fitted model learns from: all of them, or a sample of more than it may hold in memory."""

from dataclasses import dataclass
from typing import Self

import duckdb
import pyarrow as pa

from scorehouse.learning import Spec, version_row
from scorehouse.names.quoting import identifier

_HASHES = 2**64


@dataclass(frozen=True)
class Sample:
    """The examples that were read.

    Attributes:
        rows: the examples.
        total: how many there are.
        said: how a sample was drawn; empty where it is all of them.
    """

    rows: pa.Table
    total: int
    said: str = ""

    @classmethod
    def read(cls, cursor: duckdb.DuckDBPyConnection, sql: str, spec: Spec, most: int | None) -> Self:
        """All examples of a query, or about `most`: those of some customers (`group`, or the first of `key`), by their hash.

        Where that would be less than half as many, or twice as many and more, some examples, by the hash of their keys. What
        was brought learns nothing: it is proved on all.
        """
        query = f"from ({sql}\n) as example"
        if most is not None and not spec.is_brought:
            ((total,),) = cursor.execute(f"select count(*) {query}").fetchall()
            if total > most:
                return cls._sample(cursor, query, spec, most, total)
        rows = cursor.sql(f"select * {query}").to_arrow_table()
        return cls(rows, len(rows))

    @classmethod
    def _sample(cls, cursor: duckdb.DuckDBPyConnection, query: str, spec: Spec, most: int, total: int) -> Self:
        time = spec.split.time if spec.split else None
        own = f"hash({', '.join(map(identifier, spec.key)) or 'example'})"
        group = spec.group or next((name for name in spec.key if name != time), None)
        last = most * _HASHES // total
        if group:
            name = identifier(group)
            chosen = f"case when {name} is null then {own} else hash({name}) end < {last}"
            ((count,),) = cursor.execute(f"select count(*) filter ({chosen}) {query}").fetchall()
            if most <= 2 * count <= 4 * most:
                rows = cursor.sql(f"select * {query} where {chosen}").to_arrow_table()
                return cls(rows, total, f"all of some values of {group}")
        return cls(cursor.sql(f"select * {query} where {own} < {last}").to_arrow_table(), total, "drawn by their keys")

    def stated(self, version: pa.Table) -> pa.Table:
        """A version's row that says how many examples there were, and that it learned from a sample where it did."""
        if not self.said:
            return version
        sentence = f"Learned from a sample: {len(self.rows):,} of {self.total:,} examples, {self.said} (training_rows)."
        return version_row.of_sample(version, self.total, sentence)
