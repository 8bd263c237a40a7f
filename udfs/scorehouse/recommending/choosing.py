"""Which parameters of a recommender suit a history best: those whose lists held what customers took next, later in time."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from itertools import islice, product
from typing import TYPE_CHECKING

import numpy as np

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.spec import Search, Spec, Split
from scorehouse.learning.declare.split import cut
from scorehouse.recommending.history import History
from scorehouse.recommending.lists import compare_popularities

if TYPE_CHECKING:
    from scorehouse.recommending.fitting import Recommender

METRIC = "ndcg_at_10"
"""What the best candidate is best in, of items that are new to the customer."""
METRIC_WITH_LAST = "ndcg_at_10_with_last"
"""The same, and as much that of the last item that each customer took new: who comes back in the next weeks is not everybody."""
MOST_CUSTOMERS = 1_000
"""So many customers' lists are compared at most."""


def held_out(history: History, split: Split | None) -> tuple[History, History] | None:
    """The history before its newest days, and these, as the split says of days; None where either has no rows.

    >>> one, day = np.ones(3), np.array([1, 2, 9])
    >>> history = History(np.array(["ann"]), np.array(["cup"]), day * 0, day * 0, day, one, one, one > 0, today=10)
    >>> past, future = held_out(history, Split("occurred_date", test_periods=2))
    >>> past.day, past.today, future.day
    (array([1]), 2, array([2, 9]))
    """
    days = history.day.astype("datetime64[D]").astype("datetime64[us]")
    found = None if split is None or not len(days) else cut(days, split)
    if found is None or not found.train.size or not found.test.size:
        return None
    today = int(found.test[0].astype("datetime64[D]").astype(np.int64))
    return history.take(np.isin(days, found.train), today), history.take(np.isin(days, found.test))


def chosen(recommender: "Recommender", history: History, spec: Spec, where: str) -> "Recommender":
    """The recommender with the parameters of `spec.search` that are best on the newest days of a history, or as it came.

    Each fold holds out the newest days of what lies before the fold after it; gains are added up over the customers of all folds,
    of which there are only as many as it takes to compare `MOST_CUSTOMERS` lists. Without a search, or a fold in which somebody
    took something new, nothing is chosen. By `METRIC_WITH_LAST` both gains count as shares of the best candidate's. Raises
    ScorehouseError for a parameter that the recommender does not have, and another metric.

    Args:
        recommender: with its declared parameters.
        history: nothing of what it will be tested on.
        spec: the declaration, of which split, search and seed count.
        where: the model's file, for messages.
    """
    if spec.search is None:
        return recommender
    if spec.search.metric not in (None, METRIC, METRIC_WITH_LAST):
        raise ScorehouseError(
            f"{where}: meta.search.metric: expected {METRIC} or {METRIC_WITH_LAST}, found '{spec.search.metric}'; choose one."
        )
    candidates = _candidates(recommender, spec.search, spec.seed, where)
    gains, customers = np.zeros(len(candidates)), 0
    for past, future in islice(_folds(history, spec.split), spec.search.folds):
        found = _gains(candidates, past, future)
        gains += found.sum(axis=1)
        customers += found.shape[1]
        if customers >= MOST_CUSTOMERS:
            break
    if spec.search.metric == METRIC_WITH_LAST and gains.any():
        last = _gains(candidates, *last_left_out(history)).sum(axis=1)
        gains = gains / gains.max() + last / max(last.max(), 1e-9)
    return candidates[int(gains.argmax())] if gains.any() else recommender


def _candidates(recommender: "Recommender", search: Search, seed: int, where: str) -> list["Recommender"]:
    known = [field.name for field in fields(recommender)]
    unknown = [name for name in search.parameters if name not in known]
    if unknown:
        raise ScorehouseError(
            f"{where}: meta.search.parameters: expected parameters of {type(recommender).__name__} ({', '.join(known)}), "
            f"found '{unknown[0]}'; correct it."
        )
    found = [
        replace(recommender, **dict(zip(search.parameters, some, strict=True))) for some in product(*search.parameters.values())
    ]
    if search.candidates is None or search.candidates >= len(found):
        return found
    drawn = np.random.default_rng(seed).choice(len(found), search.candidates, replace=False)
    return [found[place] for place in sorted(drawn)]


def _folds(history: History, split: Split | None) -> Iterator[tuple[History, History]]:
    while parts := held_out(history, split):
        yield parts
        history, _ = parts


def _gains(candidates: Sequence["Recommender"], past: History, future: History) -> np.ndarray:
    """The metric of each customer's list, float64 [candidates, customers]; who differ in popularity alone share similarities."""
    alike: dict[tuple, list[int]] = {}
    for place, candidate in enumerate(candidates):
        alike.setdefault(candidate.of_similarity, []).append(place)
    gains = {}
    for places in alike.values():
        popularities = [candidates[place].now().popularity(past) for place in places]
        found = compare_popularities(candidates[places[0]].similarity(past), popularities, past, future, True, MOST_CUSTOMERS)
        gains |= {place: one.gains for place, one in zip(places, found, strict=True)}
    return np.array([gains[place] for place in range(len(candidates))])


def last_left_out(history: History) -> tuple[History, History]:
    """The history without each customer's last new item, and that item; rows of other items stay, later ones too."""
    is_last = np.isin(history.pairs, last_first_taken(history))
    return history.take(~is_last), history.take(is_last)


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
