"""Products of columns: polynomial features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from scorehouse.scoring import sql_builders as sql
from scorehouse.scoring import weights
from scorehouse.scoring.columns import Column
from scorehouse.scoring.sql_builders import Expression
from scorehouse.scoring.steps.operation import Operation


@dataclass(frozen=True, eq=False)
class Product(Operation):
    """The product of the inputs, each to a whole power; no input at all is the constant 1."""

    name = "product"
    powers: tuple[int, ...]

    def _factors(self, columns: Sequence) -> list:
        return [column for column, power in zip(columns, self.powers, strict=True) for _ in range(power)]

    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        """See Operation."""
        factors = self._factors(columns)
        return [np.multiply.reduce(factors) if factors else np.ones(len(columns[0]))]

    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        """See Operation."""
        factors = self._factors(columns)
        return [sql.balanced(factors, sql.multiply) if factors else sql.number(1)]

    def sizes(self, sizes: Sequence[int]) -> list[int]:
        """See Operation."""
        return [1 + sum(power * (size + 3) for power, size in zip(self.powers, sizes, strict=True))]

    def rows(self) -> pa.Table:
        """See Operation."""
        return weights.rows("power", input=self.inputs, output=self.outputs * len(self.inputs), value=self.powers)

    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        """See Operation."""
        powers = tuple(int(power) for power in weights.numbers(table))
        return cls(tuple(weights.texts(table, "input")), (table["output"][0].as_py(),), powers)
