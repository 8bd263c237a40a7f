"""Lists of the best items, and how good they are: what customers took next, against what would have been recommended."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from scorehouse.recommending.history import History, positive
from scorehouse.recommending.weights import ItemWeights, largest

CELLS = 10_000_000
"""Scores that are held in memory at once, of some customers and all items."""
LENGTH = 20
"""Items in a customer's list."""


@dataclass(frozen=True, eq=False)
class Compared:
    """How good lists are.

    Attributes:
        metrics: by name; empty where there are no lists.
        gains: ndcg_at_10 of each customer's list, in the order of the customers: float64 [customers].
    """

    metrics: dict[str, float]
    gains: np.ndarray

    def lead(self, other: "Compared") -> dict[str, float]:
        """By how much ndcg_at_10 is above that of other lists of the same customers, and the standard error of that difference.

        Each customer is compared with themselves, so that what is hard to guess for all does not count.

        >>> Compared({}, np.array([0.75, 0.25, 0.75, 0.25])).lead(Compared({}, np.full(4, 0.25)))
        {'ndcg_at_10_lead': 0.25, 'ndcg_at_10_lead_error': 0.125}
        """
        if not len(self.gains):
            return {}
        differences = self.gains - other.gains
        return {"ndcg_at_10_lead": float(differences.mean()), "ndcg_at_10_lead_error": _error(differences)}


def compare(weights: ItemWeights, past: History, future: History, is_new: bool, most_customers: int | None = None) -> Compared:
    """How good the lists are that weights give; arguments and metrics of `compare_popularities`."""
    return compare_popularities(weights.similarity, [weights.popularity], past, future, is_new, most_customers)[0]


def compare_popularities(
    similarity: sparse.csr_matrix,
    popularities: Sequence[np.ndarray],
    past: History,
    future: History,
    is_new: bool,
    most_customers: int | None = None,
) -> list[Compared]:
    """How good the lists are, over the customers with a past and a future, for each of some popularities.

    hit_rate_at_10: share of customers with an item of their future among the first ten. ndcg_at_10: discounted gain, as a share
    of the best possible one (Jarvelin and Kekalainen, ACM Transactions on Information Systems 20, 2002; binary gains), and
    ndcg_at_10_error its standard error over customers. recall_at_20: share of the future that is in the list, or of the list
    where the future is longer (Liang, Krishnan, Hoffman, Jebara, WWW 2018). coverage_at_10: share of items that are among some
    customer's first ten. customers: their number.

    Here ann had the cup and takes the pen, which is second in everybody's list:

    >>> names, one = (np.array(["ann"]), np.array(["cup", "pen"])), np.ones(1)
    >>> past, future = (History(*names, np.array([0]), np.array([item]), one, one, one, one > 0, today=2) for item in (0, 1))
    >>> weights = ItemWeights(sparse.csr_matrix((2, 2)), np.array([0.9, 0.5]))
    >>> found = compare(weights, past, future, is_new=False).metrics
    >>> round(found["ndcg_at_10"], 2), found["hit_rate_at_10"], found["recall_at_20"], found["coverage_at_10"]
    (0.63, 1.0, 1.0, 1.0)

    Args:
        similarity: float64 [items, items], of a model that was fitted on the past.
        popularities: float64 [items] each, of such models.
        past, future: histories over the same customers and items.
        is_new: whether only items count that the customer did not take in the past.
        most_customers: so many at most, evenly from the first name to the last; None for all.
    """
    seen, wanted = past.taken, future.taken
    if is_new:
        wanted = positive(wanted - wanted.multiply(seen))
    asked = np.flatnonzero((np.diff(wanted.indptr) > 0) & (np.diff(seen.indptr) > 0))
    if most_customers and len(asked) > most_customers:
        asked = asked[np.linspace(0, len(asked) - 1, most_customers).astype(np.int64)]
    if not len(asked):
        return [Compared({}, np.zeros(0)) for _ in popularities]
    found, shown = np.zeros((len(popularities), 3, len(asked))), np.zeros((len(popularities), len(past.items)), bool)
    size = max(1, CELLS // max(len(past.items), 1))
    for start in range(0, len(asked), size):
        block = asked[start : start + size]
        by_similarity, is_wanted = (past.preferences[block] @ similarity).toarray(), wanted[block].toarray() > 0
        for place, popularity in enumerate(popularities):
            lists = best(by_similarity + popularity, seen[block] if is_new else None)
            shown[place, lists[:, :10]] = True
            hits = np.take_along_axis(is_wanted, lists, axis=1)
            found[place, :, start : start + len(block)] = _of_customers(hits, np.diff(wanted[block].indptr))
    return [_compared(*one) for one in zip(found, shown.mean(axis=1), strict=True)]


def _compared(of_customers: np.ndarray, coverage: float) -> Compared:
    hits, gains, recall = of_customers
    metrics = {
        "hit_rate_at_10": float(hits.mean()),
        "ndcg_at_10": float(gains.mean()),
        "ndcg_at_10_error": _error(gains),
        "recall_at_20": float(recall.mean()),
        "coverage_at_10": float(coverage),
        "customers": float(len(gains)),
    }
    return Compared(metrics, gains)


def _error(values: np.ndarray) -> float:
    """The standard error of a mean."""
    return float(values.std() / np.sqrt(len(values)))


def best(scores: np.ndarray, excluded: sparse.csr_matrix | None) -> np.ndarray:
    """Places of the `LENGTH` best items of each row, the best first: int64 [rows, LENGTH or fewer].

    Excluded items come last, in a list that has room for them; their scores are overwritten.

    >>> best(np.array([[0.1, 0.9, 0.5]]), excluded=sparse.csr_matrix([[0.0, 1.0, 0.0]]))
    array([[2, 0, 1]])

    Args:
        scores: float64 [rows, items].
        excluded: sparse [rows, items], something at each excluded item; None excludes none.
    """
    if excluded is not None:
        rows = np.repeat(np.arange(len(scores)), np.diff(excluded.indptr))
        scores[rows, excluded.indices] = -np.inf
    return largest(scores, LENGTH)


def _of_customers(hits: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Hit, gain and recall of each customer, float64 [3, customers], from hits by place: bool [customers, places]."""
    gains = 1 / np.log2(np.arange(2, 12))
    top = hits[:, :10]
    ideal = np.cumsum(gains)[np.minimum(wanted, 10) - 1]
    return np.array(
        [top.any(axis=1), (top * gains[: top.shape[1]]).sum(axis=1) / ideal, hits.sum(axis=1) / np.minimum(wanted, LENGTH)]
    )
