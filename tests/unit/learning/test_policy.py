"""When a version is trained again, and when it may take another's place: the limits, one by one."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorehouse.learning import fit
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.measure import policy
from scorehouse.learning.measure.limits import Policy, metrics_of, refusal
from scorehouse.learning.measure.statistics import statistic

SPEC = Spec.read(
    "m.sql",
    {
        "estimator": "sklearn.linear_model.LogisticRegression",
        "label": "label",
        "key": ["key"],
        "split": {"time": "at", "test_periods": 1},
        "slices": ["country"],
    },
)


def examples(months: int, shift: float = 0, noise: float = 1) -> pa.Table:
    random = np.random.default_rng(0)
    count = 200
    tables = []
    for month in range(months):
        x = random.normal(shift if month == months - 1 else 0, 1, count)
        label = (x - (shift if month == months - 1 else 0) + random.normal(0, noise, count) > 0).astype(int)
        at = np.full(count, np.datetime64("2024-01-01", "us") + np.timedelta64(30 * month, "D"))
        country = np.where(np.arange(count) % 2, "DE", "FR")
        tables.append(pa.table({"key": np.arange(count), "at": at, "x": x, "country": country, "label": label}))
    return pa.concat_tables(tables)


@pytest.fixture(scope="module")
def version() -> pa.Table:
    return fit(examples(4), SPEC, "m@000000000000")


def decide(version: pa.Table, table: pa.Table, asked: str | None = None, **limits: Any) -> tuple[str, str]:
    found = policy.decide(Policy(**limits), version, table, SPEC, "m.sql", asked)
    return found.decision, found.reason


def test_without_new_examples_nothing_is_trained(version: pa.Table) -> None:
    assert decide(version, examples(4), minimum_new_examples=1)[0] == "keep"


@pytest.mark.parametrize(
    ("limits", "decision", "words"),
    [
        ({"maximum_age_days": 30}, "train", "30 days newer"),
        ({"maximum_age_days": 31}, "keep", "within their limits"),
        ({"maximum_age_days": 30, "minimum_new_examples": 201}, "keep", "fewer than the minimum 201"),
        ({"performance_limit": 0.999}, "train", "worse than the limit"),
        ({"performance_limit": 0.999, "minimum_new_examples": 201}, "alarm", "only 200 new examples"),
        ({"performance_limit": 0.5}, "keep", "within their limits"),
        ({"drift_limit": 0.25}, "keep", "within their limits"),
    ],
)
def test_each_limit_decides_as_it_says(version: pa.Table, limits: dict[str, Any], decision: str, words: str) -> None:
    found = decide(version, examples(5), **limits)
    assert found[0] == decision
    assert words in found[1]


def test_monitoring_asks_for_training_and_gets_none_from_few_examples(version: pa.Table) -> None:
    assert decide(version, examples(5), asked="monitoring: x") == ("train", "monitoring: x")
    assert decide(version, examples(5), asked="monitoring: x", minimum_new_examples=201)[0] == "keep"


def test_a_feature_that_moved_trains_and_is_named(version: pa.Table) -> None:
    decision, reason = decide(version, examples(5, shift=2), drift_limit=0.25)
    assert decision == "train"
    assert reason.startswith("x drifted")


def test_the_stability_index_is_that_of_its_formula(version: pa.Table) -> None:
    trained = {"feature": "x", "quantiles": list(range(11)), "missing_share": 0.0, "categories": None}
    trained["shares"] = [tenths / 10 for tenths in range(11)]
    recent = np.repeat([0.5, 5.5], [75, 25])
    expected = sum((p - 0.1) * np.log(max(p, 1e-4) / 0.1) for p in [0.75, 0, 0, 0, 0, 0.25, 0, 0, 0, 0])
    assert policy._stability(trained, recent) == pytest.approx(expected, rel=1e-2)


@given(st.lists(st.sampled_from([-3.0, 0.0, 1.0, 12.0, 100.0]), min_size=20, max_size=60), st.sampled_from([-9.0, 999.0]))
def test_what_lies_beyond_the_training_is_seen_however_few_numbers_that_had(trained: list[float], moved: float) -> None:
    known = statistic("x", "numeric", np.array(trained))
    assert policy._stability(known, np.full(50, moved)) > 0.5


def test_the_rows_that_it_was_trained_on_have_not_drifted_however_many_are_equal() -> None:
    visits = np.repeat([1.0, 2.0, 9.0], [55, 27, 18])
    assert policy._stability(statistic("visits", "numeric", visits), visits) == pytest.approx(0, abs=1e-12)


def test_a_number_that_is_missing_as_it_always_was_has_not_drifted_and_one_that_comes_has() -> None:
    never = np.full(50, np.nan)
    assert policy._stability(statistic("x", "numeric", never), never) == pytest.approx(0, abs=1e-12)
    assert policy._stability(statistic("x", "numeric", never), np.ones(50)) > 5


def test_a_challenger_is_judged_on_metric_calibration_and_slices(version: pa.Table) -> None:
    worse = fit(examples(4, noise=4), SPEC, "m@111111111111")
    champion = metrics_of(version)
    assert refusal(Policy(margin=0.0), version, version, champion) is None
    assert "leads" in refusal(Policy(margin=0.01), version, version, champion)
    assert "leads" in refusal(Policy(margin=0.0), worse, version, champion)
    assert "calibration error" in refusal(Policy(calibration_limit=1e-6), version, version, champion)
    reason = refusal(Policy(slice_limit=0.01), worse, version, champion)
    assert reason.startswith("on country=")
    assert refusal(Policy(slice_limit=0.9), worse, version, champion) is None
