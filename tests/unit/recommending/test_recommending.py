"""Recommenders and their evaluation, on histories that can be checked by hand."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge

from scorehouse.errors import ScorehouseError
from scorehouse.learning import fit
from scorehouse.recommending import Ease, ItemItem, Popular
from scorehouse.recommending.evaluation import compare, last_first_taken, splits
from scorehouse.recommending.history import History
from scorehouse.recommending.weights import ItemWeights, largest

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
    weights = Ease(penalty=2, basket_weight=0, trend=0, repeat=0, neighbour_count=6).fit(history(*rows))
    liked = history(*rows).strengths.toarray()
    for item in range(6):
        others = [other for other in range(6) if other != item]
        expected = Ridge(alpha=2, fit_intercept=False).fit(liked[:, others], liked[:, item]).coef_
        assert_allclose(weights.similarity.toarray()[others, item], np.maximum(expected, 0), atol=1e-8)


def test_item_item_is_the_cosine_of_customers() -> None:
    weights = ItemItem(trend=0).fit(history(("a", "x", 1), ("a", "y", 1), ("b", "x", 1), ("c", "z", 1)))
    assert_allclose(weights.similarity.toarray(), [[0, 0.5**0.5, 0], [0.5**0.5, 0, 0], [0, 0, 0]])


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
    assert compare(Popular().fit(past), past, future, True) == {}
    values = compare(ItemWeights(ItemItem().fit(past).similarity * 0, np.array([4.0, 3, 2, 1])), past, wanted, True)
    # a sees x, y, z: y is second; b wants nothing new; c sees w first
    assert values["customers"] == 2
    assert_allclose(values["ndcg@10"], (1 / np.log2(3) + 1) / 2)
    assert values["hit_rate@10"] == values["recall@20"] == 1


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
