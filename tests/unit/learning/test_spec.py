"""What a declaration may say, and what it gets back when it or its examples are wrong."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from agreement import FEATURES, WHERE, assert_agreement, customers, declared, in_duckdb
from numpy.testing import assert_allclose
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from scorehouse.errors import ScorehouseError
from scorehouse.learning import Spec, fit
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.measure import metrics
from scorehouse.learning.train.estimators import declared_estimator
from scorehouse.learning.train.pipeline import train

pytestmark = pytest.mark.filterwarnings("ignore")

LOGISTIC = "sklearn.linear_model.LogisticRegression"
RIDGE = "sklearn.linear_model.Ridge"
BOOSTED = "sklearn.ensemble.HistGradientBoostingClassifier"
MONTHLY = {"time": "as_of", "test_periods": 1, "horizon_days": 30}


def refusal(examples: pa.Table, meta: dict) -> str:
    with pytest.raises(ScorehouseError) as refused:
        fit(examples, meta, "test", WHERE)
    sentence = str(refused.value)
    assert sentence.startswith(f"{WHERE}: "), sentence
    assert "\n" not in sentence
    assert all(word in sentence for word in ("expected", "found", ";")), sentence
    return sentence


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": "is_gone"}, ["column is_gone"]),
        ({"features": {"numeric": ["visits", "steps"]}}, ["column steps"]),
        ({"features": {"numeric": ["visits", "visits"]}}, ["visits twice"]),
        ({"features": {"numeric": ["visits", "is_churned"]}}, ["the label is_churned"]),
        ({"features": {"numeric": ["plan"]}}, ["feature plan", "VARCHAR"]),
        ({"features": {"categorical": ["amount"]}}, ["feature amount", "DOUBLE"]),
        ({"features": {"numeric": ["as_of"]}}, ["feature as_of", "TIMESTAMP"]),
        ({"features": "visits"}, ["meta.features", "'visits'"]),
        ({"features": {}}, ["at least one feature"]),
        ({"key": ["client"]}, ["column client"]),
        ({"group": "client"}, ["column client"]),
        ({"group": ["client"]}, ["meta.group", "one text"]),
        ({"groups": "customer_id"}, ["expected group"]),
        ({"parameters": {"C": -1}}, ["meta: expected parameters", "'C' parameter of LogisticRegression"]),
        ({"estimator": "sklearn.linear_model.Logistic"}, ["meta.estimator", "sklearn.linear_model.Logistic"]),
        ({"estimator": "catboost.CatBoostClassifier"}, ["install the package catboost"]),
        ({"estimator": "sklearn.model_selection.KFold"}, ["KFold"]),
        ({"estimator": None}, ["meta.estimator"]),
        ({"parameters": {"depth": 3}}, ["'depth'"]),
        ({"parameters": {"C": -1.0}}, ["LogisticRegression"]),
        ({"preprocessing": {"numeric": {"scaling": "standard"}}}, ["scaling", "scale"]),
        ({"preprocessing": {"numeric": {"scale": "normal"}}}, ["normal", "standard"]),
        ({"preprocessing": {"numbers": {"scale": "standard"}}}, ["numbers", "numeric"]),
        ({"preprocessing": {"categorical": {"encode": "native"}}}, ["native", "one_hot"]),
        (
            {"preprocessing": {"categorical": {"encode": "target"}}, "label": None, "estimator": "sklearn.cluster.KMeans"},
            ["target"],
        ),
        ({"preprocessing": {"numeric": {"impute": "zero"}}}, ["zero", "median"]),
        ({"split": {"time": "as_of", "test_period": 1}}, ["meta.split", "test_period"]),
        ({"split": {"time": "visits"}}, ["visits", "timestamp"]),
        ({"split": {**MONTHLY, "horizon_days": -1}}, ["horizon_days"]),
        ({"split": {**MONTHLY, "horizon_days": "wait"}}, ["column wait"]),
        ({"split": {**MONTHLY, "horizon_days": "plan"}}, ["column plan", "meta.split.horizon_days", "VARCHAR"]),
        ({"split": {**MONTHLY, "horizon_days": "amount"}}, ["column amount", "NULL"]),
        ({"search": {"parameters": {"C": [1.0]}}}, ["meta.split"]),
        ({"search": {"parameters": {"depth": [1]}}, "split": MONTHLY}, ["'depth'"]),
        ({"search": {"parameters": {"C": []}}, "split": MONTHLY}, ["meta.search.parameters.C"]),
        ({"parametres": {"C": 1.0}}, ["expected parameters", "'parametres'"]),
        ({"class_weights": "balanced"}, ["expected class_weight"]),
        ({"estimator": "lightgbm.LGBMClassifier", "parameters": {"n_estimatorz": 5}}, ["expected n_estimators"]),
        ({"preprocessing": {"numeric": {"log": 5}}}, ["log", "found 5"]),
        ({"preprocessing": {"numeric": {"bins": {"count": 3, "encode": "onehot"}}}}, ["bins.encode", "one_hot"]),
        ({"preprocessing": {"numeric": {"indicator": "yes"}}}, ["indicator", "yes"]),
        ({"separating": ["visit"]}, ["column visit"]),
        ({"calibration": "platt"}, ["calibration", "isotonic"]),
        ({"class_weight": {"maybe": 2.0}}, ["class_weight", "maybe"]),
        ({"monotonic": {"visits": 1}}, ["monotonic", "HistGradientBoostingClassifier"]),
        ({"monotonic": {"visits": "up"}}, ["monotonic.visits", "up"]),
        ({"weight": "plan"}, ["column plan", "weight"]),
        ({"coverage": 1.5}, ["coverage", "1.5"]),
        ({"minimum_examples": 0}, ["minimum_examples"]),
        ({"steps": [{"StandardScaler": {}}]}, ["steps", "transformer"]),
    ],
    ids=lambda case: str(case)[:60] if isinstance(case, dict) else "",
)
def test_a_wrong_declaration_is_refused_in_one_sentence(change, words):
    sentence = refusal(customers(), declared(LOGISTIC, "is_churned") | change)
    assert all(word in sentence for word in words), sentence


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"calibration": "isotonic"}, ["meta.calibration", "classifier"]),
        ({"class_weight": "balanced"}, ["meta.class_weight"]),
        ({"label": None}, ["meta.label"]),
    ],
)
def test_what_only_a_classifier_has_is_refused_for_a_regressor(change, words):
    sentence = refusal(customers(), declared(RIDGE, "spent") | change)
    assert all(word in sentence for word in words), sentence


def test_a_label_that_is_not_known_is_refused_with_its_count():
    examples = customers()
    label = pa.array([None, None, *examples["is_churned"].to_pylist()[2:]])
    examples = examples.set_column(examples.column_names.index("is_churned"), "is_churned", label)
    assert "found 2 of 240 NULL" in refusal(examples, declared(LOGISTIC, "is_churned"))


def _hints(label: np.ndarray, noise: np.ndarray) -> dict[str, tuple[str, np.ndarray]]:
    """Columns that give a label away: estimator, values."""
    churned, tier, spent = label["is_churned"], label["tier"], label["spent"]
    between = np.where(churned, 0.0, np.sign(noise) * 3)
    return {
        "exact": ("is_churned", churned.astype(float)),
        "noisy": ("is_churned", churned + noise / 100),
        "text": ("is_churned", np.where(churned, "left", "stayed")),
        "in the middle": ("is_churned", between + noise / 100),
        "one class of three": ("tier", np.where(tier == tier[0], noise, noise + 20)),
        "text of three": ("tier", np.char.add("is ", tier.astype(str))),
        "number": ("spent", spent * 2 + 1),
        "bent number": ("spent", np.exp(spent / np.abs(spent).max())),
    }


@pytest.mark.parametrize("column", list(_hints(dict.fromkeys(["is_churned", "tier", "spent"], np.ones(2)), np.ones(2))))
def test_a_column_that_gives_the_label_away_is_named(column):
    examples = customers(rows=400)
    label = {name: np.array(examples[name].to_pylist()) for name in ("is_churned", "tier", "spent")}
    name, values = _hints(label, np.random.default_rng(0).normal(0, 1, len(examples)))[column]
    kind = "numeric" if values.dtype.kind == "f" else "categorical"
    features = FEATURES | {kind: [*FEATURES[kind], "hint"]}
    meta = declared(RIDGE if name == "spent" else LOGISTIC, name) | {"features": features}
    assert "feature hint" in refusal(examples.append_column("hint", pa.array(values)), meta)
    row = fit(examples.append_column("hint", pa.array(values)), meta | {"separating": ["hint"]}, "test", WHERE)
    assert row["status"][0].as_py() == "ready"


def test_a_category_for_each_number_gives_it_away():
    examples = customers()
    steps = np.round(examples["spent"].to_numpy())
    examples = examples.drop(["spent"]).append_column("spent", pa.array(np.minimum(steps, 4.0)))
    examples = examples.append_column("hint", pa.array([f"about {value}" for value in examples["spent"].to_pylist()]))
    meta = declared(RIDGE, "spent") | {"features": {"numeric": ["visits"], "categorical": ["hint"]}}
    assert "feature hint" in refusal(examples, meta)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (lambda examples: examples.slice(0, 0), "at least 20 examples to train on, found 0"),
        (lambda examples: examples.slice(0, 7), "at least 20 examples to train on, found 7"),
        (lambda examples: examples.filter(examples["is_churned"]), "two classes or more in is_churned, found only 1"),
    ],
    ids=["none", "few", "one class"],
)
def test_too_little_to_learn_from_is_a_version_without_scores(rows, reason):
    row = fit(rows(customers()), declared(LOGISTIC, "is_churned", minimum_examples=20), "test", WHERE)
    assert row["status"][0].as_py() == "insufficient_examples"
    assert reason in row["status_reason"][0].as_py()
    assert row["weights"][0].as_py() == []
    assert row["sql_expression"][0].as_py() is None


@pytest.mark.parametrize("path", [LOGISTIC, BOOSTED, "sklearn.ensemble.RandomForestClassifier", "sklearn.cluster.KMeans"])
def test_the_same_examples_in_any_order_give_the_same_weights(path):
    examples = customers()
    label = None if "KMeans" in path else "is_churned"
    meta = declared(path, label, preprocessing={"numeric": {"impute": "median"}})
    shuffled = examples.take(pa.array(np.random.default_rng(1).permutation(len(examples))))
    one, other = (fit(rows, meta, "test", WHERE)["weights"] for rows in (examples, shuffled))
    assert repr(one.to_pylist()) == repr(other.to_pylist())  # NaN is unlike itself


def test_a_horizon_that_a_column_says_is_as_if_its_largest_number_were_declared():
    examples = customers()
    waits = pa.array(np.where(np.arange(len(examples)) == 7, 60, 1))
    by_column, by_number = (
        fit(rows, declared(LOGISTIC, "is_churned", split=MONTHLY | {"horizon_days": days}), "test", WHERE)
        for rows, days in ((examples.append_column("wait", waits), "wait"), (examples, 60.0))
    )
    for column in ("spec", "weights", "measured_weights", "metrics", "measured_until"):
        assert repr(by_column[column].to_pylist()) == repr(by_number[column].to_pylist())  # NaN is unlike itself
    assert by_column["measured_until"][0].as_py() < by_column["train_until"][0].as_py()


def test_a_stable_number_of_clusters_is_chosen():
    random = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [0.0, 9.0], [9.0, 0.0], [9.0, 9.0]])
    points = np.repeat(centres, 60, axis=0) + random.normal(0, 0.5, (240, 2))
    examples = pa.table({"customer_id": np.arange(240), "east": points[:, 0], "north": points[:, 1]})
    search = {"parameters": {"n_clusters": [2, 3, 4, 5, 6, 7, 8]}, "metric": "stable_silhouette"}
    times = pa.array([np.datetime64("2024-01-01", "us")] * 240)
    meta = {
        "estimator": "sklearn.cluster.KMeans",
        "key": ["customer_id"],
        "split": {"time": "as_of", "test_periods": 0},
        "search": search,
    }
    row = fit(examples.append_column("as_of", times), meta, "test", WHERE)
    assert row["chosen_parameters"][0].as_py() == '{"n_clusters": 4}'


def test_a_search_takes_what_is_best_at_predicting_later_from_earlier():
    examples, values = customers(rows=480), [1e-4, 1e-2, 1.0]
    split = {"time": "as_of", "test_periods": 1, "horizon_days": 30}
    search = {"parameters": {"C": values}, "folds": 2, "metric": "roc_auc"}
    meta = declared(LOGISTIC, "is_churned", split=split, preprocessing={"numeric": {"scale": "standard"}})
    row = fit(examples, meta | {"search": search}, "test", WHERE)

    months = sorted(set(examples["as_of"].to_pylist()))
    found = {}
    for value in values:
        scores = []
        for place in (1, 2):  # the last two training times; the fourth time is the test
            alone = meta | {"parameters": {"C": value}, "split": None}
            earlier = examples.filter(pc.less(examples["as_of"], pa.scalar(months[place], pa.timestamp("us"))))
            later = examples.filter(pc.equal(examples["as_of"], pa.scalar(months[place], pa.timestamp("us"))))
            read = Examples.read(earlier, Spec.read(WHERE, alone), WHERE)
            trained = train(declared_estimator(read.spec, read.where), read, np.ones(len(read), bool))
            judged = Examples.read(later, Spec.read(WHERE, alone), WHERE)
            scores.append(roc_auc_score(judged.label, trained.score(judged.columns)))
        found[value] = np.mean(scores)
    assert row["chosen_parameters"][0].as_py() == f'{{"C": {max(values, key=found.get)}}}'
    assert row["test_from"][0].as_py() == row["test_until"][0].as_py() == months[3]
    assert row["measured_until"][0].as_py() == months[2]
    assert row["train_until"][0].as_py() == months[3]


def test_a_search_heeds_the_examples_weights():
    examples = customers(rows=480)
    rows = np.arange(len(examples))
    label = np.where(rows % 4 == 0, examples["visits"].to_numpy() > 2, np.random.default_rng(3).random(len(rows)) < 0.5)
    examples = examples.append_column("hidden", pa.array(label)).append_column(
        "heavy", pa.array(np.where(rows % 4 == 0, 1.0, 0.0))
    )
    search = {"parameters": {"C": [1e-6, 1.0]}, "folds": 2, "metric": "roc_auc"}
    meta = declared(LOGISTIC, "hidden", split=MONTHLY, search=search, preprocessing={"numeric": {"scale": "standard"}})
    row = fit(examples, meta | {"weight": "heavy"}, "test", WHERE)
    assert row["status"][0].as_py() == "ready"
    alone = fit(examples.filter(pc.greater(examples["heavy"], 0)), meta, "test", WHERE)
    assert row["chosen_parameters"][0].as_py() == alone["chosen_parameters"][0].as_py()


def test_decimals_are_learned_as_duckdb_reads_them():
    random, count = np.random.default_rng(1), 3000
    cents = np.round(random.normal(0, 20_000, count)).astype(int)
    amounts = pa.array([Decimal(int(value)).scaleb(-2) for value in cents], pa.decimal128(10, 2))
    label = cents / 10_000 + random.normal(0, 1, count) > 0
    examples = pa.table({"customer_id": np.arange(count), "amount": amounts, "is_churned": label})
    meta = declared(BOOSTED, "is_churned") | {"features": {"numeric": ["amount"]}, "key": ["customer_id"]}
    row = fit(examples, meta, "test", WHERE)
    floats = np.array([float(value) for value in amounts.to_pylist()])
    expected = HistGradientBoostingClassifier(random_state=0).fit(floats[:, None], label).predict_proba(floats[:, None])[:, 1]
    for way, scores in in_duckdb(row, examples.select(["amount"])).items():
        assert_allclose(scores, expected, 1e-9, 1e-9, err_msg=way)


def test_candidates_limit_a_search():
    examples = customers(rows=480)
    search = {"parameters": {"C": [0.01, 0.1, 1.0, 10.0], "tol": [1e-3, 1e-4]}, "folds": 1, "candidates": 2}
    meta = declared(LOGISTIC, "is_churned", split=MONTHLY, search=search, preprocessing={"numeric": {"scale": "standard"}})
    one, other = (fit(examples, meta, "test", WHERE)["chosen_parameters"][0].as_py() for _ in range(2))
    assert one == other


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("path", [BOOSTED, "lightgbm.LGBMClassifier", "xgboost.XGBClassifier"])
def test_a_monotonic_score_never_moves_against_its_feature(path, sign):
    examples = customers(rows=400)
    size = {"max_iter": 20} if path == BOOSTED else {"n_estimators": 20}
    row = fit(examples, declared(path, "is_churned", monotonic={"age_days": sign}, parameters=size), "test", WHERE)
    assert row["status"][0].as_py() == "ready", row["status_reason"][0].as_py()
    base = examples.select([name for names in FEATURES.values() for name in names]).slice(0, 20)
    ages = np.linspace(-10, 800, 60)
    rows = pa.concat_tables(
        [base.set_column(base.column_names.index("age_days"), "age_days", pa.array(np.full(20, age))) for age in ages]
    )
    scores = in_duckdb(row, rows)["udf"].reshape(60, 20)
    assert (np.diff(scores, axis=0) * sign >= -1e-12).all()
    assert np.ptp(scores, axis=0).max() > 0.01


def test_a_regressors_interval_covers_what_it_says_of_later_examples():
    examples, later = customers(rows=2000, seed=1), customers(rows=4000, seed=2)
    meta = declared("sklearn.ensemble.HistGradientBoostingRegressor", "spent", split=MONTHLY, coverage=0.8)
    row = fit(examples, meta, "test", WHERE)
    half, scores = row["interval_half_width"][0].as_py(), in_duckdb(row, later)["udf"]
    errors = np.abs(later["spent"].to_numpy() - scores)
    assert row["interval_coverage"][0].as_py() == 0.8
    assert 0.75 < np.mean(errors <= half) < 0.85
    measured = [metric for metric in row["metrics"][0].as_py() if metric["metric"].startswith("interval_")]
    starts, widths, growths = (
        np.array([m["value"] for m in measured if m["metric"] == name])
        for name in ("interval_from", "interval_half_width", "interval_growth")
    )
    assert len(starts) == 5
    assert (np.diff(starts) > 0).all()
    bins = np.searchsorted(starts, scores, side="right") - 1
    assert growths[:-1].tolist() == [0.0] * 4
    half_widths = widths[bins] + growths[bins] * np.where(bins == 4, scores - starts[4], 0)
    shares = [np.mean((errors <= half_widths)[bins == place]) for place in range(5)]
    assert min(shares) > 0.7
    assert max(shares) < 0.9
    (covered,) = [m["value"] for m in measured if m["metric"] == "interval_coverage"]
    assert 0.72 < covered < 0.88


def test_an_interval_covers_the_highest_scores_too():
    """Errors as large as the score: a width that all of the highest tenth share covers nearly none of the highest hundredth."""
    random = np.random.default_rng(0)
    scores = np.exp(random.normal(0, 1.5, 40_000))
    errors = scores * random.normal(0, 0.5, 40_000)
    test = metrics.Errors(errors[:10_000], scores[:10_000])
    found = {(metric, number): value for metric, number, value in metrics.interval_bins(test, metrics.NO_ERRORS, 0.9)}
    assert 0.87 < found["interval_coverage", 0] < 0.93
    assert 0.8 < found["interval_coverage_of_top_1_percent", 0] <= 1
    start, width, growth = (found[f"interval_{name}", 10] for name in ("from", "half_width", "growth"))
    top = scores > np.quantile(scores, 0.99)
    covered = np.abs(errors) <= width + growth * (scores - start)
    assert 0.87 < np.mean(covered[scores >= start]) < 0.93
    assert 0.87 < np.mean(covered[top]) < 0.93


def test_an_interval_widens_by_what_earlier_times_show_of_drift():
    """Twice the spend of what was learned from at the earlier time: errors there are what the intervals must cover too."""
    random = np.random.default_rng(0)
    scores, noise = np.exp(random.normal(0, 1, (2, 5_000))), random.normal(0, 0.1, (2, 5_000))
    test, earlier = metrics.Errors(scores[0] * noise[0], scores[0]), metrics.Errors(scores[1] * (1 + noise[1]), scores[1])
    found = [{(m, n): v for m, n, v in metrics.interval_bins(test, other, 0.9)} for other in (metrics.NO_ERRORS, test, earlier)]
    assert [one["interval_widening", 0] for one in found[:2]] == [1, 1]
    assert 4 < found[2]["interval_widening", 0] < 9
    assert found[2]["interval_growth", 10] == pytest.approx(found[2]["interval_widening", 0] * found[0]["interval_growth", 10])


def test_a_time_that_was_unlike_the_others_widens_a_regressors_interval():
    examples = customers(rows=2000, seed=1)
    last_but_one = np.unique(examples["as_of"].to_numpy())[-2]
    unlike = np.where(examples["as_of"].to_numpy() == last_but_one, 5.0, 1.0)
    spent = examples["spent"].to_numpy()
    place = examples.column_names.index("spent")
    for factor, low, high in ((1.0, 1.0, 1.3), (unlike, 1.5, 50.0)):
        table = examples.set_column(place, "spent", pa.array(spent * factor))
        row = fit(table, declared("sklearn.linear_model.Ridge", "spent", split=MONTHLY), "test", WHERE)
        (found,) = [metric["value"] for metric in row["metrics"][0].as_py() if metric["metric"] == "interval_widening"]
        assert low <= found < high


def test_balanced_class_weights_are_those_of_the_training_rows():
    examples = customers()
    meta = declared(LOGISTIC, "is_churned", class_weight="balanced", preprocessing={"numeric": {"scale": "standard"}})
    row = assert_agreement(examples, meta)
    plain = fit(examples, {**meta, "class_weight": None}, "test", WHERE)
    rare = examples.filter(pc.or_(examples["is_churned"], pc.equal(pc.bit_wise_and(examples["customer_id"], 7), 0)))
    assert repr(row["weights"].to_pylist()) == repr(plain["weights"].to_pylist())  # half left: both are 1
    heavy, light = (fit(rare, {**meta, "class_weight": weight}, "test", WHERE) for weight in ("balanced", None))
    means = [in_duckdb(version, rare)["udf"].mean() for version in (heavy, light)]
    assert means[0] < means[1]
