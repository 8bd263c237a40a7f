"""Formulas of transformers."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from scorehouse.learning.translate import draft as drafts
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError, formula_of
from scorehouse.scoring.steps import (
    Bins,
    Blank,
    Clip,
    FillCategory,
    Function,
    Impute,
    Indicate,
    Interpolate,
    Lookup,
    Power,
    Product,
    Scale,
    UnitLength,
)
from scorehouse.scoring.steps.univariate import symmetric_log

SMALLEST_GAP = 1e-300
"""Beside 0 the next numbers are so near that a slope to them has no number."""

FUNCTIONS = {
    symmetric_log: "symmetric_log", np.log: "ln", np.log1p: "log1p", np.log2: "log2", np.log10: "log10", np.exp: "exp",
    np.expm1: "expm1", np.sqrt: "square_root", np.square: "square", np.abs: "absolute", np.tanh: "tanh", np.negative: "negative",
}  # fmt: skip
"""NumPy functions whose SQL is known."""

UNKNOWN_IS_RARE = ("infrequent_if_exist", "warn")
"""What `handle_unknown` of an encoder is that takes an unknown category for a rare one."""


@formula_of("transform", "sklearn.ColumnTransformer")
def column_transformer(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Each part on its own columns, side by side."""
    chosen = [(name, part, _places(model, places, len(inputs))) for name, part, places in model.transformers_]
    parts = [(name, part, [inputs[place] for place in places]) for name, part, places in chosen]
    return _side_by_side(parts, model.transformer_weights, draft)


@formula_of("transform", "sklearn.FeatureUnion")
def union(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Every part on all columns, side by side."""
    return _side_by_side([(name, part, inputs) for name, part in model.transformer_list], model.transformer_weights, draft)


def _side_by_side(parts: Iterable[tuple[str, object, list[str]]], weights: Mapping[str, float] | None, draft: Draft) -> list[str]:
    """What parts make of their columns, times the weight of each; one without columns was never fitted, and makes nothing."""
    outputs = []
    for name, part, inputs in parts:
        if not inputs or (isinstance(part, str) and part == "drop"):
            continue
        made, weight = transform(part, inputs, draft), (weights or {}).get(name)
        outputs += made if weight is None else _scaled(made, draft, factor=np.float64(weight))
    return outputs


def _places(model: object, chosen: object, count: int) -> np.ndarray:
    """Places of a transformer's columns, which it names by place, mask, slice or name."""
    known = list(getattr(model, "feature_names_in_", ()))
    listed = [chosen] if isinstance(chosen, str) else chosen
    if isinstance(listed, slice):
        start, stop = listed.start, listed.stop
        stop = known.index(stop) + 1 if isinstance(stop, str) else stop  # a slice of names holds its end, as in pandas
        return np.arange(count)[known.index(start) if isinstance(start, str) else start : stop : listed.step]
    if all(isinstance(name, str) for name in listed):
        return np.array([known.index(name) for name in listed], int)
    return np.arange(count)[listed]


def transform(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The formula of `model.transform`."""
    return inputs if model is None or isinstance(model, str) else drafts.apply(model, "transform", inputs, draft)


@formula_of("transform", "sklearn.Pipeline")
def pipeline(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """One step after the other."""
    for _, step in model.steps:
        inputs = transform(step, inputs, draft)
    return inputs


@formula_of("transform", "sklearn.SimpleImputer")
def imputer(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The learned value where the number or category is missing, and an indicator where that was asked for.

    A column that held nothing in training has no such value, and is left out.
    """
    marked = [_unmarked(model, name, draft) for name in inputs]
    statistics = zip(marked, model.statistics_, strict=True)
    filled = [(name, _in_type(value, model._fill_dtype)) for name, value in statistics if value is None or value == value]
    outputs = [
        name if name in draft.texts and not _fills_null(model, name, draft) else _filled(name, value, draft)
        for name, value in filled
    ]
    if model.indicator_ is None:
        return outputs
    return outputs + [_indicated(model, marked[place], draft) for place in model.indicator_.features_]


def _in_type(value: object, fitted_on: np.dtype) -> object:
    """What an imputer fills in: its value in the type of the rows that it was fitted on, without a fraction in whole numbers."""
    return value if value is None or fitted_on.kind == "O" else fitted_on.type(value)


def _indicated(model: object, name: str, draft: Draft) -> str:
    """1 where the imputer takes a column for missing, else 0."""
    label = f"{name} is missing"
    if name not in draft.texts:
        return draft.step(Indicate.of, draft.numbers([name])[0], label)
    table = np.full((1, 1), float(_fills_null(model, name, draft)))
    return draft.add(Lookup((name,), (draft.fresh(label),), (None,), table, np.zeros(1)))[0]


def _unmarked(model: object, name: str, draft: Draft) -> str:
    """The column with nothing where it holds the number that the imputer takes for missing; NaN itself it then refuses."""
    marker = model.missing_values
    if marker is None and name in draft.texts:
        draft.says_none(name)
    if marker is None or type(marker).__name__ == "NAType" or marker != marker:
        return name
    if isinstance(marker, str) or name in draft.texts or name in draft.categories:
        raise UnknownFormulaError(f"SimpleImputer that takes {marker!r} for a missing category", "let NULL stand for it")
    return draft.step(Blank.of, name, f"{name} or missing", low=float(marker), high=float(marker))


def _fills_null(model: object, name: str, draft: Draft) -> bool:
    """Whether an imputer takes for missing what stands for NULL in a column of texts."""
    return (model.missing_values is None) == (draft.null_of(name) is None)


def _filled(name: str, value: object, draft: Draft) -> str:
    if name in draft.texts:
        if not isinstance(value, str):
            raise UnknownFormulaError(f"SimpleImputer that fills the texts of {name} with {value!r}")
        output = draft.fresh(f"{name} imputed")
        draft.texts[output] = draft.texts[name]
        return draft.add(FillCategory((name,), (output,), value))[0]
    if name not in draft.categories:
        return draft.step(Impute.of, name, f"{name} imputed", fill=float(value))
    known = draft.categories[name]
    if not known:
        return name
    if not 0 <= value < len(known):
        raise UnknownFormulaError(f"SimpleImputer that fills {name} with {value:g}, which is no category")
    output = draft.fresh(f"{name} imputed")
    draft.categories[output] = known
    return draft.add(FillCategory((name,), (output,), known[int(value)]))[0]


def _scaled(inputs: list[str], draft: Draft, **learned: np.ndarray | None) -> list[str]:
    given = {name: np.broadcast_to(values, len(inputs)) for name, values in learned.items() if values is not None}
    return [
        draft.step(Scale.of, name, f"{name} scaled", **{part: float(values[i]) for part, values in given.items()})
        for i, name in enumerate(draft.numbers(inputs))
    ]


@formula_of("transform", "sklearn.StandardScaler")
def standard_scaler(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """(x - mean) / standard deviation."""
    return _scaled(inputs, draft, offset=model.mean_ if model.with_mean else None, divisor=model.scale_)


@formula_of("transform", "sklearn.RobustScaler")
def robust_scaler(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """(x - median) / interquartile range."""
    return _scaled(inputs, draft, offset=model.center_, divisor=model.scale_)


@formula_of("transform", "sklearn.MinMaxScaler")
def minimum_maximum_scaler(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """x * scale + minimum, clipped where that was asked for."""
    scaled = _scaled(inputs, draft, factor=model.scale_, shift=model.min_)
    if not model.clip:
        return scaled
    low, high = (float(limit) for limit in model.feature_range)
    return [draft.step(Clip.of, name, f"{name} clipped", low=low, high=high) for name in scaled]


@formula_of("transform", "sklearn.MaxAbsScaler", "scorehouse.SizeScaler")
def magnitude_scaler(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """x / largest, or usual, absolute value."""
    return _scaled(inputs, draft, divisor=model.scale_)


@formula_of("transform", "sklearn.PowerTransformer")
def power_transformer(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Yeo and Johnson's power, standardised."""
    if model.method != "yeo-johnson":
        raise UnknownFormulaError(f"PowerTransformer with method {model.method}")
    bent = [
        draft.step(Power.of, name, f"{name} power", exponent=float(exponent))
        for name, exponent in zip(draft.numbers(inputs), model.lambdas_, strict=True)
    ]
    return standard_scaler(model._scaler, bent, draft) if model.standardize else bent


@formula_of("transform", "sklearn.FunctionTransformer")
def function_transformer(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """A NumPy function whose SQL is known."""
    if model.func is None:
        return inputs
    if model.func not in FUNCTIONS or model.kw_args:
        raise UnknownFormulaError(f"FunctionTransformer with {getattr(model.func, '__name__', model.func)}")
    formula = FUNCTIONS[model.func]
    return [draft.step(Function.of, name, f"{formula} {name}", formula=formula) for name in draft.numbers(inputs)]


@formula_of("transform", "sklearn.KBinsDiscretizer")
def discretizer(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The bin's number, or a column for each bin."""
    outputs = []
    for name, edges in zip(draft.numbers(inputs), model.bin_edges_, strict=True):
        inner, count = np.asarray(edges[1:-1], np.float64), len(edges) - 1
        is_ordinal = model.encode == "ordinal"
        table = np.arange(count, dtype=np.float64)[:, None] if is_ordinal else np.eye(count)
        made = [draft.fresh(f"{name} bin")] if is_ordinal else [draft.fresh(f"{name} bin {i}") for i in range(count)]
        outputs += draft.add(Bins((name,), tuple(made), inner, table, np.full(table.shape[1], np.nan)))
    return outputs


@formula_of("transform", "sklearn.Binarizer")
def binarizer(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """1 above the threshold, else 0."""
    return [above(name, model.threshold, draft) for name in draft.numbers(inputs)]


def above(name: str, threshold: float, draft: Draft) -> str:
    """1 where the column is above the threshold, else 0."""
    edge = np.array([np.nextafter(threshold, np.inf)])
    table = np.array([[0.0], [1.0]])
    return draft.add(Bins((name,), (draft.fresh(f"{name} above"),), edge, table, np.array([np.nan])))[0]


@formula_of("transform", "sklearn.OneHotEncoder")
def one_hot(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """A column for each category; rare ones share a column; an unknown one has none, or the rare ones' column."""
    outputs = []
    for i, name in enumerate(inputs):
        known, places = _known(model, i, draft, name)
        dropped = None if model.drop_idx_ is None or model.drop_idx_[i] is None else places[model.drop_idx_[i]]
        width = max(places) + 1 if places else 0
        table = np.eye(width)[places] if width else np.zeros((0, 0))
        has_rare = len(set(places)) < len(places) or (_rare(model, i) is not None)
        unknown = np.eye(width)[-1] if has_rare and model.handle_unknown in UNKNOWN_IS_RARE else np.zeros(width)
        kept = [place for place in range(width) if place != dropped]
        names = [draft.fresh(f"{name}={_label(draft, name, known, places, place)}") for place in kept]
        outputs += _looked_up(name, names, known, table[:, kept], unknown[kept], draft)
        _guard(model, name, known, draft)
    return outputs


def _rare(model: object, feature: int) -> np.ndarray | None:
    rare = getattr(model, "infrequent_categories_", None) if model._infrequent_enabled else None
    return rare[feature] if rare is not None and rare[feature] is not None else None


def _known(model: object, feature: int, draft: Draft, name: str) -> tuple[np.ndarray, list[int]]:
    """The categories of a feature as codes, or as texts with None for NULL, and the place of each among the encoder's columns.

    Those that become one for being rare share a place; where NULL is none of them, it has the first, which is not used.
    """
    known = _categories(model, feature, draft, name)
    mapped = model._default_to_infrequent_mappings[feature] if getattr(model, "_infrequent_enabled", False) else None
    places = list(range(len(known))) if mapped is None else [int(place) for place in mapped]
    return known, places + [0] * (len(known) - len(places))


def _categories(model: object, feature: int, draft: Draft, name: str) -> np.ndarray:
    """float64 codes, with NaN for NULL; of a column of texts, texts with None for NULL."""
    listed = list(model.categories_[feature])
    if name in draft.texts:
        if None in listed:
            draft.says_none(name)
        return np.array([value if isinstance(value, str) else None for value in listed], object)
    numbers = [value for value in listed if not isinstance(value, str)]
    if len(numbers) < len(listed):
        raise UnknownFormulaError(f"an encoder of texts for {name}, which holds numbers", "cast it to text in the select")
    return np.array([np.nan if value is None else value for value in numbers], np.float64)


def _guard(model: object, name: str, known: np.ndarray, draft: Draft) -> None:
    """A column that is missing for a category which an encoder refuses, as it does unless told otherwise."""
    if model.handle_unknown != "error":
        return
    made = [draft.fresh(f"{name} is known")]
    draft.guards += _looked_up(name, made, known, np.zeros((len(known), 1)), np.array([np.nan]), draft)


def _label(draft: Draft, name: str, known: np.ndarray, places: list[int], place: int) -> str:
    members = [known[i] for i, other in enumerate(places) if other == place]
    if len(members) > 1:
        return "rare"
    code = members[0]
    if isinstance(code, str):
        return code
    if code is None or np.isnan(code):
        return "NULL"
    return draft.categories[name][int(code)] if name in draft.categories and code >= 0 else f"{code:g}"


def _looked_up(
    name: str, outputs: list[str], known: np.ndarray, table: np.ndarray, unknown: np.ndarray, draft: Draft
) -> list[str]:
    """A table row for each known code: of a category by its text, of a number by bins that hold that number alone."""
    if not outputs:
        return []
    if name in draft.texts:
        return draft.add(Lookup((name,), tuple(outputs), tuple(known), table, unknown))
    if name in draft.categories:
        texts = tuple(_text(draft.categories[name], code) for code in known)
        return draft.add(Lookup((name,), tuple(outputs), texts, table, unknown))
    missing = table[np.isnan(known)][0] if np.isnan(known).any() else unknown
    numbers, rows = known[~np.isnan(known)], table[~np.isnan(known)]
    edges = np.column_stack([numbers, np.nextafter(numbers, np.inf)]).ravel()
    stacked = [unknown, *(row for known_row in rows for row in (known_row, unknown))]
    return draft.add(Bins((name,), tuple(outputs), edges, np.array(stacked), missing))


def _text(categories: list[str], code: float) -> str | None:
    return None if np.isnan(code) or not 0 <= code < len(categories) else categories[int(code)]


def _is_nan(listed: Sequence) -> np.ndarray:
    return np.array([isinstance(value, float) and value != value for value in listed], bool)


@formula_of("transform", "sklearn.OrdinalEncoder")
def ordinal(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The place of the category."""
    outputs = []
    for i, name in enumerate(inputs):
        known, places = _known(model, i, draft, name)
        table = np.array(places, np.float64)
        table[_is_nan(model.categories_[i])] = model.encoded_missing_value
        unknown = np.nan if model.unknown_value is None else float(model.unknown_value)
        made = [draft.fresh(f"{name} place")]
        outputs += _looked_up(name, made, known, table[:, None], np.array([unknown]), draft)
        _guard(model, name, known, draft)
    return outputs


@formula_of("transform", "sklearn.TargetEncoder")
def target(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The shrunken mean of the target for each category; the overall mean for an unknown one."""
    outputs = []
    count = len(model.classes_) if model.target_type_ == "multiclass" else 1
    means = np.broadcast_to(np.ravel(model.target_mean_), count)
    for i, name in enumerate(inputs):
        known = _categories(model, i, draft, name)
        table = np.column_stack(model.encodings_[i * count : (i + 1) * count])
        made = [draft.fresh(f"{name} target" if count == 1 else f"{name} target {k}") for k in range(count)]
        outputs += _looked_up(name, made, known, table, means.copy(), draft)
    return outputs


@formula_of("transform", "sklearn.PolynomialFeatures")
def polynomial(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Products of powers."""
    names = draft.numbers(inputs)
    outputs = []
    for powers in model.powers_:
        used = [(name, int(power)) for name, power in zip(names, powers, strict=True) if power]
        if len(used) == 1 and used[0][1] == 1:
            outputs.append(used[0][0])
            continue
        label = " * ".join(f"{name}^{power}" if power > 1 else name for name, power in used) or "1"
        sources = used or [(names[0], 0)]
        product = Product(tuple(n for n, _ in sources), (draft.fresh(label),), tuple(p for _, p in sources))
        outputs += draft.add(product)
    return outputs


@formula_of("transform", "sklearn.Normalizer")
def normalizer(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Rows of length 1."""
    names = draft.numbers(inputs)
    return draft.add(UnitLength(tuple(names), tuple(draft.fresh(f"{name} normalized") for name in names), model.norm))


@formula_of(
    "transform",
    "sklearn.VarianceThreshold", "sklearn.SelectKBest", "sklearn.SelectPercentile", "sklearn.SelectFpr", "sklearn.SelectFdr",
    "sklearn.SelectFwe", "sklearn.GenericUnivariateSelect", "sklearn.SelectFromModel", "sklearn.RFE", "sklearn.RFECV",
    "sklearn.SequentialFeatureSelector",
)  # fmt: skip
def selector(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Some of the columns."""
    return [name for name, is_kept in zip(inputs, model.get_support(), strict=True) if is_kept]


@formula_of("transform", "sklearn.QuantileTransformer")
def quantiles(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The share of training values below: the mean of interpolating from below and from above, as scikit-learn does."""
    if model.output_distribution != "uniform":
        raise UnknownFormulaError("QuantileTransformer with output_distribution normal")
    outputs = []
    for i, name in enumerate(draft.numbers(inputs)):
        outputs.append(_quantile(name, model.quantiles_[:, i], model.references_, draft))
    return outputs


def _quantile(name: str, knots: np.ndarray, shares: np.ndarray, draft: Draft) -> str:
    """A repeated quantile is a jump: to the middle of its shares at the value itself, and to the ends beside it."""
    distinct = np.unique(knots)
    low = shares[np.searchsorted(knots, distinct, side="left")]
    high = shares[np.searchsorted(knots, distinct, side="right") - 1]
    at = (low + high) / 2
    at[-1], at[0] = 1.0, 0.0
    gap = np.maximum(np.spacing(np.abs(distinct)), SMALLEST_GAP)
    is_before, is_after = at != low, at != high
    x = np.concatenate([(distinct - gap)[is_before], distinct, (distinct + gap)[is_after]])
    y = np.concatenate([low[is_before], at, high[is_after]])
    order = np.argsort(x)
    return draft.step(_interpolation(x[order], y[order]), name, f"{name} quantile")


def _interpolation(x: np.ndarray, y: np.ndarray) -> object:
    return lambda source, output: Interpolate((source,), (output,), x, y)
