"""Generated models of every format, brought as files: each row scores as its own library predicts it, or the model is refused.

The oracle is the library's public predict on a pandas frame of the raw rows, by name and with categories as values.
"""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
import onnxruntime
import pandas
import pyarrow as pa
import pytest
import skops.io
import xgboost
from agreement import WHERE, in_duckdb
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from skl2onnx import to_onnx
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.feature_selection import VarianceThreshold
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)

from scorehouse.errors import ScorehouseError
from scorehouse.learning import fit

pytestmark = pytest.mark.filterwarnings("ignore")

Predict = Callable[[pandas.DataFrame], np.ndarray]
COUNT = 120
NAMES = st.permutations(["age", "Order Value", "it's", "größe"])
EXTREMES = (np.inf, 1e39, -np.inf, -1e39, 3e38)
VALUES = {"whole": [101, 205, 309, 412], "text": ["b", "a c", "it's", "zz"], "boolean": [False, True]}
SHARES = {"whole": None, "text": [0.05, 0.35, 0.3, 0.3], "boolean": None}
"""How often each of them occurs; the first text is rare to an encoder that asks for frequent ones."""
SENTENCE = re.compile(rf"{WHERE}: .*expected .*, found .*[;,].*\.")

GENERATED = settings(
    max_examples=25,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


class Drawn:
    """A frame to fit on and rows to score, with numbers, categories of one kind and a label."""

    def __init__(self, draw: st.DrawFn, kind: str | None) -> None:
        random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        self.numbers = draw(NAMES)[: draw(st.integers(1, 3))]
        self.frame = pandas.DataFrame({name: random.normal(0, 1, COUNT).round(3) for name in self.numbers})
        if draw(st.booleans()):
            self.frame.loc[random.random(COUNT) < 0.2, self.numbers[0]] = np.nan
        self.categories = []
        if kind:
            self.categories = ["Kind of it"]
            self.frame["Kind of it"] = random.choice(VALUES[kind], COUNT, p=SHARES[kind])
        effect = self.frame["Kind of it"].map({v: i for i, v in enumerate(VALUES[kind])}) if kind else 0
        self.label = (self.frame[self.numbers].fillna(0).sum(axis=1) + effect + random.normal(0, 0.2, COUNT)).to_numpy(float)
        self.rows = self.frame.sample(30, random_state=0).reset_index(drop=True)
        for name in self.numbers:
            self.rows.loc[random.random(30) < 0.2, name] = np.nan
        self.random = random

    @property
    def codes(self) -> np.ndarray:
        """The label as one of three classes."""
        return np.digitize(self.label, np.quantile(self.label, [0.3, 0.7]))

    def reach(self) -> None:
        """Let some rows have numbers as large as columns hold, which most libraries refuse."""
        for place, value in zip(range(1, 30, 7), EXTREMES, strict=True):
            self.rows.loc[place, self.numbers[place % len(self.numbers)]] = value

    def forget(self, null: float | None) -> None:
        """Let some of the categories be missing, as this library's user has it."""
        for frame in (self.frame, self.rows):
            values = frame["Kind of it"].astype(object).tolist()
            kept = self.random.random(len(frame)) > 0.2
            frame["Kind of it"] = pandas.Series([v if k else null for v, k in zip(values, kept, strict=True)], dtype=object)

    def coded(self, rows: pandas.DataFrame) -> pandas.DataFrame:
        """Rows with categories as pandas has them."""
        return rows.assign(**{name: pandas.Categorical(rows[name]) for name in self.categories})


def table(frame: pandas.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


def assert_served(drawn: Drawn, meta: dict, predict: Predict, tolerance: float) -> str:
    """Ready and equal to `predict` on raw rows, without a score where that refuses, or refused in one sentence; says which."""
    note(str({name: value for name, value in meta.items() if name != "model_text"}))
    columns = drawn.frame.columns.tolist()
    examples = table(drawn.frame[columns[::-1]])
    try:
        row = fit(examples, meta, "generated", WHERE)
    except ScorehouseError as refusal:
        assert SENTENCE.fullmatch(str(refusal)), str(refusal)
        return "refused"
    assert row["status"][0].as_py() == "ready", row["status_reason"][0].as_py()
    expected = answers(predict, drawn.rows)
    for way, scores in in_duckdb(row, table(drawn.rows), "generated").items():
        assert_allclose(scores, expected, tolerance, tolerance, err_msg=way)
    return "ready"


def answers(predict: Predict, rows: pandas.DataFrame) -> np.ndarray:
    """The library's scores of the rows; where it refuses them, of each row by itself, and none of one that it refuses alone."""
    with contextlib.suppress(Exception):
        return predict(rows)
    found = {}
    for place in range(len(rows)):
        with contextlib.suppress(Exception):
            found[place] = predict(rows.iloc[[place]])[0]
    assert found, "the library refuses every row"
    none = np.full(np.shape(next(iter(found.values()))), np.nan)
    return np.array([found.get(place, none) for place in range(len(rows))])


LIGHTGBM = {
    "regression": {}, "quantile": {"alpha": 0.8}, "huber": {}, "tweedie": {}, "binary": {}, "cross_entropy": {},
    "cross_entropy_lambda": {}, "multiclass": {"num_class": 3}, "multiclassova": {"num_class": 3}, "lambdarank": {},
}  # fmt: skip
BOOSTING = [
    {}, {"boosting": "dart", "drop_rate": 0.5}, {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6},
    {"zero_as_missing": True}, {"use_missing": False}, {"linear_tree": True}, {"reg_sqrt": True},
]  # fmt: skip


@GENERATED
@given(st.data())
def test_a_lightgbm_text_means_what_lightgbm_says(data):
    kind = data.draw(st.sampled_from([None, *VALUES]))
    drawn, objective = Drawn(data.draw, kind), data.draw(st.sampled_from(sorted(LIGHTGBM)))
    drawn.reach()
    label = {"binary": drawn.label > 0, "multiclass": drawn.codes, "multiclassova": drawn.codes, "lambdarank": drawn.codes}
    positive = 1 / (1 + np.exp(-drawn.label))
    settings_ = {"objective": objective, "verbose": -1, "num_leaves": 5, "min_data_in_leaf": 5, "min_data_per_group": 1}
    settings_ |= LIGHTGBM[objective] | data.draw(st.sampled_from(BOOSTING))
    fitted = lightgbm.Dataset(
        drawn.coded(drawn.frame),
        label.get(objective, positive).astype(float),
        group=[COUNT] if objective == "lambdarank" else None,
    )
    booster = lightgbm.train(settings_, fitted, 5)
    meta = {"estimator": "scorehouse.lightgbm", "model_text": booster.model_to_string()}
    found = assert_served(drawn, meta, lambda rows: booster.predict(drawn.coded(rows)), 1e-9)
    assert found == ("refused" if settings_.get("linear_tree") else "ready")


XGBOOST = {
    "reg:squarederror": {}, "reg:absoluteerror": {}, "reg:gamma": {}, "binary:logistic": {}, "binary:logitraw": {},
    "binary:hinge": {}, "multi:softprob": {"num_class": 3}, "multi:softmax": {"num_class": 3}, "rank:ndcg": {},
    "reg:quantileerror": {"quantile_alpha": [0.1, 0.5, 0.9]}, "several targets": {"objective": "reg:squarederror"},
    "trees of several targets": {"objective": "reg:squarederror", "multi_strategy": "multi_output_tree"},
}  # fmt: skip
BOOSTERS = [{}, {"booster": "dart", "rate_drop": 0.5}, {"booster": "gblinear"}, {"num_parallel_tree": 2}, {"base_score": 0.3}]


@GENERATED
@given(st.data())
def test_an_xgboost_file_means_what_xgboost_says(data):
    objective = data.draw(st.sampled_from(sorted(XGBOOST)))
    booster_settings = data.draw(st.sampled_from(BOOSTERS)) if "trees" not in objective else {}
    is_linear = booster_settings.get("booster") == "gblinear"
    takes_categories = not is_linear and "trees" not in objective  # XGBoost itself fits no others
    drawn = Drawn(data.draw, data.draw(st.sampled_from([None, "whole", "text"])) if takes_categories else None)
    drawn.reach()
    labels = {"multi:softprob": drawn.codes, "multi:softmax": drawn.codes, "rank:ndcg": drawn.codes}
    several = np.column_stack([drawn.label, 1 - drawn.label])
    positive = np.exp(drawn.label / 4)
    label = labels.get(objective, several if "targets" in objective else positive)
    label = (drawn.label > 0) if objective.startswith("binary") else label
    settings_ = {"objective": objective, "max_depth": 3, "max_cat_to_onehot": 1, **booster_settings, **XGBOOST[objective]}
    marker = data.draw(st.sampled_from([None, -999.0]))
    if marker:
        drawn.frame, drawn.rows = (f.fillna(dict.fromkeys(drawn.numbers, marker)) for f in (drawn.frame, drawn.rows))
    told = {"missing": marker or np.nan, "enable_categorical": True}
    matrix = xgboost.DMatrix(drawn.coded(drawn.frame), label, **told)
    if objective == "rank:ndcg":
        matrix.set_group([COUNT])
    is_stopped = data.draw(st.booleans()) and not is_linear
    worse = xgboost.DMatrix(drawn.coded(drawn.frame), label[::-1], **told)
    if objective == "rank:ndcg":
        worse.set_group([COUNT])
    stopping = {"evals": [(worse, "worse")], "early_stopping_rounds": 2, "verbose_eval": False} if is_stopped else {}
    booster = xgboost.train(settings_, matrix, 6, **stopping)
    until = booster.best_iteration + 1 if is_stopped else 0

    def predict(rows: pandas.DataFrame) -> np.ndarray:
        asked = xgboost.DMatrix(drawn.coded(rows), **told)
        if objective != "multi:softmax":
            return booster.predict(asked, iteration_range=(0, until))
        odds = np.exp(booster.predict(asked, iteration_range=(0, until), output_margin=True))
        return odds / odds.sum(axis=1, keepdims=True)

    parameters = {"targets": ["one", "other"]} if "targets" in objective else {}
    parameters |= {"missing": marker} if marker else {}
    meta = {"estimator": "scorehouse.xgboost", "model_text": booster.save_raw("json").decode(), "parameters": parameters}
    assert assert_served(drawn, meta, predict, 1e-6) == "ready"
    for word in ("targets", "missing"):
        less = {name: value for name, value in parameters.items() if name != word}
        if word in parameters and (word == "targets" or (drawn.frame == marker).any(axis=None)):
            assert assert_served(drawn, {**meta, "parameters": less}, predict, 1e-6) == "refused"


CLASSES = np.array(["low", "it's", "high"])
ESTIMATORS = {
    "classes": lambda: LogisticRegression(max_iter=30),
    "boosted classes": lambda: GradientBoostingClassifier(n_estimators=3, max_depth=2),
    "voted classes": lambda: AdaBoostClassifier(n_estimators=3),
    "near classes": lambda: KNeighborsClassifier(3, algorithm="brute", p=1),
    "number": LinearRegression,
    "forest": lambda: RandomForestRegressor(n_estimators=3, max_depth=3),
    "boosted number": lambda: HistGradientBoostingRegressor(max_iter=3),
    "gradient boosted number": lambda: GradientBoostingRegressor(n_estimators=3),
    "voted number": lambda: AdaBoostRegressor(n_estimators=3),
    "near number": lambda: KNeighborsRegressor(3, algorithm="brute", p=1, weights="distance"),
    "number without effects": lambda: Lasso(10.0),
    "targets": LinearRegression,
    "near targets": lambda: KNeighborsRegressor(3, algorithm="brute", p=1),
    "process of targets": lambda: GaussianProcessRegressor(alpha=0.1),
    "kernel of targets": lambda: KernelRidge(kernel="rbf"),
    "partial targets": lambda: PLSRegression(1),
    "scaled targets": lambda: TransformedTargetRegressor(LinearRegression(), transformer=StandardScaler()),
    "constant targets": DummyRegressor,
}
CONVERTED = ["boosted classes", "boosted number", "classes", "forest", "number", "targets"]
NUMBERS = {
    "raw": lambda: "passthrough",
    "imputed": lambda: make_pipeline(SimpleImputer(), StandardScaler()),
    "indicated": lambda: make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()),
    "powers": lambda: make_pipeline(SimpleImputer(strategy="median"), PolynomialFeatures(2), StandardScaler()),
    "side by side": lambda: FeatureUnion(
        [("scaled", StandardScaler()), ("none", "drop"), ("as it is", "passthrough")], transformer_weights={"scaled": 0.3}
    ),
    "parts": lambda: make_pipeline(SimpleImputer(), PCA(1), QuantileTransformer(n_quantiles=9)),
    "most": lambda: make_pipeline(SimpleImputer(), VarianceThreshold(1e-9)),
    "marked": lambda: SimpleImputer(missing_values=0.0, strategy="mean"),
}
FEW = settings(GENERATED, max_examples=4)


@pytest.mark.parametrize("name", ESTIMATORS)
@FEW
@given(data=st.data())
def test_a_skops_file_means_what_scikit_learn_says(tmp_path_factory, name, data):
    drawn, shape = Drawn(data.draw, None), data.draw(st.sampled_from(sorted(NUMBERS)))
    drawn.reach()
    if shape in ("raw", "side by side", "marked") and not name.startswith("boosted number"):
        drawn.frame = drawn.frame.fillna(0)  # most estimators take no NULL in training
    if data.draw(st.booleans()) and shape not in ("raw", "side by side", "marked"):
        drawn.frame["dead"], drawn.rows["dead"] = np.nan, 1.0
    names = drawn.numbers + ["dead"] * ("dead" in drawn.frame)
    label = drawn.codes if "classes" in name else drawn.label
    label = CLASSES[label] if "classes" in name else label
    label = np.column_stack([label, -label]) if "targets" in name else label
    weights = {"numbers": 2.5} if data.draw(st.booleans()) else None
    parts = [("numbers", NUMBERS[shape](), names), ("nothing", StandardScaler(), [])]
    pipeline = make_pipeline(ColumnTransformer(parts, transformer_weights=weights), ESTIMATORS[name]())
    is_alone = shape == "raw" and data.draw(st.booleans())
    assert_proved(tmp_path_factory, drawn, (ESTIMATORS[name]() if is_alone else pipeline).fit(drawn.frame, label))


UNKNOWN = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
ENCODERS = {
    "ignored": lambda: OneHotEncoder(handle_unknown="ignore"),
    "refused": OneHotEncoder,
    "dropped": lambda: OneHotEncoder(drop="first", handle_unknown="ignore"),
    "rare": lambda: OneHotEncoder(min_frequency=20, handle_unknown="infrequent_if_exist"),
    "warned": lambda: OneHotEncoder(min_frequency=20, handle_unknown="warn"),
    "rare and dropped": lambda: OneHotEncoder(min_frequency=20, drop="first", handle_unknown="ignore"),
    "few and dropped": lambda: OneHotEncoder(max_categories=3, drop="first", handle_unknown="warn"),
    "places": lambda: OrdinalEncoder(min_frequency=20, encoded_missing_value=-2, **UNKNOWN),
    "known places": lambda: OrdinalEncoder(encoded_missing_value=-2),
    "places or nothing": lambda: OrdinalEncoder(encoded_missing_value=-2, **UNKNOWN | {"unknown_value": np.nan}),
    "means": lambda: TargetEncoder(cv=2),
}
FILLS = {
    "none": None,
    "most frequent": {"strategy": "most_frequent"},
    "constant": {"strategy": "constant", "fill_value": "filled"},
    "indicated": {"strategy": "most_frequent", "add_indicator": True},
}


@pytest.mark.parametrize("encoder", ENCODERS)
@FEW
@given(data=st.data())
def test_categories_of_a_skops_file_are_those_of_scikit_learn(tmp_path_factory, encoder, data):
    kind = data.draw(st.sampled_from(["text", "text", *VALUES]))
    drawn, fill = Drawn(data.draw, kind), data.draw(st.sampled_from(sorted(FILLS))) if kind == "text" else "none"
    null = data.draw(st.sampled_from([None, np.nan]))
    marker = data.draw(st.sampled_from([null, np.nan]))
    if kind == "text" and data.draw(st.booleans()):
        drawn.forget(null)
    elif kind == "text":
        drawn.rows.loc[::5, "Kind of it"] = None if fill != "none" and marker is None else np.nan
    if kind == "text":
        drawn.rows.loc[::4, "Kind of it"] = "never seen"
    drawn.frame = drawn.frame.fillna(dict.fromkeys(drawn.numbers, 0.0))
    step = ENCODERS[encoder]()
    if fill != "none":
        step = make_pipeline(SimpleImputer(missing_values=marker, **FILLS[fill]), step)
    tree = data.draw(st.booleans())
    estimator = GradientBoostingRegressor(n_estimators=3) if tree else LinearRegression()
    parts = [("numbers", "passthrough", drawn.numbers), ("encoder", step, drawn.categories)]
    assert_proved(tmp_path_factory, drawn, make_pipeline(ColumnTransformer(parts), estimator).fit(drawn.frame, drawn.label))


@pytest.mark.parametrize("kind", VALUES)
@FEW
@given(data=st.data())
def test_categories_that_scikit_learn_splits_by_are_those_of_the_file(tmp_path_factory, kind, data):
    drawn = Drawn(data.draw, kind)
    drawn.reach()
    given = drawn.coded(drawn.frame) if kind == "text" else drawn.frame
    fitted = HistGradientBoostingRegressor(max_iter=3, categorical_features=["Kind of it"]).fit(given, drawn.label)
    if kind == "whole":
        drawn.rows = drawn.rows.astype({"Kind of it": float})
        drawn.rows.loc[[2, 5, 8], "Kind of it"] = np.inf, np.nan, 1e39
    elif kind == "text":
        drawn.rows.loc[[2, 5], "Kind of it"] = "never seen", None
    assert_proved(tmp_path_factory, drawn, fitted)


def assert_proved(folders: pytest.TempPathFactory, drawn: Drawn, fitted: BaseEstimator) -> None:
    """Served as its own file says."""
    meta = _brought(folders, "skops", skops.io.dumps(fitted))
    width = np.ndim(fitted.predict(drawn.frame)) if not hasattr(fitted, "predict_proba") else 1
    meta["parameters"] = {"targets": ["one", "other"]} if width == 2 else {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path(meta.pop("folder")))
        predict = fitted.predict_proba if hasattr(fitted, "predict_proba") else fitted.predict
        assert assert_served(drawn, meta, predict, 1e-9) == "ready"


def _brought(folders: pytest.TempPathFactory, form: str, content: bytes) -> dict:
    folder = folders.mktemp("brought")
    (folder / f"model.{form}").write_bytes(content)
    return {"estimator": f"scorehouse.{form}", "model_file": f"model.{form}", "folder": folder}


@GENERATED
@given(st.data())
def test_an_onnx_file_means_what_onnxruntime_says(tmp_path_factory, data):
    drawn = Drawn(data.draw, None)
    drawn.frame, drawn.rows = drawn.frame.fillna(0), drawn.rows.fillna(0)
    name = data.draw(st.sampled_from(CONVERTED))
    label = np.column_stack([drawn.label, -drawn.label]) if name == "targets" else drawn.label
    is_coded = data.draw(st.booleans())
    label = (drawn.codes if is_coded else CLASSES[drawn.codes]) if "classes" in name else label
    numbers = drawn.frame.to_numpy(np.float32)
    fitted = ESTIMATORS[name]().fit(numbers, label)
    is_zipped = data.draw(st.booleans())
    model = to_onnx(fitted, numbers[:1], options={"zipmap": is_zipped} if "classes" in name else None).SerializeToString()
    session = onnxruntime.InferenceSession(model)

    def predict(rows: pandas.DataFrame) -> np.ndarray:
        found = session.run(None, {"X": rows.to_numpy(np.float32)})[-1]
        found = np.array([[row[c] for c in fitted.classes_] for row in found]) if isinstance(found, list) else found
        return found[:, 0] if found.shape[1] == 1 else found

    meta = _brought(tmp_path_factory, "onnx", model)
    order = {"columns": drawn.numbers} if data.draw(st.booleans()) or len(drawn.numbers) == 1 else {}
    names = {"targets": ["one", "other"]} if name == "targets" and data.draw(st.booleans()) else {}
    names |= {"classes": CLASSES.tolist()} if "classes" in name and is_coded and data.draw(st.booleans()) else {}
    meta["parameters"] = order | names
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path(meta.pop("folder")))
        found = assert_served(drawn, meta, predict, 1e-6)
    assert found == ("ready" if order and (names or name != "targets") else "refused")
