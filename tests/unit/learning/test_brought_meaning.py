"""What a brought file does not say is declared or refused, and what it says is not read otherwise."""

import json
import re
from pathlib import Path

import lightgbm
import numpy as np
import pandas
import pyarrow as pa
import pytest
import skops.io
import xgboost
from agreement import WHERE, in_duckdb
from numpy.testing import assert_allclose
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer, StandardScaler
from sklearn.svm import SVC

from scorehouse.errors import ScorehouseError
from scorehouse.learning import fit
from scorehouse.learning.translate import refusals

pytestmark = pytest.mark.filterwarnings("ignore")

random = np.random.default_rng(0)
FRAME = pandas.DataFrame(
    {
        "amount": random.normal(0, 1, 90).round(3),
        "Last Visit": random.normal(0, 1, 90).round(3),
        "shop": random.choice([101, 205, 309], 90),
        "plan": random.choice(["basic", "plus"], 90),
        "tier": random.choice(["silver", "gold", "bronze"], 90),
    }
)
LABEL = (FRAME.amount + (FRAME.shop == 205)).to_numpy()
NUMBERS = ["amount", "Last Visit"]
MATRIX = FRAME[NUMBERS].to_numpy()
QUIET = {"verbose": -1, "min_data_in_leaf": 5, "min_data_per_group": 1}


def table(frame: pandas.DataFrame = FRAME) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


def coded(frame: pandas.DataFrame) -> pandas.DataFrame:
    return frame.assign(shop=pandas.Categorical(frame["shop"]), plan=pandas.Categorical(frame["plan"]))


def served(meta: dict, rows: pa.Table | None = None, examples: pa.Table | None = None) -> np.ndarray:
    row = fit(table() if examples is None else examples, meta, "brought", WHERE)
    assert row["status"][0].as_py() == "ready", row["status_reason"][0].as_py()
    return in_duckdb(row, table() if rows is None else rows, "brought")["udf"]


def refusal(meta: dict, examples: pa.Table | None = None) -> str:
    with pytest.raises(ScorehouseError) as found:
        fit(table() if examples is None else examples, meta, "brought", WHERE)
    sentence = str(found.value)
    assert re.fullmatch(rf"{WHERE}: .*expected .*, found [^\n]*\.", sentence), sentence
    return sentence


def lightgbm_meta(booster: lightgbm.Booster, **more: object) -> dict:
    return {"estimator": "scorehouse.lightgbm", "model_text": booster.model_to_string()} | more


def xgboost_meta(booster: xgboost.Booster, **more: object) -> dict:
    return {"estimator": "scorehouse.xgboost", "model_text": booster.save_raw("json").decode(), **more}


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Writes a model's file into a project of its own, and gives the declaration that names it."""
    monkeypatch.chdir(tmp_path)

    def write(form: str, content: bytes, **more: object) -> dict:
        Path(f"model.{form}").write_bytes(content)
        return {"estimator": f"scorehouse.{form}", "model_file": f"model.{form}", **more}

    return write


# ---------------------------------------------------------------- categories


@pytest.fixture(scope="module")
def categorical() -> lightgbm.Booster:
    columns = coded(FRAME)[["amount", "shop", "plan"]]
    return lightgbm.train({**QUIET, "objective": "regression"}, lightgbm.Dataset(columns, LABEL), 5)


def test_categories_are_values_and_not_codes_and_an_unseen_one_is_missing(categorical):
    rows = FRAME.assign(shop=np.resize([205, 412, 1], 90), plan=np.resize(["plus", "never seen"], 90))
    assert_allclose(served(lightgbm_meta(categorical)), categorical.predict(coded(FRAME)[["amount", "shop", "plan"]]), 1e-9)
    expected = categorical.predict(coded(rows)[["amount", "shop", "plan"]])
    assert_allclose(served(lightgbm_meta(categorical), table(rows)), expected, 1e-9)


@pytest.mark.parametrize("is_ordered", [True, False])
def test_categories_that_two_columns_of_numbers_could_have_are_declared(is_ordered):
    rating, shop = random.integers(1, 6, 90), random.integers(1, 6, 90)
    rows = pandas.DataFrame({"amount": FRAME.amount, "rating": rating, "shop": shop})
    columns = rows.assign(rating=pandas.Categorical(rating, [5, 4, 3, 2, 1], ordered=is_ordered))
    label = LABEL + columns.rating.cat.codes + 2 * (shop == 3)
    booster = lightgbm.train(
        {**QUIET, "objective": "regression"}, lightgbm.Dataset(columns, label, categorical_feature=["shop"]), 8
    )
    assert "rating, which holds such values too" in refusal(lightgbm_meta(booster), table(rows))
    declared = {"numeric": ["amount", "shop"], "categorical": ["rating"]}
    found = served(lightgbm_meta(booster, features=declared), table(rows), table(rows))
    assert_allclose(found, booster.predict(columns), 1e-9)


@pytest.mark.parametrize("names", [("basic", "plüs"), ("basic", "é"), ("basic", "日本")])
def test_categories_that_xgboost_cuts_are_refused(names):
    plan = np.resize(names, 90)
    columns = pandas.DataFrame({"amount": FRAME.amount, "plan": pandas.Categorical(plan)})
    booster = xgboost.train({"max_depth": 3}, xgboost.DMatrix(columns, LABEL, enable_categorical=True), 5)
    rows = table(columns.assign(plan=plan))
    assert "fit it on ASCII categories" in refusal(xgboost_meta(booster), rows)


@pytest.mark.parametrize(("classes", "is_right"), [(["0", "1", "2"], True), (["0", "2", "1"], False), (["2", "1", "0"], False)])
def test_classes_of_which_the_label_says_another_order_are_refused(file, classes, is_right):
    """Most rows are of the first class, so that the order of the others shows in few."""
    weights = np.array([[0.0, 1.0, -1.0], [0.0, 0.2, 0.1]], np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["linear"]),
        helper.make_node("Add", ["linear", "b"], ["raw"]),
        helper.make_node("Softmax", ["raw"], ["prob"], axis=1),
        helper.make_node("ArgMax", ["prob"], ["label"], axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
        [
            helper.make_tensor_value_info("prob", TensorProto.FLOAT, [None, 3]),
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        ],
        [
            helper.make_tensor("w", TensorProto.FLOAT, [2, 3], weights.ravel()),
            helper.make_tensor("b", TensorProto.FLOAT, [3], [0.9, 0.0, 0.0]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    meta = file("onnx", model.SerializeToString(), parameters={"columns": NUMBERS, "classes": classes, "output": "prob"})
    if is_right:
        served(meta)
    else:
        assert "expected the classes in the order of the scores' columns" in refusal(meta)


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("shop", FRAME["shop"].astype(str), "expected whole numbers, as the model's categories are (101, 205, 309)"),
        ("shop", FRAME["shop"] % 7, "expected some of the model's categories (101, 205, 309), found none of them"),
        ("shop", FRAME["shop"] == 205, "found BOOLEAN; cast it in the select"),
        ("plan", FRAME["shop"], "expected texts, as the model's categories are (basic, plus), found"),
    ],
)
def test_a_column_of_other_values_than_the_categories_is_refused(categorical, column, values, words):
    assert words in refusal(lightgbm_meta(categorical), table(FRAME.assign(**{column: values})))


def test_ordered_categories_whose_columns_the_text_does_not_name_are_declared():
    columns = FRAME[["amount", "shop"]].assign(shop=pandas.Categorical(FRAME["shop"], ordered=True))
    booster = lightgbm.train({**QUIET, "objective": "regression"}, lightgbm.Dataset(columns, LABEL), 5)
    assert "expected meta.features with 1 columns under categorical" in refusal(lightgbm_meta(booster))
    declared = lightgbm_meta(booster, features={"numeric": ["amount"], "categorical": ["shop"]})
    assert_allclose(served(declared), booster.predict(columns), 1e-9)


def test_a_category_that_xgboost_refuses_has_no_score_and_is_reported():
    booster = xgboost.train({}, xgboost.DMatrix(coded(FRAME)[["amount", "shop"]], LABEL, enable_categorical=True), 3)
    rows = FRAME.assign(shop=np.where(np.arange(90) % 3, FRAME["shop"], 102))
    scores = served(xgboost_meta(booster), table(rows))
    assert np.isnan(scores[::3]).all() and np.isfinite(scores[1::3]).all()
    row = fit(table(rows), xgboost_meta(booster), "brought", WHERE)
    assert row["status"][0].as_py() == "ready"
    assert row["status_reason"][0].as_py().startswith("xgboost refuses 30 of 90 real rows")
    real = [check for check in row["parity"][0].as_py() if (check["rows_of"], check["path"]) == ("real", "estimator")]
    assert [check["refused_count"] for check in real] == [30]


@pytest.mark.parametrize(
    "edit", [lambda text: text[: text.index("[num_leaves") + 5], lambda text: text.replace("[num_leaves", "num")]
)
def test_a_lightgbm_text_that_would_end_the_process_is_refused(categorical, edit):
    """LightGBM reads parameters without looking whether they are whole."""
    text = edit(categorical.model_to_string())
    assert "cut off or was edited among its parameters; export it again" in refusal(lightgbm_meta(categorical, model_text=text))


@pytest.mark.parametrize(
    ("line", "edit", "words"),
    [
        ("num_cat", lambda numbers: ["99"], "of cat_boundaries instead of 100"),
        ("num_cat", None, "does not say how many leaves and categories it has"),
        ("num_leaves", lambda numbers: ["2"], "a tree of 2 leaves has"),
        ("leaf_weight", lambda numbers: [*numbers, "1"], "numbers of leaf_weight instead of"),
        ("leaf_value", lambda numbers: numbers[1:], "numbers of leaf_value instead of"),
        ("cat_threshold", lambda numbers: [], "a tree of"),
        ("split_gain", lambda numbers: numbers[:-1], "numbers of split_gain instead of"),
    ],
)
def test_a_lightgbm_tree_whose_numbers_are_not_as_many_as_it_says_is_refused(categorical, line, edit, words):
    """LightGBM ends the process at such a tree; `tree_sizes` says here that the text is whole."""
    head, *trees = categorical.model_to_string().split("\nTree=")
    (found,) = re.findall(rf"^{line}=.*\n", trees[0], re.MULTILINE)
    edited = f"{line}={' '.join(edit(found.strip().partition('=')[2].split()))}\n" if edit else ""
    trees[0] = trees[0].replace(found, edited)
    size = int(re.search(r"tree_sizes=(\d+)", head)[1]) + len(edited) - len(found)
    text = "\nTree=".join([re.sub(r"tree_sizes=\d+", f"tree_sizes={size}", head), *trees])
    sentence = refusal(lightgbm_meta(categorical, model_text=text))
    assert "cut off or was edited: a tree" in sentence and words in sentence


@pytest.mark.parametrize("line", ["label_index", "objective", "feature_infos"])
def test_a_lightgbm_text_that_lightgbm_cannot_load_is_refused_in_one_sentence(categorical, line):
    text = re.sub(rf"^{line}=.*\n", f"{line}=7\n" if line == "objective" else "", categorical.model_to_string(), flags=re.M)
    assert "found a text that LightGBM cannot load: " in refusal(lightgbm_meta(categorical, model_text=text))


def test_an_xgboost_file_that_names_other_inputs_than_it_has_is_refused():
    """XGBoost takes the rest of the inputs for missing, and each name for another input."""
    booster = xgboost.train({}, xgboost.DMatrix(MATRIX, LABEL, feature_names=NUMBERS), 2)
    meta = xgboost_meta(booster)
    learner = json.loads(meta["model_text"])
    learner["learner"]["feature_names"] = NUMBERS[1:]
    said = "found an XGBoost model of 2 inputs that names 1 (Last Visit); save it as it was trained"
    assert said in refusal(meta | {"model_text": json.dumps(learner)})


@pytest.mark.parametrize("part", ["parents", "size_leaf_vector", "model"])
def test_an_xgboost_file_that_would_end_the_process_is_refused(part):
    meta = xgboost_meta(xgboost.train({}, xgboost.DMatrix(MATRIX, LABEL, feature_names=NUMBERS), 2))
    said = json.loads(meta["model_text"])
    model = said["learner"]["gradient_booster"]["model"]
    tree = model["trees"][1]
    if part == "parents":
        tree["parents"][-1] = -1
    elif part == "model":
        model.clear()
    else:
        tree["tree_param"][part] = "-1"
    assert "found an XGBoost JSON model that is cut off or was edited" in refusal(meta | {"model_text": json.dumps(said)})


# ---------------------------------------------------------------- the proof


def test_a_model_whose_library_refuses_every_row_is_not_proved():
    booster = xgboost.train({}, xgboost.DMatrix(MATRIX, LABEL, feature_names=NUMBERS), 2)
    row = fit(table(FRAME.assign(amount=np.inf)), xgboost_meta(booster), "brought", WHERE)
    assert row["status"][0].as_py() == "parity_failed"
    assert "refuses them all" in row["status_reason"][0].as_py()


def test_a_model_without_rows_to_prove_it_on_scores_nothing(categorical):
    row = fit(table().slice(0, 0), lightgbm_meta(categorical), "brought", WHERE)
    assert row["status"][0].as_py() == "insufficient_examples"
    assert row["status_reason"][0].as_py() == (
        "Expected at least one row to prove the model on by lightgbm's own predictions, found none."
    )


# ---------------------------------------------------------------- inputs


def test_inputs_are_found_by_name_in_any_order_and_case():
    booster = xgboost.train({}, xgboost.DMatrix(MATRIX, LABEL, feature_names=["AMOUNT", "last visit"]), 3)
    swapped = table(FRAME[["Last Visit", "amount"]])
    expected = booster.predict(xgboost.DMatrix(MATRIX, feature_names=["AMOUNT", "last visit"]))
    assert_allclose(served(xgboost_meta(booster), examples=swapped), expected, 1e-6)


def test_blanks_are_underlines_to_lightgbm():
    booster = lightgbm.train({**QUIET, "objective": "regression"}, lightgbm.Dataset(FRAME[NUMBERS], LABEL), 3)
    assert "Last_Visit" in booster.feature_name()
    assert_allclose(served(lightgbm_meta(booster)), booster.predict(MATRIX), 1e-9)


UNNAMED = {
    "none": ({}, "expected meta.parameters.columns, since the model does not name its 2 inputs, found none"),
    "fewer": ({"features": {"numeric": ["amount"]}}, "expected 2 columns, one for each input of the model, found 1 declared"),
    "more": ({"features": {"numeric": [*NUMBERS, "shop"]}}, "found 3 declared (amount, Last Visit, shop)"),
    "absent": ({"parameters": {"columns": ["amount", "visit"]}}, "expected the column visit in the examples"),
    "word": ({"parameters": {"colums": NUMBERS}}, "found 'colums'; correct its name"),
    "training": ({"preprocessing": {"numeric": {"scale": "standard"}}}, "meta.preprocessing: expected none"),
}


@pytest.mark.parametrize(("more", "words"), UNNAMED.values(), ids=UNNAMED)
@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_inputs_without_names_are_declared_in_their_order(library, more, words):
    if library == "xgboost":
        meta = xgboost_meta(xgboost.train({}, xgboost.DMatrix(MATRIX, LABEL), 2))
    else:
        meta = lightgbm_meta(lightgbm.train({**QUIET, "objective": "regression"}, lightgbm.Dataset(MATRIX, LABEL), 2))
    assert words in refusal({**meta, **more})
    assert np.isfinite(served({**meta, "parameters": {"columns": NUMBERS}})).all()


def test_names_that_differ_in_case_alone_are_refused():
    booster = xgboost.train({}, xgboost.DMatrix(MATRIX, LABEL, feature_names=["amount", "Amount"]), 2)
    assert "found 'amount' and 'Amount'" in refusal(xgboost_meta(booster))


def test_an_order_that_contradicts_the_names_is_refused():
    booster = xgboost.train({}, xgboost.DMatrix(MATRIX, LABEL, feature_names=NUMBERS), 2)
    assert "leave it out" in refusal(xgboost_meta(booster, parameters={"columns": NUMBERS[::-1]}))
    assert "differ in last visit" in refusal(xgboost_meta(booster, features={"numeric": ["amount"]}))


@pytest.mark.parametrize(("declared", "is_refused"), [({}, True), ({"missing": -999}, False), ({"missing": "none"}, False)])
def test_a_number_that_may_mean_missing_is_declared(declared, is_refused):
    rows = FRAME.assign(amount=FRAME.amount.where(np.arange(90) % 4 > 0, -999.0))
    missing = -999.0 if declared.get("missing") == -999 else np.nan
    data = xgboost.DMatrix(rows[NUMBERS].to_numpy(), LABEL, feature_names=NUMBERS, missing=missing)
    booster = xgboost.train({}, data, 3)
    meta = xgboost_meta(booster, parameters=declared)
    if is_refused:
        assert "feature amount: expected meta.parameters.missing, since 23 of 90 examples are -999" in refusal(meta, table(rows))
    else:
        assert_allclose(served(meta, table(rows), table(rows)), booster.predict(data), 1e-6)


def test_a_number_that_would_make_a_category_missing_is_refused():
    columns = coded(FRAME)[["amount", "plan"]]
    booster = xgboost.train({}, xgboost.DMatrix(columns, LABEL, missing=1, enable_categorical=True), 3)
    sentence = refusal(xgboost_meta(booster, parameters={"missing": 1}))
    assert "no code of a category (0 to 1 of plan), found 1, by which one of them is missing" in sentence
    served(xgboost_meta(booster, parameters={"missing": -999}))


@pytest.mark.parametrize("method", ["hist", "exact"])
@pytest.mark.parametrize("marker", [0, -1])
def test_a_number_that_was_missing_to_the_training_is_declared_though_the_file_does_not_say_so(marker, method):
    visits = np.where(np.arange(90) % 4 > 0, random.poisson(2, 90) + 1, marker)
    rows, label = FRAME.assign(visits=visits.astype(float)), LABEL + np.where(visits == marker, 2, visits / 9)
    columns, params = ["amount", "visits"], {"tree_method": method, "max_depth": 4}
    taught = [xgboost.DMatrix(rows[columns], label, missing=missing) for missing in (marker, np.nan)]
    booster, plain = (xgboost.train(params, data, 20) for data in taught)
    sentence = refusal(xgboost_meta(booster), table(rows))
    assert f"feature visits: expected meta.parameters.missing, since 23 of 90 examples are {marker}, none is NULL" in sentence
    for data, missing in zip(taught, (marker, "none"), strict=True):
        meta = xgboost_meta(booster, parameters={"missing": missing})
        assert_allclose(served(meta, table(rows), table(rows)), booster.predict(data), 1e-6)
    assert_allclose(served(xgboost_meta(plain), table(rows), table(rows)), plain.predict(taught[1]), 1e-6)


# ---------------------------------------------------------------- outputs


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_classes_have_the_declared_names_in_the_order_of_the_codes(library):
    order = ["silver", "gold", "bronze"]
    codes = FRAME["tier"].map(order.index).to_numpy()
    if library == "lightgbm":
        data = lightgbm.Dataset(FRAME[["amount"]], codes)
        booster = lightgbm.train({**QUIET, "objective": "multiclass", "num_class": 3}, data, 3)
        meta = lightgbm_meta(booster, label="tier")
        expected = booster.predict(FRAME[["amount"]])
    else:
        data = xgboost.DMatrix(FRAME[["amount"]], codes)
        booster = xgboost.train({"objective": "multi:softprob", "num_class": 3}, data, 3)
        meta, expected = xgboost_meta(booster, label="tier"), booster.predict(data)
    assert "list the values of tier (bronze, gold, silver) in the order of the codes 0, 1, ..." in refusal(meta)
    declared = {**meta, "parameters": {"classes": order}}
    row = fit(table(), declared, "brought", WHERE)
    assert row["classes"][0].as_py() == order
    assert row["score_type"][0].as_py() == 'STRUCT("silver" DOUBLE, "gold" DOUBLE, "bronze" DOUBLE)'
    assert_allclose(in_duckdb(row, table(), "brought")["udf"], expected, 1e-6)
    assert "found 'bronze'" in refusal({**meta, "parameters": {"classes": ["silver", "gold", "copper"]}})
    assert "expected 3 names" in refusal({**meta, "parameters": {"classes": ["silver", "gold"]}})


@pytest.mark.parametrize("rounds", ["best", "all"])
def test_early_stopping_serves_the_best_round_unless_all_are_asked_for(rounds):
    data = xgboost.DMatrix(MATRIX, LABEL, feature_names=NUMBERS)
    worse = xgboost.DMatrix(MATRIX, LABEL[::-1], feature_names=NUMBERS)
    booster = xgboost.train({}, data, 10, evals=[(worse, "worse")], early_stopping_rounds=3, verbose_eval=False)
    assert json.loads(booster.save_raw("json"))["learner"]["attributes"]["best_iteration"] == "0"
    until = booster.best_iteration + 1 if rounds == "best" else 0
    meta = xgboost_meta(booster, parameters={"rounds": rounds} if rounds == "all" else {})
    assert_allclose(served(meta), booster.predict(data, iteration_range=(0, until)), 1e-6)
    longer = xgboost.train({}, data, 10, xgb_model=booster)  # keeps the best round of the first training
    meta["model_text"] = longer.save_raw("json").decode()
    said = fit(table(), meta, "brought", WHERE)["status_reason"][0].as_py()
    assert said == (
        None
        if rounds == "all"
        else "Rounds 1 to 1 of 14 serve, up to the best of early stopping; meta.parameters.rounds: all lets all serve."
    )
    assert_allclose(served(meta), longer.predict(data, iteration_range=(0, until)), 1e-6)


def test_what_a_refusal_asks_for_can_be_declared():
    codes = np.resize([0, 1, 2], 90)

    def objective(predicted: np.ndarray, rows: lightgbm.Dataset) -> tuple[np.ndarray, np.ndarray]:
        return predicted.reshape(90, 3) - np.eye(3)[codes], np.ones((90, 3))

    booster = lightgbm.train({**QUIET, "objective": objective, "num_class": 3}, lightgbm.Dataset(MATRIX, codes), 3)
    columns = {"columns": NUMBERS}
    assert "expected meta.parameters.targets, names for the 3 numbers" in refusal(lightgbm_meta(booster, parameters=columns))
    scores = served(lightgbm_meta(booster, parameters=columns | {"targets": ["low", "middle", "high"]}))
    assert_allclose(scores, booster.predict(MATRIX), 1e-9)


def test_several_targets_are_named():
    several = np.column_stack([LABEL, -LABEL])
    booster = xgboost.train({}, xgboost.DMatrix(MATRIX, several, feature_names=NUMBERS), 3)
    assert "expected meta.parameters.targets, names for the 2 numbers" in refusal(xgboost_meta(booster))
    scores = served(xgboost_meta(booster, parameters={"targets": ["spend", "loss"]}, label="shop"))
    assert_allclose(scores, booster.predict(xgboost.DMatrix(MATRIX, feature_names=NUMBERS)), 1e-6)


# ---------------------------------------------------------------- ONNX


def graph(nodes: list, outputs: list, inputs: tuple = ("X",)) -> bytes:
    """A graph over two columns of numbers."""
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in inputs]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs]
    opset = [helper.make_opsetid("", 15)]
    return helper.make_model(helper.make_graph(nodes, "g", given, made), opset_imports=opset, ir_version=8).SerializeToString()


RESHAPED = [helper.make_node("Shape", ["X"], ["s"]), helper.make_node("Reshape", ["X", "s"], ["Y"])]
IN_ORDER = {"columns": NUMBERS}
GRAPHS = {
    "width": (graph(RESHAPED, [("Y", [None, 3])]), {}, "output Y declares 3 columns and gives 2"),
    "batch": (
        graph([helper.make_node("Softmax", ["X"], ["Y"], axis=0)], [("Y", [None, 2])]),
        {"targets": ["a", "b"]},
        "depend on the other rows",
    ),
    "less the mean": (
        graph(
            [helper.make_node("ReduceMean", ["X"], ["m"], axes=[0, 1]), helper.make_node("Sub", ["X", "m"], ["Y"])],
            [("Y", [None, 2])],
        ),
        {"targets": ["a", "b"]},
        "depend on the other rows",
    ),
    "mean": (
        graph([helper.make_node("ReduceMean", ["X"], ["Y"], axes=[0])], [("Y", ["n", 2])]),
        {"targets": ["a", "b"]},
        "has the shape [1, 2] for 16 rows",
    ),
    "outputs": (
        graph(
            [helper.make_node("Neg", ["X"], ["Y"]), helper.make_node("Abs", ["X"], ["Z"])], [("Y", [None, 2]), ("Z", [None, 2])]
        ),
        {},
        "expected meta.parameters.output, since the model has several outputs of numbers (Y",
    ),
    "targets": (graph([helper.make_node("Neg", ["X"], ["Y"])], [("Y", [None, 2])]), {}, "expected meta.parameters.targets"),
}


@pytest.mark.parametrize(("content", "parameters", "words"), GRAPHS.values(), ids=GRAPHS)
def test_an_onnx_graph_whose_scores_are_not_clear_is_refused(file, content, parameters, words):
    assert words in refusal(file("onnx", content, parameters={**IN_ORDER, **parameters}))


def test_a_model_that_gives_no_row_a_score_is_not_proved(file):
    nodes = [helper.make_node("Sub", ["X", "X"], ["zero"]), helper.make_node("Div", ["zero", "zero"], ["nan"])]
    nodes.append(helper.make_node("ReduceMean", ["nan"], ["Y"], axes=[1]))
    row = fit(table(), file("onnx", graph(nodes, [("Y", [None, 1])]), parameters=IN_ORDER), "brought", WHERE)
    assert row["status"][0].as_py() == "parity_failed"
    assert "to score the 90 real rows, found that it gives none of them a score" in row["status_reason"][0].as_py()


def test_a_standard_deviation_is_no_score_unless_it_is_asked_for(file):
    fitted = GaussianProcessRegressor(alpha=0.1).fit(MATRIX, LABEL)
    model = to_onnx(fitted, MATRIX[:1], options={id(fitted): {"return_std": True}}).SerializeToString()
    assert "expected meta.parameters.output" in refusal(file("onnx", model, parameters=IN_ORDER))
    scores = served(file("onnx", model, parameters={**IN_ORDER, "output": "GPmean"}))
    assert_allclose(scores, fitted.predict(MATRIX), 1e-6, 1e-6)


@pytest.mark.parametrize("zipmap", [True, False])
def test_onnx_classes_have_the_names_of_the_file(file, zipmap):
    fitted = LogisticRegression().fit(MATRIX, FRAME["tier"])
    model = to_onnx(fitted, MATRIX[:1].astype(np.float32), options={"zipmap": zipmap}).SerializeToString()
    meta = file("onnx", model, parameters=IN_ORDER, label="tier")
    row = fit(table(), meta, "brought", WHERE)
    assert row["classes"][0].as_py() == fitted.classes_.tolist()
    assert_allclose(in_duckdb(row, table(), "brought")["udf"], fitted.predict_proba(MATRIX), 1e-5, 1e-6)
    wrong = {**IN_ORDER, "classes": ["silver", "gold", "bronze"]}
    assert "expected the model's own (bronze, gold, silver)" in refusal({**meta, "parameters": wrong})


# ---------------------------------------------------------------- skops


@pytest.mark.parametrize("kind", [np.float32, np.int64, np.float64])
def test_an_imputer_fills_in_what_the_type_of_its_training_rows_holds(file, kind):
    rows = FRAME[["shop", "amount"]].assign(amount=FRAME.amount * 100)
    fitted = make_pipeline(SimpleImputer(), StandardScaler(), Ridge()).fit(rows.astype(kind), LABEL)
    holed = rows.where(np.arange(90)[:, None] % [3, 4] > 0)
    meta = file("skops", skops.io.dumps(fitted))
    assert_allclose(served(meta, table(holed), table(holed)), fitted.predict(holed), 1e-9)


@pytest.mark.parametrize("beyond", ["nan", "clip", "raise"])
def test_an_isotonic_regression_alone_takes_one_column_that_is_declared(file, beyond):
    fitted = IsotonicRegression(out_of_bounds=beyond).fit(FRAME.amount, LABEL)
    meta = file("skops", skops.io.dumps(fitted))
    assert "does not name its 1 input, found none; list the select's columns" in refusal(meta)
    amounts = [FRAME.amount.min(), FRAME.amount.max(), 0.1, -99.0, 99.0, np.nan]
    last = fitted.y_thresholds_[[0, -1]].tolist() if beyond == "clip" else [np.nan, np.nan]
    expected = [*fitted.predict(amounts[:3]), *last, np.nan]
    rows = table(pandas.DataFrame({"amount": amounts}))
    assert_allclose(served({**meta, "parameters": {"columns": ["amount"]}}, rows), expected, 1e-9)


def test_a_skops_file_of_untrusted_types_is_refused_by_their_names(file):
    neighbours = skops.io.dumps(KNeighborsRegressor(algorithm="kd_tree").fit(MATRIX, LABEL))
    said = refusal(file("skops", neighbours, parameters=IN_ORDER))
    assert "sklearn.neighbors._kd_tree.KDTree; fit it with algorithm='brute', which finds the same neighbours" in said
    booster = skops.io.dumps(lightgbm.LGBMRegressor(n_estimators=2, verbose=-1).fit(MATRIX, LABEL))
    assert "lightgbm.basic.Booster" in refusal(file("skops", booster, parameters=IN_ORDER))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no model", "a file that skops did not write"),
        (skops.io.dumps(Ridge()), "Ridge that is not fitted"),
        (skops.io.dumps({"a": 1}), "dict, which is no estimator"),
    ],
)
def test_what_is_no_estimator_is_refused(file, content, words):
    assert words in refusal(file("skops", content))


def test_a_file_of_another_scikit_learn_is_refused(file, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr("sklearn.base.__version__", "1.2.0")
        content = skops.io.dumps(LinearRegression().fit(FRAME[NUMBERS], LABEL))
    assert "found 1.2.0, whose estimators may mean otherwise" in refusal(file("skops", content))


@pytest.mark.parametrize(
    ("alphas", "words"),
    [([0.1, 0.10000001], "found 'quantile_0.1' and 'quantile_0.1' in the model"), ([0.1, 0.9], None)],
)
def test_outputs_whose_names_duckdb_takes_for_one_are_refused(alphas, words):
    parameters = {"objective": "reg:quantileerror", "quantile_alpha": alphas, "max_depth": 2}
    booster = xgboost.train(parameters, xgboost.DMatrix(FRAME[NUMBERS], LABEL), 3)
    if words:
        assert words in refusal(xgboost_meta(booster))
    else:
        served(xgboost_meta(booster))


def test_classes_of_a_file_that_differ_by_case_are_refused(file):
    for names, words in ((["Gold", "gold", "x"], "found 'Gold' and 'gold'"), (["", "gold", "x"], "found '' and 'another class'")):
        model = LogisticRegression().fit(FRAME[NUMBERS].to_numpy(), np.resize(names, 90))
        assert words in refusal(file("skops", skops.io.dumps(model), parameters={"columns": NUMBERS}))


@pytest.mark.parametrize("form", ["onnx", "skops"])
@pytest.mark.parametrize("names", [["stays", "leaves"], ["1", "0"]])
def test_classes_that_a_file_knows_by_their_places_are_named_unless_the_names_are_places_too(file, form, names):
    codes = (LABEL > 0).astype(int)
    fitted = LogisticRegression().fit(MATRIX, codes)
    content = skops.io.dumps(fitted) if form == "skops" else to_onnx(fitted, MATRIX[:1].astype(np.float32)).SerializeToString()
    meta = file(form, content, label="kept", parameters={"columns": NUMBERS, "classes": names})
    examples = table(FRAME.assign(kept=np.array(["stays", "leaves"])[codes]))
    if names[0] == "1":
        assert "expected the model's own (0, 1), found 1, 0" in refusal(meta, examples)
    else:
        row = fit(examples, meta, "brought", WHERE)
        assert (row["status"][0].as_py(), row["classes"][0].as_py()) == ("ready", names)


def test_an_onnx_model_that_contradicts_its_own_scores_is_refused_unless_they_are_just_numbers(file):
    fitted = SVC().fit(MATRIX, np.where(LABEL > 0, "yes", "no"))
    content = to_onnx(fitted, MATRIX[:1].astype(np.float32)).SerializeToString()
    said = refusal(file("onnx", content, parameters={"columns": NUMBERS}))
    assert "names the class that scores highest among no, yes, found one that contradicts its own scores" in said
    assert "fit it with probability=True" in said
    assert served(file("onnx", content, parameters={"columns": NUMBERS, "targets": ["no", "yes"]})).shape == (90, 2)


def test_a_best_round_that_the_file_does_not_have_is_refused(file):
    booster = xgboost.train({}, xgboost.DMatrix(MATRIX, LABEL, feature_names=NUMBERS), 4)
    booster.set_attr(best_iteration="9")
    assert "whose best round by early stopping is 10 of 4; declare rounds: all" in refusal(xgboost_meta(booster))
    served(xgboost_meta(booster, parameters={"rounds": "all"}))


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("form", ["lonely", "in a pipeline"])
def test_a_score_of_a_row_that_the_library_refuses_fails_the_proof(file, monkeypatch, form):
    monkeypatch.setattr(refusals, "of_step", lambda *_: None)
    fitted = GradientBoostingRegressor(n_estimators=2)
    fitted = (fitted if form == "lonely" else make_pipeline(StandardScaler(), fitted)).fit(FRAME[NUMBERS], LABEL)
    rows = FRAME.assign(amount=FRAME.amount.where(np.arange(90) % 3 > 0))
    row = fit(table(rows), file("skops", skops.io.dumps(fitted)), "brought", WHERE)
    assert row["status"][0].as_py() == "parity_failed"
    reason = row["status_reason"][0].as_py()
    assert re.match(r"Expected no score for the \d+ \w+ rows that scikit-learn refuses, found one for \d+ \(Input X con", reason)


def test_rows_that_the_library_refuses_have_no_score_and_are_counted(file):
    fitted = GradientBoostingRegressor(n_estimators=2).fit(FRAME[NUMBERS], LABEL)
    rows = table(FRAME.assign(amount=FRAME.amount.where(np.arange(90) % 3 > 0)))
    meta = file("skops", skops.io.dumps(fitted))
    row = fit(rows, meta, "brought", WHERE)
    assert (
        row["status_reason"][0]
        .as_py()
        .startswith("scikit-learn refuses 30 of 90 real rows, which have no score: Input X contains NaN.")
    )
    scores = in_duckdb(row, rows, "brought")["sql"]
    assert np.isnan(scores[::3]).all()
    assert np.isfinite(np.delete(scores, slice(None, None, 3))).all()


REFUSED = {
    "a search": (lambda: GridSearchCV(Ridge(), {"alpha": [1, 2]}), "save best_estimator_"),
    "a step": (lambda: make_pipeline(KNNImputer(), Ridge()), "found transform of KNNImputer; convert it to ONNX, or fit it"),
    "a form": (lambda: make_pipeline(PowerTransformer("box-cox"), Ridge()), "with method box-cox; convert it to ONNX"),
    "one class": (lambda: DummyClassifier(), "that knows one class alone; fit it on examples"),
    "labels": (lambda: OneVsRestClassifier(LogisticRegression()), "with several labels a row; bring one model for each"),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_translated_is_named_with_what_to_do_instead(file, make, words):
    label = np.column_stack([LABEL > 0, LABEL < 0.5]).astype(int) if "labels" in words else LABEL
    label = np.ones(90, int) if "one class" in words else label
    fitted = make().fit(np.exp(MATRIX), label)
    assert words in refusal(file("skops", skops.io.dumps(fitted), parameters={"columns": NUMBERS}))


def test_a_form_that_nobody_thought_of_is_named_by_its_step(file):
    fitted = make_pipeline(StandardScaler(), Ridge()).fit(FRAME[NUMBERS], LABEL)
    fitted[0].mean_ = np.zeros(3)
    said = refusal(file("skops", skops.io.dumps(fitted)))
    assert "found transform of StandardScaler in a form that is not translated (" in said
    assert "; convert it to ONNX, or fit it without that step" in said


def test_columns_that_are_selected_by_their_types_are_found(file):
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
        (StandardScaler(), make_column_selector(dtype_include=np.number)),
    )
    given = FRAME[["amount", "plan", "Last Visit"]]
    fitted = make_pipeline(columns, Ridge()).fit(given, LABEL)
    assert_allclose(served(file("skops", skops.io.dumps(fitted))), fitted.predict(given), 1e-9)
