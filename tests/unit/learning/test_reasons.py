"""Reasons add up: coefficients times distance from the mean for sums, Shapley values for trees."""

from itertools import combinations
from math import factorial

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from agreement import FEATURES, WHERE, customers, declared, trained_alone
from numpy.testing import assert_allclose
from sklearn.tree import DecisionTreeRegressor

from scorehouse.learning import fit
from scorehouse.scoring import loaded, udf
from scorehouse.scoring.score_sql import with_sql
from scorehouse.scoring.scorer import load

pytestmark = pytest.mark.filterwarnings("ignore")

NUMERIC = ["visits", "amount", "age_days"]
NAMES = [name for names in FEATURES.values() for name in names]


def top_reasons(row: pa.Table, rows: pa.Table, sql: str) -> list[list[dict]]:
    loaded.put("test", row)
    with duckdb.connect() as connection:
        udf.register(connection)
        connection.register("feature_rows", rows)
        return connection.sql(f"select {sql} as reasons from feature_rows").to_arrow_table()["reasons"].to_pylist()


@pytest.mark.parametrize(
    ("path", "label", "link"),
    [
        ("linear_model.LogisticRegression", "is_churned", lambda p: np.log(p / (1 - p))),
        ("linear_model.Ridge", "spent", lambda y: y),
        ("linear_model.PoissonRegressor", "spent", np.log),
    ],
)
def test_contributions_of_a_sum_are_its_distance_from_the_training_mean(path, label, link):
    examples = customers()
    preprocessing = {"numeric": {"scale": "standard", "log": ["amount"]}}
    row = with_sql(fit(examples, declared(f"sklearn.{path}", label, preprocessing=preprocessing), "test", WHERE))
    scorer = load(row)
    margin = link(scorer.score(examples.select(NAMES)))
    added = scorer.explanation.contributions(examples.select(NAMES))
    assert set(added) == set(NAMES)
    assert_allclose(sum(added.values()), margin - margin.mean(), 1e-9, 1e-9)
    first = [sorted(((abs(added[n][i]), n) for n in added), reverse=True)[:3] for i in range(len(examples))]
    by_sql = top_reasons(row, examples, row["reasons_sql"][0].as_py())
    by_udf = top_reasons(row, examples, udf.reasons_sql(scorer.formula, "test"))
    for found in (by_sql, by_udf):
        assert [[reason["feature"] for reason in reasons] for reasons in found] == [
            [name for _, name in three] for three in first
        ]
        assert_allclose(
            [[abs(reason["contribution"]) for reason in reasons] for reasons in found], [[s for s, _ in t] for t in first]
        )


def expectation(tree: object, x: np.ndarray, known: tuple[int, ...], node: int = 0) -> float:
    """The tree's mean over training rows where only the features `known` are given (Lundberg et al. 2018, algorithm 1)."""
    if tree.children_left[node] < 0:
        return tree.value[node, 0, 0]
    left, right = tree.children_left[node], tree.children_right[node]
    if tree.feature[node] in known:
        return expectation(tree, x, known, left if x[tree.feature[node]] <= tree.threshold[node] else right)
    counts = tree.n_node_samples
    parts = [counts[child] / counts[node] * expectation(tree, x, known, child) for child in (left, right)]
    return sum(parts)


def shapley(tree: object, x: np.ndarray) -> list[float]:
    """Shapley values by their definition, over all sets of features."""
    count, values = len(x), []
    for feature in range(count):
        others = [other for other in range(count) if other != feature]
        value = 0.0
        for size in range(count):
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            for known in combinations(others, size):
                value += weight * (expectation(tree, x, (*known, feature)) - expectation(tree, x, known))
        values.append(value)
    return values


@pytest.mark.parametrize("path", ["tree.DecisionTreeRegressor", "ensemble.RandomForestRegressor"])
def test_contributions_of_trees_are_shapley_values_by_their_definition(path):
    examples = customers(missing=0)
    parameters = {"max_leaf_nodes": 12} | ({"n_estimators": 4, "bootstrap": False, "max_features": 2} if "Forest" in path else {})
    meta = declared(f"sklearn.{path}", "spent", parameters=parameters) | {"features": {"numeric": NUMERIC}}
    row = with_sql(fit(examples, meta, "test", WHERE))
    estimator = trained_alone(examples, meta).pipeline[-1]
    trees = [estimator] if isinstance(estimator, DecisionTreeRegressor) else estimator.estimators_
    rows = examples.select(NUMERIC).slice(0, 25)
    matrix = np.column_stack([column.to_numpy().astype(float) for column in rows.columns]).astype(np.float32).astype(float)
    expected = np.array([np.mean([shapley(tree.tree_, x) for tree in trees], axis=0) for x in matrix])
    added = load(row).explanation.contributions(rows)
    assert_allclose(np.column_stack([added[name] for name in NUMERIC]), expected, 1e-9, 1e-9)
    largest = top_reasons(row, rows, row["reasons_sql"][0].as_py())
    assert_allclose([reasons[0]["contribution"] for reasons in largest], expected[range(25), np.abs(expected).argmax(axis=1)])


def test_contributions_of_boosted_trees_add_up_to_the_margin():
    examples = customers(rows=400)
    meta = declared("sklearn.ensemble.HistGradientBoostingClassifier", "is_churned", parameters={"max_iter": 20})
    scorer = load(fit(examples, meta, "test", WHERE))
    probability = scorer.score(examples.select(NAMES))
    margin = np.log(probability / (1 - probability))
    rest = margin - sum(scorer.explanation.contributions(examples.select(NAMES)).values())
    assert_allclose(rest, rest[0], 1e-9, 1e-9)  # what every row starts from


def test_a_versions_importances_are_mean_absolute_contributions():
    examples = customers()
    row = fit(examples, declared("sklearn.linear_model.Ridge", "spent"), "test", WHERE)
    added = load(row).explanation.contributions(examples.select(NAMES))
    found = {statistic["feature"]: statistic["importance"] for statistic in row["feature_statistics"][0].as_py()}
    assert found == pytest.approx({name: np.mean(np.abs(values)) for name, values in added.items()})
