"""Reasons: how much each raw feature moved one row's score away from the average.

A weighted sum is explained exactly: coefficient * (value - its mean over the training rows), added up by raw feature. A sum
of trees is explained by Shapley values (`trees.shapley`). Contributions are on the scale before the link: log-odds for a
probability made by a sigmoid. A positive one always raises the score.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from sqlglot import exp

from scorehouse.cached import cached_property
from scorehouse.scoring import sql_builders as sql
from scorehouse.scoring.columns import Features
from scorehouse.scoring.formula import Formula
from scorehouse.scoring.sql_builders import Expression
from scorehouse.scoring.steps import (
    Baseline,
    Function,
    Interpolate,
    Known,
    Linear,
    Scale,
    SquaredDistance,
    Trees,
    Univariate,
)
from scorehouse.scoring.trees import shapley

COUNT = 3
"""Reasons kept for a row."""

LARGEST_MIXTURE = 3
"""A term made of more raw features than this is not a reason."""

LARGEST_COST = 5_000_000
"""A sum of trees that takes more steps than this to explain one row, some milliseconds, gives no reasons."""

REASON = pa.struct([("feature", pa.string()), ("contribution", pa.float64())])
"""One reason: a raw feature, or several that act together joined by `*`, and what it adds."""

SQL_TYPE = "STRUCT(feature VARCHAR, contribution DOUBLE)[]"
"""DuckDB type of a row's reasons."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Where a formula's score can be taken apart.

    Here rows have 4 for 2 * a and -3 for -b on average, which the formula keeps as its baseline:

    >>> from scorehouse.scoring.steps import Inputs, Result
    >>> linear = Linear.of(["a", "b"], ["score"], [[2.0, -1.0]], [5.0])
    >>> steps = Inputs.of({"a": "numeric", "b": "numeric"}), linear, Baseline.of({"a": 4.0, "b": -3.0})
    >>> explanation = Explanation.of(Formula((*steps, Result(("score",), ("score",), ("DOUBLE",)))))
    >>> explanation.contributions({"a": np.array([3.0]), "b": np.array([7.0])})
    {'a': array([2.]), 'b': array([-4.])}
    >>> explanation.top({"a": np.array([3.0]), "b": np.array([7.0])}).to_pylist()
    [[{'feature': 'b', 'contribution': -4.0}, {'feature': 'a', 'contribution': 2.0}]]

    Attributes:
        formula: simplified.
        operation: the sum that is taken apart.
        output: which of its outputs.
        factor: what the sum is multiplied by before the first function of it that is no straight line; its sign makes a
            positive contribution one that raises the score.
    """

    formula: Formula
    operation: Linear | Trees
    output: int
    factor: float

    @classmethod
    def of(cls, formula: Formula) -> Self | None:
        """The explanation of a simplified formula with one score that rises or falls with one sum; else None.

        None as well where a term of a weighted sum mixes more than `LARGEST_MIXTURE` raw features, or where a row would take
        more than `LARGEST_COST` steps.
        """
        if len(formula.result.inputs) != 1:
            return None
        name, factor = formula.result.inputs[0], 1.0
        operation = formula.producer(name)
        while isinstance(operation, Univariate | Function | Interpolate | Known):
            if not isinstance(operation, Known):
                slope = operation.factor / operation.divisor if isinstance(operation, Scale) else operation.direction
                is_straight = isinstance(operation, Scale) or (isinstance(operation, Function) and operation.is_straight)
                factor = slope * (factor if is_straight else np.sign(factor))
            name = operation.inputs[operation.outputs.index(name)]
            operation = formula.producer(name)
        if not factor or not isinstance(operation, Linear | Trees):
            return None
        found = cls(formula, operation, operation.outputs.index(name), factor)
        return found if found.cost <= LARGEST_COST and found._is_separable() else None

    def _is_separable(self) -> bool:
        """True when no term mixes more features than a reader can follow; Shapley values never do."""
        if isinstance(self.operation, Trees):
            return True
        makers = {name: self.formula.producer(name) for name in self.operation.inputs}
        sources = [maker.inputs if isinstance(maker, SquaredDistance) else (name,) for name, maker in makers.items()]
        mixed = (self.formula.features_behind(name) for names in sources for name in names)
        return all(len(features) <= LARGEST_MIXTURE for features in mixed)

    @property
    def has_sql(self) -> bool:
        """True when the contributions are a SQL expression as well: those of a weighted sum."""
        return isinstance(self.operation, Linear)

    def contributions(self, features: Features) -> dict[str, np.ndarray]:
        """What each raw feature adds, by name: float64 [rows]; raw features that act together are joined by `*`.

        They sum to the margin minus its mean: over the training rows, or the training weight of trees. A weighted sum without
        its baseline is compared with 0 instead of the mean. Raises ScorehouseError naming the columns that are missing.
        """
        made = self.formula.columns(features, self.operation)
        with np.errstate(all="ignore"):
            added = self._tree_terms(made) if isinstance(self.operation, Trees) else self._linear_terms(made)
        baselines = self._baselines()
        return {feature: values - baselines.get(feature, 0.0) for feature, values in added.items()}

    def baseline_of(self, features: Features) -> "Baseline | None":
        """The mean of each raw feature's terms over the training rows `features`, to be kept in the formula; None for trees."""
        if not self.has_sql:
            return None
        added = self._linear_terms(self.formula.columns(features, self.operation))
        return Baseline.of({feature: float(np.mean(values)) for feature, values in added.items()})

    def _baselines(self) -> dict[str, float]:
        kept = [operation for operation in self.formula.operations if isinstance(operation, Baseline)]
        return kept[0].by_feature if kept else {}

    @cached_property
    def _paths(self) -> shapley.Paths:
        return shapley.paths_of(self.operation.ensembles[self.output])

    @cached_property
    def cost(self) -> int:
        """About how many steps explaining one row takes: the terms of a weighted sum, or those of Shapley values."""
        is_trees = isinstance(self.operation, Trees)
        return shapley.cost(self.operation.ensembles[self.output]) if is_trees else len(self.operation.inputs)

    def _tree_terms(self, made: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        columns = [made[name] for name in self.operation.inputs]
        values = shapley.contributions(self.operation.ensembles[self.output], self._paths, columns)
        return _by_feature(
            (self._label(name), value * self.factor) for name, value in zip(self.operation.inputs, values, strict=True)
        )

    def _linear_terms(self, made: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        linear = self.operation
        terms = linear.prepared([made[name] for name in linear.inputs])
        named = []
        for name, coefficient, term in zip(linear.inputs, linear.coefficients[self.output], terms, strict=True):
            maker = self.formula.producer(name)
            if isinstance(maker, SquaredDistance):
                place = maker.outputs.index(name)
                inner = (maker.contribution(i, made[source])[place] for i, source in enumerate(maker.inputs))
                named += [
                    (self._label(source), coefficient * self.factor * value)
                    for source, value in zip(maker.inputs, inner, strict=True)
                ]
            else:
                named.append((self._label(name), coefficient * self.factor * term))
        return _by_feature(named)

    def _label(self, name: str) -> str:
        return "*".join(self.formula.features_behind(name))

    # ---------------------------------------------------------------- top reasons

    def top(self, features: Features) -> pa.Array:
        """The `COUNT` contributions that are largest without their sign, of each row: list<`REASON`> [rows], largest first.

        Equally large ones stand in the order of their names, unknown ones last, as NULL.
        """
        added = self.contributions(features)
        names = sorted(added)
        stacked = np.column_stack([added[name] for name in names])
        order = np.argsort(-np.abs(stacked), axis=1, kind="stable")[:, :COUNT]
        values = np.take_along_axis(stacked, order, axis=1)
        structs = pa.StructArray.from_arrays(
            [pa.array(np.array(names, object)[order].ravel(), pa.string()), pa.array(values.ravel(), from_pandas=True)],
            fields=list(REASON),
        )
        offsets = np.arange(len(stacked) + 1, dtype=np.int32) * order.shape[1]
        return pa.ListArray.from_arrays(pa.array(offsets), structs)

    def expression(self) -> Expression:
        """What `top` gives, of a weighted sum, as an expression of type `SQL_TYPE`."""
        terms = self._linear_expressions()
        baselines = self._baselines()
        ranked = exp.Array(expressions=[_ranked(name, terms[name], baselines.get(name, 0.0)) for name in sorted(terms)])
        ordered = exp.ArraySort(this=ranked, nulls_first=exp.false())
        first = exp.Slice(this=exp.Literal.number(1), expression=exp.Literal.number(COUNT))
        reason = exp.to_identifier("reason")
        kept = exp.Lambda(
            this=sql.struct([(n, exp.Dot(this=reason, expression=exp.to_identifier(n))) for n in REASON.names]),
            expressions=[reason],
        )
        return exp.Transform(this=exp.Bracket(this=ordered, expressions=[first]), expression=kept)

    def _linear_expressions(self) -> dict[str, Expression]:
        linear, made = self.operation, self.formula.expressions(self.operation)
        terms: dict[str, list[Expression]] = {}
        for i, name in enumerate(linear.inputs):
            maker = self.formula.producer(name)
            factor = linear.coefficients[self.output, i] * self.factor
            if isinstance(maker, SquaredDistance):
                place = maker.outputs.index(name)
                for j, source in enumerate(maker.inputs):
                    inner = maker.contribution_expression(place, j, made[source])
                    terms.setdefault(self._label(source), []).append(sql.multiply(sql.number(factor), inner))
            elif factor:
                term = linear.filled_term(self.output, i, made[name])
                scaled = term if self.factor == 1 else sql.multiply(sql.number(self.factor), term)
                terms.setdefault(self._label(name), []).append(scaled)
            else:
                terms.setdefault(self._label(name), []).append(sql.number(0))
        return {feature: sql.total(found) for feature, found in terms.items()}


def _by_feature(named: object) -> dict[str, np.ndarray]:
    summed: dict[str, np.ndarray] = {}
    for name, value in named:
        summed[name] = summed[name] + value if name in summed else value
    return summed


def _ranked(feature: str, contribution: Expression, baseline: float) -> Expression:
    moved = sql.subtract(contribution, sql.number(baseline)) if baseline else contribution
    known = exp.Nullif(this=moved, expression=sql.number(float("nan")))
    size = exp.Neg(this=exp.Abs(this=known))
    return sql.struct([("size", size), ("feature", sql.text(feature)), ("contribution", known)])
