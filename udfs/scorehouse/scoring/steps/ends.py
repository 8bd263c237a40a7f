"""The two ends of a formula: which features go in, what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from sqlglot import exp
from typing_extensions import override

from scorehouse.cached import cached_property
from scorehouse.scoring import sql_builders as sql
from scorehouse.scoring import weights
from scorehouse.scoring.columns import Column
from scorehouse.scoring.sql_builders import Expression
from scorehouse.scoring.steps.operation import Operation


@dataclass(frozen=True, eq=False)
class Inputs(Operation):
    """The raw features, passed on as they are.

    Attributes:
        kinds: how each is read, numeric or categorical.
    """

    name = "inputs"
    kinds: tuple[str, ...]

    @classmethod
    def of(cls, kinds: dict[str, str]) -> Self:
        """The inputs of a formula, from the kind of each feature by its name."""
        return cls(tuple(kinds), tuple(kinds), tuple(kinds.values()))

    @cached_property
    def kind_of(self) -> dict[str, str]:
        """Kind of each feature, by name."""
        return dict(zip(self.inputs, self.kinds, strict=True))

    @override
    def apply(self, columns: Sequence[Column]) -> list[Column]:
        return list(columns)

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        return list(columns)

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return list(sizes)

    @override
    def rows(self) -> pa.Table:
        return weights.rows("feature", input=self.inputs, output=self.outputs, category=self.kinds)

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        return cls.of(dict(zip(weights.texts(table, "input"), weights.texts(table, "category"), strict=True)))


@dataclass(frozen=True, eq=False)
class Result(Operation):
    """What the score is made of: each part under its name, as its type; in SQL, NaN becomes NULL.

    >>> result = Result(("a", "b"), ("no", "yes"), ("DOUBLE", "DOUBLE"))
    >>> result.score_type
    'STRUCT("no" DOUBLE, "yes" DOUBLE)'
    >>> result.expressions([exp.column("a"), exp.column("b")])[0].sql("duckdb")
    "NULLIF(a, CAST('nan' AS DOUBLE))"

    Attributes:
        types: DuckDB type of each part.
    """

    name = "result"
    types: tuple[str, ...]

    @property
    def score_type(self) -> str:
        """DuckDB type of the score: that of the only part, else a STRUCT of the parts."""
        if len(self.outputs) == 1:
            return self.types[0]
        parts = [
            f"{exp.to_identifier(name, quoted=True).sql('duckdb')} {kind}"
            for name, kind in zip(self.outputs, self.types, strict=True)
        ]
        return f"STRUCT({', '.join(parts)})"

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        return list(columns)

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        not_a_number = sql.number(float("nan"))
        return [
            cast_to(exp.Nullif(this=column, expression=not_a_number), kind)
            for column, kind in zip(columns, self.types, strict=True)
        ]

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return [size + 8 for size in sizes]

    @override
    def rows(self) -> pa.Table:
        return weights.rows("part", input=self.inputs, output=self.outputs, category=self.types)

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        return cls(*(tuple(weights.texts(table, name)) for name in ("input", "output", "category")))


def cast_to(expression: Expression, kind: str) -> Expression:
    """The expression, a DOUBLE, as a DuckDB type.

    >>> cast_to(exp.column("x"), "DOUBLE").sql("duckdb"), cast_to(exp.column("x"), "INTEGER").sql("duckdb")
    ('x', 'CAST(x AS INT)')
    """
    return expression if kind == "DOUBLE" else exp.cast(expression, kind)
