"""A fitted model as a formula: design columns and a head. Made from weights rows alone, never from a pickle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sqlglot import exp

from scorehouse.formulas.columns import DesignColumn, Features, column, column_of, total
from scorehouse.formulas.heads import Head, Linear, apply_link, head_of, link_sql

REASON_COUNT = 3


@dataclass(frozen=True)
class Feature:
    """An input: its column's name, and whether it is 'numeric' or 'categorical'."""

    name: str
    group: str


@dataclass(frozen=True)
class Formula:
    """Everything that scoring needs.

    Attributes:
        features: the inputs, by name.
        columns: the design columns.
        head: what turns them into a score.
    """

    features: tuple[Feature, ...]
    columns: tuple[DesignColumn, ...]
    head: Head

    def score(self, features: Features) -> np.ndarray:
        """Scores of shape (n,) from raw features by name (see `Features`)."""
        return apply_link(self.head.link, self.head.evaluate([column.evaluate(features) for column in self.columns]))

    def score_arrow(self, rows: pa.StructArray) -> np.ndarray:
        """Scores of shape (n,) from a struct array with a field for every feature; NULL is missing."""
        return self.score({feature.name: _values(rows.field(feature.name), feature.group) for feature in self.features})

    def sql_expression(self) -> str | None:
        """The score as a DuckDB expression over the features' columns, or None when SQL is not the way."""
        value = self.head.sql(list(self.columns))
        return None if value is None else link_sql(self.head.link, value).sql(dialect="duckdb")

    def reasons_expression(self) -> str | None:
        """The features that moved a row's score most, as a DuckDB expression, or None when the head has no exact terms.

        Type: struct(feature varchar, contribution double)[], the largest first. A contribution is the sum over the
        feature's design columns of coefficient * (column - its training mean): on the scale before the link.
        """
        if not isinstance(self.head, Linear):
            return None
        largest = exp.func(
            "list_slice", exp.func("list_reverse_sort", self._contributions()), number_of(1), number_of(REASON_COUNT)
        )
        reason = exp.Identifier(this="reason", quoted=False)
        parts = {
            name: exp.Dot(this=reason.copy(), expression=exp.to_identifier(name))
            for name in ("feature", "contribution")
        }
        shape = exp.Lambda(this=_struct(parts), expressions=[reason])
        return exp.func("list_transform", largest, shape, dialect="duckdb").sql(dialect="duckdb")

    def _contributions(self) -> exp.Expression:
        by_feature: dict[str, list[exp.Expression]] = {}
        for position, design in enumerate(self.columns):
            term = self.head.term(list(self.columns), position, self.head.means[position])
            by_feature.setdefault(design.feature, []).append(term)
        sums = {feature: total(terms) for feature, terms in by_feature.items()}
        return exp.Array(
            expressions=[
                _struct(
                    {"size": exp.func("abs", value), "feature": exp.Literal.string(name), "contribution": value.copy()}
                )
                for name, value in sums.items()
            ]
        )

    def struct_sql(self) -> str:
        """The struct of the features' columns that the user-defined function takes."""
        parts = {
            f.name: exp.cast(column(f.name), "double" if f.group == "numeric" else "varchar") for f in self.features
        }
        return _struct(parts, quoted=True).sql(dialect="duckdb")

    def weights(self) -> list[dict[str, object]]:
        """The formula as rows; `load` makes it anew from them."""
        parts = [row for position, design in enumerate(self.columns) for row in design.rows(position)]
        return [*self.head.rows(), *parts]


def load(row: Mapping[str, object]) -> Formula:
    """The formula of a model version from its row (features, weights and link)."""
    features = tuple(Feature(feature["name"], feature["group"]) for feature in row["features"])
    by_position: dict[int, list[Mapping[str, object]]] = {}
    head: list[Mapping[str, object]] = []
    for weight in row["weights"]:
        if weight["component"] in ("impute", "log", "center", "scale", "indicator"):
            by_position.setdefault(weight["position"], []).append(weight)
        else:
            head.append(weight)
    columns = tuple(column_of(by_position[position]) for position in sorted(by_position))
    return Formula(features, columns, head_of(head, str(row["link"])))


def features_of(table: pa.Table, features: Sequence[Feature]) -> Features:
    """The features' columns of a table as NumPy arrays (see `Features`)."""
    return {feature.name: _values(table.column(feature.name), feature.group) for feature in features}


def _values(values: pa.Array | pa.ChunkedArray, group: str) -> np.ndarray:
    if group == "categorical":
        return values.cast(pa.string()).to_numpy(zero_copy_only=False) if len(values) else np.array([], dtype=object)
    return values.cast(pa.float64()).to_numpy(zero_copy_only=False)


def _struct(parts: Mapping[str, exp.Expression], quoted: bool = False) -> exp.Struct:
    return exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier(name, quoted=quoted), expression=value)
            for name, value in parts.items()
        ]
    )


def number_of(value: int) -> exp.Expression:
    """An integer literal."""
    return exp.Literal.number(value)
