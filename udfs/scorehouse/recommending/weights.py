"""Weights of a recommender: similarities between items, and how their popularity is found."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy import sparse

from scorehouse.recommending.history import History
from scorehouse.scoring import weights

DECIMALS = 9
"""Weights are rounded to so many, so that their sums are exact whole numbers in SQL."""


@dataclass(frozen=True)
class Trend:
    """What is popular now: liked customer days, the newest counting most, scaled so that the most popular item has `largest`.

    A version holds this and not the popularities, which change every day: the macro item_popularities counts them.

    >>> Trend(0.1, half_life_days=7).rows()["input"].to_pylist()
    ['largest', 'half_life_days']

    Attributes:
        largest: score of the most popular item.
        half_life_days: a day that is so much older counts half; None for no decay.
        window_days: only so many latest days count; None for all.
        of_new: whether only customers count who had not taken the item before: what they take again says nothing of others.
    """

    largest: float
    half_life_days: float | None = None
    window_days: int | None = None
    of_new: bool = False

    def popularity(self, history: History) -> np.ndarray:
        """Scores of the items of a history: float64 [items]."""
        return scaled(history.popularity(self.half_life_days, self.window_days, self.of_new), self.largest)

    def rows(self) -> pa.Table:
        """What is neither None nor False, as rows of `scoring.weights.SCHEMA`: part trend, its name as input, and the value."""
        found = {name: value for name, value in vars(self).items() if value is not None and value is not False}
        return weights.rows("trend", input=list(found), value=[float(value) for value in found.values()])


@dataclass(frozen=True, eq=False)
class ItemWeights:
    """score = preferences @ similarity + popularity.

    >>> learned = ItemWeights(sparse.csr_matrix([[0.0, 0.5], [0.5, 0.0]]), np.array([0.1, 0.2]))
    >>> learned.score(sparse.csr_matrix([[1.0, 0.0]]))
    array([[0.1, 0.7]])

    Attributes:
        similarity: float64 [items, items], sparse and not negative: from the liked item (row) to the recommended one.
        popularity: float64 [items].
    """

    similarity: sparse.csr_matrix
    popularity: np.ndarray

    def score(self, preferences: sparse.csr_matrix) -> np.ndarray:
        """Scores of all items: float64 [customers, items] from sparse preferences of the same shape."""
        return (preferences @ self.similarity).toarray() + self.popularity

    def rows(self, items: np.ndarray) -> pa.Table:
        """The similarities as rows of `scoring.weights.SCHEMA`, their values rounded to `DECIMALS`.

        Part similarity has input (the liked item), output (the recommended one) and value, in the order of the items. What is 0
        has no row.

        Args:
            items: their names, texts [items].
        """
        similarity = self.similarity.tocoo()
        order = np.lexsort((similarity.col, similarity.row))
        return weights.rows(
            "similarity",
            input=items[similarity.row[order]],
            output=items[similarity.col[order]],
            value=np.round(similarity.data[order], DECIMALS),
        )


def scaled(popularity: np.ndarray, largest: float) -> np.ndarray:
    """Popularities, float64 [items], multiplied so that the largest is `largest`; all 0 where none is above 0.

    >>> scaled(np.array([1.0, 4.0]), 0.1)
    array([0.025, 0.1  ])
    """
    top = popularity.max(initial=0)
    return popularity * (largest / top) if top > 0 else popularity


def largest(matrix: np.ndarray, count: int) -> np.ndarray:
    """Places of the `count` largest values of each row, the largest first: int64 [rows, count or fewer].

    Equal values stand in the order of their places; where not all fit, the last of them are left out.

    >>> largest(np.array([[1.0, 3.0, 2.0, 3.0], [1.0, 1.0, 1.0, 2.0]]), 3)
    array([[1, 3, 2],
           [3, 0, 1]])
    """
    count = min(count, matrix.shape[1])
    if not count:
        return np.zeros((len(matrix), 0), np.int64)
    last = -np.partition(-matrix, count - 1, axis=1)[:, count - 1 : count]
    is_above, is_last = matrix > last, matrix == last
    places_left = count - is_above.sum(axis=1, keepdims=True)
    is_chosen = is_above | (is_last & (is_last.cumsum(axis=1) <= places_left))
    places = np.nonzero(is_chosen)[1].reshape(len(matrix), count)
    order = np.argsort(-np.take_along_axis(matrix, places, axis=1), axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1)


def spread(similarity: sparse.sparray, places: np.ndarray, count: int) -> sparse.csr_matrix:
    """Similarities of some items at their places among all: float64 [count, count].

    >>> spread(sparse.csr_matrix([[0.0, 0.5], [0.0, 0.0]]), np.array([0, 2]), 3).toarray()[0]
    array([0. , 0. , 0.5])
    """
    found = similarity.tocoo()
    return sparse.csr_matrix((found.data, (places[found.row], places[found.col])), (count, count))


def strongest(matrix: np.ndarray, count: int) -> sparse.csr_matrix:
    """The largest `count` values of each row, as a sparse matrix of the same shape; the others are 0.

    A value that is negative, 0, or too small for `DECIMALS` is none.

    >>> strongest(np.array([[0.5, -1.0, 0.25, 0.75]]), 2).toarray()
    array([[0.5 , 0.  , 0.  , 0.75]])
    """
    order = largest(matrix, count)
    values = np.take_along_axis(matrix, order, axis=1)
    rows = np.repeat(np.arange(len(matrix)), order.shape[1])
    kept = values.ravel() > 10.0**-DECIMALS
    return sparse.csr_matrix((values.ravel()[kept], (rows[kept], order.ravel()[kept])), matrix.shape)
