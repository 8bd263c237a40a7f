"""Formulas of LightGBM models, read from their text form; LightGBM itself is not needed.

The format is that of LightGBM's `Booster.save_model`; decisions are those of `Tree::NumericalDecision` and
`Tree::CategoricalDecision` in its source (tree.h).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.translate import conventions, linear, trees
from scorehouse.learning.translate.brought import Brought, format_of, over_numbers
from scorehouse.learning.translate.conventions import Conventions
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError, formula_of
from scorehouse.scoring.steps import Function, Scale
from scorehouse.scoring.trees.ensemble import TreeEnsemble

ZERO = float(np.float32(1e-35))
ZERO_AS_MISSING = 1
NAN_AS_MISSING = 2
IDENTITIES = (
    "regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg", "custom", "none",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class LightGbmModel:
    """What a model's text says.

    Attributes:
        features: names of the inputs, in order.
        trees: in order; tree i belongs to output i modulo outputs.
        outputs: number of raw scores.
        objective: its name.
        settings: what follows the name, for example sigmoid -> 1.
        is_averaged: whether the raw score is the mean of the iterations (random forests).
    """

    features: tuple[str, ...]
    trees: tuple[TreeEnsemble, ...]
    outputs: int
    objective: str
    settings: dict[str, str]
    is_averaged: bool


def parse(text: str) -> LightGbmModel:
    """Read a model's text.

    Raises UnknownFormulaError when it is not one, or has something whose formula is not known.
    """
    head, *blocks = text.split("\nTree=")
    fields = _fields(head)
    if not head.startswith("tree") or "feature_names" not in fields:
        raise UnknownFormulaError("a text that is not a LightGBM model")
    objective, *settings = fields.get("objective", "custom").split()
    return LightGbmModel(
        features=tuple(fields["feature_names"].split()),
        trees=tuple(_tree(_fields(block.split("\n\n")[0])) for block in blocks),
        outputs=int(fields["num_tree_per_iteration"]),
        objective=objective,
        settings=dict(setting.partition(":")[::2] for setting in settings),
        is_averaged="average_output" in head.splitlines(),
    )


def _fields(text: str) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)


def _numbers(fields: dict[str, str], name: str) -> np.ndarray:
    return np.array(fields.get(name, "").split(), np.float64)


def _tree(fields: dict[str, str]) -> TreeEnsemble:
    """Splits first, then leaves; a child below zero is a leaf."""
    if fields.get("is_linear", "0") != "0":
        raise UnknownFormulaError("LightGBM with linear trees")
    splits, leaves = len(_numbers(fields, "split_feature")), int(fields["num_leaves"])
    decision = _numbers(fields, "decision_type").astype(np.int64)
    is_categorical = (decision & 1).astype(bool)
    listed = _numbers(fields, "threshold")
    threshold = np.where(is_categorical, listed, _clear_of_zero(listed))
    children = {
        side: np.where(nodes < 0, splits + ~nodes, nodes)
        for side, nodes in ((s, _numbers(fields, f"{s}_child").astype(np.int64)) for s in ("left", "right"))
    }
    padding = np.zeros(leaves)
    return TreeEnsemble.of_tree(
        feature=np.concatenate([_numbers(fields, "split_feature"), padding - 1]).astype(np.int64),
        threshold=np.concatenate([threshold, padding]),
        left=np.concatenate([children["left"], padding - 1]).astype(np.int64),
        right=np.concatenate([children["right"], padding - 1]).astype(np.int64),
        value=np.concatenate([np.zeros(splits), _numbers(fields, "leaf_value")]),
        missing_left=np.concatenate([_missing_left(decision, threshold), padding.astype(bool)]),
        cover=_cover(fields, splits, leaves),
        categories=_categories(fields, is_categorical, threshold),
    )


def _clear_of_zero(threshold: np.ndarray) -> np.ndarray:
    """LightGBM takes a number as small as `ZERO` for 0; a threshold among such numbers moves to their edge."""
    threshold = np.where((threshold >= -ZERO) & (threshold < 0), np.nextafter(-ZERO, -np.inf), threshold)
    return np.where((threshold >= 0) & (threshold < ZERO), ZERO, threshold)


def _missing_left(decision: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """Where NaN goes: its learned direction; where zero goes if NaN counts as zero; right for categories."""
    is_categorical, goes_left = (decision & 1).astype(bool), (decision & 2).astype(bool)
    missing = (decision >> 2) & 3
    zero_left = threshold >= 0
    if (~is_categorical & (missing == ZERO_AS_MISSING) & (goes_left != zero_left)).any():
        raise UnknownFormulaError("LightGBM with zero_as_missing")
    return np.where(is_categorical, False, np.where(missing == NAN_AS_MISSING, goes_left, zero_left))


def _cover(fields: dict[str, str], splits: int, leaves: int) -> np.ndarray:
    counts = np.concatenate([_numbers(fields, "internal_count"), _numbers(fields, "leaf_count")])
    return counts if len(counts) == splits + leaves else np.ones(splits + leaves)


def _categories(fields: dict[str, str], is_categorical: np.ndarray, threshold: np.ndarray) -> dict[int, frozenset[int]]:
    if not is_categorical.any():
        return {}
    bounds = _numbers(fields, "cat_boundaries").astype(np.int64)
    words = _numbers(fields, "cat_threshold").astype(np.uint32)
    return {
        int(node): trees.set_bits(words[bounds[int(threshold[node])] : bounds[int(threshold[node]) + 1]])
        for node in np.flatnonzero(is_categorical)
    }


def raw_scores(model: LightGbmModel, inputs: list[str], draft: Draft) -> list[str]:
    """The sums of leaves."""
    count = model.outputs
    names = ["margin"] if count == 1 else [f"margin {place}" for place in range(count)]
    split = [model.trees[place::count] for place in range(count)]
    sums = trees.add_trees(draft, inputs, names, split, [0.0] * count)
    if not model.is_averaged:
        return sums
    return [draft.step(Scale.of, name, "mean", divisor=float(len(split[0]))) for name in sums]


def scores(model: LightGbmModel, inputs: list[str], draft: Draft) -> list[str]:
    """What the objective makes of the raw scores."""
    raw = raw_scores(model, inputs, draft)
    if model.objective in ("binary", "cross_entropy", "multiclassova"):
        slope = float(model.settings.get("sigmoid", 1))
        margins = raw if slope == 1 else [draft.step(Scale.of, name, "scaled margin", factor=slope) for name in raw]
        return [draft.step(Function.of, name, "probability", formula="sigmoid") for name in margins]
    if model.objective == "multiclass":
        return linear.softmax(raw, draft)
    if model.objective in ("poisson", "gamma", "tweedie"):
        return [draft.step(Function.of, raw[0], "prediction", formula="exp")]
    if model.objective in IDENTITIES and "sqrt" not in model.settings:
        return raw
    raise UnknownFormulaError(f"LightGBM with objective {model.objective}")


def own_scores(text: str) -> Callable[[np.ndarray], np.ndarray] | None:
    """LightGBM's scores of a matrix [rows, features], to compare with; None where it is not installed."""
    try:
        import lightgbm  # an optional extra
    except ImportError:
        return None
    booster = lightgbm.Booster(model_str=text, params={"verbose": -1})
    return lambda matrix: booster.predict(matrix, num_threads=1)


conventions.declare(
    Conventions(
        defaults={"verbose": -1, "n_jobs": 1, "deterministic": True},
        category_parameter="categorical_feature",
        monotonic_parameter="monotone_constraints",
        takes_any_parameter=True,
    ),
    "lightgbm.LGBMModel",
)


@format_of("scorehouse.lightgbm")
def bring(table: pa.Table, spec: Spec, where: str) -> tuple[Fitted, Examples]:
    """A model from LightGBM's text."""
    text = spec.model(where).decode(errors="replace")
    model = parse(text)
    found = Brought(model.features, model.objective, lambda names, draft: scores(model, names, draft), own_scores(text))
    return over_numbers(table, spec, where, found)


@formula_of("predict", "lightgbm.LGBMRegressor", "lightgbm.LGBMRanker")
@formula_of("predict_proba", "lightgbm.LGBMClassifier")
def estimator(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The booster's scores."""
    return scores(parse(model.booster_.model_to_string()), inputs, draft)


@formula_of("decision_function", "lightgbm.LGBMClassifier")
def margin(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The booster's raw scores."""
    return raw_scores(parse(model.booster_.model_to_string()), inputs, draft)
