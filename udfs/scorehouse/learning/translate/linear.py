"""Formulas of linear and generalised linear models."""

import numpy as np

from scorehouse.learning.translate import draft as drafts
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError, formula_of
from scorehouse.scoring.steps import Clip, Function, Normalize, Scale, Softmax

LINEAR_REGRESSORS = (
    "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "Lars", "LarsCV", "LassoLars",
    "LassoLarsCV", "LassoLarsIC", "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV", "BayesianRidge",
    "ARDRegression", "HuberRegressor", "TheilSenRegressor", "SGDRegressor", "PassiveAggressiveRegressor", "LinearSVR",
    "QuantileRegressor",
)  # fmt: skip
LINEAR_CLASSIFIERS = (
    "LogisticRegression", "LogisticRegressionCV", "SGDClassifier", "LinearSVC", "Perceptron", "PassiveAggressiveClassifier",
    "RidgeClassifier", "RidgeClassifierCV", "LinearDiscriminantAnalysis",
)  # fmt: skip


def _sklearn(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"sklearn.{name}" for name in names)


@formula_of("predict", *_sklearn(LINEAR_REGRESSORS))
def linear_regression(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """X @ coef + intercept."""
    coefficients = np.atleast_2d(model.coef_)
    return draft.linear(inputs, predictions(len(coefficients)), coefficients, np.ravel(model.intercept_))


def predictions(count: int) -> list[str]:
    """Names of predicted numbers, one for each target."""
    return ["prediction"] if count == 1 else [f"prediction {place}" for place in range(count)]


@formula_of("predict", "sklearn.PoissonRegressor", "sklearn.GammaRegressor", "sklearn.TweedieRegressor")
def generalized_linear(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The inverse link of a weighted sum; the link is the logarithm or none."""
    margin = draft.linear(inputs, ["margin"], model.coef_, model.intercept_)
    is_identity = np.allclose(model._base_loss.link.inverse(np.array([0.0, 2.0])), [0.0, 2.0])
    return margin if is_identity else [draft.step(Function.of, margin[0], "prediction", formula="exp")]


@formula_of("predict", "sklearn.PLSRegression", "sklearn.PLSCanonical", "sklearn.CCA")
def partial_least_squares(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """(X - mean) @ coef + intercept, of each target."""
    coefficients = np.atleast_2d(model.coef_)
    intercepts = np.ravel(model.intercept_) - coefficients @ model._x_mean
    return draft.linear(inputs, predictions(len(coefficients)), coefficients, intercepts)


@formula_of("predict", "sklearn.RANSACRegressor")
def consensus(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The estimator fitted on the consensus set."""
    return drafts.apply(model.estimator_, "predict", inputs, draft)


@formula_of("predict", "sklearn.DummyRegressor")
def constant_regression(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The constant of each target."""
    constants = np.ravel(model.constant_)
    return draft.linear(inputs, predictions(len(constants)), np.zeros((len(constants), len(inputs))), constants)


@formula_of("decision_function", *_sklearn(LINEAR_CLASSIFIERS))
def linear_decision(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """X @ coef + intercept: one margin for two classes, else one for each."""
    count = len(np.atleast_2d(model.coef_))
    names = ["margin"] if count == 1 else [f"margin {place}" for place in range(count)]
    return draft.linear(inputs, names, model.coef_, np.ravel(model.intercept_))


@formula_of("predict_proba", "sklearn.LogisticRegression", "sklearn.LogisticRegressionCV", "sklearn.LinearDiscriminantAnalysis")
def logistic(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The sigmoid of the margin; the softmax of the margins of several classes."""
    margins = linear_decision(model, inputs, draft)
    if len(margins) == 1:
        return [draft.step(Function.of, margins[0], "probability", formula="sigmoid")]
    if getattr(model, "solver", None) == "liblinear":
        return one_against_rest(margins, draft)
    return softmax(margins, draft)


@formula_of("predict_proba", "sklearn.SGDClassifier")
def stochastic_gradient(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The sigmoid of the margin, or for modified_huber (clip(margin, -1, 1) + 1) / 2; normalised for several classes."""
    margins = linear_decision(model, inputs, draft)
    if model.loss == "log_loss":
        if len(margins) == 1:
            return [draft.step(Function.of, margins[0], "probability", formula="sigmoid")]
        return one_against_rest(margins, draft)
    if model.loss != "modified_huber":
        raise UnknownFormulaError(f"predict_proba of SGDClassifier with loss {model.loss}")
    clipped = [draft.step(Clip.of, margin, "clipped", low=-1.0, high=1.0) for margin in margins]
    shares = [draft.step(Scale.of, name, "probability", offset=-1.0, divisor=2.0) for name in clipped]
    return shares if len(shares) == 1 else normalize(shares, draft)


@formula_of("predict_proba", "sklearn.DummyClassifier")
def constant_classifier(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The class shares, or 1 for the most frequent class."""
    if model.strategy not in ("prior", "most_frequent"):
        raise UnknownFormulaError(f"predict_proba of DummyClassifier with strategy {model.strategy}")
    shares = model.predict_proba(np.zeros((1, 1)))[0]
    shares = shares[1:] if len(shares) == 2 else shares
    names = [f"probability {place}" for place in range(len(shares))]
    return draft.linear(inputs, names, np.zeros((len(shares), len(inputs))), shares)


def one_against_rest(margins: list[str], draft: Draft) -> list[str]:
    """Sigmoids that share 1."""
    return normalize([draft.step(Function.of, margin, "sigmoid", formula="sigmoid") for margin in margins], draft)


def normalize(shares: list[str], draft: Draft) -> list[str]:
    """Shares of 1."""
    outputs = tuple(draft.fresh(f"probability {place}") for place in range(len(shares)))
    return draft.add(Normalize(tuple(shares), outputs))


def softmax(margins: list[str], draft: Draft) -> list[str]:
    """The softmax of margins."""
    outputs = tuple(draft.fresh(f"probability {place}") for place in range(len(margins)))
    return draft.add(Softmax(tuple(margins), outputs))
