"""Formulas of decision trees and their ensembles."""

from collections.abc import Sequence

import numpy as np

from scorehouse.learning.translate import conventions, linear
from scorehouse.learning.translate.conventions import Conventions
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError, formula_of
from scorehouse.scoring.steps import Bins, Function, Lookup, Scale, Trees
from scorehouse.scoring.trees.ensemble import TreeEnsemble, joined


def add_trees(
    draft: Draft,
    inputs: list[str],
    names: Sequence[str],
    outputs: Sequence[Sequence[TreeEnsemble]],
    baselines: Sequence[float],
    truncates: bool = True,
    is_float32: bool = False,
) -> list[str]:
    """Append one ensemble for each name, which adds in float32 if `is_float32`.

    If `truncates`, a number that is split by categories counts without its fraction.
    """
    for tree in (tree for trees in outputs for tree in trees):
        _expect_sound(tree, len(inputs))
    made = [joined(trees, baseline, is_float32) for trees, baseline in zip(outputs, baselines, strict=True)]
    coded = {int(feature) for ensemble in made for feature in ensemble.feature[ensemble.is_categorical]}
    numbers = tuple(
        draft.step(Function.of, name, f"{name} truncated", formula="truncate")
        if truncates and place in coded and name not in draft.categories
        else draft.numbers([name])[0]
        for place, name in enumerate(inputs)
    )
    fresh = tuple(draft.fresh(name) for name in names)
    return draft.add(Trees(numbers, fresh, tuple(made)))


def _expect_sound(tree: TreeEnsemble, inputs: int) -> None:
    """A tree whose splits lead on to nodes of its own, each from one split alone; nothing else ends, or stays in memory."""
    splits = np.flatnonzero(tree.feature >= 0)
    children = np.concatenate([tree.left[splits], tree.right[splits]])
    is_inside = ((children > 0) & (children < len(tree.feature))).all() and (tree.feature < inputs).all()
    if not is_inside or len(np.unique(children)) < len(children):
        raise UnknownFormulaError("a tree whose nodes are not connected as a tree")


def as_float32(thresholds: np.ndarray) -> np.ndarray:
    """The largest doubles that, rounded to float32, are still at most the thresholds.

    Models that compare in float32 round a value before they compare it; with these thresholds the value need not be.

    >>> threshold = as_float32(np.array([0.1]))[0]
    >>> [float(np.float32(value)) <= 0.1 for value in (threshold, np.nextafter(threshold, 1))]
    [True, False]
    """
    below = thresholds.astype(np.float32)
    with np.errstate(over="ignore"):
        below = np.where(below > thresholds, np.nextafter(below, np.float32(-np.inf)), below)
        above = np.nextafter(below, np.float32(np.inf))
    middle = (below.astype(np.float64) + above.astype(np.float64)) / 2
    rounds_down = middle.astype(np.float32) == below
    return np.where(rounds_down, middle, np.nextafter(middle, -np.inf))


def sklearn_tree(tree: object, output: int, scale: float = 1.0) -> TreeEnsemble:
    """A fitted scikit-learn `Tree`; `output` picks the class, or 0 for a regression."""
    if tree.value.shape[1] > 1:
        raise UnknownFormulaError("a tree with several targets", "bring one model for each")
    return TreeEnsemble.of_tree(
        feature=np.where(tree.children_left < 0, -1, tree.feature),
        threshold=as_float32(tree.threshold),
        left=tree.children_left,
        right=tree.children_right,
        value=scale * tree.value[:, 0, output],
        missing_left=tree.missing_go_to_left.astype(bool),
        cover=tree.weighted_n_node_samples,
        categories={},
    )


def _probability_outputs(count: int) -> tuple[list[int], list[str]]:
    """Classes that get a probability of their own, and the names of the columns."""
    classes = [1] if count == 2 else list(range(count))
    return classes, ["probability"] if count == 2 else [f"probability {place}" for place in classes]


@formula_of("predict_proba", "sklearn.DecisionTreeClassifier", "sklearn.ExtraTreeClassifier")
def tree_classifier(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The class shares of the leaf."""
    classes, names = _probability_outputs(model.n_classes_)
    return add_trees(draft, inputs, names, [[sklearn_tree(model.tree_, k)] for k in classes], [0.0] * len(classes))


@formula_of("predict", "sklearn.DecisionTreeRegressor", "sklearn.ExtraTreeRegressor")
def tree_regressor(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The value of the leaf."""
    return add_trees(draft, inputs, ["prediction"], [[sklearn_tree(model.tree_, 0)]], [0.0])


@formula_of("predict_proba", "sklearn.RandomForestClassifier", "sklearn.ExtraTreesClassifier")
def forest_classifier(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The mean of the trees' class shares."""
    classes, names = _probability_outputs(model.n_classes_)
    trees = [[sklearn_tree(tree.tree_, k) for tree in model.estimators_] for k in classes]
    sums = add_trees(draft, inputs, [f"sum of {name}" for name in names], trees, [0.0] * len(classes))
    return _divided(sums, names, len(model.estimators_), draft)


@formula_of("predict", "sklearn.RandomForestRegressor", "sklearn.ExtraTreesRegressor")
def forest_regressor(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The mean of the trees' values."""
    trees = [sklearn_tree(tree.tree_, 0) for tree in model.estimators_]
    sums = add_trees(draft, inputs, ["sum of predictions"], [trees], [0.0])
    return _divided(sums, ["prediction"], len(trees), draft)


def _divided(sums: list[str], names: list[str], count: int, draft: Draft) -> list[str]:
    return [draft.step(Scale.of, s, name, divisor=float(count)) for s, name in zip(sums, names, strict=True)]


@formula_of("decision_function", "sklearn.GradientBoostingClassifier", "sklearn.GradientBoostingRegressor")
def gradient_boosting(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The first guess plus learning rate times the trees' values."""
    if model.init_ != "zero" and not type(model.init_).__name__.startswith("Dummy"):
        raise UnknownFormulaError(f"{type(model).__name__} with init {type(model.init_).__name__}")
    first = np.ravel(model._raw_predict_init(np.zeros((1, model.n_features_in_), np.float32)))
    trees = [[sklearn_tree(stage[k].tree_, 0, model.learning_rate) for stage in model.estimators_] for k in range(len(first))]
    names = ["margin"] if len(first) == 1 else [f"margin {k}" for k in range(len(first))]
    return add_trees(draft, inputs, names, trees, first)


@formula_of("predict", "sklearn.GradientBoostingRegressor")
def gradient_boosting_regressor(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The sum itself."""
    return gradient_boosting(model, inputs, draft)


@formula_of("predict_proba", "sklearn.GradientBoostingClassifier")
def gradient_boosting_classifier(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The sigmoid or softmax of the sums; twice the sum for the exponential loss (AdaBoost)."""
    margins = gradient_boosting(model, inputs, draft)
    if model.loss == "exponential":
        margins = [draft.step(Scale.of, margins[0], "margin", factor=2.0)]
    return probabilities(margins, draft)


def probabilities(margins: list[str], draft: Draft) -> list[str]:
    """The sigmoid of one margin, the softmax of several."""
    if len(margins) > 1:
        return linear.softmax(margins, draft)
    return [draft.step(Function.of, margins[0], "probability", formula="sigmoid")]


conventions.declare(
    Conventions(category_parameter="categorical_features"),
    "sklearn.HistGradientBoostingClassifier",
    "sklearn.HistGradientBoostingRegressor",
)


@formula_of("decision_function", "sklearn.HistGradientBoostingClassifier", "sklearn.HistGradientBoostingRegressor")
def histogram_boosting(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The baseline plus the trees' leaves."""
    columns = _histogram_columns(model, inputs, draft)
    count = len(model._predictors[0]) if model._predictors else 1
    trees = [[_histogram_tree(stage[k]) for stage in model._predictors] for k in range(count)]
    names = ["margin"] if count == 1 else [f"margin {k}" for k in range(count)]
    return add_trees(draft, columns, names, trees, np.ravel(model._baseline_prediction))


def _histogram_columns(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The columns in the model's own order: categories first, as the codes of its own encoder."""
    if model._preprocessor is None:
        return inputs
    is_categorical = np.asarray(model.is_categorical_, bool)
    coded = [name for name, coded in zip(inputs, is_categorical, strict=True) if coded]
    encoder = model._preprocessor.named_transformers_["encoder"]
    found = []
    for name, known in zip(coded, encoder.categories_, strict=True):
        found.append(_native_code(name, known, draft))
    return found + [name for name, coded in zip(inputs, is_categorical, strict=True) if not coded]


def _native_code(name: str, listed: Sequence, draft: Draft) -> str:
    """The place of a category among those that the estimator knows, which are codes, texts or numbers."""
    if name in draft.texts:
        if any(value is None for value in listed):
            draft.says_none(name)
        texts = [(value, place) for place, value in enumerate(listed) if isinstance(value, str)]
        return _code_of_text(name, texts, draft)
    known = np.asarray(listed, np.float64)
    if name not in draft.categories:
        return _code_of_number(draft.numbers([name])[0], known, draft)
    kept = [(int(code), place) for place, code in enumerate(known) if not np.isnan(code) and code >= 0]
    return _code_of_text(name, [(draft.categories[name][code], place) for code, place in kept], draft)


def _code_of_text(name: str, places: Sequence[tuple[str, int]], draft: Draft) -> str:
    table = np.array([place for _, place in places], np.float64)[:, None]
    texts = tuple(text for text, _ in places)
    return draft.add(Lookup((name,), (draft.fresh(f"{name} code"),), texts, table, np.array([np.nan])))[0]


def _code_of_number(name: str, known: np.ndarray, draft: Draft) -> str:
    """The place of a number among the known ones, by bins that hold one number alone."""
    numbers = known[~np.isnan(known)]
    edges = np.column_stack([numbers, np.nextafter(numbers, np.inf)]).ravel()
    table = np.full(len(edges) + 1, np.nan)
    table[1::2] = np.flatnonzero(~np.isnan(known))
    return draft.add(Bins((name,), (draft.fresh(f"{name} code"),), edges, table[:, None], np.array([np.nan])))[0]


def _histogram_tree(predictor: object) -> TreeEnsemble:
    nodes = predictor.nodes
    is_leaf = nodes["is_leaf"].astype(bool)
    splits = np.flatnonzero(nodes["is_categorical"].astype(bool) & ~is_leaf)
    return TreeEnsemble.of_tree(
        feature=np.where(is_leaf, -1, nodes["feature_idx"].astype(np.int64)),
        threshold=nodes["num_threshold"],
        left=nodes["left"].astype(np.int64),
        right=nodes["right"].astype(np.int64),
        value=nodes["value"],
        missing_left=nodes["missing_go_to_left"].astype(bool),
        cover=nodes["count"].astype(np.float64),
        categories={int(node): set_bits(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]) for node in splits},
    )


def set_bits(words: np.ndarray) -> frozenset[int]:
    """Numbers of the bits that are set in an array of 32-bit words."""
    return frozenset(32 * place + bit for place, word in enumerate(words) for bit in range(32) if int(word) >> bit & 1)


@formula_of("predict_proba", "sklearn.HistGradientBoostingClassifier")
def histogram_boosting_classifier(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The sigmoid or softmax of the sums."""
    return probabilities(histogram_boosting(model, inputs, draft), draft)


@formula_of("predict", "sklearn.HistGradientBoostingRegressor")
def histogram_boosting_regressor(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The inverse link of the sum: exp for poisson and gamma, else the sum itself."""
    margin = histogram_boosting(model, inputs, draft)
    return [draft.step(Function.of, margin[0], "prediction", formula="exp")] if model.loss in ("poisson", "gamma") else margin
