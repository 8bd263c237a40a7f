"""Design columns: what a model's head sees, each computed from one raw feature, the same in NumPy and in SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sqlglot import exp

Features = Mapping[str, np.ndarray]
"""Raw features by name: float64 arrays with NaN for NULL, or object arrays of text with None for NULL; one length n."""


class DesignColumn(Protocol):
    """One column of the design matrix."""

    feature: str

    def evaluate(self, features: Features) -> np.ndarray:
        """float64 values, shape (n,)."""

    def sql(self) -> exp.Expression:
        """The same as a DuckDB expression over the feature's column."""

    def rows(self, position: int) -> list[dict[str, object]]:
        """The column as weights rows."""


@dataclass(frozen=True)
class Numeric:
    """(g(x) - center) / scale, where g is the identity or sign(x) * ln(1 + |x|).

    What is not a finite number (NULL, NaN, infinity) is replaced by `impute` first; with `impute` None it stays missing.
    """

    feature: str
    impute: float | None = None
    is_log: bool = False
    center: float = 0.0
    scale: float = 1.0

    def evaluate(self, features: Features) -> np.ndarray:
        """float64 values, shape (n,); NaN where missing and not imputed."""
        values = np.asarray(features[self.feature], dtype=np.float64)
        if self.impute is not None:
            values = np.where(np.isfinite(values), values, self.impute)
        if self.is_log:
            values = np.sign(values) * np.log1p(np.abs(values))
        return (values - self.center) / self.scale

    def sql(self) -> exp.Expression:
        """The same as a DuckDB expression."""
        value: exp.Expression = exp.cast(column(self.feature), "double")
        if self.impute is not None:
            value = exp.case().when(exp.func("isfinite", value), value.copy()).else_(number(self.impute))
        if self.is_log:
            logarithm = exp.func("ln", exp.Add(this=number(1.0), expression=exp.func("abs", value)), dialect="duckdb")
            value = exp.Mul(this=exp.func("sign", value.copy()), expression=logarithm)
        centered = exp.Sub(this=exp.paren(value), expression=exp.paren(number(self.center)))
        return exp.Div(this=exp.paren(centered), expression=exp.paren(number(self.scale)), typed=True)

    def rows(self, position: int) -> list[dict[str, object]]:
        """Weights rows: impute, log, center and scale."""
        parts = {"impute": self.impute, "log": 1.0 if self.is_log else None, "center": self.center, "scale": self.scale}
        return [
            {"component": name, "position": position, "feature": self.feature, "value": value}
            for name, value in parts.items()
            if value is not None
        ]


@dataclass(frozen=True)
class Indicator:
    """1 where a text feature equals a category, else 0: NULL and unseen categories are 0 everywhere."""

    feature: str
    category: str

    def evaluate(self, features: Features) -> np.ndarray:
        """float64 zeros and ones, shape (n,)."""
        return (np.asarray(features[self.feature], dtype=object) == self.category).astype(np.float64)

    def sql(self) -> exp.Expression:
        """The same as a DuckDB expression."""
        text = exp.cast(column(self.feature), "varchar")
        equal = exp.EQ(this=text, expression=exp.Literal.string(self.category))
        return exp.case().when(equal, number(1.0)).else_(number(0.0))

    def rows(self, position: int) -> list[dict[str, object]]:
        """One weights row."""
        return [
            {
                "component": "indicator",
                "position": position,
                "feature": self.feature,
                "category": self.category,
                "value": 1.0,
            }
        ]


def column_of(rows: list[Mapping[str, object]]) -> DesignColumn:
    """The design column that its weights rows describe."""
    parts = {row["component"]: row["value"] for row in rows}
    feature = str(rows[0]["feature"])
    if "indicator" in parts:
        return Indicator(feature, str(rows[0]["category"]))
    return Numeric(feature, parts.get("impute"), "log" in parts, parts["center"], parts["scale"])


def column(name: str) -> exp.Column:
    """A quoted column reference."""
    return exp.column(name, quoted=True)


def number(value: float) -> exp.Expression:
    """A DOUBLE literal with 17 significant digits; DuckDB reads a number without exponent as DECIMAL.

    >>> number(-0.1).sql("duckdb")
    '-1.0000000000000001e-01'
    """
    literal = exp.Literal.number(f"{abs(value):.16e}")
    return exp.Neg(this=literal) if value < 0 or (value == 0 and np.signbit(value)) else literal


def total(terms: list[exp.Expression]) -> exp.Expression:
    """A balanced sum: its depth is logarithmic in the number of terms (DuckDB's expressions are at most 1,000 deep).

    >>> total([number(1.0), number(2.0), number(4.0)]).sql("duckdb").count("(")
    2
    """
    if not terms:
        return number(0.0)
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return exp.Add(this=exp.paren(total(terms[:middle])), expression=exp.paren(total(terms[middle:])))
