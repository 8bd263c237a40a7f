"""Fit: a table of interactions and a recommender become the one row of a version."""

import json
from abc import ABC, abstractmethod

import numpy as np
import pyarrow as pa

from scorehouse.learning import version_row
from scorehouse.learning.declare.spec import Spec
from scorehouse.recommending.history import History
from scorehouse.recommending.weights import ItemWeights

TASK = "recommendation"


class Fittable(ABC):
    """An estimator over interactions instead of examples: it says itself how it becomes a version of a model."""

    @abstractmethod
    def learned(self, history: History) -> dict[str, object]:
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
        return version_row.row(**head, **times, **self.learned(history), status="ready")


class Recommender(Fittable):
    """A recommender: `fit` gives its weights, and its attributes are its parameters."""

    @abstractmethod
    def fit(self, history: History) -> ItemWeights:
        """The weights that a history teaches, over its items."""

    def learned(self, history: History) -> dict[str, object]:
        """Similarities and popularities as weights, and the parameters as JSON."""
        weights = self.fit(history).rows(history.items)
        return {"chosen_parameters": json.dumps(vars(self), sort_keys=True), "weights": weights}


def _time(day: int) -> object:
    return np.datetime64(int(day), "D").astype("datetime64[us]").item()
