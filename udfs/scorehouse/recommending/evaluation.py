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


@dataclass(frozen=True)
class Evaluation(Fittable):
    """Fits every model on the past of two splits and compares its lists with the future: rows of metrics, no weights.

    Attributes:
        models: declarations ({estimator, parameters}) by name.
        test_share: share of the rows, the latest, that the global time split tests on.
    """

    models: Mapping[str, object]
    test_share: float = 0.2

    def learned(self, history: History) -> dict[str, object]:
        """Rows of metrics."""
        return {"metrics": self.metrics(history)}

    def metrics(self, history: History) -> list[dict[str, object]]:
        """Rows of split, slice (the model), metric, value."""
        found = []
        for split, past, future, is_new in splits(history, self.test_share):
            for name, model in self.models.items():
                values = compare(model.fit(past), past, future, is_new)
                found += [{"split": split, "slice": name, "metric": metric, "value": value} for metric, value in values.items()]
        return found


def splits(history: History, test_share: float) -> Iterator[tuple[str, History, History, bool]]:
    """Name, past and future of each split, and whether only items that are new to the customer count.

    global_time: the latest share of the rows is the future of everybody. global_time_repeats: the same, and what a customer took
    before counts too. leave_last_out: the future of a customer is the last item that the customer took for the first time.
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
    """The pair (see `History.pairs`) that each customer with two or more items took first most recently; ties by item."""
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
    """Metrics over the customers with a past and a future.

    hit_rate@10, ndcg@10 (Jarvelin and Kekalainen, 2002; binary gains), recall@20, coverage@10 (share of items that are in some
    customer's list), customers (their number).
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
    """Places of the `LENGTH` best items of each row; int64 [rows, LENGTH or fewer]."""
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
