"""Formulas of small networks and of kernel machines."""

import numpy as np

from scorehouse.learning.translate import trees
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError, formula_of
from scorehouse.scoring.operations import Function, Kernel

ACTIVATIONS = {"identity": None, "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


def _layers(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The output layer before its activation."""
    formula = ACTIVATIONS[model.activation]
    for number, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True), start=1):
        names = [f"layer {number} unit {unit}" for unit in range(len(bias))]
        inputs = draft.linear(inputs, names, weights.T, bias)
        if formula and number < len(model.coefs_):
            inputs = [draft.step(Function.of, name, f"{formula} {name}", formula=formula) for name in inputs]
    return inputs


@formula_of("predict", "sklearn.MLPRegressor")
def network_regressor(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The output unit."""
    outputs = _layers(model, inputs, draft)
    is_positive = getattr(model, "loss", "squared_error") == "poisson"
    return [draft.step(Function.of, outputs[0], "prediction", formula="exp")] if is_positive else outputs


@formula_of("predict_proba", "sklearn.MLPClassifier")
def network_classifier(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The sigmoid of one output unit, the softmax of several."""
    return trees.probabilities(_layers(model, inputs, draft), draft)


def _machine(model: object, inputs: list[str], points: np.ndarray, gamma: float, draft: Draft) -> list[str]:
    if model.kernel not in ("linear", "poly", "polynomial", "rbf", "sigmoid"):
        raise UnknownFormulaError(f"{type(model).__name__} with kernel {model.kernel}")
    kind = "poly" if model.kernel == "polynomial" else model.kernel
    names = tuple(draft.fresh(f"similarity {place}") for place in range(len(points)))
    dense = np.asarray(points, np.float64)
    return draft.add(
        Kernel(tuple(draft.numbers(inputs)), names, kind, dense, float(gamma), float(model.coef0), float(model.degree))
    )


@formula_of("predict", "sklearn.SVR", "sklearn.NuSVR")
def support_vector_regressor(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """A weighted sum of similarities to the support vectors."""
    similar = _machine(model, inputs, model.support_vectors_, model._gamma, draft)
    return draft.linear(similar, ["prediction"], model.dual_coef_, model.intercept_)


@formula_of("decision_function", "sklearn.SVC", "sklearn.NuSVC")
def support_vector_classifier(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """A weighted sum of similarities to the support vectors, for two classes."""
    if len(model.classes_) > 2:
        raise UnknownFormulaError(f"{type(model).__name__} with more than two classes")
    similar = _machine(model, inputs, model.support_vectors_, model._gamma, draft)
    return draft.linear(similar, ["margin"], model.dual_coef_, model.intercept_)


@formula_of("score_samples", "sklearn.OneClassSVM")
def one_class(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """A weighted sum of similarities to the support vectors."""
    similar = _machine(model, inputs, model.support_vectors_, model._gamma, draft)
    return draft.linear(similar, ["score"], model.dual_coef_, 0.0)


@formula_of("predict", "sklearn.KernelRidge")
def kernel_ridge(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """A weighted sum of similarities to the training rows."""
    gamma = 1 / model.X_fit_.shape[1] if model.gamma is None else model.gamma
    similar = _machine(model, inputs, model.X_fit_, gamma, draft)
    return draft.linear(similar, ["prediction"], np.ravel(model.dual_coef_), 0.0)
