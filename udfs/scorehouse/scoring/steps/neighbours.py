"""The mean answer of the nearest training rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from typing_extensions import override

from scorehouse.cached import cached_property
from scorehouse.scoring import weights
from scorehouse.scoring.columns import Column
from scorehouse.scoring.steps.operation import WithoutSql


@dataclass(frozen=True, eq=False)
class Neighbours(WithoutSql):
    """The mean of the answers of the `count` nearest points, weighted by 1 / distance where asked for.

    scikit-learn's own index finds them, so that equally near ones are taken in its order. A row with a missing or infinite
    coordinate has no answer: NaN. Points at no distance, where there are some, answer alone if nearer ones count more.

    >>> points, answers = np.array([[0.0], [1.0], [10.0]]), np.array([[2.0], [4.0], [90.0]])
    >>> Neighbours(("x",), ("y",), points, answers, 2, 2.0, False, "brute", 30).apply([np.array([0.4, np.nan])])
    [array([ 3., nan])]

    Attributes:
        points: float64 [points, inputs].
        answers: float64 [points, outputs].
        count: how many points answer.
        power: of the Minkowski distance; 1 is the sum of differences, 2 the Euclidean distance, infinity the largest difference.
        is_weighted: whether nearer points count more, by 1 / distance.
        index: brute, kd_tree or ball_tree.
        leaf_size: points in a leaf of such a tree.
    """

    name = "neighbours"
    points: np.ndarray
    answers: np.ndarray
    count: int
    power: float
    is_weighted: bool
    index: str
    leaf_size: int

    @cached_property
    def _nearest(self) -> object:
        from sklearn.neighbors import NearestNeighbors  # loads only where such a model scores

        return NearestNeighbors(n_neighbors=self.count, algorithm=self.index, leaf_size=self.leaf_size, p=self.power).fit(
            self.points
        )

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        matrix = np.column_stack(list(columns))
        is_known = np.isfinite(matrix).all(axis=1)
        found = np.full((len(matrix), self.answers.shape[1]), np.nan)
        if is_known.any():
            distances, places = self._nearest.kneighbors(matrix[is_known])
            found[is_known] = np.einsum("rk,rko->ro", self._shares(distances), self.answers[places])
        return list(found.T)

    def _shares(self, distances: np.ndarray) -> np.ndarray:
        """How much each neighbour counts [rows, count]; points at no distance count alone."""
        if not self.is_weighted:
            return np.full(distances.shape, 1 / self.count)
        with np.errstate(divide="ignore"):
            near = 1 / distances
        is_same = np.isinf(near).any(axis=1, keepdims=True)
        near = np.where(is_same, np.isinf(near), near)
        return near / near.sum(axis=1, keepdims=True)

    @override
    def rows(self) -> pa.Table:
        count = len(self.points)
        numbers = {"count": self.count, "power": self.power, "is_weighted": self.is_weighted, "leaf_size": self.leaf_size}
        return pa.concat_tables(
            [
                weights.rows("input", input=self.inputs),
                weights.rows("output", output=self.outputs),
                weights.rows(
                    "point",
                    input=list(self.inputs) * count,
                    position=np.repeat(np.arange(count), len(self.inputs)),
                    value=self.points.ravel(),
                ),
                weights.rows(
                    "answer",
                    output=list(self.outputs) * count,
                    position=np.repeat(np.arange(count), len(self.outputs)),
                    value=self.answers.ravel(),
                ),
                weights.rows("index", category=[self.index]),
                *(weights.rows(part, value=[float(value)]) for part, value in numbers.items()),
            ]
        )

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        inputs = tuple(weights.texts(weights.part(table, "input"), "input"))
        outputs = tuple(weights.texts(weights.part(table, "output"), "output"))
        numbers = {part: weights.number(table, part) for part in ("count", "power", "is_weighted", "leaf_size")}
        return cls(
            inputs,
            outputs,
            weights.numbers(weights.part(table, "point")).reshape(-1, len(inputs)),
            weights.numbers(weights.part(table, "answer")).reshape(-1, len(outputs)),
            int(numbers["count"]),
            numbers["power"],
            bool(numbers["is_weighted"]),
            weights.part(table, "index")["category"][0].as_py(),
            int(numbers["leaf_size"]),
        )
