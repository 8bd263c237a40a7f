"""Formulas of LightGBM models, read from their text form, and what LightGBM itself makes of the same text.

The format is that of LightGBM's `Booster.save_model`; decisions are those of `Tree::NumericalDecision` and
`Tree::CategoricalDecision` in its source (tree.h).
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.translate import conventions, linear, trees
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
from scorehouse.scoring.columns import CATEGORICAL
from scorehouse.scoring.steps import Blank, Function, Product, Scale
from scorehouse.scoring.trees.ensemble import TreeEnsemble

ZERO = float(np.float32(1e-35))
ZERO_AS_MISSING = 1
NAN_AS_MISSING = 2
NEEDED_OF_SPLITS = ("split_feature", "threshold", "left_child", "right_child")
OF_SPLITS = (*NEEDED_OF_SPLITS, "split_gain", "decision_type", "internal_value", "internal_weight", "internal_count")
OF_LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
"""What a tree has of each split and of each leaf; of what is not needed, for all of them or for none."""

EDITED = "a LightGBM text that is cut off or was edited"

BINARY, SEVERAL = ("binary",), ("multiclass", "multiclassova")
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
        categories: the values of each column that was a pandas category, in the order of their codes; empty where there was none.
        coded: places of the features that were declared to be categories.
    """

    features: tuple[str, ...]
    trees: tuple[TreeEnsemble, ...]
    outputs: int
    objective: str
    settings: dict[str, str]
    is_averaged: bool
    categories: tuple[tuple[Category, ...], ...] = ()
    coded: tuple[int, ...] = ()


def parse(text: str) -> LightGbmModel:
    """Read a model's text.

    Raises UnknownFormulaError when it is not one, or has something whose formula is not known.
    """
    head, *blocks = text.split("\nTree=")
    fields = _fields(head)
    if not head.startswith("tree") or "feature_names" not in fields:
        raise UnknownFormulaError("a text that is not a LightGBM model")
    if "\nend of trees" not in text:
        raise UnknownFormulaError("a LightGBM model whose text is cut off")
    _expect_sizes(text, fields.get("tree_sizes", ""))
    _expect_parameters(text)
    features = tuple(fields["feature_names"].split())
    objective, *settings = fields.get("objective", "custom").split()
    return LightGbmModel(
        features=features,
        trees=tuple(_tree(_fields(block.split("\n\n")[0]), len(features)) for block in blocks),
        outputs=int(fields["num_tree_per_iteration"]),
        objective=objective,
        settings=dict(setting.partition(":")[::2] for setting in settings),
        is_averaged="average_output" in head.splitlines(),
        categories=_pandas_categories(text),
        coded=_coded(text, fields.get("feature_infos", "").split()),
    )


def _expect_sizes(text: str, sizes: str) -> None:
    """Trees where the text says that they are; LightGBM ends the process where they are not."""
    content = text.encode()
    start = content.find(b"Tree=0")
    for number, size in enumerate(map(int, sizes.split())):
        if not content[start:].startswith(f"Tree={number}\n".encode()):
            raise UnknownFormulaError(
                "a LightGBM text whose trees have other sizes than it says (its line ends were changed, or it was edited)"
            )
        start += size


def _expect_parameters(text: str) -> None:
    """Parameters one a line, in brackets, to their end; LightGBM ends the process where they are not."""
    _, begin, said = text.partition("\nparameters:")
    listed, end, _ = said.partition("\nend of parameters")
    if begin and not (end and all(re.fullmatch(r"(\[\w+: .*\])?", line) for line in listed.splitlines())):
        raise UnknownFormulaError(f"{EDITED} among its parameters")


def _pandas_categories(text: str) -> tuple[tuple[Category, ...], ...]:
    last = text.rstrip().rsplit("\n", 1)[-1]
    listed = json.loads(last.partition(":")[2]) if last.startswith("pandas_categorical:") else None
    return tuple(tuple(values) for values in listed or ())


def _coded(text: str, infos: list[str]) -> tuple[int, ...]:
    """Places of the categorical features, from the parameters at the end or, without them, from what was seen of each."""
    declared = re.search(r"^\[categorical_feature: ([0-9,]*)\]$", text, re.MULTILINE)
    if declared and declared[1]:
        return tuple(sorted({int(place) for place in declared[1].split(",")}))
    return tuple(place for place, info in enumerate(infos) if re.fullmatch(r"-?\d+(:-?\d+)*", info))


def _fields(text: str) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)


def _numbers(fields: dict[str, str], name: str) -> np.ndarray:
    return np.array(fields.get(name, "").split(), np.float64)


def _tree(fields: dict[str, str], features: int) -> TreeEnsemble:
    """Splits first, then leaves; a child below zero is a leaf.

    A split that takes zero for missing reads the feature's second column, which is `features` places further.
    """
    if fields.get("is_linear", "0") != "0":
        raise UnknownFormulaError("LightGBM with linear trees", "fit it with linear_tree: false")
    splits, leaves = len(_numbers(fields, "split_feature")), int(fields["num_leaves"])
    _expect_whole(fields, leaves)
    decision = _numbers(fields, "decision_type").astype(np.int64)
    is_categorical = (decision & 1).astype(bool)
    listed = _numbers(fields, "threshold")
    threshold = np.where(is_categorical, listed, _clear_of_zero(listed))
    children = {
        side: np.where(nodes < 0, splits + ~nodes, nodes)
        for side, nodes in ((s, _numbers(fields, f"{s}_child").astype(np.int64)) for s in ("left", "right"))
    }
    padding = np.zeros(leaves)
    takes_zero = ~is_categorical & (_missing_type(decision) == ZERO_AS_MISSING)
    feature = _numbers(fields, "split_feature") + np.where(takes_zero, features, 0)
    return TreeEnsemble.of_tree(
        feature=np.concatenate([feature, padding - 1]).astype(np.int64),
        threshold=np.concatenate([threshold, padding]),
        left=np.concatenate([children["left"], padding - 1]).astype(np.int64),
        right=np.concatenate([children["right"], padding - 1]).astype(np.int64),
        value=np.concatenate([np.zeros(splits), _numbers(fields, "leaf_value")]),
        missing_left=np.concatenate([_missing_left(decision, threshold), padding.astype(bool)]),
        cover=_cover(fields, splits, leaves),
        categories=_categories(fields, is_categorical, threshold),
    )


def _expect_whole(fields: dict[str, str], leaves: int) -> None:
    """Numbers for every split, leaf and category of a tree, as many as it says; LightGBM ends the process where they are not."""
    categories = int(fields.get("num_cat", "-1"))
    if leaves < 1 or categories < 0:
        raise UnknownFormulaError(f"{EDITED}: a tree does not say how many leaves and categories it has")
    sizes, needed = dict.fromkeys(OF_SPLITS, leaves - 1) | dict.fromkeys(OF_LEAVES, leaves), {"leaf_value"}
    if leaves > 1:
        needed |= set(NEEDED_OF_SPLITS)
    if leaves > 1 and categories > 0:
        words = _numbers(fields, "cat_boundaries")[-1:]
        sizes |= {"cat_boundaries": categories + 1, "cat_threshold": int(words[0]) if len(words) else 1}
        needed |= {"cat_boundaries", "cat_threshold"}
    for name, expected in sizes.items():
        found = len(_numbers(fields, name))
        if found != expected and (found or name in needed):
            raise UnknownFormulaError(f"{EDITED}: a tree of {leaves} leaves has {found} numbers of {name} instead of {expected}")


def _clear_of_zero(threshold: np.ndarray) -> np.ndarray:
    """LightGBM takes a number as small as `ZERO` for 0; a threshold among such numbers moves to their edge."""
    threshold = np.where((threshold >= -ZERO) & (threshold < 0), np.nextafter(-ZERO, -np.inf), threshold)
    return np.where((threshold >= 0) & (threshold < ZERO), ZERO, threshold)


def _missing_type(decision: np.ndarray) -> np.ndarray:
    return (decision >> 2) & 3


def _missing_left(decision: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """Where NaN goes: its learned direction; where zero goes if the model has none for it; right for categories."""
    is_categorical, goes_left = (decision & 1).astype(bool), (decision & 2).astype(bool)
    is_learned = np.isin(_missing_type(decision), (ZERO_AS_MISSING, NAN_AS_MISSING))
    return np.where(is_categorical, False, np.where(is_learned, goes_left, threshold >= 0))


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


def _read_columns(model: LightGbmModel, inputs: list[str], draft: Draft) -> tuple[list[str], np.ndarray]:
    """The columns that splits read, and the place among them of each feature and second column, with that of a leaf behind."""
    count = len(inputs)
    used = {int(place) for tree in model.trees for place in np.unique(tree.feature) if place >= count}
    places, columns = list(range(count)) + [-1] * (count + 1), list(inputs)
    for place in sorted(used):
        places[place] = len(columns)
        name = draft.numbers([inputs[place - count]])[0]
        columns.append(draft.step(Blank.of, name, f"{name} or zero", low=-ZERO, high=ZERO))
    return columns, np.array(places, np.int32)


def raw_scores(model: LightGbmModel, inputs: list[str], draft: Draft) -> list[str]:
    """The sums of leaves."""
    count = model.outputs
    names = ["margin"] if count == 1 else [f"margin {place}" for place in range(count)]
    read, read_by = _read_columns(model, inputs, draft)
    split = [[replace(tree, feature=read_by[tree.feature]) for tree in model.trees[place::count]] for place in range(count)]
    sums = trees.add_trees(draft, read, names, split, [0.0] * count)
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
    if model.objective == "cross_entropy_lambda":
        return [draft.step(Function.of, draft.step(Function.of, raw[0], "odds", formula="exp"), "prediction", formula="log1p")]
    if model.objective in IDENTITIES:
        return [_squared(raw[0], draft)] if "sqrt" in model.settings else raw
    raise UnknownFormulaError(f"LightGBM with objective {model.objective}", "fit it with another objective")


def _squared(name: str, draft: Draft) -> str:
    """sign(x) * x * x, of a model that was fitted on square roots."""
    size = draft.step(Function.of, name, f"size of {name}", formula="absolute")
    return draft.add(Product((name, size), (draft.fresh("prediction"),), (1, 1)))[0]


def own_scores(text: str, categories: bool, where: str) -> Predict:
    """LightGBM's predictions by the text of a model; with categories, for a pandas frame."""
    lightgbm = library(where, "lightgbm", "lightgbm")
    try:
        booster = lightgbm.Booster(model_str=text, params={"verbose": -1})
    except lightgbm.basic.LightGBMError as error:
        raise UnknownFormulaError(f"a text that LightGBM cannot load: {' '.join(str(error).split())[:200]}") from error

    def predict(rows: Rows) -> np.ndarray:
        if not categories:
            return booster.predict(rows.unmarked().matrix(), num_threads=1)
        return booster.predict(rows.unmarked().frame(where, "lightgbm"), num_threads=1, validate_features=True)

    return predict


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
    declared = Declared.read(spec, where)
    text = spec.model(where).decode(errors="replace")
    model = parse(text)
    columns = input_columns(table, spec, where, _names(model, table), len(model.features), declared)
    places = _category_places(model, table, columns, spec, where)
    found = Brought(
        inputs=model.features,
        outputs=model.outputs,
        write=lambda names, draft: scores(model, names, draft),
        predict=own_scores(text, bool(model.categories), where),
        package="lightgbm",
        categories=dict(zip(places, model.categories, strict=True)),
        is_classifier=model.objective in (*BINARY, *SEVERAL),
        is_probability=True,
        missing=declared.missing,
    )
    return over_columns(table, spec, where, found, declared, columns)


def _names(model: LightGbmModel, table: pa.Table) -> tuple[str, ...]:
    """Names of the inputs as the select may have them: with blanks, where LightGBM writes underlines.

    None where LightGBM made them up, unless the select has them.
    """
    made_up = tuple(f"Column_{place}" for place in range(len(model.features)))
    given = {name.lower() for name in table.column_names}
    if model.features == made_up and not {name.lower() for name in made_up} <= given:
        return ()
    blank = {re.sub(r"\s", "_", name): name for name in table.column_names}
    return tuple(name if name.lower() in given else blank.get(name, name) for name in model.features)


def _category_places(model: LightGbmModel, table: pa.Table, columns: tuple[str, ...], spec: Spec, where: str) -> list[int]:
    """Which inputs the pandas categories are of: the text lists them in order, but not their columns.

    Where nothing is declared these are the inputs that the trees take as codes, unless another one holds such values too.
    """
    if not model.categories:
        return []
    listed = {name.lower() for name in (spec.features or {}).get(CATEGORICAL, ())}
    places = [place for place, name in enumerate(columns) if name.lower() in listed] if listed else list(model.coded)
    found = ", ".join(columns[p] for p in places) or "none"
    if not listed and len(places) == len(model.categories):
        others = [name for place, name in enumerate(columns) if place not in places]
        alike = next((name for name in others if _is_mostly_of_one(table, name, model.categories)), None)
        found, places = (f"{found} or {alike}, which holds such values too", []) if alike else (found, places)
    if len(places) != len(model.categories):
        raise ScorehouseError(
            f"{where}: expected meta.features with {len(model.categories)} columns under categorical, since the model lists the "
            f"categories of so many pandas columns and not which, found {found}; name those that were pandas categories, ordered "
            f"ones too, and the others under numeric."
        )
    return places


def _is_mostly_of_one(table: pa.Table, name: str, several: Iterable[Sequence[object]]) -> bool:
    """Whether at least half of a column's values are among the categories of one of several lists."""
    column = next(table[field.name] for field in table.schema if field.name.lower() == name.lower())
    values = [value for value in column.to_pylist() if value is not None]
    return bool(values) and any(2 * sum(value in known for value in values) >= len(values) for known in several)


@formula_of("predict", "lightgbm.LGBMRegressor", "lightgbm.LGBMRanker")
@formula_of("predict_proba", "lightgbm.LGBMClassifier")
def estimator(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The booster's scores."""
    return scores(parse(model.booster_.model_to_string()), inputs, draft)


@formula_of("decision_function", "lightgbm.LGBMClassifier")
def margin(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The booster's raw scores."""
    return raw_scores(parse(model.booster_.model_to_string()), inputs, draft)
