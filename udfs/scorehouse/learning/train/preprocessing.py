"""Preprocessing: from a declaration by group to a scikit-learn ColumnTransformer over the examples' matrix."""

from collections.abc import Collection, Mapping

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.examples import PASSTHROUGH, Feature
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.train.estimators import make
from scorehouse.learning.train.matrix import Encoding
from scorehouse.learning.train.sizes import SizeScaler
from scorehouse.scoring.columns import CATEGORICAL
from scorehouse.scoring.steps.univariate import symmetric_log

SCALERS = {
    "standard": StandardScaler,
    "robust": RobustScaler,
    "minimum_maximum": MinMaxScaler,
    "maximum": MaxAbsScaler,
    "power": PowerTransformer,
    "quantile": QuantileTransformer,
}
"""Scikit-learn's classes by the word of `scale`."""
NUMERIC_WORDS = ("impute", "indicator", "log", "bins", "scale")
CATEGORICAL_WORDS = ("impute", "encode", "minimum_count")
MOST_FREQUENT = "most_frequent"
BIN_ENCODINGS = {"one_hot": "onehot-dense", "ordinal": "ordinal"}
ENCODINGS = ("one_hot", "ordinal", "target", "native")


def column_transformer(
    spec: Spec,
    features: tuple[Feature, ...],
    encoding: Encoding,
    takes_missing: bool,
    takes_categories: bool,
    empty: Collection[str],
    where: str,
) -> ColumnTransformer:
    """The transformer of a declaration, not yet fitted, from the matrix of `encoding` to what the estimator sees.

    What is not declared is as little as the estimator can work with: missing numbers are filled with the median unless
    it takes them; a category becomes one column each unless it takes categories. Raises ScorehouseError for a group that no
    feature has, and for words and values that preprocessing does not know.

    Args:
        spec: the declaration.
        features: the inputs, group by group.
        encoding: what the columns of the matrix mean.
        takes_missing: whether the estimator takes missing numbers.
        takes_categories: whether it takes categories as codes.
        empty: numeric features without any value in training; they become constant, and so have no effect.
        where: the model's file, for messages.
    """
    unknown = set(spec.preprocessing) - {feature.group for feature in features} - {"numeric", CATEGORICAL, PASSTHROUGH}
    if unknown:
        groups = ", ".join(dict.fromkeys(feature.group for feature in features))
        raise ScorehouseError(
            f"{where}: meta.preprocessing: expected groups of features ({groups}), found {sorted(unknown)[0]}; "
            f"declare the group in meta.features."
        )
    maker = _Maker(spec, encoding, takes_missing, takes_categories, where)
    names = list(encoding.kinds)
    transformers = []
    if empty:
        step = SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
        transformers.append(("empty", step, [names.index(name) for name in empty]))
    for group, kind in dict.fromkeys((feature.group, feature.kind) for feature in features):
        of_group = [feature.name for feature in features if (feature.group, feature.kind) == (group, kind)]
        members = [name for name in of_group if name not in empty]
        for number, (step, chosen) in enumerate(maker.parts(group, kind, members)):
            places = [names.index(name) for name in chosen]
            transformers.append((f"{group} {kind} {number}", step, places))
    return ColumnTransformer(transformers, sparse_threshold=0)


def category_fills(spec: Spec, features: tuple[Feature, ...]) -> dict[str, str]:
    """The category declared to stand for NULL, by categorical feature that has one; the most frequent one is not declared.

    >>> spec = Spec("sklearn.linear_model.Ridge", preprocessing={"place": {"impute": "nowhere", "encode": "one_hot"}})
    >>> features = Feature("country", "VARCHAR", "place", CATEGORICAL), Feature("age", "INTEGER", "numeric", "numeric")
    >>> category_fills(spec, features)
    {'country': 'nowhere'}
    """
    fills = {}
    for feature in features:
        declared = spec.preprocessing.get(feature.group)
        fill = declared.get("impute") if isinstance(declared, Mapping) and feature.kind == CATEGORICAL else None
        if not _is_off(fill) and fill != MOST_FREQUENT:
            fills[feature.name] = str(fill)
    return fills


class _Maker:
    """Makes the transformers of one declaration."""

    def __init__(self, spec: Spec, encoding: Encoding, takes_missing: bool, takes_categories: bool, where: str) -> None:
        self._spec = spec
        self._encoding = encoding
        self._takes_missing = takes_missing
        self._takes_categories = takes_categories
        self._where = where

    def parts(self, group: str, kind: str, members: list[str]) -> list[tuple[object, list[str]]]:
        """Transformers with the features that each of them is for."""
        declared = self._spec.preprocessing.get(group, {})
        if isinstance(declared, list | tuple):
            return [(self._listed(group, declared), members)]
        if kind == CATEGORICAL:
            self._check(group, declared, CATEGORICAL_WORDS)
            return self._categorical(declared, members)
        if group == PASSTHROUGH:
            return [("passthrough", members)]
        self._check(group, declared, NUMERIC_WORDS)
        logged = self._logged(declared.get("log"), members)
        rest = [name for name in members if name not in logged]
        parts = [
            (self._numeric(group, declared, is_logged=False), rest),
            (self._numeric(group, declared, True), logged),
        ]
        return [(step, names) for step, names in parts if names]

    def _logged(self, log: object, members: list[str]) -> list[str]:
        if log is True or log in (None, False):
            return members if log else []
        unknown = [name for name in log if name not in members] if isinstance(log, list | tuple) else [log]
        if unknown:
            raise self._wrong("log", f"true or a list of {', '.join(members)}", unknown[0])
        return [name for name in members if name in log]

    def _numeric(self, group: str, declared: Mapping, is_logged: bool) -> object:
        steps = [self._imputer(declared), *([SizeScaler(), FunctionTransformer(symmetric_log)] if is_logged else [])]
        if declared.get("bins"):
            steps.append(self._bins(group, declared["bins"]))
        scale = declared.get("scale")
        if not _is_off(scale):
            steps.append(self._scaler(group, scale))
        return _pipeline([step for step in steps if step is not None])

    def _imputer(self, declared: Mapping) -> SimpleImputer | None:
        is_needed = bool(declared.get("bins")) or not self._takes_missing
        impute = declared.get("impute", "median" if is_needed else None)
        if _is_off(impute):
            return None
        if not isinstance(declared.get("indicator", False), bool):
            raise self._wrong("indicator", "true or false", declared["indicator"])
        indicator = {"add_indicator": declared.get("indicator", False), "keep_empty_features": True}
        if isinstance(impute, int | float) and not isinstance(impute, bool):
            return SimpleImputer(strategy="constant", fill_value=float(impute), **indicator)
        if impute not in ("median", "mean", MOST_FREQUENT):
            raise self._wrong("impute", "median, mean, most_frequent, none or a number", impute)
        return SimpleImputer(strategy=impute, **indicator)

    def _bins(self, group: str, declared: object) -> KBinsDiscretizer:
        settings = {"count": declared} if isinstance(declared, int) else declared
        self._check(f"{group}.bins", settings, ("count", "strategy", "encode"))
        encode = BIN_ENCODINGS.get(settings.get("encode", "one_hot"))
        if encode is None:
            raise self._wrong("bins.encode", " or ".join(BIN_ENCODINGS), settings["encode"])
        return KBinsDiscretizer(
            n_bins=settings.get("count", 10),
            strategy=settings.get("strategy", "quantile"),
            encode=encode,
            quantile_method="averaged_inverted_cdf",
            subsample=None,
            random_state=self._spec.seed,
        )

    def _scaler(self, group: str, scale: object) -> object:
        if not isinstance(scale, str) or scale not in SCALERS:
            raise self._wrong("scale", f"{', '.join(SCALERS)} or none", scale)
        return SCALERS[scale]()

    def _categorical(self, declared: Mapping, members: list[str]) -> list[tuple[object, list[str]]]:
        encode = declared.get("encode", "native" if self._takes_categories else "one_hot")
        if encode not in ENCODINGS:
            raise self._wrong("encode", ", ".join(ENCODINGS), encode)
        if encode == "native" and not self._takes_categories:
            raise self._wrong("encode", "one_hot, ordinal or target for this estimator", encode)
        if encode == "target" and self._spec.label is None:
            raise self._wrong("encode", "one_hot or ordinal where there is no label", encode)
        return [(self._encoder(declared, encode, name), [name]) for name in members]

    def _encoder(self, declared: Mapping, encode: str, name: str) -> object:
        fill = declared.get("impute")
        if _is_off(fill):
            steps = []
        elif fill == MOST_FREQUENT:
            steps = [SimpleImputer(strategy=MOST_FREQUENT, keep_empty_features=True)]
        else:
            code = float(self._encoding.categories[name].index(str(fill)))
            steps = [SimpleImputer(strategy="constant", fill_value=code, keep_empty_features=True)]
        return _pipeline([*steps, *self._encoders(declared, encode)])

    def _encoders(self, declared: Mapping, encode: str) -> list[object]:
        if encode == "one_hot":
            minimum = declared.get("minimum_count")
            unknown = "infrequent_if_exist" if minimum else "ignore"
            return [OneHotEncoder(handle_unknown=unknown, min_frequency=minimum, sparse_output=False)]
        if encode == "ordinal":
            ordinal = OrdinalEncoder(
                handle_unknown="use_encoded_value",
                unknown_value=np.nan,
                min_frequency=declared.get("minimum_count"),
            )
            fill = SimpleImputer(strategy="constant", fill_value=-1.0, keep_empty_features=True)
            return [ordinal] if self._takes_missing else [ordinal, fill]
        if encode == "target":
            return [TargetEncoder(random_state=self._spec.seed)]
        return []

    def _listed(self, group: str, declared: list | tuple) -> object:
        return _pipeline(transformers(self._spec, declared, f"preprocessing.{group}", self._where))

    def _check(self, group: str, declared: object, words: tuple[str, ...]) -> None:
        unknown = [word for word in declared if word not in words] if isinstance(declared, Mapping) else [declared]
        if unknown:
            raise ScorehouseError(
                f"{self._where}: meta.preprocessing.{group}: expected {', '.join(words)}, found {unknown[0]}; correct it."
            )

    def _wrong(self, word: str, expected: str, found: object) -> ScorehouseError:
        return ScorehouseError(f"{self._where}: meta.preprocessing: {word}: expected {expected}, found {found}; choose one.")


def transformers(spec: Spec, declared: list | tuple, name: str, where: str) -> list[object]:
    """Transformers, not yet fitted, declared as a list of {transformer: import path, parameters: {...}}.

    Raises ScorehouseError for anything else, or when there is no such class or parameter.

    >>> transformers(Spec("any"), [{"transformer": "sklearn.preprocessing.StandardScaler"}], "steps", "models/a.yml")
    [StandardScaler()]

    Args:
        spec: whose seed is the random_state of what has one and declares none.
        declared: the list.
        name: the key of meta that declares it, for messages.
        where: the model's file, for messages.
    """
    for step in declared:
        if not isinstance(step, Mapping) or "transformer" not in step:
            raise ScorehouseError(
                f"{where}: meta.{name}: expected a list of transformer with parameters, found {step}; "
                f"write transformer: sklearn.preprocessing.StandardScaler."
            )
    return [make(where, name, step["transformer"], step.get("parameters") or {}, spec.seed) for step in declared]


def _is_off(declared: object) -> bool:
    """True for none; 0 is a number to fill in."""
    return declared is None or declared is False or declared == "none"


def _pipeline(steps: list[object]) -> object:
    if not steps:
        return "passthrough"
    return Pipeline([(str(number), step) for number, step in enumerate(steps)])
