"""Weights of a recommender: similarities between items, and the items' popularity."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy import sparse

from scorehouse.scoring import weights

DECIMALS = 9
"""Weights are rounded to so many, so that their sums are exact whole numbers in SQL."""


@dataclass(frozen=True, eq=False)
class ItemWeights:
    """score = preferences @ similarity + popularity.

    Attributes:
        similarity: float64 [items, items], sparse and not negative: from the liked item (row) to the recommended one.
        popularity: float64 [items].
    """

    similarity: sparse.csr_matrix
    popularity: np.ndarray

    def score(self, preferences: sparse.csr_matrix) -> np.ndarray:
        """Scores of all items: float64 [customers, items] from preferences of the same shape."""
        return (preferences @ self.similarity).toarray() + self.popularity

    def rows(self, items: np.ndarray) -> pa.Table:
        """The weights as rows: part, input (the liked item), output (the recommended item), value."""
        similarity = self.similarity.tocoo()
        order = np.lexsort((similarity.col, similarity.row))
        popular = np.flatnonzero(self.popularity > 0)
        similarities = weights.rows(
            "similarity",
            input=items[similarity.row[order]],
            output=items[similarity.col[order]],
            value=np.round(similarity.data[order], DECIMALS),
        )
        popularities = weights.rows("popularity", output=items[popular], value=np.round(self.popularity[popular], DECIMALS))
        return pa.concat_tables([similarities, popularities])


def scaled(popularity: np.ndarray, largest: float) -> np.ndarray:
    """Popularities whose largest is `largest`.

    >>> scaled(np.array([1.0, 4.0]), 0.1)
    array([0.025, 0.1  ])
    """
    top = popularity.max(initial=0)
    return popularity * (largest / top) if top > 0 else popularity


def largest(matrix: np.ndarray, count: int) -> np.ndarray:
    """Places of the `count` largest values of each row, the largest first: int64 [rows, count or fewer]."""
    count = min(count, matrix.shape[1])
    if not count:
        return np.zeros((len(matrix), 0), np.int64)
    places = np.sort(np.argpartition(-matrix, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(matrix, places, axis=1), axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)


def strongest(matrix: np.ndarray, count: int) -> sparse.csr_matrix:
    """The largest `count` positive values of each row; the others are 0."""
    order = largest(matrix, count)
    values = np.take_along_axis(matrix, order, axis=1)
    rows = np.repeat(np.arange(len(matrix)), order.shape[1])
    kept = values.ravel() > 10.0**-DECIMALS
    return sparse.csr_matrix((values.ravel()[kept], (rows[kept], order.ravel()[kept])), matrix.shape)
