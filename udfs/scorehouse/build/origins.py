"""Column lineage of texts: what columns of the sources the texts in a column are made of, and on which way they came."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scorehouse.store.details import Reading
from scorehouse.store.records import NodeRecords

Path = tuple[str, ...]
"""Columns (schema.name.column), each made of the one behind it."""

_TEXT = re.compile(r"\b(VARCHAR|JSON|BLOB|ENUM|BIT)\b")


@dataclass
class Origins:
    """Walks up from columns to those of sources and seeds, as the plans of the queries between say.

    A number or a time names nobody: the way of a text ends there. A query whose plan is not known makes every column of all
    that it reads, a fitted model each of all that its examples are.

    Args:
        records: what is built.
        drafts: what is read by relations that are being built.
    """

    records: NodeRecords
    drafts: Mapping[str, Reading] = field(default_factory=dict)

    def paths(self, relation: str, column: str) -> Iterator[Path]:
        """A way from each first column that a column is made of."""
        seen, waiting = set(), [(f"{relation}.{column}",)]
        while waiting:
            path = waiting.pop()
            above = [origin for origin in self._above(path[-1]) if origin not in seen and self._holds_text(origin)]
            seen.update(above)
            waiting += [(*path, origin) for origin in above]
            if not above and len(path) > 1:
                yield path

    def _above(self, place: str) -> list[str]:
        relation, column = split(place)
        record = self.records.of(relation)
        reading = self.drafts.get(relation) or (record.details.reading if record else None)
        if reading is None:
            return []
        if reading.origins is None:
            return [f"{name}.{one}" for name, columns in reading.columns.items() for one in columns]
        if record and record.materialized == "fitted":
            return sorted({origin for origins in reading.origins.values() for origin in origins})
        return reading.origins.get(column, [])

    def _holds_text(self, place: str) -> bool:
        relation, column = split(place)
        record = self.records.of(relation)
        return record is None or can_hold_text(record.columns.get(column, "VARCHAR"))


def can_hold_text(data_type: str) -> bool:
    """Whether a DuckDB type has texts in it.

    >>> can_hold_text("STRUCT(feature VARCHAR, contribution DOUBLE)[]"), can_hold_text("TIMESTAMP")
    (True, False)
    """
    return _TEXT.search(data_type) is not None


def split(place: str) -> tuple[str, str]:
    """A column's relation and own name.

    >>> split("staging.orders.Unit price")
    ('staging.orders', 'Unit price')
    """
    schema, name, column = place.split(".", 2)
    return f"{schema}.{name}", column
