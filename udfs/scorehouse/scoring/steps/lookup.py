"""Operations that read a table: categories, bins, knots."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from sqlglot import exp
from typing_extensions import override

from scorehouse.scoring import columns, weights
from scorehouse.scoring import sql_builders as sql
from scorehouse.scoring.columns import Column
from scorehouse.scoring.sql_builders import Expression
from scorehouse.scoring.steps.operation import Operation


@dataclass(frozen=True, eq=False)
class FillCategory(Operation):
    """The category, or the learned one where it is NULL.

    >>> filling = FillCategory(("country",), ("filled",), "none")
    >>> filling.apply([pa.array(["uk", None])])[0].to_pylist()
    ['uk', 'none']
    >>> filling.expressions([exp.column("country")])[0].sql("duckdb")
    "COALESCE(country, 'none')"

    Attributes:
        fill: the category that stands for NULL.
    """

    name = "fill_category"
    fill: str

    @override
    def apply(self, columns: Sequence[Column]) -> list[pa.Array]:
        return [columns[0].fill_null(self.fill)]

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        return [exp.Coalesce(this=columns[0], expressions=[sql.text(self.fill)])]

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return [sizes[0] + 2]

    @override
    def rows(self) -> pa.Table:
        return weights.rows("fill", input=self.inputs, output=self.outputs, category=[self.fill])

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        return cls(*((name,) for name in _ends(table)), table["category"][0].as_py())


@dataclass(frozen=True, eq=False)
class Lookup(Operation):
    """A row of numbers for each category: one-hot, ordinal and target encoding, and any linear function of them.

    >>> lookup = Lookup(("country",), ("points",), ("uk", "fr"), np.array([[1.0], [2.0]]), np.array([0.0]))
    >>> lookup.apply([pa.array(["fr", "uk", "de", None])])
    [array([2., 1., 0., 0.])]
    >>> Lookup(("c",), ("points",), ("uk",), np.array([[1.0]]), np.array([0.0])).expressions([exp.column("c")])[0].sql("duckdb")
    "CASE c WHEN 'uk' THEN 1.0000000000000000e+00 ELSE 0.0000000000000000e+00 END"

    Attributes:
        categories: the known categories; None stands for NULL, which is unknown when it is not among them.
        table: float64 [categories, outputs].
        unknown: float64 [outputs], for everything else.
    """

    name = "lookup"
    categories: tuple[str | None, ...]
    table: np.ndarray
    unknown: np.ndarray

    @override
    def apply(self, columns_: Sequence[Column]) -> list[np.ndarray]:
        codes = columns.category_codes(columns_[0], list(self.categories))
        return list(np.vstack([self.table, self.unknown])[codes].T)

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        return [self._expression(columns[0], output) for output in range(len(self.outputs))]

    def _expression(self, subject: Expression, output: int) -> Expression:
        otherwise = self.unknown[output]
        differing = [
            (category, value)
            for category, value in zip(self.categories, self.table[:, output], strict=True)
            if not _same(value, otherwise)
        ]
        cases = [(sql.text(category), _number(value)) for category, value in differing if category is not None]
        known = sql.match(subject, cases, _number(otherwise)) if cases else _number(otherwise)
        of_null = [_number(value) for category, value in differing if category is None]
        return sql.when([(exp.Is(this=subject, expression=exp.null()), of_null[0])], known) if of_null else known

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return [2 * sizes[0] + 5 + 4 * int(np.sum(column != 0)) for column in (self.table - self.unknown).T]

    @override
    def rows(self) -> pa.Table:
        known = _table_rows("category", self.inputs[0], self.outputs, self.table, category=self.categories)
        unknown = _table_rows("unknown", self.inputs[0], self.outputs, self.unknown[None, :], category=[None])
        return pa.concat_tables([known, unknown])

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        outputs, unknown = _read_table(weights.part(table, "unknown"))
        known = weights.part(table, "category")
        categories = weights.texts(known, "category")[:: len(outputs)]
        values = weights.numbers(known).reshape(-1, len(outputs))
        return cls((table["input"][0].as_py(),), outputs, tuple(categories), values, unknown[0])


@dataclass(frozen=True, eq=False)
class Bins(Operation):
    """A row of numbers for each interval: bin i holds edges[i-1] <= x < edges[i].

    >>> bins = Bins(("x",), ("points",), np.array([1.0, 5.0]), np.array([[10.0], [20.0], [30.0]]), np.array([-1.0]))
    >>> bins.apply([np.array([0.0, 1.0, 4.9, 5.0, np.nan])])
    [array([10., 20., 20., 30., -1.])]

    Attributes:
        edges: float64 [bins - 1], rising.
        table: float64 [bins, outputs].
        missing: float64 [outputs], where x is missing.
    """

    name = "bins"
    edges: np.ndarray
    table: np.ndarray
    missing: np.ndarray

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        codes = np.searchsorted(self.edges, columns[0], side="right")
        codes = np.where(np.isnan(columns[0]), len(self.table), codes)
        return list(np.vstack([self.table, self.missing])[codes].T)

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        return [self._expression(columns[0], output) for output in range(len(self.outputs))]

    def _expression(self, x: Expression, output: int) -> Expression:
        values = [_number(value) for value in self.table[:, output]]
        inside = search(x, self.edges, values)
        return sql.when([(sql.is_present(x), inside)], _number(self.missing[output]))

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return [(sizes[0] + 6) * (len(self.edges) + 1)] * len(self.outputs)

    @override
    def rows(self) -> pa.Table:
        edges = np.append(self.edges, np.inf)
        bins = range(len(self.table))
        known = _table_rows("bin", self.inputs[0], self.outputs, self.table, position=bins, threshold=edges)
        missing = _table_rows("missing", self.inputs[0], self.outputs, self.missing[None, :], position=[None])
        return pa.concat_tables([known, missing])

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        outputs, missing = _read_table(weights.part(table, "missing"))
        known = weights.part(table, "bin")
        edges = weights.numbers(known, "threshold")[:: len(outputs)][:-1]
        values = weights.numbers(known).reshape(-1, len(outputs))
        return cls((table["input"][0].as_py(),), outputs, edges, values, missing[0])


@dataclass(frozen=True, eq=False)
class Interpolate(Operation):
    """Straight lines between knots, constant beyond the first and last: isotonic calibration, quantile transforms.

    >>> Interpolate(("x",), ("y",), np.array([0.0, 10.0]), np.array([1.0, 3.0])).apply([np.array([-7.0, 5.0, 99.0, np.nan])])
    [array([ 1.,  2.,  3., nan])]

    Attributes:
        x, y: float64 [knots]; no two x are equal, and they rise.
    """

    name = "interpolate"
    x: np.ndarray
    y: np.ndarray

    @property
    def direction(self) -> int:
        """1 where it never falls as x rises, -1 where it never rises, 0 where it does both or stays the same."""
        steps = np.sign(np.diff(self.y))
        return int(steps.sum() > 0) - int(steps.sum() < 0) if np.unique(steps[steps != 0]).size == 1 else 0

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        return [np.where(np.isnan(columns[0]), np.nan, np.interp(columns[0], self.x, self.y))]

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        values = [sql.number(self.y[0])]
        for start, end in zip(range(len(self.x) - 1), range(1, len(self.x)), strict=True):
            slope = (self.y[end] - self.y[start]) / (self.x[end] - self.x[start])
            rise = sql.multiply(sql.number(slope), sql.subtract(columns[0], sql.number(self.x[start])))
            values.append(sql.add(rise, sql.number(self.y[start])) if slope else sql.number(self.y[start]))
        values.append(sql.number(self.y[-1]))
        return [sql.when([(sql.is_present(columns[0]), search(columns[0], self.x, values))], exp.null())]

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return [(2 * sizes[0] + 12) * (len(self.x) + 1)]

    @override
    def rows(self) -> pa.Table:
        count = len(self.x)
        ends = {"input": self.inputs * count, "output": self.outputs * count}
        return weights.rows("knot", count, **ends, position=range(count), threshold=self.x, value=self.y)

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        ends = ((name,) for name in _ends(table))
        return cls(*ends, weights.numbers(table, "threshold"), weights.numbers(table))


def search(x: Expression, edges: Sequence[float], values: Sequence[Expression]) -> Expression:
    """The value of the interval that holds x, found by halving: values[i] where edges[i-1] <= x < edges[i].

    The edges rise; there is one value more than edges. A missing x is taken as larger than every edge: who calls asks before.

    >>> search(exp.column("x"), [1.0], [exp.column("a"), exp.column("b")]).sql("duckdb")
    'CASE WHEN x < 1.0000000000000000e+00 THEN a ELSE b END'
    """
    if len(values) == 1:
        return values[0]
    middle = len(values) // 2
    below = exp.LT(this=sql.wrap(x), expression=sql.number(edges[middle - 1]))
    left = search(x, edges[: middle - 1], values[:middle])
    return sql.when([(below, left)], search(x, edges[middle:], values[middle:]))


def _number(value: float) -> Expression:
    return exp.cast(exp.null(), "double") if np.isnan(value) else sql.number(value)


def _same(one: float, other: float) -> bool:
    return one == other or (np.isnan(one) and np.isnan(other))


def _ends(table: pa.Table) -> tuple[str, str]:
    return table["input"][0].as_py(), table["output"][0].as_py()


def _table_rows(part: str, source: str, outputs: Sequence[str], table: np.ndarray, **of_row: Sequence) -> pa.Table:
    """One weight for each cell of `table` [rows, outputs], row by row; `of_row` are columns that go with the rows."""
    repeated = {name: [value for value in values for _ in outputs] for name, values in of_row.items()}
    count = table.size
    return weights.rows(part, count, input=[source] * count, output=list(outputs) * len(table), value=table.ravel(), **repeated)


def _read_table(table: pa.Table) -> tuple[tuple[str, ...], np.ndarray]:
    outputs = tuple(weights.texts(table, "output"))
    return outputs, weights.numbers(table).reshape(-1, len(outputs))
