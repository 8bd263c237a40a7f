"""Heads: what turns design columns into a score."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sqlglot import exp

from scorehouse.formulas.columns import DesignColumn, number, total
from scorehouse.formulas.trees import TreeEnsemble

LINKS = ("identity", "logistic")


class Head(Protocol):
    """The last step of a formula."""

    link: str

    def evaluate(self, design: list[np.ndarray]) -> np.ndarray:
        """float64 values before the link, shape (n,), from design columns of shape (n,)."""

    def sql(self, columns: list[DesignColumn]) -> exp.Expression | None:
        """The same as an expression, or None when SQL is not the way."""

    def rows(self) -> list[dict[str, object]]:
        """The head as weights rows."""


@dataclass(frozen=True)
class Linear:
    """intercept + sum of coefficient * column (Hastie, Tibshirani, Friedman: The Elements of Statistical Learning, 2009, ch. 3, 4).

    Attributes:
        coefficients: one a design column.
        means: the columns' means over the training rows; contributions are measured from them.
    """

    intercept: float
    coefficients: tuple[float, ...]
    means: tuple[float, ...]
    link: str = "identity"

    def evaluate(self, design: list[np.ndarray]) -> np.ndarray:
        """float64, shape (n,)."""
        terms = (coefficient * column for coefficient, column in zip(self.coefficients, design, strict=True))
        return sum(terms, start=np.float64(self.intercept))

    def sql(self, columns: list[DesignColumn]) -> exp.Expression:
        """A balanced sum of products."""
        return total([number(self.intercept), *(self.term(columns, position) for position in range(len(columns)))])

    def term(self, columns: list[DesignColumn], position: int, offset: float = 0.0) -> exp.Expression:
        """coefficient * (column - offset)."""
        value = columns[position].sql()
        if offset:
            value = exp.Sub(this=exp.paren(value), expression=exp.paren(number(offset)))
        return exp.Mul(this=exp.paren(number(self.coefficients[position])), expression=exp.paren(value))

    def rows(self) -> list[dict[str, object]]:
        """Weights rows: intercept, then coefficient and mean by position."""
        rows: list[dict[str, object]] = [{"component": "intercept", "value": self.intercept}]
        for position, (coefficient, mean) in enumerate(zip(self.coefficients, self.means, strict=True)):
            rows.append({"component": "coefficient", "position": position, "value": coefficient})
            rows.append({"component": "mean", "position": position, "value": mean})
        return rows


@dataclass(frozen=True)
class Trees:
    """A baseline plus the leaf values of an ensemble of trees over the design columns."""

    ensemble: TreeEnsemble
    link: str = "identity"

    def evaluate(self, design: list[np.ndarray]) -> np.ndarray:
        """float64, shape (n,); leaf values are added in tree order, as the source model does."""
        return self.ensemble.evaluate(design)

    def sql(self, columns: list[DesignColumn]) -> None:
        """Trees run in the compiled kernel."""
        return

    def rows(self) -> list[dict[str, object]]:
        """Weights rows: the baseline, then one a node."""
        ensemble = self.ensemble
        tree_of = np.searchsorted(ensemble.roots, np.arange(len(ensemble.feature)), side="right") - 1
        rows: list[dict[str, object]] = [{"component": "baseline", "value": ensemble.baseline}]
        for node in range(len(ensemble.feature)):
            is_leaf = bool(ensemble.feature[node] < 0)
            rows.append(
                {
                    "component": "leaf" if is_leaf else "split",
                    "tree": int(tree_of[node]),
                    "node": node,
                    "position": None if is_leaf else int(ensemble.feature[node]),
                    "value": float(ensemble.value[node] if is_leaf else ensemble.threshold[node]),
                    "left": None if is_leaf else int(ensemble.left[node]),
                    "right": None if is_leaf else int(ensemble.right[node]),
                    "is_missing_left": None if is_leaf else bool(ensemble.missing_left[node]),
                }
            )
        return rows


def head_of(rows: list[Mapping[str, object]], link: str) -> Head:
    """The head that weights rows describe."""
    by_component: dict[str, list[Mapping[str, object]]] = {}
    for row in rows:
        by_component.setdefault(str(row["component"]), []).append(row)
    if "intercept" in by_component:
        values = [
            tuple(float(row["value"]) for row in sorted(by_component.get(name, []), key=lambda row: row["position"]))
            for name in ("coefficient", "mean")
        ]
        return Linear(float(by_component["intercept"][0]["value"]), *values, link=link)
    nodes = sorted([*by_component.get("split", []), *by_component["leaf"]], key=lambda row: row["node"])
    return Trees(TreeEnsemble.of_rows(nodes, float(by_component["baseline"][0]["value"])), link)


def apply_link(link: str, values: np.ndarray) -> np.ndarray:
    """Raw values to scores: the identity, or the logistic function 1 / (1 + exp(-z))."""
    if link == "identity":
        return values
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-values))


def link_sql(link: str, value: exp.Expression) -> exp.Expression:
    """`apply_link` as an expression."""
    if link == "identity":
        return value
    exponential = exp.func("exp", exp.Neg(this=exp.paren(value)))
    return exp.Div(
        this=number(1.0), expression=exp.paren(exp.Add(this=number(1.0), expression=exponential)), typed=True
    )
