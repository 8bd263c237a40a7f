"""Formulas of XGBoost models, read from their JSON form, and what XGBoost itself makes of the same file.

XGBoost compares and adds in float32: a value goes left when, rounded to float32, it is below the split condition, and every sum
of leaves is rounded, here as there. What an objective makes of the sum agrees to about 1e-6.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted, RefusedRowsError
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.translate import conventions, linear, refusals, trees
from scorehouse.learning.translate.brought import (
    Brought,
    Category,
    Declared,
    Predict,
    Rows,
    format_of,
    input_columns,
    library,
    over_columns,
)
from scorehouse.learning.translate.conventions import Conventions
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError, formula_of
from scorehouse.scoring.steps import Bins, Function, Impute
from scorehouse.scoring.trees.ensemble import TreeEnsemble

if TYPE_CHECKING:
    import pandas

LOGISTIC = ("binary:logistic", "reg:logistic")
EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft")
BINARY, SEVERAL, HINGE, QUANTILES = "binary:logistic", ("multi:softprob", "multi:softmax"), "binary:hinge", "reg:quantileerror"
IDENTITIES = (
    "reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", QUANTILES, "binary:logitraw", "rank:ndcg",
    "rank:pairwise", "rank:map", "reg:squaredlogerror", "reg:linear",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class XGBoostModel:
    """What a model's JSON says.

    Attributes:
        features: names of the inputs in order; empty when the model has none.
        count: how many inputs there are.
        trees: for each output, in order; those of the rounds that are asked for.
        remark: which rounds these are, where the file has more.
        baselines: margin that each output starts from.
        objective: its name.
        classes: how many there are; 0 for a model that does not tell several apart.
        weights: float64 [outputs, inputs], of a linear model; None for trees.
        quantiles: those that it predicts side by side.
        categories: the known values of each input that has some, by place.
        learned_missing: places of the inputs of which some training rows had none.
    """

    features: tuple[str, ...]
    count: int
    trees: tuple[tuple[TreeEnsemble, ...], ...]
    baselines: tuple[float, ...]
    objective: str
    classes: int = 0
    weights: np.ndarray | None = None
    quantiles: tuple[float, ...] = ()
    categories: dict[int, tuple[Category, ...]] = field(default_factory=dict)
    learned_missing: frozenset[int] = frozenset()
    remark: str | None = None


def parse(text: str | bytes, rounds: str = "best") -> XGBoostModel:
    """Read a model's JSON.

    Args:
        text: what `save_model` or `save_raw` wrote.
        rounds: best for those up to the best round of early stopping, or all.

    Raises UnknownFormulaError when it is not one, or has something whose formula is not known.
    """
    try:
        learner = json.loads(text)["learner"]
        booster, said, objective = learner["gradient_booster"], learner["learner_model_param"], learner["objective"]
    except (ValueError, KeyError, TypeError):
        raise UnknownFormulaError("a text that is not an XGBoost JSON model") from None
    classes, features = int(said["num_class"]), int(said["num_feature"])
    names = tuple(learner.get("feature_names") or ())
    if names and len(names) != features:
        found = f"an XGBoost model of {features} inputs that names {len(names)} ({', '.join(names[:5])})"
        raise UnknownFormulaError(found, "save it as it was trained")
    outputs = max(1, classes, int(said.get("num_target", 1)))
    baselines = _baselines(said["base_score"], objective["name"], outputs)
    model, trees_, weights, remark = booster.get("model"), ((),) * outputs, None, None
    if booster["name"] == "gblinear":
        listed = np.array(model["weights"], np.float64).reshape(features + 1, outputs)
        weights = listed[:-1].T
        baselines = tuple((baselines[0] + listed[-1]).tolist())  # the first base score, for every output (seen in 3.2)
    else:
        model = booster["gbtree"]["model"] if booster["name"] == "dart" else model
        kept, remark = _kept(model, outputs, learner.get("attributes", {}) if rounds == "best" else {})
        trees_ = _by_output(model, booster.get("weight_drop"), kept, outputs)
    return XGBoostModel(
        features=names,
        count=features,
        trees=trees_,
        baselines=baselines,
        objective=objective["name"],
        classes=classes,
        weights=weights,
        quantiles=_quantiles(objective),
        categories=_known_categories((model or {}).get("cats") or {}),
        learned_missing=_learned_missing((model or {}).get("trees", [])),
        remark=remark,
    )


def _kept(model: dict[str, Any], outputs: int, attributes: dict[str, str]) -> tuple[int, str | None]:
    """How many trees are asked, and what is to be said of it: those up to the best round of early stopping, else all.

    A training that went on from such a model keeps the best round of the first one.
    """
    if "best_iteration" not in attributes:
        return len(model["trees"]), None
    rounds, width = int(attributes["best_iteration"]) + 1, outputs * max(1, int(model["gbtree_model_param"]["num_parallel_tree"]))
    bounds = model.get("iteration_indptr") or list(range(0, len(model["trees"]) + 1, width))
    if not 0 < rounds < len(bounds):
        found = f"an XGBoost model whose best round by early stopping is {rounds} of {len(bounds) - 1}"
        raise UnknownFormulaError(found, "declare rounds: all in meta.parameters, or save it as it was trained")
    if rounds == len(bounds) - 1:
        return bounds[rounds], None
    which = f"Rounds 1 to {rounds} of {len(bounds) - 1} serve, up to the best of early stopping"
    return bounds[rounds], f"{which}; meta.parameters.rounds: all lets all serve."


def _learned_missing(listed: Sequence[dict[str, Any]]) -> frozenset[int]:
    """Places of the inputs that rows without a value turn left of at some splits and right at others.

    Without such rows in training, every split of an input turns them to one side (seen in 3.2, by each tree_method).
    """
    sides: dict[int, set[bool]] = {}
    for tree in listed:
        for left, place, goes_left in zip(tree["left_children"], tree["split_indices"], tree["default_left"], strict=True):
            if left >= 0:
                sides.setdefault(int(place), set()).add(bool(goes_left))
    return frozenset(place for place, found in sides.items() if len(found) == 2)


def _by_output(
    model: dict[str, Any], dropped: Sequence[float] | None, kept: int, outputs: int
) -> tuple[tuple[TreeEnsemble, ...], ...]:
    """The trees of each output; one whose leaves are vectors belongs to all."""
    found: list[list[TreeEnsemble]] = [[] for _ in range(outputs)]
    for number, (tree, place) in enumerate(zip(model["trees"][:kept], model["tree_info"][:kept], strict=True)):
        weight = dropped[number] if dropped else 1.0
        width = int(tree["tree_param"].get("size_leaf_vector", "1"))
        for output in range(outputs) if width > 1 else [place]:
            found[output].append(_tree(tree, weight, output if width > 1 else None, width))
    return tuple(tuple(trees_) for trees_ in found)


def _quantiles(objective: dict[str, Any]) -> tuple[float, ...]:
    listed = objective.get("quantile_loss_param", {}).get("quantile_alpha")
    return tuple(np.atleast_1d(json.loads(listed)).tolist()) if listed else ()


def _known_categories(cats: dict[str, Any]) -> dict[int, tuple[Category, ...]]:
    """The values that the model has for the codes of its inputs, by place: numbers, or texts as the bytes between offsets."""
    found: dict[int, tuple[Category, ...]] = {}
    for place, encoded in enumerate(cats.get("enc", [])):
        offsets = encoded.get("offsets")
        if offsets is None:
            found[place] = tuple(encoded["values"])
        elif len(offsets) > 1:
            found[place] = tuple(_decoded(encoded["values"], offsets))
    return {place: values for place, values in found.items() if values}


def _decoded(values: Sequence[int], offsets: Sequence[int]) -> list[str]:
    content = bytes(value % 256 for value in values)
    if not content.isascii():
        raise UnknownFormulaError(
            "categories with letters beyond ASCII, which XGBoost cuts where it keeps them", "fit it on ASCII categories"
        )
    return [content[start:end].decode() for start, end in pairwise(offsets)]


def _baselines(text: str, objective: str, count: int) -> tuple[float, ...]:
    """The base score, which is kept on the scale of the prediction, as a margin."""
    values = np.float32(np.atleast_1d(json.loads(text))).astype(np.float64)
    if objective in LOGISTIC:
        values = np.log(values / (1 - values))
    elif objective in EXPONENTIAL:
        values = np.log(values)
    return tuple(np.broadcast_to(values, count).tolist())


def _tree(tree: dict[str, Any], weight: float, target: int | None, width: int) -> TreeEnsemble:
    """One tree; `target` picks the number of a leaf that is a vector of `width` numbers."""
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
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
        value=np.where(is_leaf, _leaves(tree, condition, target, width) * np.float32(weight), 0.0).astype(np.float64),
        missing_left=np.where(swapped, ~goes_left, goes_left),
        cover=np.array(tree["sum_hessian"], np.float64),
        categories=categories,
    )


def _leaves(tree: dict[str, Any], condition: np.ndarray, target: int | None, width: int) -> np.ndarray:
    """The value of each node that is a leaf: float32 [nodes]."""
    if target is None:
        return condition
    if "leaf_weights" not in tree:  # before 3.2, a vector for every node
        return np.array(tree["base_weights"], np.float32).reshape(-1, width)[:, target]
    vectors = np.array(tree["leaf_weights"], np.float32).reshape(-1, width)
    return vectors[np.where(np.array(tree["left_children"]) < 0, tree["right_children"], 0), target]


def _categories(tree: dict[str, Any]) -> dict[int, frozenset[int]]:
    """The categories listed at a node go right, so the sides of such a node are swapped."""
    nodes, starts, sizes = (tree.get(f"categories_{part}", []) for part in ("nodes", "segments", "sizes"))
    listed = tree.get("categories", [])
    return {node: frozenset(listed[start : start + size]) for node, start, size in zip(nodes, starts, sizes, strict=True)}


def raw_scores(model: XGBoostModel, inputs: list[str], draft: Draft) -> list[str]:
    """The sums of leaves, or the weighted sums of a linear model, to which a missing number adds nothing."""
    draft.is_float32 = True
    count = len(model.baselines)
    names = ["margin"] if count == 1 else [f"margin {place}" for place in range(count)]
    if model.weights is not None:
        filled = [draft.step(Impute.of, name, f"{name} or 0", fill=0.0) for name in draft.numbers(inputs)]
        return draft.linear(filled, names, model.weights, np.array(model.baselines))
    coded = _coded(model, inputs, draft)
    return trees.add_trees(draft, coded, names, model.trees, model.baselines, truncates=False, is_float32=True)


def _coded(model: XGBoostModel, inputs: list[str], draft: Draft) -> list[str]:
    """The columns that splits read; a number that is split by categories is the code that it is in float32."""
    largest: dict[int, int] = {}
    for tree in (tree for of_output in model.trees for tree in of_output):
        for node in np.flatnonzero(tree.is_categorical):
            place = int(tree.feature[node])
            largest[place] = max(largest.get(place, 0), *tree.categories[node])
    return [
        _code(name, largest[place], draft) if place in largest and name not in draft.categories else name
        for place, name in enumerate(inputs)
    ]


def _code(name: str, largest: int, draft: Draft) -> str:
    below = np.nextafter(np.arange(largest + 2, dtype=np.float32), np.float32(-np.inf))
    edges = np.nextafter(trees.as_float32(below.astype(np.float64)), np.inf)
    table = np.arange(-1.0, largest + 2)[:, None]
    return draft.add(Bins((name,), (draft.fresh(f"{name} code"),), edges, table, np.array([np.nan])))[0]


def scores(model: XGBoostModel, inputs: list[str], draft: Draft) -> list[str]:
    """What the objective makes of the raw scores."""
    raw = raw_scores(model, inputs, draft)
    if len(model.quantiles) == len(raw) > 1:
        draft.parts = tuple(f"quantile_{quantile:g}" for quantile in model.quantiles)
    if model.objective in LOGISTIC:
        return [draft.step(Function.of, name, "probability", formula="sigmoid") for name in raw]
    if model.objective in SEVERAL:
        return linear.softmax(raw, draft)
    if model.objective in EXPONENTIAL:
        return [draft.step(Function.of, name, "prediction", formula="exp") for name in raw]
    if model.objective == HINGE:
        edge, table = np.array([np.nextafter(0, 1)]), np.array([[0.0], [1.0]])
        return [draft.add(Bins((n,), (draft.fresh("prediction"),), edge, table, np.array([np.nan])))[0] for n in raw]
    if model.objective in IDENTITIES:
        return raw
    raise UnknownFormulaError(f"XGBoost with objective {model.objective}", "fit it with another objective")


def own_scores(xgboost: ModuleType, content: bytes, declared: Declared, categories: bool, where: str) -> Predict:
    """XGBoost's predictions by the file of a model, up to the best round if asked so; with categories, for a pandas frame.

    Of multi:softmax, whose prediction is a class, those of the same trees as multi:softprob.
    """
    booster = xgboost.Booster(model_file=bytearray(content))
    config = json.loads(booster.save_config())["learner"]
    if config["objective"]["name"] == "multi:softmax":
        booster.set_param({"objective": "multi:softprob"})
    booster.set_param({"nthread": 1})
    best = booster.attr("best_iteration") if declared.rounds == "best" else None
    is_linear = config["gradient_booster"]["name"] == "gblinear"
    until = 0 if best is None or is_linear else int(best) + 1
    settings = {"missing": np.nan if declared.missing is None else declared.missing, "nthread": 1, "enable_categorical": True}

    def predict(rows: Rows) -> np.ndarray:
        if categories:
            data = xgboost.DMatrix(_framed(rows.frame(where, "xgboost"), booster), **settings)
        else:
            names, types = booster.feature_names, booster.feature_types
            data = xgboost.DMatrix(rows.matrix(), feature_names=names, feature_types=types, **settings)
        return booster.predict(data, iteration_range=(0, until))

    return predict


def _framed(frame: "pandas.DataFrame", booster: object) -> "pandas.DataFrame":
    """The frame with whole numbers as categories of the width that the model was fitted on, which XGBoost insists on.

    Raises RefusedRowsError for categories that the model was not fitted on: XGBoost says the same of one that sorts behind all
    that it knows, and takes any other for the next one in order (seen in 3.2).
    """
    for name, values in dict(booster.get_categories(export_to_arrow=True).to_arrow()).items():
        if values is None:
            continue
        given, known = frame[name].cat.categories, set(values.to_pylist())
        unknown = [value for value in given if value not in known]
        if unknown:
            words = f"a category of {name} that the training set did not have"
            raise RefusedRowsError(words, frame[name].isin(unknown).to_numpy())
        if pa.types.is_integer(values.type):
            frame[name] = frame[name].cat.rename_categories(given.astype(values.type.to_pandas_dtype()))
    return frame


conventions.declare(
    Conventions(defaults={"verbosity": 0, "n_jobs": 1}, monotonic_parameter="monotone_constraints", takes_any_parameter=True),
    "xgboost.XGBModel",
)


@format_of("scorehouse.xgboost")
def bring(table: pa.Table, spec: Spec, where: str) -> tuple[Fitted, Examples]:
    """A model from what XGBoost's `save_model` wrote, JSON or UBJSON."""
    declared = Declared.read(spec, where, "rounds")
    content = spec.model(where)
    xgboost = library(where, "xgboost", "xgboost")
    model = parse(_as_json(xgboost, content), declared.rounds)
    columns = input_columns(table, spec, where, model.features, model.count, declared)
    _expect_no_code(declared.missing, model, columns, where)
    outputs = len(model.baselines)
    found = Brought(
        inputs=model.features,
        outputs=outputs,
        write=lambda names, draft: _guarded(model, names, draft),
        predict=own_scores(xgboost, content, declared, bool(model.categories), where),
        package="xgboost",
        categories=model.categories,
        is_classifier=model.classes > 1 or (model.objective in (BINARY, "binary:logitraw") and outputs == 1),
        is_probability=model.objective != "binary:logitraw",
        targets=tuple(f"quantile_{quantile:g}" for quantile in model.quantiles),
        refuses_unseen=True,
        missing=declared.missing,
        is_float32=True,
        takes_marker=True,
        learned_missing=model.learned_missing,
        remark=model.remark,
    )
    return over_columns(table, spec, where, found, declared, columns)


def _expect_no_code(missing: float | None, model: XGBoostModel, columns: tuple[str, ...], where: str) -> None:
    """Refuse a number that means missing where it is a category's code: XGBoost takes that category for missing, too."""
    for place, known in model.categories.items():
        if missing is not None and missing in range(len(known)):
            raise ScorehouseError(
                f"{where}: meta.parameters.missing: expected a number that is no code of a category (0 to {len(known) - 1} of "
                f"{columns[place]}), found {missing:g}, by which one of them is missing to XGBoost, too; fit it on NaN instead."
            )


def _guarded(model: XGBoostModel, names: list[str], draft: Draft) -> list[str]:
    """The scores; XGBoost refuses numbers that are infinite in float32."""
    refusals.within([name for name in names if name not in draft.categories], draft, refusals.LARGEST_FLOAT32)
    return scores(model, names, draft)


def _as_json(xgboost: ModuleType, content: bytes) -> bytes:
    """The model in the JSON of the XGBoost that is installed, whichever version and form it was saved in."""
    if not content.lstrip().startswith(b"{"):
        raise UnknownFormulaError("a text that is not an XGBoost JSON model")
    with suppress(UnicodeDecodeError, json.JSONDecodeError):  # UBJSON
        _expect_whole(json.loads(content))
    try:
        return bytes(xgboost.Booster(model_file=bytearray(content)).save_raw("json"))
    except Exception as error:  # whatever it stumbles over in a file that is none of its own
        raise UnknownFormulaError("a text that is not an XGBoost JSON model") from error


def _expect_whole(said: dict[str, Any]) -> None:
    """The parts that XGBoost reads without looking, and without which it ends the process."""
    try:
        booster = said["learner"]["gradient_booster"]
    except (LookupError, TypeError):
        raise UnknownFormulaError("a text that is not an XGBoost JSON model") from None
    try:
        model = booster["gbtree"]["model"] if booster["name"] == "dart" else booster["model"]
        is_whole = bool(model["weights"]) if booster["name"] == "gblinear" else all(map(_is_whole, model["trees"]))
    except (AttributeError, LookupError, TypeError, ValueError):
        is_whole = False
    if not is_whole:
        raise UnknownFormulaError("an XGBoost JSON model that is cut off or was edited")


def _is_whole(tree: dict[str, Any]) -> bool:
    """Whether each child of a tree's nodes says whose it is, and leaves are numbers."""
    parents = tree["parents"]
    sides = zip(tree["left_children"], tree["right_children"], strict=True)
    children = ((node, child) for node, pair in enumerate(sides) for child in pair if pair[0] >= 0)
    width = int(tree["tree_param"].get("size_leaf_vector", 1))
    return width >= 0 and all(0 <= child < len(parents) and parents[child] == node for node, child in children)


def _of(model: object) -> XGBoostModel:
    """The model of an estimator, whose own predictions heed early stopping."""
    return parse(bytes(model.get_booster().save_raw("json")))


@formula_of("predict", "xgboost.XGBRegressor", "xgboost.XGBRFRegressor", "xgboost.XGBRanker")
@formula_of("predict_proba", "xgboost.XGBClassifier", "xgboost.XGBRFClassifier")
def estimator(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The booster's scores."""
    return scores(_of(model), inputs, draft)
