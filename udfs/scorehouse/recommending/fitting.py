"""Fit: a table of interactions and a recommender become the one row of a version."""

import json
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import pyarrow as pa
from scipy import sparse

from scorehouse.errors import ScorehouseError
from scorehouse.learning import version_row
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.measure.limits import KEEP, TRAIN, Policy
from scorehouse.learning.measure.policy import Finding
from scorehouse.recommending.choosing import chosen, held_out
from scorehouse.recommending.history import History
from scorehouse.recommending.lists import compare
from scorehouse.recommending.weights import ItemWeights, Trend

TASK = "recommendation"
MOST_MEASURED = 20_000
"""Customers that a version's lists are measured on, at most: their standard error is far below what decides."""


class Fittable(ABC):
    """An estimator over interactions instead of examples: it says itself how it becomes a version of a model."""

    @abstractmethod
    def learned(self, history: History, spec: Spec, where: str) -> dict[str, object]:
        """What the history teaches: columns of `learning.version_row.SCHEMA` by name."""

    def fit_version(self, table: pa.Table, spec: Spec, version: str, where: str) -> pa.Table:
        """One row of `learning.version_row.SCHEMA`.

        Fewer interactions than minimum_examples give status insufficient_examples and no weights. Raises ScorehouseError for
        a column that is missing or has a NULL.

        Args:
            table: interactions, with the columns `history.COLUMNS`.
            spec: the declaration.
            version: the version's name.
            where: the model's file, for messages.
        """
        history = History.read(table, where)
        head = {
            "model_version": version,
            "estimator": spec.estimator,
            "spec": spec.text(),
            "task": TASK,
            "score_type": "DOUBLE",
            "plan": "sql",
            "example_count": len(history),
            "train_count": len(history),
            "test_count": 0,
            "library_versions": version_row.libraries(),
        }
        if len(history) < spec.minimum_examples:
            reason = f"Expected at least {spec.minimum_examples} interactions with items to learn from, found {len(history)}."
            return version_row.row(**head, status="insufficient_examples", status_reason=reason)
        times = {"train_from": _time(history.day.min()), "train_until": _time(history.day.max())}
        return version_row.row(**{**head, **times, **self.learned(history, spec, where)}, status="ready")

    def decide(
        self,
        policy: Policy,
        version: pa.Table,
        table: pa.Table,
        spec: Spec,
        where: str,
        asked: str | None = None,
        total: int | None = None,
    ) -> Finding:
        """Whether interactions that a version does not know are reason enough to fit again: their share, or their age.

        Their share counts those that came or went behind its newest day too. Ages end on the same days for all recommenders, each
        `maximum_age_days` since 1970, so that versions that are compared are tested on the same days. Too few new ones come
        first. Arguments and errors as of `learning.measure.policy.decide`.
        """
        days = History.read(table, where).day
        known = np.datetime64(version["train_until"][0].as_py(), "D").astype(np.int64)
        count = total or len(days)
        later = round(int((days > known).sum()) * count / max(len(days), 1))
        new = max(later, abs(count - version["example_count"][0].as_py()))
        share, newest = new / max(count, 1), days.max(initial=known)
        if policy.minimum_new_examples is not None and new < policy.minimum_new_examples:
            return Finding(KEEP, f"{new:,} new examples, fewer than the minimum {policy.minimum_new_examples:,}")
        if asked:
            return Finding(TRAIN, asked)
        span = policy.maximum_age_days
        if span is not None and newest // span > known // span:
            return Finding(TRAIN, f"examples are of another {span:g} days than the newest that it knows")
        if policy.maximum_new_share is not None and share > policy.maximum_new_share:
            return Finding(TRAIN, f"{share:.0%} of the examples are new, the limit is {policy.maximum_new_share:.0%}")
        return Finding(KEEP, f"{new:,} new examples, and their age and share are within their limits")


class Recommender(Fittable):
    """A recommender: a frozen dataclass whose attributes are its parameters, and what it takes for similar and for popular.

    Its parameters are chosen and its lists measured on the newest days, and what serves was then fitted on all of them.
    """

    ONLY_OF_POPULARITY: ClassVar[tuple[str, ...]] = ()
    """Parameters that change nothing about similarities."""

    @abstractmethod
    def similarity(self, history: History) -> sparse.csr_matrix:
        """How much a liked item (row) speaks for another: float64 [items, items], sparse and not negative."""

    @abstractmethod
    def now(self) -> Trend:
        """What an item scores for everybody."""

    @property
    def of_similarity(self) -> tuple[object, ...]:
        """The parameters that similarities depend on: recommenders in which they are the same have the same."""
        return tuple(value for name, value in vars(self).items() if name not in self.ONLY_OF_POPULARITY)

    def fit(self, history: History) -> ItemWeights:
        """The weights that a history teaches, over its items."""
        return ItemWeights(self.similarity(history), self.now().popularity(history))

    def learned(self, history: History, spec: Spec, where: str) -> dict[str, object]:
        """Weights of the whole history, the chosen parameters as JSON, and metrics of the newest days.

        Raises ScorehouseError for a horizon that a column says: a recommender has no examples.
        """
        if spec.split and spec.split.horizon_column:
            raise ScorehouseError(
                f"{where}: meta.split.horizon_days: expected a number of days, found the column {spec.split.horizon_column}; "
                f"a recommender has no examples that could say it, write the number or leave it out."
            )
        parts = held_out(history, spec.split)
        best = chosen(self, parts[0] if parts else history, spec, where)
        measured = _measured(best, *parts) if parts else {"status_reason": _too_short(history, spec)}
        weights = pa.concat_tables([best.fit(history).rows(history.items), best.now().rows()])
        return {"chosen_parameters": json.dumps(vars(best), sort_keys=True), "weights": weights, **measured}


def _measured(recommender: Recommender, past: History, future: History) -> dict[str, object]:
    """What a recommender that knew the past alone would have shown, against what came then."""
    values = compare(recommender.fit(past), past, future, is_new=True, most_customers=MOST_MEASURED).metrics
    return {
        "metrics": [{"split": "test", "slice": "all", "metric": metric, "value": value} for metric, value in values.items()],
        "test_count": len(future),
        "test_from": _time(future.day.min()),
        "test_until": _time(future.day.max()),
    }


def _too_short(history: History, spec: Spec) -> str | None:
    """Why nothing was measured; None where nothing is to be."""
    if spec.split is None:
        return None
    return (
        f"Not measured, and no parameters chosen: expected more than {spec.split.test_periods} days with interactions, "
        f"found {len(np.unique(history.day))}."
    )


def _time(day: int) -> object:
    return np.datetime64(int(day), "D").astype("datetime64[us]").item()
