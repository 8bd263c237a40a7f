"""EASE: the linear model that predicts each item from all others, in closed form."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse
from scipy.linalg import lapack
from threadpoolctl import threadpool_limits

from scorehouse.errors import ScorehouseError
from scorehouse.recommending.fitting import Recommender
from scorehouse.recommending.history import History
from scorehouse.recommending.weights import Trend, spread, strongest


@dataclass(frozen=True)
class Ease(Recommender):
    """Recommends what a ridge regression of each item on all others predicts, plus what is popular now.

    Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019: B = I - P diag(1 / diag(P)) with P = (X'X + penalty
    I)^-1. X has a row for each customer.

    Attributes:
        penalty: of the ridge regression; above 0.
        maximum_items: so many items, those liked most, have similarities; memory grows with its square, time with its cube.
        neighbour_count: similar items kept of each item; only positive coefficients are.
        trend: score of the most popular item; 0.1 is as good as a similarity of 0.1 to an item taken just now.
        trend_half_life_days: a day that is so much older counts half for that popularity.
        trend_of_new: whether it is of customers who had not taken the item before; not where lists are to repeat what was taken.
        repeat: similarity of an item to itself, which counts where taken items may be recommended again.
    """

    ONLY_OF_POPULARITY: ClassVar[tuple[str, ...]] = ("trend", "trend_half_life_days", "trend_of_new")

    penalty: float = 300
    maximum_items: int = 1500
    neighbour_count: int = 30
    trend: float = 0.05
    trend_half_life_days: float = 2
    trend_of_new: bool = True
    repeat: float = 0.4

    def __post_init__(self) -> None:
        """Raise ScorehouseError for a penalty that is none."""
        if not self.penalty > 0:
            raise ScorehouseError(f"Ease: expected a penalty above 0, found {self.penalty}; leave it out for {Ease.penalty:g}.")

    def similarity(self, history: History) -> sparse.csr_matrix:
        """Coefficients of the regression, of the items that are liked most; float64 [items, items]."""
        count = len(history.items)
        chosen = history.most_liked(self.maximum_items)
        liked = history.strengths[:, chosen]
        gram = (liked.T @ liked).toarray()
        similarity = strongest(_regression(gram, self.penalty), self.neighbour_count)
        return spread(similarity + self.repeat * sparse.eye_array(len(chosen)), chosen, count)

    def now(self) -> Trend:
        """What is popular now."""
        return Trend(self.trend, self.trend_half_life_days, of_new=self.trend_of_new)


def _regression(gram: np.ndarray, penalty: float) -> np.ndarray:
    """Coefficients [items, items] of each item (column) on all others (rows); 0 on the diagonal."""
    if not len(gram):
        return gram
    gram[np.diag_indices_from(gram)] += penalty
    with threadpool_limits(1):  # sums in one order, so that every build gives the same bits
        factor, is_singular = lapack.dpotrf(np.asfortranarray(gram), lower=1, overwrite_a=1)
        inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    if is_singular:
        raise ScorehouseError(f"Ease: expected a penalty that makes the regression solvable, found {penalty:g}; make it larger.")
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    coefficients = -inverse / np.diag(inverse)
    np.fill_diagonal(coefficients, 0)
    return coefficients
