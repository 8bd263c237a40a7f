"""Similarity of two items: the cosine of the customers who took them."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import sparse

from scorehouse.recommending.fitting import Recommender
from scorehouse.recommending.history import History
from scorehouse.recommending.weights import Trend, spread, strongest

BLOCK = 500
"""Items whose similarities are held in memory at once."""


@dataclass(frozen=True)
class ItemItem(Recommender):
    """Recommends what customers with the same items took.

    Sarwar, Karypis, Konstan, Riedl, Item-based collaborative filtering recommendation algorithms, WWW 2001: the similarity of two
    items is the cosine of their columns in the matrix of customers' strengths.

    Attributes:
        neighbour_count: similar items kept of each item.
        maximum_items: so many items, those liked most, have similarities; memory grows with it, time with its square.
        trend: score of the most popular item, for customers and items without neighbours.
        trend_half_life_days: a day that is so much older counts half for that popularity.
    """

    ONLY_OF_POPULARITY: ClassVar[tuple[str, ...]] = ("trend", "trend_half_life_days")

    neighbour_count: int = 60
    maximum_items: int = 20_000
    trend: float = 0.001
    trend_half_life_days: float = 7

    def similarity(self, history: History) -> sparse.csr_matrix:
        """The largest cosines of each of the items that are liked most: float64 [items, items]."""
        chosen = history.most_liked(self.maximum_items)
        liked = history.strengths[:, chosen]
        norms = np.sqrt(np.maximum(np.asarray(liked.multiply(liked).sum(axis=0)).ravel(), 1e-12))
        directions = (liked @ sparse.diags_array(1 / norms)).tocsc()
        blocks = [self._similar(directions, start) for start in range(0, len(chosen), BLOCK)]
        return spread(sparse.vstack(blocks), chosen, len(history.items)) if blocks else sparse.csr_matrix((0, 0))

    def now(self) -> Trend:
        """What is popular now."""
        return Trend(self.trend, self.trend_half_life_days)

    def _similar(self, directions: sparse.csc_matrix, start: int) -> sparse.csr_matrix:
        block = (directions[:, start : start + BLOCK].T @ directions).toarray()
        places = np.arange(len(block))
        block[places, start + places] = 0
        return strongest(block, self.neighbour_count)
