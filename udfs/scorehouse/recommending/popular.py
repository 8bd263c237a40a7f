"""Popularity alone: the same list for everybody."""

from dataclasses import dataclass
from typing import ClassVar

from scipy import sparse

from scorehouse.recommending.fitting import Recommender
from scorehouse.recommending.history import History
from scorehouse.recommending.weights import Trend


@dataclass(frozen=True)
class Popular(Recommender):
    """Recommends what many customers liked; the most popular item's score is 1.

    Attributes:
        half_life_days: a day that is so much older counts half; None for no decay.
        window_days: only so many latest days count; None for all.
    """

    ONLY_OF_POPULARITY: ClassVar[tuple[str, ...]] = ("half_life_days", "window_days")

    half_life_days: float | None = 7
    window_days: int | None = None

    def similarity(self, history: History) -> sparse.csr_matrix:
        """None of any item to any other: float64 [items, items]."""
        return sparse.csr_matrix((len(history.items),) * 2)

    def now(self) -> Trend:
        """What was liked, the most popular item 1."""
        return Trend(1.0, self.half_life_days, self.window_days)
