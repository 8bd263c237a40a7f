"""How good each way to recommend is, on several splits of the history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.spec import Search, Spec
from scorehouse.recommending.choosing import chosen, last_left_out
from scorehouse.recommending.fitting import Fittable
from scorehouse.recommending.history import History
from scorehouse.recommending.lists import Compared, compare


@dataclass(frozen=True)
class Evaluation(Fittable):
    """Fits every model on the past of each of `splits` and compares its lists with the future: rows of metrics, no weights.

    Attributes:
        models: recommenders by name, declared as {estimator, parameters} each.
        searches: parameters that each is chosen from on its past, by name, as meta.search declares them.
        compared_with: the model whose lists those of the others are compared with, customer by customer.
        test_share: share of the rows, about, that the global time split tests on, the latest.
    """

    models: Mapping[str, object]
    searches: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    compared_with: str | None = None
    test_share: float = 0.2

    def __post_init__(self) -> None:
        """Raise ScorehouseError where what all are compared with is none of them."""
        if self.compared_with not in (None, *self.models):
            raise ScorehouseError(
                f"Evaluation: compared_with: expected one of its models ({', '.join(self.models)}), "
                f"found '{self.compared_with}'; correct it."
            )

    def learned(self, history: History, spec: Spec, where: str) -> dict[str, object]:
        """The column metrics of the version's row: split, slice (the model), metric, value; none where the history is empty."""
        found = []
        for split, *parts in splits(history, self.test_share):
            compared = {name: self._compared(name, parts, spec, where) for name in self.models}
            for name, one in compared.items():
                values = one.metrics | (one.lead(compared[self.compared_with]) if self.compared_with else {})
                found += [{"split": split, "slice": name, "metric": metric, "value": value} for metric, value in values.items()]
        return {"metrics": found}

    def _compared(self, name: str, parts: tuple[History, History, bool], spec: Spec, where: str) -> Compared:
        past, future, is_new = parts
        search = Search(**self.searches[name]) if name in self.searches else None
        best = chosen(self.models[name], past, replace(spec, search=search), where)
        return compare(best.fit(past), past, future, is_new)


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
    yield "leave_last_out", *last_left_out(history), True
