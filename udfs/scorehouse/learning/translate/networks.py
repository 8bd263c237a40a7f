"""Formulas of small networks."""

from scorehouse.learning.translate import trees
from scorehouse.learning.translate.draft import Draft, formula_of
from scorehouse.scoring.steps import Function

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
