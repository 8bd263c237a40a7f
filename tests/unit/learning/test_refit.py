"""What serves knows the newest labels, and what says how good it is does not."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from agreement import WHERE
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from scorehouse.learning import fit
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.learner import Learner
from scorehouse.learning.measure import policy
from scorehouse.scoring.scorer import load

MONTHS = np.arange("2024-01", "2024-08", dtype="datetime64[M]").astype("datetime64[us]")
META = {
    "estimator": "sklearn.linear_model.LogisticRegression",
    "label": "is_churned",
    "key": ["customer_id", "as_of"],
    "split": {"time": "as_of", "test_periods": 1, "horizon_days": 60},
    "features": {"numeric": ["visits", "days"]},
    "preprocessing": {"numeric": {"scale": None, "impute": None}},
}


def examples(months: int = 6, customers: int = 200, seed: int = 0, newest: object = None) -> pa.Table:
    """Customers at the first months, whose visits tell a little more of their labels each month.

    Args:
        newest: makes the labels of the newest month from the usual ones.
    """
    random = np.random.default_rng(seed)
    place = np.repeat(np.arange(months), customers)
    visits, days = random.normal(size=(2, len(place)))
    label = (random.random(len(place)) < 1 / (1 + np.exp(visits * (1 + place / 4) - days / 2))).astype(np.int8)
    if newest is not None:
        label[place == months - 1] = newest(label[place == months - 1])
    return pa.table(
        {
            "customer_id": np.tile(np.arange(customers), months),
            "as_of": MONTHS[place],
            "visits": visits,
            "days": days,
            "is_churned": label,
        }
    )


def usual(table: pa.Table, months: list[int]) -> LogisticRegression:
    """scikit-learn's own fit of some months."""
    chosen = table.filter(pc.is_in(table["as_of"], pa.array(MONTHS[months])))
    return LogisticRegression().fit(matrix(chosen), chosen["is_churned"].to_numpy())


def matrix(table: pa.Table) -> np.ndarray:
    return np.column_stack([table[name].to_numpy() for name in ("visits", "days")])


def columns(table: pa.Table) -> dict[str, np.ndarray]:
    return {name: table[name].to_numpy() for name in ("visits", "days")}


def fitted(table: pa.Table, **changes: object) -> dict[str, object]:
    """The version's row, and the row as a table under `row`."""
    row = fit(table, META | changes, "churn@1", WHERE)
    return row.to_pylist()[0] | {"row": row}


def test_what_serves_knows_all_months_and_what_is_measured_those_a_horizon_before_the_test():
    table = examples()
    version = fitted(table)
    assert version["status"] == "ready"
    assert version["status_reason"] is None
    served, measured = load(version["row"]), load(version["row"], "measured_weights")
    own, earlier = usual(table, [0, 1, 2, 3, 4, 5]), usual(table, [0, 1, 2, 3])
    assert_allclose(served.score(columns(table)), own.predict_proba(matrix(table))[:, 1], atol=1e-9)
    assert_allclose(measured.score(columns(table)), earlier.predict_proba(matrix(table))[:, 1], atol=1e-9)
    test = table.filter(pc.equal(table["as_of"], pa.scalar(MONTHS[5])))
    assert auc_of(version["metrics"]) == pytest.approx(
        roc_auc_score(test["is_churned"].to_numpy(), earlier.predict_proba(matrix(test))[:, 1])
    )
    ends = ("train_from", "train_until", "measured_until", "test_from", "test_until")
    assert [version[end] for end in ends] == MONTHS[[0, 5, 3, 5, 5]].tolist()
    assert (version["train_count"], version["test_count"]) == (1200, 200)
    months = {one["feature"]: one["mean"] for one in version["feature_statistics"]}
    assert months["visits"] == pytest.approx(table["visits"].to_numpy().mean())


def test_only_the_newest_periods_serve_where_so_many_are_declared():
    table = examples()
    version = fitted(table, split=META["split"] | {"train_periods": 2})
    assert_allclose(
        load(version["row"]).score(columns(table)), usual(table, [4, 5]).predict_proba(matrix(table))[:, 1], atol=1e-9
    )
    assert [version[end] for end in ("train_from", "measured_until")] == MONTHS[[4, 3]].tolist()


def test_what_is_not_to_be_fitted_again_serves_as_it_was_measured():
    table = examples()
    version = fitted(table, refit=False)
    assert_allclose(
        load(version["row"]).score(columns(table)), usual(table, [0, 1, 2, 3]).predict_proba(matrix(table))[:, 1], atol=1e-9
    )
    assert (version["measured_until"], version["measured_weights"], version["train_until"]) == (None, [], MONTHS[3].item())


def test_labels_that_turn_the_model_round_do_not_serve():
    version = fitted(examples(newest=lambda labels: 1 - labels), split=META["split"] | {"train_periods": 1})
    assert version["status"] == "ready"
    assert version["status_reason"].startswith(
        "Expected the model fitted again with the newest labels to order as the measured one"
    )
    assert (version["train_until"], version["measured_until"]) == (MONTHS[3].item(), None)


def test_newest_periods_of_one_class_do_not_serve():
    """Only as many periods as declared are learned from, and these say nothing."""
    version = fitted(examples(newest=lambda labels: labels * 0), split=META["split"] | {"train_periods": 1})
    assert version["status"] == "ready"
    assert (
        version["status_reason"]
        == "Not fitted again with the newest labels: expected two classes or more in is_churned, found only 0."
    )
    assert (version["train_until"], version["measured_until"]) == (MONTHS[3].item(), None)


def test_a_class_that_came_later_waits_until_it_can_be_measured():
    version = fitted(examples(newest=lambda labels: np.where(np.arange(len(labels)) % 5 == 0, 2, labels)))
    assert version["status"] == "ready"
    assert version["status_reason"] == "Not fitted again with the newest labels: its classes would be others (2)."
    assert (version["classes"], version["train_until"]) == (["0", "1"], MONTHS[3].item())


def test_a_model_that_has_become_constant_does_not_serve():
    meta = {"estimator": "sklearn.linear_model.Ridge", "split": META["split"] | {"train_periods": 1}}
    version = fitted(examples(newest=lambda labels: labels * 0), **meta)
    assert "found a rank correlation of 0.00" in version["status_reason"]
    assert np.ptp(load(version["row"]).score(columns(examples()))) > 0.1


def test_outcomes_that_reach_into_a_test_are_known_and_a_version_is_measured_without_them():
    """One month on, the labels that it served with reach a month into those that are asked: only what was measured knows none."""
    table = examples(months=7)
    version = fitted(table.filter(pc.less(table["as_of"], pa.scalar(MONTHS[6]))))["row"]
    found, _ = policy.measure(version, Examples.read(table, Spec.read(WHERE, META), WHERE))
    newest = table.filter(pc.equal(table["as_of"], pa.scalar(MONTHS[6])))
    measured = load(version, "measured_weights").score(columns(newest))
    assert auc_of(found) == pytest.approx(roc_auc_score(newest["is_churned"].to_numpy(), measured))
    place = version.column_names.index("measured_until")
    knows_more = version.set_column(place, "measured_until", version["train_until"])
    assert policy.measure(knows_more, Examples.read(table, Spec.read(WHERE, META), WHERE)) == ([], None)


def test_parameters_are_chosen_before_the_test_and_kept():
    table = examples()
    search = {"parameters": {"C": [1e-6, 1.0]}, "folds": 2}
    version, poisoned = fitted(table, search=search), fitted(examples(newest=lambda labels: labels * 0), search=search)
    assert version["chosen_parameters"] == poisoned["chosen_parameters"] == '{"C": 1.0}'
    assert_allclose(
        load(version["row"]).score(columns(table)),
        usual(table, [0, 1, 2, 3, 4, 5]).predict_proba(matrix(table))[:, 1],
        atol=1e-9,
    )


def test_too_short_a_history_is_measured_on_other_customers():
    """Neighbours know their own customer by heart: were one in two folds, all would be right."""
    random = np.random.default_rng(0)
    place, customer = np.divmod(np.arange(400), 200)
    table = pa.table(
        {
            "customer_id": customer,
            "as_of": MONTHS[place],
            "visits": random.normal(size=200)[customer],
            "days": random.normal(size=200)[customer],
            "is_churned": random.integers(0, 2, 200)[customer],
        }
    )
    neighbours = {"estimator": "sklearn.neighbors.KNeighborsClassifier", "parameters": {"n_neighbors": 1}}
    version = fitted(table, **neighbours)
    assert version["status"] == "ready"
    assert version["status_reason"].startswith("Measured by cross-validation over customers (5 folds)")
    assert 0.35 < auc_of(version["metrics"]) < 0.65
    assert (load(version["row"]).score(columns(table)) == table["is_churned"].to_numpy()).all()
    assert [version[end] for end in ("train_from", "train_until", "test_from", "test_until")] == [
        *MONTHS[:2].tolist(),
        None,
        None,
    ]
    assert (version["train_count"], version["test_count"]) == (400, 400)
    assert fitted(table, refit=False)["status"] == "insufficient_examples"


@pytest.mark.parametrize("estimator", ["sklearn.linear_model.Ridge", "sklearn.linear_model.LogisticRegression"])
def test_a_search_in_a_short_history_asks_other_customers(estimator):
    parameter = "alpha" if estimator.endswith("Ridge") else "C"
    version = fitted(examples(months=1), estimator=estimator, search={"parameters": {parameter: [1e-9, 1.0]}})
    assert version["status"] == "ready"
    assert parameter in version["chosen_parameters"]
    assert {one["split"] for one in version["metrics"]} == {"test"}


def test_as_few_customers_as_one_are_not_measured_on_others():
    table = examples(months=1)
    lonely = table.set_column(0, "customer_id", pa.array([7] * len(table)))
    version = fitted(lonely)
    assert version["status"] == "insufficient_examples"
    assert version["status_reason"] == "Expected at least 50 examples to train on, found 0 of 200."


def test_a_version_is_measured_again_with_what_did_not_know_the_test():
    table = examples()
    version = fitted(table)["row"]
    again, until = policy.measure(version, Examples.read(table, Spec.read(WHERE, META), WHERE))
    assert until == "2024-06-01 00:00:00"
    assert auc_of(again) == auc_of(version["metrics"][0].as_py())
    later, _ = policy.measure(version, Examples.read(shifted(table), Spec.read(WHERE, META), WHERE))
    scores = load(version, "measured_weights").score(columns(table))[-200:]
    assert auc_of(later) == pytest.approx(roc_auc_score(table["is_churned"].to_numpy()[-200:], scores))
    short = examples(months=1)
    assert policy.measure(fitted(short)["row"], Examples.read(short, Spec.read(WHERE, META), WHERE)) == ([], None)


def auc_of(metrics: list[dict[str, object]]) -> float:
    return next(one["value"] for one in metrics if (one["split"], one["slice"], one["metric"]) == ("test", "all", "auc"))


def shifted(table: pa.Table) -> pa.Table:
    """The same rows a year later: unknown to every version of the table."""
    later = pa.array(table["as_of"].to_numpy() + np.timedelta64(366, "D"))
    return table.set_column(1, "as_of", later)


def test_a_learner_learns_the_same_as_often_as_it_is_asked():
    read = Examples.read(examples(), Spec.read(WHERE, META), WHERE)
    learner, rows = Learner(read, "classification"), np.arange(len(read)) % 2 == 0
    one, _, other = (learner.fit(chosen).formula.weights() for chosen in (rows, ~rows, rows))
    assert one.equals(other)
