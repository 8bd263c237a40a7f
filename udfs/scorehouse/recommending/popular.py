"""Popularity alone: the same list for everybody."""

from dataclasses import dataclass

from scipy import sparse

from scorehouse.recommending.fitting import Recommender
from scorehouse.recommending.history import History
from scorehouse.recommending.weights import ItemWeights, scaled


@dataclass(frozen=True)
class Popular(Recommender):
    """Recommends what many customers liked; the most popular item's score is 1.

    Attributes:
        half_life_days: a day that is so much older counts half; None for no decay.
        window_days: only so many latest days count; None for all.
    """

    half_life_days: float | None = 7
    window_days: int | None = None

    def fit(self, history: History) -> ItemWeights:
        """The weights that a history teaches, over its items; no similarities."""
        count = len(history.items)
        popularity = history.popularity(self.half_life_days, self.window_days)
        return ItemWeights(sparse.csr_matrix((count, count)), scaled(popularity, 1.0))
