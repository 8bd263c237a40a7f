"""What is measured of scores: a row that counts twice counts as two rows, and whom an example is about is known."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from agreement import WHERE, customers, declared
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_allclose
from sklearn.metrics import average_precision_score, roc_auc_score

from scorehouse.learning import Spec, fit
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.measure import metrics
from scorehouse.learning.measure.single_features import aucs_alone
from scorehouse.scoring.scorer import load

LOGISTIC = "sklearn.linear_model.LogisticRegression"
Measure = Callable[[np.ndarray, np.ndarray, np.ndarray | None], object]


def _classes(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None) -> dict[str, float]:
    parts = np.column_stack([scores, (1 - scores) / 2, (1 - scores) / 2])
    return metrics.several_classes(labels, parts, weights)


SCALARS: dict[str, Measure] = {
    "classification": lambda labels, scores, weights: metrics.classification(labels % 2, scores, True, weights),
    "several classes": _classes,
    "regression": lambda labels, scores, weights: metrics.regression(labels.astype(float), scores, weights),
}
BINNED: dict[str, Measure] = {
    "calibration": lambda labels, scores, weights: {
        (metric, number): value
        for metric, number, value in metrics.calibration(labels % 2, scores, weights)
        if metric not in ("calibration_count", "calibration_effective_count")
    },
    "lift": lambda labels, scores, weights: {number: value for _, number, value in metrics.lift(labels % 2, scores, weights)},
}


@st.composite
def weighted_rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels 0 to 2, scores of which many are equal, and whole weights of at least 1."""
    count = draw(st.integers(3, 40))
    labels = draw(arrays.arrays(np.int64, count, elements=st.integers(0, 2)))
    scores = draw(arrays.arrays(np.float64, count, elements=st.sampled_from([0.0, 0.05, 0.1, 0.3, 0.5, 0.7, 0.95, 1.0])))
    return labels, scores, draw(arrays.arrays(np.float64, count, elements=st.integers(1, 4)))


def alike(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    assert_allclose(list(found.values()), list(expected.values()), rtol=1e-12, atol=1e-12)


def without_count(values: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if name != "count"}


@pytest.mark.parametrize("measure", SCALARS.values(), ids=SCALARS)
@given(rows=weighted_rows())
def test_a_row_that_counts_twice_counts_as_two_rows(measure: Measure, rows: tuple) -> None:
    labels, scores, weights = rows
    repeated = (np.repeat(values, weights.astype(int)) for values in (labels, scores))
    alike(without_count(measure(labels, scores, weights)), without_count(measure(*repeated, None)))


@pytest.mark.parametrize("measure", BINNED.values(), ids=BINNED)
@given(rows=weighted_rows())
def test_tenths_of_rows_that_count_twice_are_those_of_two_rows(measure: Measure, rows: tuple) -> None:
    labels, scores, weights = rows
    repeated = [np.repeat(values, weights.astype(int)) for values in (labels, scores)]
    alike(measure(labels, scores, weights), measure(*repeated, np.ones(len(repeated[0]))))


@pytest.mark.parametrize("measure", [*SCALARS.values(), *BINNED.values()], ids=[*SCALARS, *BINNED])
@given(rows=weighted_rows(), seed=st.integers(0, 9), scale=st.sampled_from([1e-3, 0.1, 7.0]))
def test_neither_the_unit_of_weights_nor_the_order_of_rows_matters(
    measure: Measure, rows: tuple, seed: int, scale: float
) -> None:
    labels, scores, weights = rows
    order = np.random.default_rng(seed).permutation(len(labels))
    alike(measure(labels[order], scores[order], weights[order] * scale), measure(labels, scores, weights))


def test_tenths_without_weights_are_those_of_as_many_rows_with_the_same_weight() -> None:
    scores = np.random.default_rng(0).permutation(200) / 200
    own, weighted = metrics.tenths(scores), metrics.tenths(scores, np.full(200, 0.3))
    assert [set(rows.tolist()) for rows in own] == [set(rows.tolist()) for rows in weighted]


def test_the_effective_count_of_a_tenth_is_its_rows_where_they_weigh_alike_and_less_where_not() -> None:
    labels, scores = np.array([0, 1, 1]), np.full(3, 0.5)
    counts = {
        weight: [
            value for metric, _, value in metrics.calibration(labels, scores, np.array([weight, 1.0, 1.0])) if "eff" in metric
        ]
        for weight in (1.0, 4.0)
    }
    assert counts == {1.0: [3.0], 4.0: [2.0]}


def test_a_feature_alone_is_weighted_as_scores_are() -> None:
    labels, weights = np.array([0, 1, 0, 1, 1, 0]), np.array([1.0, 2.0, 3.0, 1.0, 1.0, 2.0])
    features = {"age": np.array([1.0, 2.0, 2.0, np.nan, 5.0, 1.0]), "plan": pa.array(["a"] * 5 + ["b"])}
    kinds = {"age": "numeric", "plan": "categorical"}
    repeats = weights.astype(int)
    repeated = {"age": np.repeat(features["age"], repeats)}
    found = aucs_alone(features, kinds, labels, weights)
    assert found["age"] == pytest.approx(aucs_alone(repeated, {"age": "numeric"}, np.repeat(labels, repeats))["age"])


def weighted_customers() -> pa.Table:
    table = customers(400)
    random = np.random.default_rng(1)
    weight = random.choice([0.0, 0.5, 1.0, 3.0], len(table))
    household = pa.array([f"h{number // 7}" if number % 10 else None for number in range(len(table))])
    return table.append_column("importance", pa.array(weight)).append_column("household", household)


def test_the_metrics_of_a_version_are_weighted_where_its_examples_are() -> None:
    table = weighted_customers()
    meta = declared(LOGISTIC, "is_churned") | {
        "weight": "importance",
        "split": {"time": "as_of", "test_periods": 1},
        "features": {"numeric": ["visits"]},
        "refit": False,
    }
    row = fit(table, meta, "test", WHERE)
    last = table.filter(pa.compute.equal(table["as_of"], pa.compute.max(table["as_of"])))
    scores = load(row).score({"visits": last["visits"].to_numpy().astype(float)})
    labels, weights = last["is_churned"].to_numpy(zero_copy_only=False), last["importance"].to_numpy()
    found = {one["metric"]: one["value"] for one in row["metrics"][0].as_py() if one["split"] == "test" and one["slice"] == "all"}
    assert_allclose(found["auc"], roc_auc_score(labels, scores, sample_weight=weights))
    assert_allclose(found["average_precision"], average_precision_score(labels, scores, sample_weight=weights))
    assert found["count"] == (weights > 0).sum()
    assert abs(found["auc"] - roc_auc_score(labels, scores)) > 1e-6


def test_whom_an_example_is_about_is_its_group_or_else_its_first_key_and_nobody_else_where_it_is_not_known() -> None:
    table = pa.table({"payment": [1, 2, 3, 4, 5], "customer": ["b", "a", None, "b", None], "amount": [1.0, 2.0, 3.0, 4.0, 5.0]})
    spec = Spec("sklearn.cluster.KMeans", key=("payment",))
    assert Examples.read(table, spec, WHERE).groups.tolist() == [1, 2, 3, 4, 5]
    grouped = Examples.read(table, Spec("sklearn.cluster.KMeans", key=("payment",), group="customer"), WHERE)
    groups = grouped.groups.tolist()
    assert groups[0] == groups[3]
    assert len(set(groups)) == 4
    assert list(grouped.columns) == ["amount"]


def test_a_group_is_a_column_that_counts_and_no_feature_unless_it_is_declared_one() -> None:
    meta = declared(LOGISTIC, "is_churned") | {"group": "household"}
    assert "household" in Spec.read(WHERE, meta).columns()
    row = fit(weighted_customers().drop_columns(["importance", "tier", "spent"]), meta | {"features": None}, "test", WHERE)
    assert [feature["name"] for feature in row["features"][0].as_py()] == ["visits", "amount", "age_days", "is_member", "plan"]
