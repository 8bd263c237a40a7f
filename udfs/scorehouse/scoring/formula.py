"""A fitted model as a formula: operations from raw features to a score, the same in NumPy and in SQL."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from sqlglot import exp

from scorehouse.cached import cached_property
from scorehouse.scoring import columns, weights
from scorehouse.scoring import sql_builders as sql
from scorehouse.scoring.columns import NUMERIC, Columns, Features
from scorehouse.scoring.sql_builders import Expression
from scorehouse.scoring.steps import BY_NAME, Inputs, Operation, Result
from scorehouse.scoring.structs import StructReader


@dataclass(frozen=True, eq=False)
class Formula:
    """Operations in order: Inputs first, Result last; every column is made once, before it is read.

    >>> from scorehouse.scoring.steps import Function, Linear
    >>> formula = Formula((
    ...     Inputs.of({"recency": "numeric"}),
    ...     Linear.of(["recency"], ["margin"], [[2.0]], [-1.0]),
    ...     Function.of("margin", "probability", "sigmoid"),
    ...     Result(("probability",), ("score",), ("DOUBLE",)),
    ... ))
    >>> formula.score({"recency": np.array([0.5, np.nan])})
    array([0.5, nan])
    >>> Formula.from_weights(formula.weights()).score({"recency": np.array([0.5])})
    array([0.5])
    >>> formula.features_behind("probability"), formula.producer("probability").name
    (('recency',), 'function')

    Attributes:
        operations: the steps; the names that they read and make hold the formula together.
    """

    operations: tuple[Operation, ...]

    @classmethod
    def from_weights(cls, table: pa.Table) -> Self:
        """The formula that `weights` was called on; raises KeyError for an operation that is not known.

        Args:
            table: rows of `weights.SCHEMA`, step after step.
        """
        steps = weights.integers(table, "step")
        starts = [*np.flatnonzero(np.diff(steps, prepend=-1)), len(steps)]
        parts = [table.slice(start, end - start) for start, end in itertools.pairwise(starts)]
        return cls(tuple(BY_NAME[part["operation"][0].as_py()].from_rows(part) for part in parts))

    def weights(self) -> pa.Table:
        """Everything learned, as rows of `weights.SCHEMA`, step after step."""
        return pa.concat_tables([self._labelled(step, operation) for step, operation in enumerate(self.operations)])

    def _labelled(self, step: int, operation: Operation) -> pa.Table:
        table = operation.rows()
        behind = {name: "*".join(self.features_behind(name)) for name in operation.inputs}
        labels = {
            "step": pa.array([step] * len(table), pa.int32()),
            "operation": pa.array([operation.name] * len(table), pa.string()),
            "feature": pa.array([behind.get(name) for name in weights.texts(table, "input")], pa.string()),
        }
        for name, values in labels.items():
            table = table.set_column(table.schema.get_field_index(name), name, values)
        return table

    @property
    def inputs(self) -> Inputs:
        """The raw features."""
        return self.operations[0]

    @property
    def result(self) -> Result:
        """What the score is made of."""
        return self.operations[-1]

    @cached_property
    def _behind(self) -> dict[str, tuple[str, ...]]:
        behind = {name: (name,) for name in self.inputs.outputs}
        for operation in self.operations[1:]:
            found = tuple(dict.fromkeys(feature for name in operation.inputs for feature in behind[name]))
            behind |= dict.fromkeys(operation.outputs, found)
        return behind

    def features_behind(self, name: str) -> tuple[str, ...]:
        """The raw features that a column is made of, each once; raises KeyError for a column that nothing makes."""
        return self._behind[name]

    def producer(self, name: str) -> Operation:
        """The operation that makes a column; raises StopIteration when none does."""
        return next(operation for operation in self.operations if name in operation.outputs)

    # ---------------------------------------------------------------- NumPy

    def score(self, features: Features) -> np.ndarray:
        """Scores as float64 [rows], or [rows, parts] for a score of several parts; NaN where there is none.

        Raises ScorehouseError naming the columns that are missing, or the one that cannot be read as its kind.
        """
        made = self.columns(features)
        parts = [made[name] for name in self.result.inputs]
        return parts[0] if len(parts) == 1 else np.column_stack(parts)

    def columns(self, features: Features, until: Operation | None = None) -> Columns:
        """Every column of the formula, by name: float64 [rows], or Arrow texts [rows].

        Raises ScorehouseError as `score` does.

        Args:
            features: structs, or columns by name.
            until: an operation of the formula; only what comes before it is computed.
        """
        is_structs = isinstance(features, pa.StructArray | pa.ChunkedArray)
        made = self._reader.read(features) if is_structs else columns.select(features, self.inputs.kind_of)
        with np.errstate(all="ignore"):
            for operation in self.operations[1:-1]:
                if operation is until:
                    break
                outputs = operation.apply(made.take(operation.inputs))
                made.update(zip(operation.outputs, outputs, strict=True))
        return made

    @cached_property
    def _reader(self) -> StructReader:
        return StructReader(self.inputs.kind_of)

    # ---------------------------------------------------------------- SQL

    def expression(self) -> Expression:
        """The score as a sqlglot expression over the feature columns: one number, or a struct of the parts; NULL for NaN.

        Raises ScorehouseError where an operation has no SQL.

        >>> plain = Formula((Inputs.of({"x": "numeric"}), Result(("x",), ("score",), ("DOUBLE",))))
        >>> print(printed(plain.expression()))
        NULLIF(CAST("x" AS DOUBLE), CAST('nan' AS DOUBLE))
        """
        parts = self._final(self.expressions())
        return parts[0][1] if len(parts) == 1 else sql.struct(parts)

    def _final(self, made: dict[str, Expression]) -> list[tuple[str, Expression]]:
        parts = self.result.expressions([made[name] for name in self.result.inputs])
        return list(zip(self.result.outputs, parts, strict=True))

    def expressions(self, until: Operation | None = None) -> dict[str, Expression]:
        """Every column of the formula as an expression, by name; only what comes before the operation `until`, where given."""
        return self._carried(lambda operation, found: operation.expressions(found), self._raw_expressions(), until)

    def _raw_expressions(self) -> dict[str, Expression]:
        return {name: sql.column(name, "double" if kind == NUMERIC else "varchar") for name, kind in self.inputs.kind_of.items()}

    def size(self) -> int:
        """The most nodes that `expression` can have, without building it."""
        sizes = self._carried(lambda operation, found: operation.sizes(found), dict.fromkeys(self.inputs.inputs, 4))
        return sum(self.result.sizes([sizes[name] for name in self.result.inputs]))

    def _carried(self, step: Callable[[Operation, Sequence], Sequence], made: dict, until: Operation | None = None) -> dict:
        for operation in self.operations[1:-1]:
            if operation is until:
                break
            outputs = step(operation, [made[name] for name in operation.inputs])
            made.update(zip(operation.outputs, outputs, strict=True))
        return made


def printed(expression: exp.Expression) -> str:
    """An expression as DuckDB SQL."""
    return expression.sql(dialect="duckdb")
