"""How far a metric may be off, and what of a calibration error is noise."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from agreement import WHERE, customers, declared
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_allclose

from scorehouse.build.versions import rows_sql
from scorehouse.learning import fit, version_row
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.measure import metrics, policy
from scorehouse.learning.measure.intervals import (
    Interval,
    Measure,
    intervals,
    of_classification,
    of_regression,
    of_several_classes,
)
from scorehouse.learning.measure.limits import metrics_of
from scorehouse.store.details import Metric

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]
META = declared("sklearn.linear_model.LogisticRegression", "is_churned") | {
    "split": {"time": "as_of", "test_periods": 1},
    "features": {"numeric": ["visits"]},
    "slices": ["plan"],
}


@st.composite
def weighted_rows(draw: st.DrawFn) -> Rows:
    """Labels 0 to 2, scores of which many are equal, and weights."""
    count = draw(st.integers(3, 40))
    labels = draw(arrays.arrays(np.int64, count, elements=st.integers(0, 2)))
    scores = draw(arrays.arrays(np.float64, count, elements=st.sampled_from([0.0, 0.05, 0.1, 0.3, 0.5, 0.7, 0.95, 1.0])))
    return labels, scores, draw(arrays.arrays(np.float64, count, elements=st.floats(0.1, 9)))


def _of_binary(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> tuple[Measure, dict[str, float]]:
    classes = labels % 2
    error = list(metrics.calibration(classes, scores, weights))[-1][2]
    expected = metrics.classification(classes, scores, True, weights) | {"calibration_error": error}
    return of_classification(classes, scores, True, weights), expected


def _of_classes(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> tuple[Measure, dict[str, float]]:
    parts = np.column_stack([scores, (1 - scores) / 2, (1 - scores) / 2])
    return of_several_classes(labels, parts), metrics.several_classes(labels, parts, weights)


def _of_numbers(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> tuple[Measure, dict[str, float]]:
    return of_regression(labels.astype(float), scores), metrics.regression(labels.astype(float), scores, weights)


@pytest.mark.parametrize("measured", [_of_binary, _of_classes, _of_numbers])
@given(rows=weighted_rows())
def test_what_is_measured_of_a_draw_is_the_metric_with_its_weights(measured: Callable, rows: Rows) -> None:
    measure, expected = measured(*rows)
    found = {name: value for name, value in measure(rows[2]).items() if np.isfinite(value)}
    del expected["count"]
    assert found.keys() == expected.keys()
    assert_allclose([found[name] for name in expected], list(expected.values()), rtol=1e-9, atol=1e-9)


def scored(customers: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels, each 1 with its own score, and these scores."""
    random = np.random.default_rng(seed)
    scores = random.beta(2, 3, customers)
    return (random.random(customers) < scores).astype(int), scores


def bounds(labels: np.ndarray, scores: np.ndarray, groups: np.ndarray, weights: np.ndarray | None = None) -> dict[str, Interval]:
    return intervals(of_classification(labels, scores, True, weights), groups, weights)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    labels, scores = scored(200_000, seed=99)
    truth = metrics.classification(labels, scores, True)
    names = ("auc", "average_precision", "brier", "log_loss", "positive_share")
    held = []
    for seed in range(60):
        found = bounds(*scored(300, seed), np.arange(300))
        held.append([found[name].lower <= truth[name] <= found[name].upper for name in names])
    assert ((np.mean(held, axis=0) > 0.85) & (np.mean(held, axis=0) <= 1)).all()


def test_rows_of_one_customer_count_as_one_customer() -> None:
    labels, scores = scored(150, seed=1)
    alone = bounds(labels, scores, np.arange(150))
    often = [np.repeat(values, 5) for values in (labels, scores)]
    together = bounds(*often, np.repeat(np.arange(150), 5))
    apart = bounds(*often, np.arange(750))
    assert together["auc"] == pytest.approx(alone["auc"])
    assert apart["auc"].upper - apart["auc"].lower < 0.6 * (alone["auc"].upper - alone["auc"].lower)


def test_the_same_rows_in_another_order_or_with_weights_in_another_unit_have_the_same_intervals() -> None:
    labels, scores = scored(150, seed=2)
    weights = np.random.default_rng(2).uniform(0.5, 3, 150)
    found = bounds(labels, scores, np.arange(150), weights)
    order = np.random.default_rng(3).permutation(150)
    again = bounds(labels[order], scores[order], order, weights[order] * 1000)
    assert found.keys() == again.keys()
    for name, interval in found.items():
        assert_allclose([again[name].lower, again[name].upper], [interval.lower, interval.upper], rtol=1e-9)


def test_one_customer_says_nothing_of_others() -> None:
    labels, scores = scored(50, seed=3)
    assert bounds(labels, scores, np.zeros(50, int)) == {}


def test_a_class_that_draws_miss_leaves_the_others_to_say() -> None:
    labels, scores = np.array([1, 0, 0, 0, 0]), np.array([0.9, 0.1, 0.2, 0.3, 0.4])
    assert bounds(labels, scores, np.arange(5))["auc"] == Interval(1.0, 1.0)


def test_the_error_of_right_scores_is_about_its_noise_and_that_of_wrong_ones_is_not() -> None:
    errors = [list(metrics.calibration(*scored(1000, seed)))[-1][2] for seed in range(200)]
    labels, scores = scored(1000, seed=0)
    assert metrics.calibration_noise(scores) == pytest.approx(np.mean(errors), rel=0.15)
    assert list(metrics.calibration(labels, scores**2))[-1][2] > 3 * metrics.calibration_noise(scores**2)


def test_the_noise_falls_with_the_root_of_the_rows_and_equal_weights_change_nothing() -> None:
    scores = scored(10_000, 0)[1]
    assert metrics.calibration_noise(scores[:100]) == pytest.approx(10 * metrics.calibration_noise(scores), rel=0.2)
    assert metrics.calibration_noise(scores, np.full(10_000, 2.0)) == pytest.approx(metrics.calibration_noise(scores))


@pytest.fixture(scope="module")
def version() -> pa.Table:
    return fit(customers(400), META, "test@000000000000", WHERE)


def test_the_metrics_of_the_whole_test_have_an_interval_and_no_others(version: pa.Table) -> None:
    rows = version["metrics"][0].as_py()
    has_bounds = {row["metric"] for row in rows if row["lower_bound"] is not None}
    names = {"auc", "average_precision", "brier", "log_loss", "positive_share", "calibration_error"}
    assert has_bounds == names
    for row in rows:
        is_overall = (row["split"], row["slice"], row["bin"]) == ("test", "all", None)
        assert (row["lower_bound"] is not None) == (is_overall and row["metric"] in names)
        if row["lower_bound"] is not None:
            assert row["lower_bound"] <= row["value"] <= row["upper_bound"]
    assert [row["metric"] for row in rows].count("calibration_noise") == 1


def test_who_reads_metrics_reads_their_values_as_before(version: pa.Table) -> None:
    examples = Examples.read(customers(400), Spec.read(WHERE, META), WHERE)
    measured, _ = policy.measure(version, examples)
    assert [Metric(**row) for row in measured]
    own = {row["metric"]: row["value"] for row in measured if row["slice"] == "all" and row["bin"] is None}
    read = metrics_of(version)
    assert_allclose([read["all", name] for name in own if name != "auc"], [own[name] for name in own if name != "auc"])
    assert read["all", "auc"] == own["auc"]


def test_a_version_from_before_there_were_intervals_is_read_beside_one_with_them(version: pa.Table, tmp_path: Path) -> None:
    before = pa.struct([field for field in version_row.METRIC if not field.name.endswith("_bound")])
    place = version.schema.get_field_index("metrics")
    rows = [{name: row[name] for name in ("split", "slice", "metric", "bin", "value")} for row in version["metrics"][0].as_py()]
    older = version.set_column(place, "metrics", pa.array([rows], pa.list_(before)))
    files = [tmp_path / "new.duckdb", tmp_path / "old.duckdb"]
    for file, row in zip(files, (version, older), strict=True):  # noqa: B007, DuckDB reads it by its name
        with duckdb.connect(file) as connection:
            connection.execute("create table data as from row")
    for order in (files, files[::-1], files[1:]):
        found = duckdb.sql(f"select unnest(metrics, max_depth => 2) from ({rows_sql(order)})").to_arrow_table().to_pylist()
        assert {name for row in found for name in row} == {field.name for field in version_row.METRIC}
        assert len(found) == len(order) * len(rows)
    assert all(row["lower_bound"] is None for row in found)
