"""How good each way to recommend is, on several splits of the history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from scorehouse.learning.declare.spec import Search, Spec
from scorehouse.recommending.choosing import chosen
from scorehouse.recommending.fitting import Fittable
from scorehouse.recommending.history import History
from scorehouse.recommending.lists import compare


@dataclass(frozen=True)
class Evaluation(Fittable):
    """Fits every model on the past of each of `splits` and compares its lists with the future: rows of metrics, no weights.

    Attributes:
        models: recommenders by name, declared as {estimator, parameters} each.
        searches: parameters that each is chosen from on its past, by name, as meta.search declares them.
        test_share: share of the rows, about, that the global time split tests on, the latest.
    """

    models: Mapping[str, object]
    searches: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    test_share: float = 0.2

    def learned(self, history: History, spec: Spec, where: str) -> dict[str, object]:
        """The column metrics of the version's row: split, slice (the model), metric, value; none where the history is empty."""
        found = []
        for split, past, future, is_new in splits(history, self.test_share):
            for name, model in self.models.items():
                search = Search(**self.searches[name]) if name in self.searches else None
                best = chosen(model, past, replace(spec, search=search), where)
                values = compare(best.fit(past), past, future, is_new)
                found += [{"split": split, "slice": name, "metric": metric, "value": value} for metric, value in values.items()]
        return {"metrics": found}


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
