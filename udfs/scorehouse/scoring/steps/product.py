"""Products of columns: polynomial features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from typing_extensions import override

from scorehouse.scoring import sql_builders as sql
from scorehouse.scoring import weights
from scorehouse.scoring.columns import Column
from scorehouse.scoring.sql_builders import Expression
from scorehouse.scoring.steps.operation import Operation


@dataclass(frozen=True, eq=False)
class Product(Operation):
    """The product of the inputs, each to a whole power; powers that are all 0 make the constant 1.

    >>> from sqlglot import exp
    >>> product = Product(("a", "b"), ("a^2 * b",), (2, 1))
    >>> product.apply([np.array([3.0, np.nan]), np.array([5.0, 5.0])])
    [array([45., nan])]
    >>> product.expressions([exp.column("a"), exp.column("b")])[0].sql("duckdb")
    'a * (a * b)'

    Attributes:
        powers: whole numbers of at least 0, one for each input; there is at least one input.
    """

    name = "product"
    powers: tuple[int, ...]

    def _factors(self, columns: Sequence) -> list:
        return [column for column, power in zip(columns, self.powers, strict=True) for _ in range(power)]

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        factors = self._factors(columns)
        return [np.multiply.reduce(factors) if factors else np.ones(len(columns[0]))]

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        factors = self._factors(columns)
        return [sql.balanced(factors, sql.multiply) if factors else sql.number(1)]

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return [1 + sum(power * (size + 3) for power, size in zip(self.powers, sizes, strict=True))]

    @override
    def rows(self) -> pa.Table:
        return weights.rows("power", input=self.inputs, output=self.outputs * len(self.inputs), value=self.powers)

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        powers = tuple(int(power) for power in weights.numbers(table))
        return cls(tuple(weights.texts(table, "input")), (table["output"][0].as_py(),), powers)
