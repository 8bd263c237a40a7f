"""Operations across columns that have nothing learned but their names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from sqlglot import exp
from typing_extensions import override

from scorehouse.scoring import sql_builders as sql
from scorehouse.scoring import weights
from scorehouse.scoring.columns import Column
from scorehouse.scoring.sql_builders import Expression
from scorehouse.scoring.steps.operation import Operation


@dataclass(frozen=True, eq=False)
class Combination(Operation):
    """Several columns of numbers to one column or as many; nothing is learned but the columns' names."""

    @override
    def rows(self) -> pa.Table:
        inputs = weights.rows("input", input=self.inputs)
        return pa.concat_tables([inputs, weights.rows("output", output=self.outputs)])

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        inputs = weights.texts(weights.part(table, "input"), "input")
        return cls(tuple(inputs), tuple(weights.texts(weights.part(table, "output"), "output")))

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return [3 * (sum(sizes) + 4 * len(sizes))] * len(self.outputs)


@dataclass(frozen=True, eq=False)
class Known(Combination):
    """The first columns, as many as there are outputs, where all others are numbers; else missing.

    No score for a row that the model has no answer to.

    >>> Known(("a", "b", "guard"), ("p", "q")).apply([np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([0.0, np.nan])])
    [array([ 1., nan]), array([ 3., nan])]
    """

    name = "known"

    @property
    def guards(self) -> tuple[str, ...]:
        """The others."""
        return self.inputs[len(self.outputs) :]

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        count = len(self.outputs)
        is_known = ~np.isnan(np.vstack(list(columns[count:]))).any(axis=0)
        return [np.where(is_known, values, np.nan) for values in columns[:count]]

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        count = len(self.outputs)
        are_known = sql.balanced([sql.is_present(column) for column in columns[count:]], sql.both)
        return [sql.when([(are_known, values)], exp.null()) for values in columns[:count]]

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        count = len(self.outputs)
        guards = sum(size + 8 for size in sizes[count:])
        return [own + guards + 8 for own in sizes[:count]]


@dataclass(frozen=True, eq=False)
class Softmax(Combination):
    """exp(x_i) / sum of exp(x_j): one share for each column.

    Computed as 1 / (1 + sum of exp(x_j - x_i) over the others): finite columns, however large, never give NaN.

    >>> softmax = Softmax(("a", "b"), ("share of a", "share of b"))
    >>> softmax.apply([np.log([1.0, 1.0]), np.log([1.0, 3.0])])
    [array([0.5 , 0.25]), array([0.5 , 0.75])]
    >>> softmax.expressions([exp.column("a"), exp.column("b")])[0].sql("duckdb")
    '1.0000000000000000e+00 / (1.0000000000000000e+00 + EXP(b - a))'
    """

    name = "softmax"

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        return [self._share(columns, own) for own in range(len(columns))]

    def _share(self, columns: Sequence[Column], own: int) -> np.ndarray:
        others = [np.exp(other - columns[own]) for place, other in enumerate(columns) if place != own]
        return 1 / (1 + np.add.reduce(others))

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        return [self._expression(columns, own) for own in range(len(columns))]

    def _expression(self, columns: Sequence[Expression], own: int) -> Expression:
        differences = [sql.subtract(other, columns[own]) for i, other in enumerate(columns) if i != own]
        return sql.divide(sql.number(1), sql.total([exp.Exp(this=d) for d in differences], 1.0))

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return [sum(sizes) + len(sizes) * (own + 4) for own in sizes]


@dataclass(frozen=True, eq=False)
class Normalize(Combination):
    """x_i / sum of x_j; the same share for all when the sum is 0.

    >>> normalize = Normalize(("a", "b"), ("share of a", "share of b"))
    >>> normalize.apply([np.array([1.0, 0.0]), np.array([3.0, 0.0])])
    [array([0.25, 0.5 ]), array([0.75, 0.5 ])]
    >>> normalize.expressions([exp.column("a"), exp.column("b")])[0].sql("duckdb")
    'CASE WHEN (a + b) = 0.0000000000000000e+00 THEN 5.0000000000000000e-01 ELSE a / (a + b) END'
    """

    name = "normalize"

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        total = np.add.reduce(list(columns))
        return [np.where(total == 0, 1 / len(columns), x / np.where(total == 0, 1, total)) for x in columns]

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        total = sql.total(columns)
        is_zero = exp.EQ(this=sql.wrap(total), expression=sql.number(0))
        return [sql.when([(is_zero, sql.number(1 / len(columns)))], sql.divide(x, total)) for x in columns]


_NO_LENGTH = 10 * float(np.finfo(np.float64).eps)
"""A length below it is none to scikit-learn (sklearn.preprocessing, _handle_zeros_in_scale)."""


@dataclass(frozen=True, eq=False)
class UnitLength(Combination):
    """x_i / length of the row; x_i where that is about 0 (scikit-learn's Normalizer).

    >>> UnitLength(("a", "b"), ("p", "q")).apply([np.array([3.0, 0.0]), np.array([-4.0, 0.0])])
    [array([0.6, 0. ]), array([-0.8,  0. ])]
    >>> UnitLength(("a", "b"), ("p", "q"), "l1").apply([np.array([1.0]), np.array([-3.0])])
    [array([0.25]), array([-0.75])]
    >>> UnitLength(("a", "b"), ("p", "q"), "max").apply([np.array([1e-17]), np.array([0.0])])
    [array([1.e-17]), array([0.])]

    Attributes:
        norm: the length: l2, the root of the sum of squares; l1, the sum of absolute values; max, the largest of them.
    """

    name = "unit_length"
    norm: str = "l2"

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        if self.norm == "l2":
            length = np.sqrt(np.add.reduce([x * x for x in columns]))
        else:
            length = (np.add if self.norm == "l1" else np.maximum).reduce([np.abs(x) for x in columns])
        return [x / np.where(length < _NO_LENGTH, 1, length) for x in columns]

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        sizes = [exp.Abs(this=x) for x in columns]
        if self.norm == "l2":
            length: Expression = exp.Sqrt(this=sql.total([sql.square(x) for x in columns]))
        elif self.norm == "l1":
            length = sql.total(sizes)
        else:
            largest = exp.Greatest(this=sizes[0], expressions=sizes[1:], ignore_nulls=True)
            length = sql.when([(sql.is_present(sql.total(sizes)), largest)], exp.null())
        is_none = exp.LT(this=sql.wrap(length), expression=sql.number(_NO_LENGTH))
        return [sql.when([(is_none, x)], sql.divide(x, length)) for x in columns]

    @override
    def rows(self) -> pa.Table:
        return pa.concat_tables([super().rows(), weights.rows("norm", category=[self.norm])])

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        plain = super().from_rows(table)
        return cls(plain.inputs, plain.outputs, weights.part(table, "norm")["category"][0].as_py())


@dataclass(frozen=True, eq=False)
class Largest(Combination):
    """The position of the largest column, counted from 0, the first one when several are equal; NaN where a column is missing.

    >>> largest = Largest(("a", "b"), ("place",))
    >>> largest.apply([np.array([1.0, 5.0, np.nan]), np.array([3.0, 5.0, 7.0])])
    [array([ 1.,  0., nan])]
    """

    name = "largest"

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        stacked = np.vstack(columns)
        is_missing = np.isnan(stacked).any(axis=0)
        return [np.where(is_missing, np.nan, np.where(is_missing, 0, stacked).argmax(axis=0))]

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        largest = exp.Greatest(this=columns[0], expressions=list(columns[1:]), ignore_nulls=True)
        are_present = sql.balanced([sql.is_present(x) for x in columns], sql.both)
        place = exp.ArrayPosition(this=exp.Array(expressions=list(columns)), expression=largest)
        return [sql.when([(are_present, sql.subtract(place, sql.number(1)))], exp.cast(exp.null(), "double"))]

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return [3 * sum(sizes) + 6 * len(sizes) + 12]
