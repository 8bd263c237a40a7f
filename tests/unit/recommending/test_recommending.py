"""Recommenders and their evaluation, on histories that can be checked by hand."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge

from scorehouse.errors import ScorehouseError
from scorehouse.learning import Spec, fit
from scorehouse.learning.fitting import decider
from scorehouse.learning.measure.limits import KEEP, TRAIN, Policy
from scorehouse.recommending import Ease, ItemItem, Popular, choosing
from scorehouse.recommending.choosing import last_first_taken
from scorehouse.recommending.evaluation import splits
from scorehouse.recommending.history import History
from scorehouse.recommending.lists import compare
from scorehouse.recommending.weights import ItemWeights, Trend, largest

SPLITS = ("global_time", "global_time_repeats", "leave_last_out")
DAY = np.datetime64("2024-01-01")


def history(*rows: tuple[str, str, int], today: int = 100) -> History:
    """Purchases of (customer, item, day)."""
    return History.read(table(*rows, today=today), "test")


def table(*rows: tuple[str, str, int], today: int = 100) -> pa.Table:
    return pa.table(
        {
            "customer_id": pa.array([row[0] for row in rows], pa.string()),
            "item_id": pa.array([row[1] for row in rows], pa.string()),
            "occurred_date": pa.array([(DAY + row[2]).item() for row in rows], pa.date32()),
            "weight": pa.array([1.0] * len(rows), pa.float64()),
            "half_life_days": pa.array([10.0] * len(rows), pa.float64()),
            "is_taken": pa.array([True] * len(rows), pa.bool_()),
            "as_of": pa.array([(DAY + today).astype("datetime64[us]").item()] * len(rows), pa.timestamp("us")),
        }
    )


def test_ease_is_the_ridge_regression_of_each_item_on_all_others() -> None:
    random = np.random.default_rng(0)
    bought = random.random((30, 6)) < 0.4
    rows = [(f"c{c:02}", f"i{i}", 1) for c, i in np.argwhere(bought)]
    weights = Ease(penalty=2, trend=0, repeat=0, neighbour_count=6).fit(history(*rows))
    liked = history(*rows).strengths.toarray()
    for item in range(6):
        others = [other for other in range(6) if other != item]
        expected = Ridge(alpha=2, fit_intercept=False).fit(liked[:, others], liked[:, item]).coef_
        assert_allclose(weights.similarity.toarray()[others, item], np.maximum(expected, 0), atol=1e-8)


def test_item_item_is_the_cosine_of_customers() -> None:
    weights = ItemItem(trend=0).fit(history(("a", "x", 1), ("a", "y", 1), ("b", "x", 1), ("c", "z", 1)))
    assert_allclose(weights.similarity.toarray(), [[0, 0.5**0.5, 0], [0.5**0.5, 0, 0], [0, 0, 0]])
    few = ItemItem(trend=0, maximum_items=2).fit(
        history(("a", "w", 1), ("a", "x", 1), ("b", "x", 1), ("b", "z", 1), ("c", "z", 1))
    )
    assert_allclose(few.similarity.toarray(), [[0, 0, 0], [0, 0, 0.5], [0, 0.5, 0]])


def test_popularity_halves_and_ends_with_its_window() -> None:
    bought = history(("a", "x", 90), ("a", "y", 80), today=100)
    assert_allclose(Popular(half_life_days=10).fit(bought).popularity, [1, 0.5])
    assert_allclose(Popular(half_life_days=None, window_days=15).fit(bought).popularity, [1, 0])


def test_preferences_halve_before_the_customers_own_last_day() -> None:
    bought = history(("a", "x", 20), ("a", "y", 10), ("b", "x", 1))
    assert_allclose(bought.preferences.toarray(), [[1, 0.5], [1, 0]])


def test_the_last_item_taken_first_is_left_out_and_not_one_that_is_taken_again() -> None:
    bought = history(("a", "x", 1), ("a", "y", 5), ("a", "x", 9), ("b", "x", 1))
    assert bought.pairs[np.isin(bought.pairs, last_first_taken(bought))].tolist() == [1]


def test_metrics_can_be_checked_by_hand() -> None:
    past = history(("a", "w", 1), ("b", "w", 1), ("b", "x", 1), ("c", "y", 1), ("c", "z", 1))
    future = past.take(np.zeros(0, int))
    wanted = history(("a", "y", 1), ("b", "w", 1), ("b", "x", 1), ("c", "w", 1), ("c", "z", 1))
    assert compare(Popular().fit(past), past, future, True).metrics == {}
    values = compare(ItemWeights(ItemItem().fit(past).similarity * 0, np.array([4.0, 3, 2, 1])), past, wanted, True).metrics
    # a sees x, y, z: y is second; b wants nothing new; c sees w first
    assert values["customers"] == 2
    assert_allclose(values["ndcg_at_10"], (1 / np.log2(3) + 1) / 2)
    assert values["hit_rate_at_10"] == values["recall_at_20"] == 1


def test_equals_are_taken_in_order() -> None:
    assert largest(np.array([[1.0, 2, 2, 0]]), 3).tolist() == [[1, 2, 0]]


@pytest.mark.parametrize("estimator", ["Popular", "ItemItem", "Ease"])
@pytest.mark.parametrize("rows", [(), (("a", "x", 1),), (("a", "x", 1), ("a", "y", 2))])
def test_hardly_any_history_gives_a_version(estimator: str, rows: tuple) -> None:
    spec = {"estimator": f"scorehouse.recommending.{estimator}", "minimum_examples": 1}
    version = fit(table(*rows), spec, "model@1")
    assert version["status"][0].as_py() == ("ready" if rows else "insufficient_examples")
    assert [split for split, *_ in splits(history(*rows), 0.2)] == ([] if not rows else list(SPLITS))


def test_a_missing_column_is_named() -> None:
    examples = table(("a", "x", 1)).drop_columns("weight")
    with pytest.raises(ScorehouseError, match="ease: expected the column weight without NULL in the examples, found none"):
        fit(examples, {"estimator": "scorehouse.recommending.Ease"}, "v", "ease")


CHANGING = [(f"c{c:02}", f"i{(3 * day + c) % 40:02}" if c % 3 else f"i{day:02}", day) for day in range(40) for c in range(24)]
"""Each day has an item of its own that a third of the customers take."""
DRAWN = np.random.default_rng(0).random((40, 24))
STEADY = [(f"c{c:02}", f"i{int(90 * DRAWN[day, c] ** 2):02}", day) for day in range(40) for c in range(24)]
"""The same items are liked on all days, some of them more than others."""
POPULAR = {"estimator": "scorehouse.recommending.Popular", "parameters": {"half_life_days": 7}, "minimum_examples": 1}
CHOICE = {"split": {"time": "occurred_date", "test_periods": 5}, "search": {"parameters": {"half_life_days": [1, 5, 100]}}}


def fitted(rows: list[tuple[str, str, int]], **declared: object) -> dict:
    return fit(table(*rows, today=40), POPULAR | CHOICE | declared, "model@1").to_pylist()[0]


@pytest.mark.parametrize(("rows", "is_changing"), [(CHANGING, True), (STEADY, False)])
def test_the_best_parameters_of_earlier_days_are_tested_on_the_newest_and_fitted_on_all(rows: list, is_changing: bool) -> None:
    version = fitted(rows)
    past = [row for row in rows if row[2] < 35]
    gains = {}
    for half_life in (1, 5, 100):
        gains[half_life] = 0.0
        for cut in (30, 25, 20):
            known, future = (history(*[row for row in past if test(row[2])], today=cut) for test in before_and_within(cut))
            gains[half_life] += gain_by_hand(Popular(half_life_days=half_life), known, future)
    best = max(gains, key=gains.get)
    assert (best == 1) == is_changing
    assert version["chosen_parameters"] == f'{{"half_life_days": {best}, "window_days": null}}'
    found = {row["metric"]: row["value"] for row in version["metrics"]}
    known, future = history(*past, today=35), history(*[row for row in rows if row[2] >= 35], today=40)
    assert_allclose(found["ndcg_at_10"], gain_by_hand(Popular(half_life_days=best), known, future))
    served = {row["input"]: row["value"] for row in version["weights"] if row["part"] == "trend"}
    assert served == {"largest": 1, "half_life_days": best}
    assert str(version["test_from"].date()), version["test_count"] == ("2024-02-05", 5 * 24)


@pytest.mark.parametrize(
    ("news", "decision", "reason"),
    [
        ([], KEEP, "0 new examples, fewer than the minimum 1"),
        ([("a", "new", 44)] * 96, KEEP, "96 new examples, and their age and share are within their limits"),
        ([("a", "new", 45)], TRAIN, "examples are of another 7 days than the newest that it knows"),
        ([("a", "new", 41)] * 150, TRAIN, "14% of the examples are new, the limit is 10%"),
        ([("a", "old", 3)] * 150, TRAIN, "14% of the examples are new, the limit is 10%"),
    ],
)
def test_a_version_is_fitted_again_for_old_age_or_a_large_share_of_news(news: list, decision: str, reason: str) -> None:
    spec = Spec.read("test", POPULAR | CHOICE)
    version = fit(table(*CHANGING, today=40), spec, "model@1")
    policy = Policy(maximum_age_days=7, minimum_new_examples=1, maximum_new_share=0.1)
    found = decider(spec, "test")(policy, version, table(*CHANGING, *news, today=50), spec, "test")
    assert (found.decision, reason in found.reason) == (decision, True), found.reason


def before_and_within(cut: int) -> tuple:
    return (lambda day: day < cut), (lambda day: cut <= day < cut + 5)


def gain_by_hand(model: Popular, known: History, future: History) -> float:
    """NDCG of the first ten items that are new to a customer, by names, one customer after the other."""
    popularity = dict(zip(known.items, model.fit(known).popularity, strict=True))
    had, took = (
        {
            customer: {one.items[i] for c, i in zip(one.customer, one.item, strict=True) if one.customers[c] == customer}
            for customer in one.customers
        }
        for one in (known, future)
    )
    gains = []
    for customer, items in took.items():
        wanted = items - had.get(customer, set())
        if not wanted or customer not in had:
            continue
        listed = sorted({*popularity, *wanted} - had[customer], key=lambda item: (-popularity.get(item, 0), item))[:10]
        gained = sum(1 / np.log2(place + 2) for place, item in enumerate(listed) if item in wanted)
        gains.append(gained / sum(1 / np.log2(place + 2) for place in range(min(10, len(wanted)))))
    return float(np.mean(gains)) if gains else 0.0


@pytest.mark.parametrize(("customers", "folds"), [(choosing.MOST_CUSTOMERS, 1), (choosing.MOST_CUSTOMERS // 2, 2), (10, 3)])
def test_older_days_choose_only_where_few_customers_come(customers: int, folds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        choosing, "_gains", lambda models, past, _: asked.append(past.today) or np.zeros((len(models), customers))
    )
    fitted(CHANGING)
    assert [int((DAY + 30).astype(int)) - day for day in asked] == [0, 5, 10][:folds]


@pytest.mark.parametrize(("metric", "best"), [("ndcg_at_10", 1), ("ndcg_at_10_with_last", 5)])
def test_the_last_items_of_all_customers_choose_too_where_that_is_declared(
    metric: str, best: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    gains = iter([[0.5, 0.4], [0.1, 0.2]])  # of the next days, and of the last items
    monkeypatch.setattr(choosing, "_gains", lambda *_: np.repeat(np.array([next(gains)]).T, choosing.MOST_CUSTOMERS, axis=1))
    version = fitted(CHANGING, search={"parameters": {"half_life_days": [1, 5]}, "metric": metric})
    assert f'"half_life_days": {best},' in version["chosen_parameters"]


def test_what_customers_take_again_is_no_trend_of_new_ones() -> None:
    often = history(*[("ann", "milk", day) for day in range(90, 100)], ("bob", "tea", 99))
    assert Trend(1, of_new=True).popularity(often).tolist() == [1, 1]
    assert Trend(1).popularity(often).tolist() == [1, 0.1]
    assert {row["input"] for row in Trend(1, of_new=True).rows().to_pylist()} == {"largest", "of_new"}


def test_what_is_tested_on_chooses_nothing() -> None:
    turned = [(customer, f"i{39 - int(item[1:]):02}" if day >= 35 else item, day) for customer, item, day in CHANGING]
    assert fitted(turned)["chosen_parameters"] == fitted(CHANGING)["chosen_parameters"]
    assert fitted(turned)["metrics"] != fitted(CHANGING)["metrics"]


def test_a_history_of_few_days_serves_as_declared_and_says_so() -> None:
    version = fitted([row for row in CHANGING if row[2] < 5])
    assert version["status"] == "ready" and version["metrics"] == []
    assert version["chosen_parameters"] == '{"half_life_days": 7, "window_days": null}'
    reason = "Not measured, and no parameters chosen: expected more than 5 days with interactions, found 5."
    assert version["status_reason"] == reason


@pytest.mark.parametrize(
    ("search", "sentence"),
    [
        ({"parameters": {"penalty": [1]}}, "meta.search.parameters: expected parameters of Popular .*, found 'penalty'; correct"),
        (
            {"parameters": {"half_life_days": [1]}, "metric": "roc_auc"},
            "meta.search.metric: expected ndcg_at_10 or .*, found 'roc_auc'",
        ),
    ],
)
def test_a_search_that_cannot_be_is_refused(search: dict, sentence: str) -> None:
    with pytest.raises(ScorehouseError, match=sentence):
        fitted(CHANGING, search=search)


def test_a_horizon_that_a_column_says_is_refused() -> None:
    with pytest.raises(ScorehouseError, match=r"meta\.split\.horizon_days: expected a number of days, found the column wait; "):
        fitted(CHANGING, split={"time": "occurred_date", "test_periods": 5, "horizon_days": "wait"})
