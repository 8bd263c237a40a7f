"""Fit: a table of interactions and a declaration become the one row of a version."""

import json

import numpy as np
import pyarrow as pa

from scorehouse.learning import version as versions
from scorehouse.learning.spec import Spec, make, nested
from scorehouse.recommending.evaluation import Evaluation
from scorehouse.recommending.history import History

TASK = "recommendation"


def fit_items(table: pa.Table, spec: Spec, version: str, where: str) -> pa.Table:
    """One row of `learning.version.SCHEMA`: similarities and popularities as weights, or an evaluation's metrics.

    Fewer interactions than minimum_examples give status insufficient_examples and no weights. Raises ScorehouseError for a
    column that is missing and for a parameter that the estimator does not have.
    """
    history = History.read(table, where)
    parameters = {name: nested(where, f"parameters.{name}", value, spec.seed) for name, value in spec.parameters.items()}
    model = make(where, "estimator", spec.estimator, parameters, spec.seed)
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
        "library_versions": versions.libraries(),
    }
    if len(history) < spec.minimum_examples:
        reason = f"Expected at least {spec.minimum_examples} interactions with items to learn from, found {len(history)}."
        return versions.row(**head, status="insufficient_examples", status_reason=reason)
    head |= {"status": "ready", "train_from": _time(history.day.min()), "train_until": _time(history.day.max())}
    if isinstance(model, Evaluation):
        return versions.row(**head, metrics=model.metrics(history))
    head["chosen_parameters"] = json.dumps(vars(model), sort_keys=True)
    return versions.row(**head, weights=model.fit(history).rows(history.items))


def _time(day: int) -> object:
    return np.datetime64(int(day), "D").astype("datetime64[us]").item()
