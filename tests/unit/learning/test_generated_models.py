"""Generated estimators on generated examples score generated rows alike, whichever way."""

import numpy as np
import pyarrow as pa
import pytest
from agreement import WHERE, by_estimator, in_duckdb, trained_alone
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from scorehouse.learning import fit
from scorehouse.learning.prove.parity import tied
from scorehouse.scoring import columns
from scorehouse.scoring.scorer import load

pytestmark = pytest.mark.filterwarnings("ignore")  # small examples and few iterations: nothing converges

ESTIMATORS = {
    "linear_model.LogisticRegression": ("class", {"C": st.sampled_from([0.01, 1.0]), "max_iter": st.just(30)}),
    "linear_model.Ridge": ("number", {"alpha": st.sampled_from([0.1, 10.0])}),
    "linear_model.PoissonRegressor": ("count", {"max_iter": st.just(20)}),
    "naive_bayes.GaussianNB": ("class", {"var_smoothing": st.just(1e-3)}),
    "tree.DecisionTreeClassifier": ("class", {"max_depth": st.integers(1, 4)}),
    "ensemble.RandomForestRegressor": ("number", {"n_estimators": st.just(3), "max_depth": st.integers(1, 4)}),
    "ensemble.GradientBoostingClassifier": ("class", {"n_estimators": st.just(3), "max_depth": st.integers(1, 3)}),
    "ensemble.HistGradientBoostingClassifier": ("class", {"max_iter": st.just(3), "min_samples_leaf": st.integers(2, 20)}),
    "ensemble.HistGradientBoostingRegressor": ("number", {"max_iter": st.just(3), "min_samples_leaf": st.integers(2, 20)}),
    "decomposition.PCA": (None, {"n_components": st.just(1)}),
}
NUMERIC = st.fixed_dictionaries(
    {},
    optional={
        "impute": st.sampled_from(["mean", "median", "most_frequent", 0, -1.5]),
        "indicator": st.booleans(),
        "scale": st.sampled_from(["standard", "robust", "minimum_maximum", "maximum", "quantile", "none"]),
        "log": st.booleans(),
        "bins": st.sampled_from([2, 5, {"count": 3, "strategy": "uniform", "encode": "ordinal"}]),
    },
)
CATEGORICAL = st.fixed_dictionaries(
    {},
    optional={
        "impute": st.sampled_from(["most_frequent", "a", "never seen"]),
        "encode": st.sampled_from(["one_hot", "ordinal", "target"]),
        "minimum_count": st.sampled_from([2, 20]),
    },
)
HOSTILE_NUMBERS = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.integers(-5, 5).map(float))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


@st.composite
def models(draw: st.DrawFn) -> tuple[pa.Table, dict, pa.Table]:
    """Examples, declaration, rows to score; the first row is an ordinary one, which no estimator refuses."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(50, 90))
    numbers = [f"number {i}" for i in range(draw(st.integers(1, 3)))]
    categories = [f'it\'s "{i}"' for i in range(draw(st.integers(0, 2)))]
    columns, rows = {"id": np.arange(count)}, {}
    scored = draw(st.integers(1, 12))
    for name in numbers:
        values = random.normal(draw(st.sampled_from([0, 3, 100])), 1, count) * 10.0 ** draw(st.integers(-6, 6))
        values = np.round(values) if draw(st.booleans()) else values
        columns[name] = pa.array(values, mask=random.random(count) < draw(st.sampled_from([0, 0.2])))
        rows[name] = pa.array([1.0, *draw(st.lists(HOSTILE_NUMBERS, min_size=scored, max_size=scored))], pa.float64())
    for name in categories:
        known = draw(st.lists(TEXTS, min_size=1, max_size=5, unique=True))
        chosen = np.array(known, object)[random.integers(0, len(known), count)]
        columns[name] = pa.array(chosen, pa.string(), mask=random.random(count) < draw(st.sampled_from([0, 0.2])))
        hostile = st.one_of(st.none(), TEXTS, st.sampled_from(known))
        rows[name] = pa.array([known[0], *draw(st.lists(hostile, min_size=scored, max_size=scored))], pa.string())
    path = draw(st.sampled_from(sorted(ESTIMATORS)))
    kind, parameters = ESTIMATORS[path]
    if kind == "class":
        columns["label"] = np.arange(count) % draw(st.integers(2, 3))
    elif kind:
        columns["label"] = random.poisson(2, count) if kind == "count" else random.normal(0, 1, count)
    features = {"numeric": numbers, **({"categorical": categories} if categories else {})}
    numeric, categorical = draw(NUMERIC), draw(CATEGORICAL)
    if path.startswith("ensemble.Hist"):
        categorical.pop("minimum_count", None)
    if kind is None and categorical.get("encode") == "target":
        categorical["encode"] = "ordinal"
    preprocessing = {"numeric": numeric, **({"categorical": categorical} if categories else {})}
    meta = {
        "estimator": f"sklearn.{path}",
        "parameters": {name: draw(value) for name, value in parameters.items()},
        "label": "label" if kind else None,
        "key": ["id"],
        "features": features,
        "preprocessing": preprocessing,
    }
    return pa.table(columns), meta, pa.table(rows)


GENERATED = settings(
    max_examples=60,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # every example trains a model: shrinking a failure would take minutes
    suppress_health_check=list(HealthCheck),
)


@GENERATED
@given(models())
def test_sql_function_and_estimator_agree(model):
    examples, meta, rows = model
    row = fit(examples, meta, "generated", WHERE)
    note(str(meta))
    status, reason = row["status"][0].as_py(), row["status_reason"][0].as_py()
    assert status == "ready", reason
    expected, taken = by_estimator(trained_alone(examples, meta), rows)
    found = in_duckdb(row, rows)
    formula = load(row).formula
    decided = ~tied(formula, columns.select(rows, formula.inputs.kind_of))
    for way, scores in found.items():
        assert_allclose(scores[decided], found["udf"][decided], 1e-9, 1e-9, err_msg=f"{way} and udf")
        both, theirs = decided & taken, decided[taken]
        assert_allclose(scores[both], expected[theirs], 1e-9, 1e-9, err_msg=f"{way} and estimator")
