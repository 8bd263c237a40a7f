"""Operations on single numbers: filling, moving, stretching, clipping, bending."""

from collections.abc import Callable, Sequence
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
from scorehouse.scoring.steps.operation import Operation, Univariate


@dataclass(frozen=True, eq=False)
class Impute(Univariate):
    """x, or the learned value where x is missing.

    >>> impute = Impute.of("x", "filled", fill=0.5)
    >>> impute.value(np.array([3.0, np.nan]))
    array([3. , 0.5])
    >>> impute.expression(exp.column("x")).sql("duckdb")
    "CASE WHEN x < CAST('nan' AS DOUBLE) THEN x ELSE 5.0000000000000000e-01 END"

    Attributes:
        fill: the learned value.
    """

    name = "impute"
    fill: float = 0.0

    @override
    def value(self, x: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(x), self.fill, x)

    @override
    def expression(self, x: Expression) -> Expression:
        return sql.filled(x, self.fill)


@dataclass(frozen=True, eq=False)
class Indicate(Univariate):
    """1 where x is missing, else 0.

    >>> Indicate.of("x", "is missing").value(np.array([3.0, np.nan]))
    array([0., 1.])
    """

    name = "indicate"
    uses = 1

    @override
    @property
    def direction(self) -> int:
        return 0

    @override
    def value(self, x: np.ndarray) -> np.ndarray:
        return np.isnan(x).astype(np.float64)

    @override
    def expression(self, x: Expression) -> Expression:
        return sql.when([(sql.is_present(x), sql.number(0))], sql.number(1))

    @override
    def rows(self) -> pa.Table:
        return weights.rows("indicator", input=[self.inputs[0]], output=[self.outputs[0]])

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        return cls.of(table["input"][0].as_py(), table["output"][0].as_py())


@dataclass(frozen=True, eq=False)
class Blank(Univariate):
    """Missing where low <= x <= high, else x: a number that stands for missing, with all that a model takes for it."""

    name = "blank"
    uses = 3
    low: float = 0.0
    high: float = 0.0

    @override
    @property
    def direction(self) -> int:
        return 0

    @override
    def value(self, x: np.ndarray) -> np.ndarray:
        return np.where((x >= self.low) & (x <= self.high), np.nan, x)

    @override
    def expression(self, x: Expression) -> Expression:
        return sql.when([(sql.between(x, self.low, self.high), exp.null())], x)


@dataclass(frozen=True, eq=False)
class Within(Univariate):
    """0 where low <= x <= high, else missing: a guard. A missing x is 0 where it is taken, else missing.

    >>> Within.of("x", "guard", low=-5.0, high=5.0, takes_missing=1.0).value(np.array([3.0, np.inf, np.nan]))
    array([ 0., nan,  0.])
    >>> Within.of("x", "guard", low=-5.0, high=5.0).expression(exp.column("x")).sql("duckdb")
    'CASE WHEN ABS(x) <= 5.0000000000000000e+00 THEN 0.0000000000000000e+00 ELSE CAST(NULL AS DOUBLE) END'
    """

    name = "within"
    uses = 3
    low: float = -np.inf
    high: float = np.inf
    takes_missing: float = 0.0

    @override
    @property
    def direction(self) -> int:
        return 0

    @override
    def value(self, x: np.ndarray) -> np.ndarray:
        is_taken = (x >= self.low) & (x <= self.high) | (np.isnan(x) & bool(self.takes_missing))
        return np.where(is_taken, 0.0, np.nan)

    @override
    def expression(self, x: Expression) -> Expression:
        if self.low == -self.high:
            inside = sql.at_most(exp.Abs(this=x), sql.number(self.high))
        else:
            inside = sql.between(x, self.low, self.high)
        inside_or_not, nothing = (inside, sql.number(0)), exp.cast(exp.null(), "double")
        if not self.takes_missing:
            return sql.when([inside_or_not], nothing)
        return sql.when([inside_or_not, (sql.is_present(x), nothing)], sql.number(0))


@dataclass(frozen=True, eq=False)
class Scale(Univariate):
    """(x - offset) / divisor * factor + shift: standard, robust and minimum-maximum scaling, in scikit-learn's order.

    >>> scale = Scale.of("x", "scaled", offset=2.0, divisor=4.0)
    >>> scale.value(np.array([10.0, np.nan]))
    array([ 2., nan])
    >>> scale.expression(exp.column("x")).sql("duckdb")
    '(x - 2.0000000000000000e+00) / 4.0000000000000000e+00'

    Attributes:
        offset, divisor, factor, shift: the numbers of the formula; the divisor is not 0.
    """

    name = "scale"
    uses = 1
    offset: float = 0.0
    divisor: float = 1.0
    factor: float = 1.0
    shift: float = 0.0

    @override
    def value(self, x: np.ndarray) -> np.ndarray:
        return (x - self.offset) / self.divisor * self.factor + self.shift

    @override
    def expression(self, x: Expression) -> Expression:
        steps = [
            (sql.subtract, self.offset, 0.0),
            (sql.divide, self.divisor, 1.0),
            (sql.multiply, self.factor, 1.0),
            (sql.add, self.shift, 0.0),
        ]
        for step, operand, neutral in steps:
            if operand != neutral:
                x = step(x, sql.number(operand))
        return x


@dataclass(frozen=True, eq=False)
class Clip(Univariate):
    """x, but at least low and at most high; missing stays missing.

    >>> Clip.of("x", "clipped", low=0.0, high=1.0).value(np.array([-5.0, 0.3, 5.0, np.nan]))
    array([0. , 0.3, 1. , nan])

    Attributes:
        low, high: the limits; an infinite one is none.
    """

    name = "clip"
    uses = 4
    low: float = -np.inf
    high: float = np.inf

    @override
    def value(self, x: np.ndarray) -> np.ndarray:
        return np.clip(x, self.low, self.high)

    @override
    def expression(self, x: Expression) -> Expression:
        low, high = sql.number(self.low), sql.number(self.high)
        cases = [(exp.LT(this=sql.wrap(x), expression=low), low), (sql.at_most(x, high), x), (sql.is_present(x), high)]
        return sql.when(cases, exp.null())


@dataclass(frozen=True, eq=False)
class Power(Univariate):
    """Yeo and Johnson's power transform (Biometrika 87, 2000).

    ((1 + x) ** exponent - 1) / exponent from 0 on, -((1 - x) ** (2 - exponent) - 1) / (2 - exponent) below it, with the
    logarithm as the limit where the divisor is 0: ln(1 + x) from 0 on, -ln(1 - x) below it.

    >>> Power.of("x", "bent", exponent=2.0).value(np.array([2.0, 1 - np.e, np.nan]))
    array([ 4., -1., nan])

    Attributes:
        exponent: 1 leaves x as it is, less than 1 draws large numbers together.
    """

    name = "power"
    uses = 15
    nodes = 140
    exponent: float = 1.0

    @override
    def value(self, x: np.ndarray) -> np.ndarray:
        return np.where(x >= 0, self._above(np.abs(x)), -self._below(np.abs(x)))

    def _above(self, size: np.ndarray) -> np.ndarray:
        power = self.exponent
        return np.log1p(size) if power == 0 else np.expm1(power * np.log1p(size)) / power

    def _below(self, size: np.ndarray) -> np.ndarray:
        power = 2 - self.exponent
        return np.log1p(size) if power == 0 else np.expm1(power * np.log1p(size)) / power

    @override
    def expression(self, x: Expression) -> Expression:
        above = _power_of_size(x, self.exponent)
        below = exp.Neg(this=sql.wrap(_power_of_size(exp.Neg(this=sql.wrap(x)), 2 - self.exponent)))
        is_negative = exp.LT(this=sql.wrap(x), expression=sql.number(0))
        return sql.when([(is_negative, below), (sql.is_present(x), above)], exp.null())


def _power_of_size(size: Expression, power: float) -> Expression:
    """((1 + size) ** power - 1) / power, or its limit ln(1 + size); with all digits near 0."""
    if power == 0:
        return _log1p_sql(size)
    larger = exp.Pow(this=sql.wrap(sql.add(size, sql.number(1))), expression=sql.number(power))
    near = _expm1_near_sql(sql.multiply(sql.number(power), _log1p_near_sql(size)))
    return sql.divide(_below_one(size, near, sql.subtract(larger, sql.number(1))), sql.number(power))


def _log1p_sql(x: Expression) -> Expression:
    return _below_one(exp.Abs(this=x), _log1p_near_sql(x), exp.Ln(this=sql.add(sql.number(1), x)))


def _log1p_near_sql(x: Expression) -> Expression:
    """ln(1 + x) as 2 atanh(x / (2 + x)), which keeps the digits near 0 that ln loses."""
    return sql.multiply(sql.number(2), sql.call("atanh", sql.divide(x, sql.add(sql.number(2), x))))


def _expm1_sql(x: Expression) -> Expression:
    return _below_one(exp.Abs(this=x), _expm1_near_sql(x), sql.subtract(exp.Exp(this=x), sql.number(1)))


def _expm1_near_sql(x: Expression) -> Expression:
    """exp(x) - 1 as 2 sinh(x / 2) exp(x / 2), which keeps the digits near 0."""
    half = sql.divide(x, sql.number(2))
    return sql.multiply(sql.multiply(sql.number(2), sql.call("sinh", half)), exp.Exp(this=half))


def _below_one(x: Expression, near: Expression, far: Expression) -> Expression:
    return sql.when([(exp.LT(this=sql.wrap(x), expression=sql.number(1)), near)], far)


@dataclass(frozen=True)
class Formula:
    """One named function of a number.

    Attributes:
        value: the function in NumPy: float64 [rows] from float64 [rows], NaN for missing.
        expression: the same in SQL.
        is_total: True when it gives a number, be it infinite, for every finite number; False when some give NaN.
        direction: 1 where it never falls as the number rises, -1 where it never rises, 0 otherwise.
        is_straight: True when it is a straight line.
        uses: how many times the expression holds the number.
    """

    value: Callable[[np.ndarray], np.ndarray]
    expression: Callable[[Expression], Expression]
    is_total: bool = True
    direction: int = 1
    is_straight: bool = False
    uses: int = 1


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow: float64 [rows] from float64 [rows].

    >>> sigmoid(np.array([-1000.0, 0.0]))
    array([0. , 0.5])
    """
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def symmetric_log(x: np.ndarray) -> np.ndarray:
    """sign(x) * ln(1 + |x|), a logarithm that also takes zero and negative numbers: float64 [rows] from float64 [rows].

    >>> symmetric_log(np.array([0.0, np.e - 1, 1 - np.e])).round(12)
    array([ 0.,  1., -1.])
    """
    return np.copysign(np.log1p(np.abs(x)), x)


def _sigmoid_sql(x: Expression) -> Expression:
    return sql.divide(sql.number(1), sql.add(sql.number(1), exp.Exp(this=exp.Neg(this=sql.wrap(x)))))


def _symmetric_log_sql(x: Expression) -> Expression:
    return sql.multiply(exp.Sign(this=x), _log1p_sql(exp.Abs(this=x)))


def _softsign_sql(x: Expression) -> Expression:
    return sql.divide(x, sql.add(sql.number(1), exp.Abs(this=x)))


def _relu_sql(x: Expression) -> Expression:
    return sql.when([(exp.LT(this=sql.wrap(x), expression=sql.number(0)), sql.number(0))], x)


FORMULAS = {
    "sigmoid": Formula(sigmoid, _sigmoid_sql),
    "exp": Formula(np.exp, lambda x: exp.Exp(this=x)),
    "expm1": Formula(np.expm1, _expm1_sql, uses=4),
    "ln": Formula(np.log, lambda x: exp.Ln(this=x), is_total=False),
    "log1p": Formula(np.log1p, _log1p_sql, is_total=False, uses=4),
    "log10": Formula(np.log10, lambda x: sql.call("log10", x), is_total=False),
    "log2": Formula(np.log2, lambda x: sql.call("log2", x), is_total=False),
    "symmetric_log": Formula(symmetric_log, _symmetric_log_sql, uses=5),
    "square_root": Formula(np.sqrt, lambda x: exp.Sqrt(this=x), is_total=False),
    "square": Formula(np.square, sql.square, direction=0, uses=2),
    "absolute": Formula(np.abs, lambda x: exp.Abs(this=x), direction=0),
    "truncate": Formula(np.trunc, lambda x: sql.call("trunc", x)),
    "softsign": Formula(lambda x: x / (1 + np.abs(x)), _softsign_sql, uses=2, is_total=False),
    "tanh": Formula(np.tanh, lambda x: sql.call("tanh", x)),
    "relu": Formula(lambda x: np.maximum(x, 0), _relu_sql, uses=2),
    "negative": Formula(np.negative, lambda x: exp.Neg(this=sql.wrap(x)), direction=-1, is_straight=True),
    "complement": Formula(lambda x: 1 - x, lambda x: sql.subtract(sql.number(1), x), direction=-1, is_straight=True),
}
"""Functions of a number by the name that their weights carry; NaN gives NaN."""


@dataclass(frozen=True, eq=False)
class Function(Operation):
    """One of `FORMULAS`, by name.

    >>> sigmoid_of_x = Function.of("x", "probability", "sigmoid")
    >>> sigmoid_of_x.apply([np.array([0.0, np.nan])])
    [array([0.5, nan])]
    >>> sigmoid_of_x.expressions([exp.column("x")])[0].sql("duckdb")
    '1.0000000000000000e+00 / (1.0000000000000000e+00 + EXP(-x))'

    Attributes:
        formula: its name among `FORMULAS`.
    """

    name = "function"
    formula: str

    @classmethod
    def of(cls, source: str, target: str, formula: str) -> Self:
        """The function named `formula`, from column `source` to column `target`."""
        return cls((source,), (target,), formula)

    @property
    def is_total(self) -> bool:
        """True when every finite number gives a number."""
        return FORMULAS[self.formula].is_total

    @property
    def direction(self) -> int:
        """1 where it never falls as the number rises, -1 where it never rises, 0 otherwise."""
        return FORMULAS[self.formula].direction

    @property
    def is_straight(self) -> bool:
        """True when it is a straight line."""
        return FORMULAS[self.formula].is_straight

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        return [FORMULAS[self.formula].value(columns[0])]

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        return [FORMULAS[self.formula].expression(columns[0])]

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return [FORMULAS[self.formula].uses * sizes[0] + 40]

    @override
    def rows(self) -> pa.Table:
        return weights.rows("formula", input=self.inputs, output=self.outputs, category=[self.formula])

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        return cls.of(*(table[name][0].as_py() for name in ("input", "output", "category")))
