"""Distances and densities around learned points."""

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
class SquaredDistance(Operation):
    """constant + scale * sum of ((x_j - centre_j)**2 * weight_j), one output for each centre.

    With weights 1 it is the squared Euclidean distance (k-means); with weights 1 / variance, scale -1/2 and its own constant
    it is the logarithm of a normal density with independent features (naive Bayes). NaN where an input is missing.

    >>> distance = SquaredDistance.of(["x", "y"], ["distance"], [[1.0, 2.0]])
    >>> distance.apply([np.array([4.0, 1.0]), np.array([6.0, np.nan])])
    [array([25., nan])]
    >>> SquaredDistance.of(["x"], ["distance"], [[1.0]]).expressions([exp.column("x")])[0].sql("duckdb")
    '(x - 1.0000000000000000e+00) * (x - 1.0000000000000000e+00)'

    Attributes:
        centres, precisions: float64 [outputs, inputs]; a precision is the weight above.
        constants: float64 [outputs].
        scale: factor of the whole sum.
    """

    name = "squared_distance"
    centres: np.ndarray
    precisions: np.ndarray
    constants: np.ndarray
    scale: float = 1.0

    @classmethod
    def of(cls, inputs: Sequence[str], outputs: Sequence[str], centres: np.ndarray) -> Self:
        """Squared Euclidean distances to `centres`: numbers [outputs, inputs]."""
        centres = np.asarray(centres, np.float64)
        return cls(tuple(inputs), tuple(outputs), centres, np.ones_like(centres), np.zeros(len(centres)))

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        return [self._distance(columns, output) for output in range(len(self.outputs))]

    def _distance(self, columns: Sequence[Column], output: int) -> np.ndarray:
        summed = np.zeros(len(columns[0]))
        for x, centre, precision in zip(columns, self.centres[output], self.precisions[output], strict=True):
            difference = x - centre
            summed += difference * difference * precision
        return summed * self.scale + self.constants[output]

    def contribution(self, index: int, x: np.ndarray) -> np.ndarray:
        """What input `index`, as x: float64 [rows], adds to each output, constants left out: float64 [outputs, rows]."""
        difference = x[None, :] - self.centres[:, index, None]
        return difference * difference * self.precisions[:, index, None] * self.scale

    def contribution_expression(self, output: int, index: int, x: Expression) -> Expression:
        """What input `index`, as the expression x, adds to one output, its constant left out."""
        term = self._term(output, index, x)
        return term if self.scale == 1 else sql.multiply(sql.number(self.scale), term)

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        return [self._expression(columns, output) for output in range(len(self.outputs))]

    def _expression(self, columns: Sequence[Expression], output: int) -> Expression:
        summed = sql.total([self._term(output, index, x) for index, x in enumerate(columns)])
        scaled = summed if self.scale == 1 else sql.multiply(sql.number(self.scale), summed)
        constant = self.constants[output]
        return sql.add(scaled, sql.number(constant)) if constant else scaled

    def _term(self, output: int, index: int, x: Expression) -> Expression:
        squared = sql.square(sql.subtract(x, sql.number(self.centres[output, index])))
        precision = self.precisions[output, index]
        return squared if precision == 1 else sql.multiply(squared, sql.number(precision))

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return [2 * sum(sizes) + 12 * len(sizes) + 4] * len(self.outputs)

    @override
    def rows(self) -> pa.Table:
        pairs = {
            "input": list(self.inputs) * len(self.outputs),
            "output": [o for o in self.outputs for _ in self.inputs],
        }
        return pa.concat_tables(
            [
                weights.rows("centre", **pairs, value=self.centres.ravel()),
                weights.rows("precision", **pairs, value=self.precisions.ravel()),
                weights.rows("constant", output=self.outputs, value=self.constants),
                weights.rows("scale", value=[self.scale]),
            ]
        )

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        constants = weights.part(table, "constant")
        outputs = tuple(weights.texts(constants, "output"))
        centres = weights.part(table, "centre")
        inputs = tuple(weights.texts(centres, "input")[: centres.num_rows // len(outputs)])
        shape = (len(outputs), len(inputs))
        precisions = weights.numbers(weights.part(table, "precision"))
        return cls(
            inputs,
            outputs,
            weights.numbers(centres).reshape(shape),
            precisions.reshape(shape),
            weights.numbers(constants),
            weights.number(table, "scale"),
        )


@dataclass(frozen=True, eq=False)
class Nearest(Operation):
    """The place of the nearest centre, the first one when several are as near, and the Euclidean distance to it.

    A coordinate is factor * x, with x = fill where it is missing. Neither output is known where a coordinate is missing; where
    one is infinite, so is the distance, and no centre is the nearest.

    >>> nearest = Nearest.of(["x"], ["cluster", "distance"], [[0.0], [10.0]])
    >>> nearest.apply([np.array([1.0, 12.0, np.nan])])
    [array([ 0.,  1., nan]), array([ 1.,  2., nan])]

    Attributes:
        centres: float64 [centres, inputs].
        factors: float64 [inputs].
        fills: float64 [inputs]; NaN leaves a missing number missing.
    """

    name = "nearest"
    centres: np.ndarray
    factors: np.ndarray
    fills: np.ndarray

    @classmethod
    def of(cls, inputs: Sequence[str], outputs: Sequence[str], centres: np.ndarray) -> Self:
        """The nearest of `centres`, numbers [centres, inputs], to the inputs as they are; `outputs` names place and distance."""
        centres = np.asarray(centres, np.float64)
        return cls(tuple(inputs), tuple(outputs), centres, np.ones(len(inputs)), np.full(len(inputs), np.nan))

    def coordinates(self, columns: Sequence[Column]) -> np.ndarray:
        """Input columns, float64 [rows] each, as coordinates: float64 [inputs, rows]."""
        pairs = zip(columns, self.factors, self.fills, strict=True)
        return np.vstack([factor * np.where(np.isnan(x), fill, x) for x, factor, fill in pairs])

    def distances(self, coordinates: np.ndarray) -> np.ndarray:
        """The Euclidean distance of coordinates, float64 [inputs, rows], to each centre: float64 [centres, rows]."""
        squared = np.zeros((len(self.centres), coordinates.shape[1]))
        for x, values in zip(coordinates, self.centres.T, strict=True):
            squared += np.square(x - values[:, None])
        return np.sqrt(squared)

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        distances = self.distances(self.coordinates(columns))
        return [distances.argmin(axis=0) + 0 * distances[0], distances.min(axis=0)]

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        """The nearest centre's place and its distance.

        DuckDB computes each distance once, however often it is written, but not within a case; so no case asks whether there
        is a nearest centre: 0 * distance, which is added to the place, is NaN where the distance is not finite.
        """
        distances = self._distance_expressions(columns)
        smallest = exp.Least(this=distances[0], expressions=distances[1:], ignore_nulls=True)
        place = exp.ArrayPosition(this=exp.Array(expressions=distances), expression=smallest)
        nothing = sql.multiply(sql.number(0), distances[0])
        return [sql.add(sql.subtract(place, sql.number(1)), nothing), smallest]

    def _distance_expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        """DuckDB refuses NULL among coordinates."""
        coordinates = []
        for x, factor, fill in zip(columns, self.factors, self.fills, strict=True):
            known = exp.Coalesce(this=x, expressions=[sql.number(fill)]) if np.isnan(fill) else sql.filled(x, fill)
            coordinates.append(known if factor == 1 else sql.multiply(sql.number(factor), known))
        row = exp.Array(expressions=coordinates)
        centres = [exp.Array(expressions=[sql.number(value) for value in centre]) for centre in self.centres]
        return [exp.EuclideanDistance(this=row, expression=centre) for centre in centres]

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        count = len(self.centres)
        coordinates = sum(2 * size + 13 for size in sizes)
        distance = coordinates + 2 * len(sizes) + 4
        return [(2 * count + 1) * distance + 12, count * distance + 4]

    @override
    def rows(self) -> pa.Table:
        count, width = self.centres.shape
        places = np.repeat(np.arange(count), width)
        return pa.concat_tables(
            [
                weights.rows("output", output=self.outputs),
                weights.rows("centre", input=list(self.inputs) * count, position=places, value=self.centres.ravel()),
                weights.rows("factor", input=self.inputs, value=self.factors),
                weights.rows("fill", input=self.inputs, value=self.fills),
            ]
        )

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        factors = weights.part(table, "factor")
        inputs = tuple(weights.texts(factors, "input"))
        outputs = tuple(weights.texts(weights.part(table, "output"), "output"))
        centres = weights.numbers(weights.part(table, "centre")).reshape(-1, len(inputs))
        return cls(inputs, outputs, centres, weights.numbers(factors), weights.numbers(weights.part(table, "fill")))


@dataclass(frozen=True, eq=False)
class Kernel(Operation):
    """Similarity of a row x to each learned point p, as in scikit-learn's pairwise kernels.

    linear: x . p; poly: (gamma * x . p + offset) ** degree; sigmoid: tanh(gamma * x . p + offset);
    rbf: exp(-gamma * squared Euclidean distance of x and p). NaN where an input is missing.

    >>> Kernel(("x",), ("similarity",), "poly", np.array([[2.0]]), offset=1.0, degree=2.0).apply([np.array([3.0, 1.0])])
    [array([49.,  9.])]
    >>> Kernel(("x",), ("similarity",), "rbf", np.array([[2.0]]), gamma=0.5).expressions([exp.column("x")])[0].sql("duckdb")
    'EXP((-5.0000000000000000e-01) * ((x - 2.0000000000000000e+00) * (x - 2.0000000000000000e+00)))'

    Attributes:
        kind: linear, poly, rbf or sigmoid.
        points: float64 [outputs, inputs].
        gamma, offset, degree: numbers of the formulas above; a kind ignores those that it does not name.
    """

    name = "kernel"
    kind: str
    points: np.ndarray
    gamma: float = 1.0
    offset: float = 0.0
    degree: float = 3.0

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        summed = np.zeros((len(self.points), len(columns[0])))
        for x, values in zip(columns, self.points.T, strict=True):
            summed += (x - values[:, None]) ** 2 if self.kind == "rbf" else x * values[:, None]
        return list(self._shaped(summed))

    def _shaped(self, summed: np.ndarray) -> np.ndarray:
        if self.kind == "rbf":
            return np.exp(-self.gamma * summed)
        if self.kind == "linear":
            return summed
        inner = self.gamma * summed + self.offset
        return np.tanh(inner) if self.kind == "sigmoid" else inner**self.degree

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        return [self._expression(columns, point) for point in self.points]

    def _expression(self, columns: Sequence[Expression], point: np.ndarray) -> Expression:
        summed = sql.total([self._term(x, value) for x, value in zip(columns, point, strict=True)])
        if self.kind == "rbf":
            return sql.call("exp", sql.multiply(sql.number(-self.gamma), summed))
        if self.kind == "linear":
            return summed
        inner = sql.add(sql.multiply(sql.number(self.gamma), summed), sql.number(self.offset))
        return sql.call("tanh", inner) if self.kind == "sigmoid" else sql.call("pow", inner, sql.number(self.degree))

    def _term(self, x: Expression, value: float) -> Expression:
        if self.kind == "rbf":
            return sql.square(sql.subtract(x, sql.number(value)))
        return sql.multiply(x, sql.number(value))

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return [2 * sum(sizes) + 10 * len(sizes) + 8] * len(self.outputs)

    @override
    def rows(self) -> pa.Table:
        parameters = {"gamma": self.gamma, "offset": self.offset, "degree": self.degree}
        points = weights.rows(
            "point",
            input=list(self.inputs) * len(self.outputs),
            output=[output for output in self.outputs for _ in self.inputs],
            value=self.points.ravel(),
        )
        learned = [weights.rows(part, value=[float(value)]) for part, value in parameters.items()]
        return pa.concat_tables([points, weights.rows("kind", category=[self.kind]), *learned])

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        points = weights.part(table, "point")
        outputs = tuple(dict.fromkeys(weights.texts(points, "output")))
        inputs = tuple(weights.texts(points, "input")[: points.num_rows // len(outputs)])
        parameters = (weights.number(table, part) for part in ("gamma", "offset", "degree"))
        kind = weights.part(table, "kind")["category"][0].as_py()
        return cls(inputs, outputs, kind, weights.numbers(points).reshape(len(outputs), -1), *parameters)
