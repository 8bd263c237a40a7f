"""Lists of the best items, and how good they are: what customers took next, against what would have been recommended."""

import math
from collections.abc import Sequence
from itertools import repeat

import numpy as np
from scipy import sparse

from scorehouse.recommending.history import History, positive
from scorehouse.recommending.weights import ItemWeights, largest

CELLS = 10_000_000
"""Scores that are held in memory at once, of some customers and all items."""
LENGTH = 20
"""Items in a customer's list."""


def compare(
    weights: ItemWeights, past: History, future: History, is_new: bool, most_customers: int | None = None
) -> dict[str, float]:
    """Metrics of the lists that weights give, by name; arguments and metrics of `compare_popularities`."""
    return compare_popularities(weights.similarity, [weights.popularity], past, future, is_new, most_customers)[0]


def compare_popularities(
    similarity: sparse.csr_matrix,
    popularities: Sequence[np.ndarray],
    past: History,
    future: History,
    is_new: bool,
    most_customers: int | None = None,
) -> list[dict[str, float]]:
    """Metrics by name, over the customers with a past and a future, for each of some popularities; empty where there are none.

    hit_rate_at_10: share of customers with an item of their future among the first ten. ndcg_at_10: discounted gain, as a share
    of the best possible one (Jarvelin and Kekalainen, ACM Transactions on Information Systems 20, 2002; binary gains), and
    ndcg_at_10_error its standard error over customers. recall_at_20: share of the future that is in the list, or of the list
    where the future is longer (Liang, Krishnan, Hoffman, Jebara, WWW 2018). coverage_at_10: share of items that are among some
    customer's first ten. customers: their number.

    Here ann had the cup and takes the pen, which is second in everybody's list:

    >>> names, one = (np.array(["ann"]), np.array(["cup", "pen"])), np.ones(1)
    >>> past, future = (History(*names, np.array([0]), np.array([item]), one, one, one, one > 0, today=2) for item in (0, 1))
    >>> weights = ItemWeights(sparse.csr_matrix((2, 2)), np.array([0.9, 0.5]))
    >>> found = compare(weights, past, future, is_new=False)
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
        return [{} for _ in popularities]
    totals, shown = np.zeros((len(popularities), 4)), np.zeros((len(popularities), len(past.items)), bool)
    size = max(1, CELLS // max(len(past.items), 1))
    for start in range(0, len(asked), size):
        block = asked[start : start + size]
        by_similarity, is_wanted = (past.preferences[block] @ similarity).toarray(), wanted[block].toarray() > 0
        for place, popularity in enumerate(popularities):
            lists = best(by_similarity + popularity, seen[block] if is_new else None)
            shown[place, lists[:, :10]] = True
            totals[place] += _sums(np.take_along_axis(is_wanted, lists, axis=1), np.diff(wanted[block].indptr))
    return [_named(*found) for found in zip(totals / len(asked), shown.mean(axis=1), repeat(len(asked)))]


def _named(means: np.ndarray, coverage: float, customers: int) -> dict[str, float]:
    hits, gain, squared_gain, recall = means.tolist()
    return {
        "hit_rate_at_10": hits,
        "ndcg_at_10": gain,
        "ndcg_at_10_error": math.sqrt(max(squared_gain - gain * gain, 0) / customers),
        "recall_at_20": recall,
        "coverage_at_10": float(coverage),
        "customers": float(customers),
    }


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


def _sums(hits: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Sums over customers of hit, gain, squared gain and recall, from hits by place: bool [customers, places]."""
    gains = 1 / np.log2(np.arange(2, 12))
    top = hits[:, :10]
    ideal = np.cumsum(gains)[np.minimum(wanted, 10) - 1]
    gained = (top * gains[: top.shape[1]]).sum(axis=1) / ideal
    return np.array(
        [
            top.any(axis=1).sum(),
            gained.sum(),
            (gained * gained).sum(),
            (hits.sum(axis=1) / np.minimum(wanted, LENGTH)).sum(),
        ]
    )
