"""No decision depends on the currency: a shop in pence and the same one in thousands are scored alike."""

import numpy as np
import pytest

from project.harness import Project, copy_of_the_project
from project.test_landing import PURCHASES, write

AMOUNT = "round(1 + hash(c, i, 'a') % 5000 / 100, 2)"
FACTORS = {"pence": 100, "thousands": 0.001}
ASKED = (
    "--select",
    "+churn_risk__logistic",
    "+churn_risk__boosted",
    "+predicted_spend__poisson",
    "+customer_segments",
    "--exclude-resource-types",
    "test",
)


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One branch a currency."""
    project = copy_of_the_project(tmp_path_factory.mktemp("units"))
    for currency, factor in FACTORS.items():
        purchases = PURCHASES.replace(AMOUNT, f"round({AMOUNT} * {factor}, 5)")
        assert purchases != PURCHASES
        write(
            project.root / currency / "interactions/all.parquet", f"select * from ({purchases}) where occurred_at < '2025-08-01'"
        )
        variables = f"{{interaction_sources: [landing], landing_path: {project.root / currency}}}"
        outcome = project.dbt("build", *ASKED, "--vars", variables, branch=currency)
        assert outcome.is_green, outcome.output
    return project


def served(shops: Project, currency: str, query: str) -> tuple[list[str], np.ndarray]:
    """Customers, and numbers [customers, columns], of a query that selects the customer first."""
    rows = shops.work(currency, f"{query} order by 1")
    return [row[0] for row in rows], np.array([row[1:] for row in rows], float)


@pytest.mark.parametrize("name", ["churn_risk__logistic", "churn_risk__boosted"])
def test_risks_are_the_same(shops: Project, name: str) -> None:
    query = f"select customer_id, score from scores.{name}"
    (customers, scores), (others, same) = (served(shops, currency, query) for currency in FACTORS)
    assert customers == others
    assert len(customers) > 300
    np.testing.assert_allclose(same, scores, atol=1e-6)


def test_spend_and_its_interval_are_in_the_currency(shops: Project) -> None:
    query = "select customer_id, score, score_low, score_high from scores.predicted_spend__poisson"
    (customers, pence), (others, thousands) = (served(shops, currency, query) for currency in FACTORS)
    assert customers == others
    assert len(customers) > 300
    np.testing.assert_allclose(thousands / FACTORS["thousands"], pence / FACTORS["pence"], rtol=1e-3, atol=1e-3)


def test_segments_are_the_same(shops: Project) -> None:
    query = "select customer_id, segment, segment_number, rule_segments from serving.customer_segments order by 1"
    segments = shops.work("pence", query)
    assert len({row[1] for row in segments}) >= 3
    assert shops.work("thousands", query) == segments
