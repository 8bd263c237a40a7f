"""Weighted sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from typing_extensions import override

from scorehouse.cached import cached_property
from scorehouse.scoring import sql_builders as sql
from scorehouse.scoring import weights
from scorehouse.scoring.columns import Column
from scorehouse.scoring.sql_builders import Expression
from scorehouse.scoring.steps.operation import Operation


@dataclass(frozen=True, eq=False)
class Linear(Operation):
    """intercept + sum of coefficient * (x - offset), with x = fill where it is missing.

    An input whose coefficient is 0 does not count, missing or not.

    >>> linear = Linear.of(["x"], ["sum"], [[2.0]], [1.0]).changed(fills=np.array([5.0]))
    >>> linear.apply([np.array([3.0, np.nan])])
    [array([ 7., 11.])]
    >>> from sqlglot import exp
    >>> Linear.of(["x"], ["sum"], [[2.0]], [1.0]).expressions([exp.column("x")])[0].sql("duckdb")
    '1.0000000000000000e+00 + (2.0000000000000000e+00 * x)'

    Attributes:
        coefficients: float64 [outputs, inputs].
        intercepts: float64 [outputs].
        offsets: float64 [inputs].
        fills: float64 [inputs]; NaN leaves a missing number missing, and with it the sum.
    """

    name = "linear"
    coefficients: np.ndarray
    intercepts: np.ndarray
    offsets: np.ndarray
    fills: np.ndarray

    @classmethod
    def of(cls, inputs: Sequence[str], outputs: Sequence[str], coefficients: np.ndarray, intercepts: np.ndarray) -> Self:
        """Sums without offsets and fills.

        Args:
            inputs, outputs: names of the columns.
            coefficients: numbers [outputs, inputs], or one row of them after the other.
            intercepts: numbers [outputs], or one for all.
        """
        count = len(inputs)
        shaped = np.asarray(coefficients, np.float64).reshape(len(outputs), count)
        constant = np.broadcast_to(np.asarray(intercepts, np.float64).ravel(), len(outputs)).copy()
        return cls(tuple(inputs), tuple(outputs), shaped, constant, np.zeros(count), np.full(count, np.nan))

    @cached_property
    def _filled(self) -> np.ndarray:
        return ~np.isnan(self.fills)

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        terms = self.prepared(columns)
        return [self._sum(terms, output) for output in range(len(self.outputs))]

    def prepared(self, columns: Sequence[Column]) -> list[np.ndarray]:
        """The input columns, float64 [rows] each, with missing numbers filled and offsets taken off."""
        return [
            np.where(np.isnan(x), fill, x) - offset if is_filled else x - offset if offset else x
            for x, fill, offset, is_filled in zip(columns, self.fills, self.offsets, self._filled, strict=True)
        ]

    def _sum(self, terms: list[np.ndarray], output: int) -> np.ndarray:
        rows = len(terms[0]) if terms else 0
        summed = np.full(rows, self.intercepts[output])
        for coefficient, term in zip(self.coefficients[output], terms, strict=True):
            if coefficient:
                summed += coefficient * term
        return summed

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        """The sums.

        A missing number makes the plain sum NULL or NaN; only then is the sum with fills computed, which most rows are spared.
        """
        return [self._expression(columns, output) for output in range(len(self.outputs))]

    def _expression(self, columns: Sequence[Expression], output: int) -> Expression:
        used = np.flatnonzero(self.coefficients[output])
        plain = sql.total([self.term(output, i, columns[i]) for i in used], self.intercepts[output])
        if not self._filled[used].any():
            return plain
        filled = sql.total([self.filled_term(output, i, columns[i]) for i in used], self.intercepts[output])
        return sql.when([(sql.is_present(plain), plain)], filled)

    def filled_term(self, output: int, index: int, x: Expression) -> Expression:
        """coefficient * (x - offset) of one output and input, with x filled where it is missing."""
        return self.term(output, index, sql.filled(x, self.fills[index]) if self._filled[index] else x)

    def term(self, output: int, index: int, x: Expression) -> Expression:
        """coefficient * (x - offset) of one output and input."""
        coefficient, offset = self.coefficients[output, index], self.offsets[index]
        moved = sql.subtract(x, sql.number(offset)) if offset else x
        return moved if coefficient == 1 else sql.multiply(sql.number(coefficient), moved)

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        per_input = np.asarray(sizes) + 6 + 2 * (self.offsets != 0)
        plain = (self.coefficients != 0) @ per_input + 2
        return [int(size) for size in plain * (4 if self._filled.any() else 1)]

    @override
    def rows(self) -> pa.Table:
        outputs = len(self.outputs)
        names = [output for output in self.outputs for _ in self.inputs]
        coefficients = weights.rows(
            "coefficient",
            input=list(self.inputs) * outputs,
            output=names,
            value=self.coefficients.ravel(),
        )
        intercepts = weights.rows("intercept", output=self.outputs, value=self.intercepts)
        offsets = weights.rows("offset", input=self.inputs, value=self.offsets)
        fills = weights.rows("fill", input=self.inputs, value=self.fills)
        is_set = [(self.offsets != 0).any(), self._filled.any()]
        return pa.concat_tables(
            [coefficients, intercepts, *(t for t, keep in zip([offsets, fills], is_set, strict=True) if keep)]
        )

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        intercepts = weights.part(table, "intercept")
        outputs = weights.texts(intercepts, "output")
        coefficients = weights.part(table, "coefficient")
        inputs = weights.texts(coefficients, "input")[: coefficients.num_rows // len(outputs)]
        plain = cls.of(inputs, outputs, weights.numbers(coefficients), weights.numbers(intercepts))
        offsets, fills = (weights.numbers(weights.part(table, name)) for name in ("offset", "fill"))
        return plain.changed(offsets=offsets if len(offsets) else plain.offsets, fills=fills if len(fills) else plain.fills)

    def changed(self, **fields: object) -> Self:
        """A copy with some fields, by name, replaced."""
        old = {name: getattr(self, name) for name in ("inputs", "outputs", "coefficients", "intercepts", "offsets")}
        return type(self)(**{**old, "fills": self.fills, **fields})
