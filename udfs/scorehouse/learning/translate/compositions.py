"""Formulas of estimators made of estimators."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scorehouse.learning.translate import draft as drafts
from scorehouse.learning.translate import linear, trees
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError, formula_of
from scorehouse.learning.translate.preprocessing import FUNCTIONS, transform
from scorehouse.learning.translate.trees import add_trees, sklearn_tree
from scorehouse.scoring.steps import Bins, Function, Interpolate, Scale, WeightedMedian
from scorehouse.scoring.trees.ensemble import TreeEnsemble


def _delegated(method: str, attribute: str) -> Callable[[object, list[str], Draft], list[str]]:
    def translator(model: object, inputs: list[str], draft: Draft) -> list[str]:
        return drafts.apply(getattr(model, attribute), method, inputs, draft)

    return translator


for _method in ("predict", "predict_proba", "decision_function", "cluster", "transform", "score_samples"):
    formula_of(_method, "sklearn.GridSearchCV", "sklearn.RandomizedSearchCV")(_delegated(_method, "best_estimator_"))
    formula_of(_method, "sklearn.FrozenEstimator")(_delegated(_method, "estimator"))
    formula_of(_method, "sklearn.SelfTrainingClassifier")(_delegated(_method, "estimator_"))
    formula_of(_method, "sklearn.FixedThresholdClassifier", "sklearn.TunedThresholdClassifierCV")(
        _delegated(_method, "estimator_")
    )


def _pipeline(method: str) -> Callable[[object, list[str], Draft], list[str]]:
    def translator(model: object, inputs: list[str], draft: Draft) -> list[str]:
        for _, step in model.steps[:-1]:
            inputs = transform(step, inputs, draft)
        return drafts.apply(model.steps[-1][1], method, inputs, draft)

    return translator


for _method in ("predict", "predict_proba", "decision_function", "cluster", "score_samples"):
    formula_of(_method, "sklearn.Pipeline")(_pipeline(_method))


def mean(columns: list[str], weights: np.ndarray | None, name: str, draft: Draft) -> str:
    """The weighted mean of columns."""
    shares = np.ones(len(columns)) if weights is None else np.asarray(weights, np.float64)
    return draft.linear(columns, [name], shares / shares.sum(), 0.0)[0]


def _mean_probabilities(models: list, weights: np.ndarray | None, inputs: list[list[str]], draft: Draft) -> list[str]:
    found = [drafts.apply(m, "predict_proba", names, draft) for m, names in zip(models, inputs, strict=True)]
    if len({len(columns) for columns in found}) > 1:
        raise UnknownFormulaError("an ensemble whose members know different classes")
    return [mean(list(columns), weights, "probability", draft) for columns in zip(*found, strict=True)]


@formula_of("predict_proba", "sklearn.VotingClassifier")
def voting_classifier(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The weighted mean of the members' probabilities."""
    return _mean_probabilities(model.estimators_, model._weights_not_none, [inputs] * len(model.estimators_), draft)


@formula_of("predict", "sklearn.VotingRegressor")
def voting_regressor(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The weighted mean of the members' predictions."""
    found = [drafts.apply(member, "predict", inputs, draft) for member in model.estimators_]
    return [mean(list(columns), model._weights_not_none, "prediction", draft) for columns in zip(*found, strict=True)]


@formula_of("predict_proba", "sklearn.BaggingClassifier")
def bagging_classifier(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The mean of the members' probabilities."""
    chosen = [[inputs[place] for place in places] for places in model.estimators_features_]
    return _mean_probabilities(model.estimators_, None, chosen, draft)


@formula_of("predict", "sklearn.BaggingRegressor")
def bagging_regressor(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The mean of the members' predictions."""
    found = [
        drafts.apply(member, "predict", [inputs[place] for place in places], draft)
        for member, places in zip(model.estimators_, model.estimators_features_, strict=True)
    ]
    return [mean(list(columns), None, "prediction", draft) for columns in zip(*found, strict=True)]


def _stacked(model: object, inputs: list[str], draft: Draft) -> list[str]:
    found: list[str] = []
    members = [member for member in model.estimators_ if member != "drop"]
    for member, method in zip(members, model.stack_method_, strict=True):
        found += drafts.apply(member, method, inputs, draft)
    return found + draft.numbers(inputs) if model.passthrough else found


@formula_of("predict_proba", "sklearn.StackingClassifier")
def stacking_classifier(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The final estimator on the members' outputs."""
    if "predict" in model.stack_method_:
        raise UnknownFormulaError("StackingClassifier whose members give classes only")
    return drafts.apply(model.final_estimator_, "predict_proba", _stacked(model, inputs, draft), draft)


@formula_of("predict", "sklearn.StackingRegressor")
def stacking_regressor(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The final estimator on the members' predictions."""
    return drafts.apply(model.final_estimator_, "predict", _stacked(model, inputs, draft), draft)


@formula_of("predict_proba", "sklearn.CalibratedClassifierCV")
def calibrated(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The mean of the members' calibrated probabilities."""
    found = [_calibrated_member(member, inputs, draft) for member in model.calibrated_classifiers_]
    if len(found) == 1:
        return found[0]
    return [mean(list(columns), None, "probability", draft) for columns in zip(*found, strict=True)]


def _calibrated_member(member: object, inputs: list[str], draft: Draft) -> list[str]:
    method = "decision_function" if hasattr(member.estimator, "decision_function") else "predict_proba"
    raw = drafts.apply(member.estimator, method, inputs, draft)
    shares = [_calibrator(c, name, draft) for c, name in zip(member.calibrators, raw, strict=True)]
    return shares if len(shares) == 1 else linear.normalize(shares, draft)


def _calibrator(calibrator: object, source: str, draft: Draft) -> str:
    if hasattr(calibrator, "a_"):
        margin = draft.linear([source], ["margin"], np.array([-calibrator.a_]), -calibrator.b_)[0]
        return draft.step(Function.of, margin, "probability", formula="sigmoid")
    if not hasattr(calibrator, "X_thresholds_"):
        raise UnknownFormulaError(f"calibration with {type(calibrator).__name__}")
    x, y = (np.asarray(values, np.float64) for values in (calibrator.X_thresholds_, calibrator.y_thresholds_))
    return draft.step(lambda ins, out: Interpolate((ins,), (out,), x, y), source, "probability")


@formula_of("predict", "sklearn.IsotonicRegression")
def isotonic(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Straight lines between knots; beyond them the last one's value or, unless it clips, no score."""
    source = draft.numbers(inputs)[0]
    line = _calibrator(model, source, draft)
    if model.out_of_bounds == "clip":
        return [line]
    ends = np.array([model.X_thresholds_[0], np.nextafter(model.X_thresholds_[-1], np.inf)], np.float64)
    within = Bins((source,), (draft.fresh(f"{source} within"),), ends, np.array([[np.nan], [0.0], [np.nan]]), np.full(1, np.nan))
    return draft.linear([line, *draft.add(within)], ["prediction"], np.ones((1, 2)), 0.0)


@formula_of("predict_proba", "sklearn.OneVsRestClassifier")
def one_against_rest(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Each class's probability against the rest, made to share 1."""
    found = [drafts.apply(member, "predict_proba", inputs, draft)[0] for member in model.estimators_]
    return found if len(found) == 1 else linear.normalize(found, draft)


@formula_of("decision_function", "sklearn.OneVsRestClassifier")
def one_against_rest_decision(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Each class's margin against the rest."""
    return [drafts.apply(member, "decision_function", inputs, draft)[0] for member in model.estimators_]


@formula_of("predict", "sklearn.TransformedTargetRegressor")
def transformed_target(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The inverse of the transformation of each target."""
    found, inverse = drafts.apply(model.regressor_, "predict", inputs, draft), model.transformer_
    if type(inverse).__name__ == "StandardScaler":
        shifts = inverse.mean_ if inverse.with_mean else np.zeros(len(found))
        factors = inverse.scale_ if inverse.with_std else np.ones(len(found))
        return [
            draft.step(Scale.of, name, "prediction", factor=float(factor), shift=float(shift))
            for name, factor, shift in zip(found, factors, shifts, strict=True)
        ]
    formula = FUNCTIONS.get(getattr(inverse, "inverse_func", None))
    if formula is None:
        raise UnknownFormulaError("TransformedTargetRegressor whose inverse is not a known NumPy function")
    return [draft.step(Function.of, name, "prediction", formula=formula) for name in found]


@formula_of("decision_function", "sklearn.AdaBoostClassifier")
def ada_boost(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The weighted vote of the trees (SAMME: Zhu, Zou, Rosset, Hastie, Statistics and Its Interface 2, 2009)."""
    count, total = len(model.classes_), float(np.sum(model.estimator_weights_[: len(model.estimators_)]))
    weighted = list(zip(model.estimators_, model.estimator_weights_, strict=False))
    if any(not hasattr(member, "tree_") for member, _ in weighted):
        raise UnknownFormulaError("AdaBoostClassifier of other estimators than trees")
    classes = [1] if count == 2 else range(count)
    votes = [[_vote(member, k, count, w * (2 if count == 2 else 1) / total) for member, w in weighted] for k in classes]
    return add_trees(draft, inputs, [f"margin {k}" for k in classes], votes, [0.0] * len(votes))


@formula_of("predict", "sklearn.AdaBoostRegressor")
def ada_boost_regressor(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The weighted median of the members' predictions (Drucker, ICML 1997)."""
    found = [drafts.apply(member, "predict", inputs, draft)[0] for member in model.estimators_]
    shares = np.asarray(model.estimator_weights_[: len(found)], np.float64)
    return draft.add(WeightedMedian(tuple(found), (draft.fresh("prediction"),), shares))


def _vote(member: object, chosen: int, count: int, weight: float) -> TreeEnsemble:
    tree = sklearn_tree(member.tree_, 0)
    winner = member.tree_.value[:, 0, :].argmax(axis=1)
    return replace(tree, value=np.where(winner == chosen, weight, -weight / (count - 1)))


@formula_of("predict_proba", "sklearn.AdaBoostClassifier")
def ada_boost_probability(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The softmax of the votes."""
    margins = ada_boost(model, inputs, draft)
    count = len(model.classes_)
    if count == 2:
        return trees.probabilities(margins, draft)
    return trees.probabilities([draft.step(Scale.of, name, "margin", divisor=float(count - 1)) for name in margins], draft)


@formula_of("score_samples", "sklearn.IsolationForest")
def isolation_forest(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """-2 ** (-mean path length / expected path length) (Liu, Ting, Zhou, ICDM 2008)."""
    found = []
    names = draft.numbers(inputs)
    members = zip(model.estimators_, model.estimators_features_, strict=True)
    for number, (member, places) in enumerate(members):
        tree = sklearn_tree(member.tree_, 0)
        length = model._decision_path_lengths[number] + model._average_path_length_per_tree[number] - 1.0
        feature = np.where(tree.feature < 0, -1, np.asarray(places)[np.maximum(tree.feature, 0)])
        found.append(replace(tree, value=np.asarray(length, np.float64), feature=feature.astype(np.int32)))
    depth = add_trees(draft, names, ["path length"], [found], [0.0])[0]
    expected = len(found) * float(_average_path_length(model._max_samples))
    exponent = draft.step(Scale.of, depth, "exponent", factor=-float(np.log(2)) / expected)
    power = draft.step(Function.of, exponent, "anomaly", formula="exp")
    return [draft.step(Function.of, power, "score", formula="negative")]


def _average_path_length(rows: int) -> float:
    if rows <= 1:
        return 0.0
    if rows == 2:
        return 1.0
    return 2.0 * (np.log(rows - 1.0) + np.euler_gamma) - 2.0 * (rows - 1.0) / rows
