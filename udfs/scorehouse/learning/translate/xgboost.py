"""Formulas of XGBoost models, read from their JSON form; XGBoost itself is not needed.

XGBoost compares and adds in float32: a value goes left when, rounded to float32, it is below the split condition, and its own
scores carry float32 rounding, so they agree with ours to about 1e-6.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.translate import conventions, linear, trees
from scorehouse.learning.translate.brought import Brought, format_of, over_numbers
from scorehouse.learning.translate.conventions import Conventions
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError, formula_of
from scorehouse.scoring.steps import Function
from scorehouse.scoring.trees.ensemble import TreeEnsemble

LOGISTIC = ("binary:logistic", "reg:logistic")
EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie")
IDENTITIES = (
    "reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror", "binary:logitraw", "rank:ndcg",
    "rank:pairwise", "rank:map", "reg:squaredlogerror",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class XGBoostModel:
    """What a model's JSON says.

    Attributes:
        features: names of the inputs in order; empty when the model has none.
        trees: for each output, in order.
        baselines: margin that each output starts from.
        objective: its name.
    """

    features: tuple[str, ...]
    trees: tuple[tuple[TreeEnsemble, ...], ...]
    baselines: tuple[float, ...]
    objective: str


def parse(text: str | bytes) -> XGBoostModel:
    """Read a model's JSON.

    Raises UnknownFormulaError when it is not one, or has something whose formula is not known.
    """
    try:
        learner = json.loads(text)["learner"]
        booster = learner["gradient_booster"]
    except (ValueError, KeyError, TypeError):
        raise UnknownFormulaError("a text that is not an XGBoost JSON model") from None
    weights: list[float] = []
    if booster["name"] == "dart":
        weights, booster = booster["weight_drop"], booster["gbtree"]
    elif booster["name"] != "gbtree":
        raise UnknownFormulaError(f"XGBoost with booster {booster['name']}")
    model, objective = booster["model"], learner["objective"]["name"]
    count = max(1, int(learner["learner_model_param"]["num_class"]))
    made = [
        (place, _tree(tree, weights[number] if weights else 1.0))
        for number, (tree, place) in enumerate(zip(model["trees"], model["tree_info"], strict=True))
    ]
    return XGBoostModel(
        features=tuple(learner.get("feature_names") or ()),
        trees=tuple(tuple(tree for place, tree in made if place == output) for output in range(count)),
        baselines=_baselines(learner["learner_model_param"]["base_score"], objective, count),
        objective=objective,
    )


def _baselines(text: str, objective: str, count: int) -> tuple[float, ...]:
    """The base score, which is kept on the scale of the prediction, as a margin."""
    values = np.float32(np.atleast_1d(json.loads(text))).astype(np.float64)
    if objective in LOGISTIC:
        values = np.log(values / (1 - values))
    elif objective in EXPONENTIAL:
        values = np.log(values)
    return tuple(np.broadcast_to(values, count).tolist())


def _tree(tree: dict[str, Any], weight: float) -> TreeEnsemble:
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    if tree["tree_param"].get("size_leaf_vector", "1") not in ("0", "1"):
        raise UnknownFormulaError("XGBoost with several outputs a tree")
    is_leaf = left < 0
    condition = np.array(tree["split_conditions"], np.float32)
    below = np.nextafter(condition, np.float32(-np.inf)).astype(np.float64)
    goes_left = np.array(tree["default_left"]).astype(bool)
    categories = _categories(tree)
    swapped = np.isin(np.arange(len(left)), list(categories))
    return TreeEnsemble.of_tree(
        feature=np.where(is_leaf, -1, np.array(tree["split_indices"])),
        threshold=np.where(is_leaf, 0.0, trees.as_float32(below)),
        left=np.where(swapped, right, left),
        right=np.where(swapped, left, right),
        value=np.where(is_leaf, condition.astype(np.float64) * weight, 0.0),
        missing_left=np.where(swapped, ~goes_left, goes_left),
        cover=np.array(tree["sum_hessian"], np.float64),
        categories=categories,
    )


def _categories(tree: dict[str, Any]) -> dict[int, frozenset[int]]:
    """The categories listed at a node go right, so the sides of such a node are swapped."""
    nodes, starts, sizes = (tree.get(f"categories_{part}", []) for part in ("nodes", "segments", "sizes"))
    listed = tree.get("categories", [])
    return {node: frozenset(listed[start : start + size]) for node, start, size in zip(nodes, starts, sizes, strict=True)}


def raw_scores(model: XGBoostModel, inputs: list[str], draft: Draft) -> list[str]:
    """The sums of leaves."""
    draft.is_float32 = True
    names = ["margin"] if len(model.trees) == 1 else [f"margin {place}" for place in range(len(model.trees))]
    return trees.add_trees(draft, inputs, names, model.trees, model.baselines)


def scores(model: XGBoostModel, inputs: list[str], draft: Draft) -> list[str]:
    """What the objective makes of the raw scores."""
    raw = raw_scores(model, inputs, draft)
    if model.objective in LOGISTIC:
        return [draft.step(Function.of, raw[0], "probability", formula="sigmoid")]
    if model.objective in ("multi:softprob", "multi:softmax"):
        return linear.softmax(raw, draft)
    if model.objective in EXPONENTIAL:
        return [draft.step(Function.of, raw[0], "prediction", formula="exp")]
    if model.objective in IDENTITIES:
        return raw
    raise UnknownFormulaError(f"XGBoost with objective {model.objective}")


def own_scores(model: bytes) -> Callable[[np.ndarray], np.ndarray] | None:
    """XGBoost's scores of a matrix [rows, features], to compare with; None where it is not installed."""
    try:
        import xgboost  # an optional extra
    except ImportError:
        return None
    booster = xgboost.Booster(model_file=bytearray(model))
    if json.loads(model)["learner"]["objective"]["name"] == "multi:softmax":
        booster.set_param({"objective": "multi:softprob"})
    booster.set_param({"nthread": 1})
    return lambda matrix: booster.predict(xgboost.DMatrix(matrix, feature_names=booster.feature_names))


conventions.declare(
    Conventions(defaults={"verbosity": 0, "n_jobs": 1}, monotonic_parameter="monotone_constraints", takes_any_parameter=True),
    "xgboost.XGBModel",
)


@format_of("scorehouse.xgboost")
def bring(table: pa.Table, spec: Spec, where: str) -> tuple[Fitted, Examples]:
    """A model from XGBoost's JSON."""
    content = spec.model(where)
    model = parse(content)
    found = Brought(model.features, model.objective, lambda names, draft: scores(model, names, draft), own_scores(content))
    return over_numbers(table, spec, where, found)


def _of(model: object) -> XGBoostModel:
    return parse(bytes(model.get_booster().save_raw("json")))


@formula_of("predict", "xgboost.XGBRegressor", "xgboost.XGBRFRegressor", "xgboost.XGBRanker")
@formula_of("predict_proba", "xgboost.XGBClassifier", "xgboost.XGBRFClassifier")
def estimator(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The booster's scores."""
    return scores(_of(model), inputs, draft)
