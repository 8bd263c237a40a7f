"""What a project offers its readers, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Meaning:
    """What a feature's number says, and its unit; empty where none is declared."""

    description: str
    unit: str = ""


@dataclass(frozen=True)
class Audience:
    """What some readers get of a table: some columns, or all; the rows for which a condition holds, or all."""

    columns: tuple[str, ...] | None = None
    rows: str | None = None

    def __str__(self) -> str:
        columns = "all columns" if self.columns is None else ", ".join(self.columns)
        return f"{columns} where {self.rows}" if self.rows else columns


@dataclass(frozen=True)
class Requirements:
    """What a table is made for; None where nobody says so. Units stand in the names.

    Attributes:
        volume_rows: rows that it can have.
        refresh_hours: from one computation to the next.
        decay_days: after which an answer is worth half.
        sla_hours: that may pass from one green build to the next.
        latency_ms: that a reader waits at most.
        calls_a_day: on a usual day, by all readers.
        owner: whom to ask.
    """

    volume_rows: int | None = None
    refresh_hours: float | None = None
    decay_days: float | None = None
    sla_hours: float | None = None
    latency_ms: float | None = None
    calls_a_day: int | None = None
    owner: str | None = None


@dataclass(frozen=True)
class ServedTable:
    """A table of the serving file.

    Attributes:
        name: its name there.
        relation: schema.name of the model behind it.
        key: columns of its primary key; it is sorted by them.
        description, columns: texts that readers find as comments.
        kind, product, contract_version, owner, requirements, example: what the table `endpoints` says of it; the example is a
            query.
        models: the fitted models that it is made of, the nearest first.
        audiences: who has a serving file of their own with it, and what of it.
        shown: what of it this serving file holds.
    """

    name: str
    relation: str
    key: list[str]
    description: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    kind: str = "score"
    product: str = ""
    contract_version: int = 1
    owner: str = ""
    requirements: Requirements = Requirements()
    example: str = ""
    models: tuple[str, ...] = ()
    audiences: Mapping[str, Audience] = field(default_factory=dict)
    shown: Audience = Audience()

    def of(self, audience: str) -> "ServedTable":
        """The table as an audience has it."""
        shown = self.audiences[audience]
        kept = {name.lower() for name in shown.columns or self.columns}
        columns = {name: text for name, text in self.columns.items() if name.lower() in kept}
        return replace(self, columns=columns, audiences={}, shown=shown)


@dataclass(frozen=True)
class ServedFunction:
    """A SQL function of the serving file: its name there, schema.name of the node behind it, and what readers find of it."""

    name: str
    relation: str
    description: str = ""


@dataclass(frozen=True)
class Offer:
    """What a project serves.

    Attributes:
        tables, functions: of the serving file; a function stands after those that it calls.
        unreadable: functions (schema.name) that only the build's process can run; readers do not get them.
        features: by fitted model, what the columns mean that its features may be, by name.
    """

    tables: tuple[ServedTable, ...] = ()
    functions: tuple[ServedFunction, ...] = ()
    unreadable: tuple[str, ...] = ()
    features: Mapping[str, Mapping[str, Meaning]] = field(default_factory=dict)

    @property
    def audiences(self) -> list[str]:
        """Everybody who has a serving file of their own."""
        return sorted({name for table in self.tables for name in table.audiences})

    def of(self, audience: str) -> "Offer":
        """What an audience gets: its tables, no function: these read other tables."""
        return Offer(tuple(table.of(audience) for table in self.tables if audience in table.audiences), features=self.features)
