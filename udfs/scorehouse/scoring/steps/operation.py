"""What every operation of a formula can do."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
from typing_extensions import override

from scorehouse.errors import ScorehouseError
from scorehouse.scoring import weights
from scorehouse.scoring.columns import Column
from scorehouse.scoring.sql_builders import Expression


@dataclass(frozen=True, eq=False)
class Operation(ABC):
    """One step: reads the columns `inputs`, makes the columns `outputs`; the same in NumPy and in SQL.

    Missing numbers are NaN in NumPy and NULL or NaN in SQL; both mean the same.

    Attributes:
        name: of the kind of operation, as its weights carry it.
        inputs: names of the columns read.
        outputs: names of the columns made.
    """

    name: ClassVar[str]

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @abstractmethod
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        """Output columns from input columns, float64 [rows] or Arrow texts [rows]; the inputs may be the rows of a matrix."""

    @abstractmethod
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        """Output expressions from input expressions, DOUBLE or VARCHAR each; raises ScorehouseError where there is no SQL."""

    @abstractmethod
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        """The most nodes that each output expression can have, from the number of nodes of each input expression."""

    @abstractmethod
    def rows(self) -> pa.Table:
        """Everything learned, as rows of `weights.SCHEMA`; step, operation and feature are left to the formula."""

    @classmethod
    @abstractmethod
    def from_rows(cls, table: pa.Table) -> Self:
        """The operation that `rows` was called on; the table holds its rows and no others."""


@dataclass(frozen=True, eq=False)
class Univariate(Operation):
    """An operation from one number to one number; all that it learned are its own fields, one number each.

    Attributes:
        uses: how many times its expression holds the number.
        nodes: how many nodes its expression has besides, at most.
    """

    uses: ClassVar[int] = 2
    nodes: ClassVar[int] = 16

    @property
    def direction(self) -> int:
        """1 where the output never falls as the input rises, -1 where it never rises, 0 otherwise."""
        return 1

    @classmethod
    def of(cls, source: str, target: str, **learned: float) -> Self:
        """The operation from column `source` to column `target`; what is not given of `learned` has its default."""
        return cls((source,), (target,), **learned)

    @abstractmethod
    def value(self, x: np.ndarray) -> np.ndarray:
        """The formula in NumPy: float64 [rows] from float64 [rows], NaN for missing."""

    @abstractmethod
    def expression(self, x: Expression) -> Expression:
        """The formula in SQL: DOUBLE from DOUBLE, NULL or NaN for missing."""

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        return [self.value(columns[0])]

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        return [self.expression(columns[0])]

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return [self.uses * sizes[0] + self.nodes]

    @override
    def rows(self) -> pa.Table:
        learned = {field.name: getattr(self, field.name) for field in fields(self)[2:]}
        tables = [
            weights.rows(part, input=[self.inputs[0]], output=[self.outputs[0]], value=[float(value)])
            for part, value in learned.items()
        ]
        return pa.concat_tables(tables)

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        learned = dict(zip(weights.texts(table, "part"), weights.texts(table, "value"), strict=True))
        return cls.of(table["input"][0].as_py(), table["output"][0].as_py(), **learned)


class WithoutSql(Operation):
    """An operation that has no SQL: only the user-defined function can run it."""

    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        """Raises ScorehouseError; the plan never chooses SQL for such an operation."""
        raise ScorehouseError(f"expected a formula that has SQL, found {self.name}; score it with the function.")

    def sizes(self, sizes: Sequence[int]) -> list[int]:
        """More nodes than `plan.SQL_SIZE_LIMIT` allows, so that no plan is in SQL."""
        return [10**9] * len(self.outputs)
