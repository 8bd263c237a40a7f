"""Formulas of nearest neighbours."""

import numpy as np

from scorehouse.learning.translate.draft import Draft, UnknownFormulaError, formula_of
from scorehouse.scoring.steps import Neighbours

POWERS = {"manhattan": 1.0, "euclidean": 2.0, "chebyshev": float("inf")}


def _neighbours(model: object, answers: np.ndarray, inputs: list[str], name: str, draft: Draft) -> list[str]:
    metric = model.effective_metric_
    power = POWERS.get(metric, model.effective_metric_params_.get("p") if metric == "minkowski" else None)
    if power is None or model.weights not in ("uniform", "distance") or model.effective_metric_params_.get("w") is not None:
        raise UnknownFormulaError(f"{type(model).__name__} with metric {metric} and weights {model.weights}")
    outputs = tuple(draft.fresh(name if answers.shape[1] == 1 else f"{name} {i}") for i in range(answers.shape[1]))
    points = np.asarray(model._fit_X, np.float64)
    is_weighted = model.weights == "distance"
    return draft.add(
        Neighbours(
            tuple(draft.numbers(inputs)), outputs, points, answers, model.n_neighbors, power, is_weighted, model._fit_method,
            model.leaf_size,
        )
    )  # fmt: skip


@formula_of("predict_proba", "sklearn.KNeighborsClassifier")
def neighbours_classifier(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The classes' shares of the nearest rows."""
    shares = np.eye(len(model.classes_))[np.ravel(model._y)]
    return _neighbours(model, shares[:, 1:] if shares.shape[1] == 2 else shares, inputs, "probability", draft)


@formula_of("predict", "sklearn.KNeighborsRegressor")
def neighbours_regressor(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The mean label of the nearest rows, of each target."""
    answers = np.asarray(model._y, np.float64)
    return _neighbours(model, answers.reshape(len(answers), -1), inputs, "prediction", draft)
