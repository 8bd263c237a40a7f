"""Time partitions: in which one a row lies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scorehouse.errors import ScorehouseError
from scorehouse.names.quoting import identifier

GRAINS = ("day", "month", "year")
"""How coarse a partition may be, the finest first."""
UNKNOWN = "unknown"
"""The partition of rows without a time, or with an infinite one."""


@dataclass(frozen=True)
class Partitioning:
    """How a relation is cut into partitions.

    Attributes:
        column: the column of times, dates or timestamps, that a row's partition is read from.
        grain: how coarse, one of `GRAINS`.
    """

    column: str
    grain: str

    @classmethod
    def of(cls, where: str, meta: Mapping[str, object], grains: Sequence[str] = GRAINS) -> "Partitioning":
        """Read `meta: {partition_by: <column>, grain: <one of grains>}`; the grain is a day where it is not given.

        Raises ScorehouseError for anything else, with `where`, the model's file.

        >>> Partitioning.of("models/a.yml", {"partition_by": "at"})
        Partitioning(column='at', grain='day')
        """
        column, grain = meta.get("partition_by"), meta.get("grain", "day")
        if not isinstance(column, str) or grain not in grains:
            raise ScorehouseError(
                f"{where}: expected meta: {{partition_by: <a column>, grain: {' | '.join(grains)}}}, "
                f"found partition_by: {column}, grain: {grain}."
            )
        return cls(column, str(grain))

    def key_sql(self) -> str:
        """The partition of a row, as SQL that gives a text: its first day, or `UNKNOWN`.

        >>> print(Partitioning("at", "month").key_sql())
        case when isfinite("at") then strftime(date_trunc('month', "at"), '%Y-%m-%d') else 'unknown' end
        """
        column = identifier(self.column)
        first_day = f"strftime(date_trunc('{self.grain}', {column}), '%Y-%m-%d')"
        return f"case when isfinite({column}) then {first_day} else '{UNKNOWN}' end"

    def coarse(self, day: str) -> str:
        """The partition in which a day lies, both as texts: year-month-day, or `UNKNOWN`.

        >>> Partitioning("occurred_at", "month").coarse("2011-03-09")
        '2011-03-01'
        >>> Partitioning("occurred_at", "year").coarse("12011-03-09")
        '12011-01-01'
        """
        if day == UNKNOWN or self.grain == "day":
            return day
        year, month, _ = day.rsplit("-", 2)
        return f"{year}-01-01" if self.grain == "year" else f"{year}-{month}-01"
