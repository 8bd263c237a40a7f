"""Models of LightGBM, XGBoost and ONNX, fitted here or brought as a file, and scorecards: scored as their own library does."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
import onnxruntime
import pyarrow as pa
import pytest
import xgboost
from agreement import FEATURES, NUMBERS, WHERE, assert_agreement, customers, declared, hostile_rows, in_duckdb
from numpy.testing import assert_allclose
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsRegressor

from scorehouse.errors import ScorehouseError
from scorehouse.learning import Spec, fit, prove_again
from scorehouse.learning.prove import parity

pytestmark = pytest.mark.filterwarnings("ignore")

NUMERIC = FEATURES["numeric"]
Predict = Callable[[np.ndarray], np.ndarray]


def matrix(rows: pa.Table) -> np.ndarray:
    return np.column_stack([rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False) for name in NUMERIC])


def labels(examples: pa.Table, name: str) -> np.ndarray:
    values = examples[name].to_numpy(zero_copy_only=False)
    return values if name == "spent" else np.unique(values, return_inverse=True)[1]


def assert_scored(examples: pa.Table, meta: dict, predict: Predict, tolerance: float, largest: float) -> pa.Table:
    """SQL and function give what the library predicts for hostile rows of numbers up to `largest`."""
    row = fit(examples, {"key": ["customer_id", "as_of"], **meta}, "brought", WHERE)
    assert row["status"][0].as_py() == "ready", row["status_reason"][0].as_py()
    rows = hostile_rows(examples, row)
    numbers = matrix(rows)
    taken = (np.abs(np.nan_to_num(numbers, posinf=np.inf, neginf=np.inf)) <= largest).all(axis=1)
    with np.errstate(all="ignore"):
        expected = predict(numbers[taken])
    for way, scores in in_duckdb(row, rows, "brought").items():
        assert_allclose(scores[taken], expected, tolerance, tolerance, err_msg=way)
    return row


CLASSES = np.unique(["gold", "silver", "it's"]).tolist()
"""The tiers in the order of the codes that `labels` gives them."""

LIGHTGBM = {
    "binary": ("is_churned", {}),
    "cross_entropy": ("is_churned", {}),
    "random forest": ("is_churned", {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}),
    "dart": ("is_churned", {"objective": "binary", "boosting": "dart"}),
    "steep": ("is_churned", {"objective": "binary", "sigmoid": 2.0}),
    "multiclass": ("tier", {"num_class": 3}),
    "multiclassova": ("tier", {"num_class": 3}),
    "regression": ("spent", {}),
    "quantile": ("spent", {}),
    "poisson": ("spent", {}),
    "tweedie": ("spent", {}),
    "categories": ("spent", {"objective": "regression", "min_data_per_group": 1, "cat_smooth": 1}),
}


@pytest.mark.parametrize(("objective", "label", "more"), [(n, *case) for n, case in LIGHTGBM.items()], ids=LIGHTGBM)
def test_a_lightgbm_text_scores_as_lightgbm_does(objective, label, more):
    examples = customers()
    categories = ["visits"] if objective == "categories" else "auto"
    data = lightgbm.Dataset(matrix(examples), labels(examples, label), feature_name=NUMERIC, categorical_feature=categories)
    booster = lightgbm.train({"objective": objective, "verbose": -1, "num_leaves": 6, **more}, data, 8)
    meta = {"estimator": "scorehouse.lightgbm", "model_text": booster.model_to_string(), "label": label}
    if label == "tier":
        meta["parameters"] = {"classes": CLASSES}
    assert_scored(examples, meta, booster.predict, 1e-9, np.inf)


def test_a_version_is_proved_again_by_its_library_or_by_its_formula_without_training(monkeypatch):
    examples = customers()
    booster = lightgbm.train(
        {"verbose": -1}, lightgbm.Dataset(matrix(examples), labels(examples, "spent"), feature_name=NUMERIC), 4
    )
    key = {"key": ["customer_id", "as_of"], "label": "spent"}
    brought = {**key, "estimator": "scorehouse.lightgbm", "model_text": booster.model_to_string()}
    trained = {**key, "estimator": "sklearn.linear_model.Ridge", "features": {"numbers": NUMERIC}}
    for meta, judge in ((brought, (lightgbm.Booster, "predict")), (trained, (parity, "run_function"))):
        row, spec = fit(examples, meta, "version", WHERE), Spec.read(WHERE, meta)
        assert prove_again(row, examples, spec, WHERE) is None
        with monkeypatch.context() as upgraded:
            known = getattr(*judge)
            upgraded.setattr(*judge, lambda *said, known=known, **named: known(*said, **named) + 1)
            assert "this version cannot be scored with" in prove_again(row, examples, spec, WHERE)
            other = Spec.read(WHERE, {**trained, "features": {"numbers": NUMERIC[1:]}})  # declared since, over other examples
            found = prove_again(row, examples.drop([NUMERIC[0]]), other, WHERE)
            assert (found is None) == (meta is brought)  # whose own file is gone


XGBOOST = {
    "binary:logistic": ("is_churned", {}),
    "dart": ("is_churned", {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.3}),
    "rank:pairwise": ("is_churned", {}),
    "multi:softprob": ("tier", {"num_class": 3}),
    "reg:squarederror": ("spent", {}),
    "count:poisson": ("spent", {}),
    "reg:gamma": ("spent", {}),
}


@pytest.mark.parametrize(("objective", "label", "more"), [(n, *case) for n, case in XGBOOST.items()], ids=XGBOOST)
def test_an_xgboost_json_scores_as_xgboost_does(monkeypatch, tmp_path, objective, label, more):
    monkeypatch.chdir(tmp_path)
    examples = customers()
    data = xgboost.DMatrix(matrix(examples), labels(examples, label), feature_names=NUMERIC)
    booster = xgboost.train({"objective": objective, "max_depth": 3, **more}, data, 8)
    booster.save_model("model.json")
    meta = {"estimator": "scorehouse.xgboost", "model_file": "model.json", "label": label}
    if label == "tier":
        meta["parameters"] = {"classes": CLASSES}

    def predict(numbers: np.ndarray) -> np.ndarray:
        return booster.predict(xgboost.DMatrix(numbers, feature_names=NUMERIC))

    assert_scored(examples, meta, predict, 1e-6, 3e38)


@pytest.mark.parametrize(
    ("estimator", "kind"),
    [
        (LogisticRegression(), FloatTensorType),
        (LogisticRegression(), DoubleTensorType),
        (HistGradientBoostingRegressor(max_iter=5), FloatTensorType),
        (KNeighborsRegressor(), DoubleTensorType),
    ],
)
def test_an_onnx_file_scores_as_onnxruntime_does(tmp_path, monkeypatch, estimator, kind):
    monkeypatch.chdir(tmp_path)
    examples, is_classifier = customers(missing=0), isinstance(estimator, LogisticRegression)
    estimator.fit(matrix(examples), labels(examples, "is_churned" if is_classifier else "spent"))
    options = {"options": {"zipmap": False}} if is_classifier else {}
    model = to_onnx(estimator, initial_types=[("X", kind([None, len(NUMERIC)]))], **options)
    Path("model.onnx").write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(model.SerializeToString())
    number = np.float32 if kind is FloatTensorType else np.float64

    def predict(numbers: np.ndarray) -> np.ndarray:
        found = session.run(None, {"X": numbers.astype(number)})[-1]
        return found[:, -1] if found.ndim > 1 else found

    meta = {"estimator": "scorehouse.onnx", "model_file": "model.onnx", "features": {"numeric": NUMERIC}}
    assert_scored(examples, meta, predict, 1e-6, 1e6)


def test_a_brought_model_is_measured_on_examples_and_compared_with_its_library():
    examples = customers()
    booster = lightgbm.train({"objective": "binary", "verbose": -1}, _churned(examples), 5)
    meta = {"estimator": "scorehouse.lightgbm", "model_text": booster.model_to_string(), "label": "is_churned"}
    row = assert_scored(examples, meta, booster.predict, 1e-9, np.inf)
    assert {(m["split"], m["metric"]) for m in row["metrics"][0].as_py()} >= {("train", "auc"), ("train", "log_loss")}
    assert {check["path"] for check in row["parity"][0].as_py()} == {"estimator", "sql", "udf"}
    assert {weight["part"] for weight in row["weights"][0].as_py()} >= {"node"}


@pytest.mark.parametrize("package", ["lightgbm", "xgboost"])
def test_a_brought_model_needs_no_labels(package):
    examples = customers()
    if package == "lightgbm":
        booster = lightgbm.train({"objective": "binary", "verbose": -1}, _churned(examples), 5)
        text, predict = booster.model_to_string(), booster.predict
    else:
        booster = xgboost.train({"objective": "binary:logistic"}, _churned_matrix(examples), 5)
        text = booster.save_raw("json").decode()

        def predict(numbers: np.ndarray) -> np.ndarray:
            return booster.predict(xgboost.DMatrix(numbers, feature_names=NUMERIC))

    meta = {"estimator": f"scorehouse.{package}", "model_text": text}
    assert_scored(examples.select([*NUMERIC, "customer_id", "as_of"]), meta, predict, 1e-6, 3e38)


PACKAGES = {"lightgbm": "lightgbm", "xgboost": "xgboost", "onnxruntime": "onnx", "skops.io": "skops"}


@pytest.mark.parametrize(("package", "extra"), PACKAGES.items(), ids=PACKAGES)
def test_a_model_that_nobody_can_prove_is_refused_and_the_extra_named(monkeypatch, package, extra):
    examples = customers()
    texts = {
        "lightgbm": lambda: lightgbm.train({"objective": "binary", "verbose": -1}, _churned(examples), 2).model_to_string(),
        "xgboost": lambda: xgboost.train({}, _churned_matrix(examples), 2).save_raw("json").decode(),
    }
    text = texts.get(extra, lambda: "never read")()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ScorehouseError) as refusal:
        fit(examples, {"estimator": f"scorehouse.{extra}", "model_text": text}, "brought", WHERE)
    assert f"install scorehouse[{extra}]" in str(refusal.value)


def _churned(examples: pa.Table) -> lightgbm.Dataset:
    return lightgbm.Dataset(matrix(examples), labels(examples, "is_churned"), feature_name=NUMERIC)


def _churned_matrix(examples: pa.Table) -> xgboost.DMatrix:
    return xgboost.DMatrix(matrix(examples), labels(examples, "is_churned"), feature_names=NUMERIC)


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ({"estimator": "scorehouse.lightgbm", "model_text": "no model"}, "a text that is not a LightGBM model"),
        ({"estimator": "scorehouse.xgboost", "model_text": json.dumps({"a": 1})}, "a text that is not an XGBoost JSON model"),
        ({"estimator": "scorehouse.onnx", "model_text": "no model"}, "a file that is not an ONNX model"),
        ({"estimator": "scorehouse.lightgbm", "model_file": "absent.txt"}, "found 'absent.txt'"),
        ({"estimator": "scorehouse.lightgbm", "model_file": "../outside.txt"}, "a file inside the project"),
        ({"estimator": "scorehouse.xgboost"}, "expected meta.model_file"),
        ({"estimator": "scorehouse.catboost", "features": FEATURES}, "expected one of scorehouse.lightgbm"),
    ],
)
def test_what_is_no_model_is_refused_in_one_sentence(meta, words):
    with pytest.raises(ScorehouseError, match=words) as refusal:
        fit(customers(), meta, "brought", WHERE)
    assert str(refusal.value).startswith(WHERE)
    assert "\n" not in str(refusal.value)


def test_a_brought_model_whose_feature_the_examples_lack_is_refused():
    examples = customers()
    booster = lightgbm.train({"objective": "binary", "verbose": -1}, _churned(examples), 2)
    meta = {"estimator": "scorehouse.lightgbm", "model_text": booster.model_to_string()}
    with pytest.raises(ScorehouseError, match="age_days"):
        fit(examples.drop_columns(["age_days"]), meta, "brought", WHERE)


ESTIMATORS = {
    "lightgbm.LGBMClassifier, is_churned": {"n_estimators": 6, "num_leaves": 6},
    "lightgbm.LGBMClassifier, tier": {"n_estimators": 4, "num_leaves": 6},
    "lightgbm.LGBMRegressor, spent": {"n_estimators": 6, "num_leaves": 6, "objective": "gamma"},
    "xgboost.XGBClassifier, is_churned": {"n_estimators": 6, "max_depth": 3},
    "xgboost.XGBClassifier, tier": {"n_estimators": 4, "max_depth": 3},
    "xgboost.XGBRegressor, spent": {"n_estimators": 6, "max_depth": 3},
    "xgboost.XGBRFRegressor, spent": {"n_estimators": 3, "objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]},
}


@pytest.mark.parametrize(("name", "parameters"), ESTIMATORS.items(), ids=ESTIMATORS)
def test_an_estimator_of_another_library_is_fitted_by_its_import_path(name, parameters):
    path, label = name.split(", ")
    finite = tuple(number for number in NUMBERS if np.isfinite(number) or np.isnan(number))
    meta = declared(path, label, parameters=parameters)
    row = assert_agreement(customers(), meta, 1e-6 if path.startswith("xgboost") else 1e-9, finite)
    assert row["library_versions"][0].as_py()


def test_a_scorecard_adds_the_points_of_its_rules():
    rules = pa.table(
        {
            "feature": [None, "visits", "visits", "visits", "plan", "plan", "amount"],
            "minimum": [None, None, 2.0, None, None, None, None],
            "maximum": [None, 2.0, 5.0, None, None, None, None],
            "category": pa.array([None, None, None, None, "it's", None, None], pa.string()),
            "is_missing": [None, None, None, True, None, True, None],
            "points": [10.0, 1.0, 2.0, 4.0, 8.0, 16.0, None],
            "weight": pa.array([None, None, None, None, None, None, 0.5], pa.float64()),
        }
    )
    rows = pa.table(
        {
            "visits": pa.array([1.0, 2.0, 5.0, None, 1.0], pa.float64()),
            "plan": ["it's", "basic", None, "it's", "never seen"],
            "amount": pa.array([2.0, None, 0.0, -4.0, 1e6], pa.float64()),
        }
    )
    row = fit(rules, {"estimator": "scorehouse.scorecard"}, "card", WHERE)
    for way, scores in in_duckdb(row, rows, "card").items():
        assert scores.tolist() == [20.0, 12.0, 26.0, 20.0, 500_011.0], way
    probability = fit(rules, {"estimator": "scorehouse.scorecard", "parameters": {"link": "sigmoid"}}, "linked", WHERE)
    assert_allclose(in_duckdb(probability, rows, "linked")["sql"], 1 / (1 + np.exp(-np.array([20, 12, 26, 20, 500_011.0]))))
