"""What a serving file says of itself: whatever readers find in it beside rows and what is counted in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import duckdb

from scorehouse.serving.offer import Offer, ServedTable

_OWN_COMMENTS = {
    "endpoints": "What this file serves. One row is one table.",
    "endpoints.name": "Name of the table.",
    "endpoints.product": "The data product that it belongs to.",
    "endpoints.type": "What it gives for its key: a score, a rank, a segment, or a choice among arms.",
    "endpoints.key": "Columns of its primary key.",
    "endpoints.contract_version": "Rises when a column that was promised changes or goes.",
    "endpoints.owner": "Whom to ask.",
    "endpoints.implementations": "The models behind its rows, with version and share of the rows; empty where it is not routed.",
    "endpoints.required_volume_rows": "Rows that it is made for, not those that it has; NULL where nobody says so, as below.",
    "endpoints.row_count": "Rows that it has.",
    "endpoints.required_refresh_hours": "Hours from one computation to the next that readers were promised.",
    "endpoints.required_sla_hours": "Hours that may pass from one green build to the next, before it is late.",
    "endpoints.age_hours": "Hours from as_of to when this release was published, as measured.",
    "endpoints.as_of": "Time of its newest row's features (UTC).",
    "endpoints.required_decay_days": "Days after which an answer is expected to be worth half.",
    "endpoints.required_latency_ms": "Milliseconds that a reader waits for an answer at most.",
    "endpoints.latency_ms": "Milliseconds of a lookup by key in this file, the median of nine, as measured where it was written.",
    "endpoints.required_calls_a_day": "Calls on a usual day, by all readers together, that it is made for; a file counts none.",
    "endpoints.audiences": "Who has a file of their own with it, and with which of its columns and rows.",
    "endpoints.status": "serving, or why it is empty.",
    "endpoints.in_place": "Which baseline serves in place of a routed model, which it outdoes or which cannot score; else NULL.",
    "endpoints.description": "What the table is, and what one row is.",
    "endpoints.example": "A query that works.",
    "features": "What the features in reasons mean. One row is one feature of the models behind one table.",
    "features.endpoint": "Name of the table.",
    "features.name": "Name of the feature, as in reasons.",
    "features.meaning": "What its number says.",
    "features.unit": "Unit of the number; NULL where it has none.",
    "release": "What this release is. One row is one table.",
    "release.release": "Number of the release, as in the file CURRENT.",
    "release.branch": "The branch that it was built on.",
    "release.built_at": "When it was published (UTC).",
    "release.git_commit": "The commit that it was built from.",
    "release.published_by": "The user who built it.",
    "release.changed": "What differs from the release before.",
    "release.table_name": "Name of the table.",
    "release.row_count": "Its rows.",
    "release.fingerprint": "Identity of its content.",
}
"""What readers find beside the tables that describe the file."""


@dataclass(frozen=True)
class Declaration:
    """What a model's YAML and the seed of requirements say of an endpoint: columns of table `endpoints`."""

    name: str
    product: str
    type: str
    key: list[str]
    contract_version: int
    owner: str
    required_volume_rows: int | None
    required_refresh_hours: float | None
    required_sla_hours: float | None
    required_decay_days: float | None
    required_latency_ms: float | None
    required_calls_a_day: int | None
    audiences: list[str]
    description: str
    example: str

    @classmethod
    def of(cls, table: ServedTable) -> Self:
        """What is declared of a served table."""
        needs = {f"required_{name}": need for name, need in vars(table.requirements).items() if name != "owner"}
        audiences = [f"{name}: {share}" for name, share in sorted(table.audiences.items())]
        said = {"audiences": audiences, "description": table.description, "example": table.example}
        owner = table.requirements.owner or table.owner
        return cls(table.name, table.product, table.kind, table.key, table.contract_version, owner, **needs, **said)


@dataclass(frozen=True)
class Feature:
    """What a feature in an endpoint's `reasons` means, and its unit: a row of table `features`."""

    endpoint: str
    name: str
    meaning: str | None
    unit: str | None


@dataclass(frozen=True)
class Place:
    """What a comment stands beside: a table, a column of it (its name in lower case, as DuckDB takes it), or a macro."""

    kind: str
    name: str
    column: str = ""


@dataclass(frozen=True)
class Said:
    """All that is said: what is not in here is not written, and what is in here is compared with what was published.

    Attributes:
        comments: the text at each place; every function has one, though it be empty.
    """

    declarations: tuple[Declaration, ...]
    features: tuple[Feature, ...]
    comments: Mapping[Place, str]

    @classmethod
    def of(cls, cursor: duckdb.DuckDBPyConnection, offer: Offer) -> Self:
        """What an offer says; the features are those of the model versions that the work database has in use."""
        return cls(tuple(map(Declaration.of, offer.tables)), tuple(_features(cursor, offer)), dict(_comments(offer)))

    @classmethod
    def read(cls, serving: duckdb.DuckDBPyConnection) -> Self:
        """What a serving file says. Raises duckdb.Error for a file that is none of ours, or of another time."""
        declared, meant = (
            serving.sql(f"select {', '.join(kind.__dataclass_fields__)} from {table}").to_arrow_table().to_pylist()
            for kind, table in ((Declaration, "endpoints"), (Feature, "features"))
        )
        comments = {Place(*place): text for *place, text in serving.execute(_READ_COMMENTS).fetchall()}
        return cls(tuple(Declaration(**row) for row in declared), tuple(Feature(**row) for row in meant), comments)

    def unlike(self, other: "Said") -> set[str]:
        """Names of the endpoints, functions and tables of which two files say different things."""
        return {name for name, *_ in set(self._facts()) ^ set(other._facts())}

    def _facts(self) -> Iterator[tuple[str, object, str]]:
        for declaration in self.declarations:
            yield declaration.name, Declaration, repr(declaration)
        for feature in self.features:
            yield feature.endpoint, Feature, repr(feature)
        for place, text in self.comments.items():
            yield place.name, place, text


_READ_COMMENTS = """
    select 'table', table_name, '', comment from duckdb_tables() where comment is not null
    union all
    select 'table', table_name, lower(column_name), comment from duckdb_columns() where comment is not null
    union all
    select 'macro', function_name, '', coalesce(comment, '') from duckdb_functions() where database_name = current_database()
"""


def _features(cursor: duckdb.DuckDBPyConnection, offer: Offer) -> Iterator[Feature]:
    """The features of the fitted models behind each table that has `reasons`."""
    query = "select model, unnest(features).name from history.versions where is_current"
    by_model: dict[str, list[str]] = {}
    for model, feature in cursor.execute(query).fetchall():
        by_model.setdefault(model, []).append(feature)
    for table in offer.tables:
        if "reasons" in table.columns:
            found = {f: offer.features[model].get(f) for model in reversed(table.models) for f in by_model.get(model, [])}
            for name, column in sorted(found.items()):
                meaning, unit = (column.description, column.unit) if column else (None, None)
                yield Feature(table.name, name, meaning, unit or None)


def _comments(offer: Offer) -> Iterator[tuple[Place, str]]:
    for name, text in _OWN_COMMENTS.items():
        yield Place("table", *name.split(".")), text
    for table in offer.tables:
        yield Place("table", table.name), table.description
        for column, text in table.columns.items():
            yield Place("table", table.name, column.lower()), text
    for function in offer.functions:
        yield Place("macro", function.name), function.description
