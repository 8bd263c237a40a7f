"""How good recommendations are: what customers took next, against what would have been recommended."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from scorehouse.recommending.fitting import Fittable
from scorehouse.recommending.history import History, positive
from scorehouse.recommending.weights import ItemWeights, largest

BLOCK = 1_000
"""Customers whose scores are held in memory at once."""
LENGTH = 20
"""Items in a customer's list."""


@dataclass(frozen=True)
class Evaluation(Fittable):
    """Fits every model on the past of each of `splits` and compares its lists with the future: rows of metrics, no weights.

    Attributes:
        models: recommenders by name, declared as {estimator, parameters} each.
        test_share: share of the rows, about, that the global time split tests on, the latest.
    """

    models: Mapping[str, object]
    test_share: float = 0.2

    def learned(self, history: History) -> dict[str, object]:
        """The column metrics of the version's row."""
        return {"metrics": self.metrics(history)}

    def metrics(self, history: History) -> list[dict[str, object]]:
        """Rows of split, slice (the model), metric, value; none where the history is empty."""
        found = []
        for split, past, future, is_new in splits(history, self.test_share):
            for name, model in self.models.items():
                values = compare(model.fit(past), past, future, is_new)
                found += [{"split": split, "slice": name, "metric": metric, "value": value} for metric, value in values.items()]
        return found


def splits(history: History, test_share: float) -> Iterator[tuple[str, History, History, bool]]:
    """Name, past and future of each split, and whether only items that are new to the customer count.

    global_time: the latest share of the rows, in whole days, is the future of everybody. global_time_repeats: the same, and what
    a customer took before counts too. leave_last_out: the future of a customer is the last item that the customer took for the
    first time; rows of other items stay in the past, later ones too. An empty history has no splits.
    """
    if not len(history):
        return
    cut = int(np.quantile(history.day, 1 - test_share))
    past, future = history.take(history.day < cut, today=cut), history.take(history.day >= cut)
    yield "global_time", past, future, True
    yield "global_time_repeats", past, future, False
    last = last_first_taken(history)
    kept = history.take(~np.isin(history.pairs, last))
    yield "leave_last_out", kept, history.take(np.isin(history.pairs, last)), True


def last_first_taken(history: History) -> np.ndarray:
    """Of each customer with two items or more, the pair with the item whose first taking is the latest: int64 [such customers].

    Pairs are numbers as in `History.pairs`; of several items on one day it is the last in their order. Here ann took both items,
    the pen for the first time on day 2:

    >>> names, none = (np.array(["ann", "bob"]), np.array(["cup", "pen"])), np.ones(4)
    >>> customer, item, day = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), np.array([1, 3, 2, 3])
    >>> last_first_taken(History(*names, customer, item, day, none, none, none > 0, today=4))
    array([1])
    """
    rows = np.flatnonzero(history.is_taken)
    rows = rows[np.argsort(history.day[rows], kind="stable")]
    pairs, first = np.unique(history.pairs[rows], return_index=True)
    customer, day = history.customer[rows[first]], history.day[rows[first]]
    order = np.lexsort((pairs, day, customer))
    is_last = np.append(customer[order][1:] != customer[order][:-1], True)
    has_more = np.bincount(customer, minlength=len(history.customers)) > 1
    chosen = order[is_last]
    return pairs[chosen[has_more[customer[chosen]]]]


def compare(weights: ItemWeights, past: History, future: History, is_new: bool) -> dict[str, float]:
    """Metrics, by name, over the customers with a past and a future; empty where there are none.

    hit_rate@10: share of customers with an item of their future among the first ten. ndcg@10: discounted gain, as a share of
    the best possible one (Jarvelin and Kekalainen, ACM Transactions on Information Systems 20, 2002; binary gains). recall@20:
    share of the future that is in the list, or of the list where the future is longer (Liang, Krishnan, Hoffman, Jebara, WWW
    2018). coverage@10: share of items that are among some customer's first ten. customers: their number.

    Here ann had the cup and takes the pen, which is second in everybody's list:

    >>> names, one = (np.array(["ann"]), np.array(["cup", "pen"])), np.ones(1)
    >>> past, future = (History(*names, np.array([0]), np.array([item]), one, one, one, one > 0, today=2) for item in (0, 1))
    >>> weights = ItemWeights(sparse.csr_matrix((2, 2)), np.array([0.9, 0.5]))
    >>> {metric: round(value, 2) for metric, value in compare(weights, past, future, is_new=False).items()}
    {'hit_rate@10': 1.0, 'ndcg@10': 0.63, 'recall@20': 1.0, 'coverage@10': 1.0, 'customers': 1.0}

    Args:
        weights: of a model that was fitted on the past.
        past, future: histories over the same customers and items.
        is_new: whether only items count that the customer did not take in the past.
    """
    seen, wanted = past.taken, future.taken
    if is_new:
        wanted = positive(wanted - wanted.multiply(seen))
    asked = np.flatnonzero((np.diff(wanted.indptr) > 0) & (np.diff(seen.indptr) > 0))
    if not len(asked):
        return {}
    totals, shown = np.zeros(3), np.zeros(len(past.items), bool)
    for start in range(0, len(asked), BLOCK):
        block = asked[start : start + BLOCK]
        lists = best(weights.score(past.preferences[block]), seen[block] if is_new else None)
        shown[lists[:, :10]] = True
        totals += _sums(np.take_along_axis(wanted[block].toarray() > 0, lists, axis=1), np.diff(wanted[block].indptr))
    names = ("hit_rate@10", "ndcg@10", "recall@20")
    return dict(zip(names, (totals / len(asked)).tolist(), strict=True)) | {
        "coverage@10": float(shown.mean()),
        "customers": float(len(asked)),
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
    """Sums over customers of hit@10, ndcg@10 and recall@20, from hits by place: bool [customers, places]."""
    gains = 1 / np.log2(np.arange(2, 12))
    top = hits[:, :10]
    ideal = np.cumsum(gains)[np.minimum(wanted, 10) - 1]
    return np.array(
        [
            top.any(axis=1).sum(),
            ((top * gains[: top.shape[1]]).sum(axis=1) / ideal).sum(),
            (hits.sum(axis=1) / np.minimum(wanted, LENGTH)).sum(),
        ]
    )
