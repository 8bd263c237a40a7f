"""The customer profile: one row for everybody, the same as the tables it gathers; predicted spend against a simple baseline."""

import pytest

from project.harness import Project, copy_of_the_project
from project.test_landing import write


@pytest.fixture(scope="module")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A shop with one purchase, and a customer who has only signed up."""
    project = copy_of_the_project(tmp_path_factory.mktemp("small"))
    sold = "select 'i1' as interaction_id, timestamp '2024-05-01 10:00:00' as occurred_at, 'ada' as customer_id"
    write(project.root / "mine/interactions/all.csv", f"{sold}, 'purchase' as interaction_type, 'tea' as item_id, 5 as amount")
    write(project.root / "mine/customers/all.csv", "customer_id,country\nbob,France\n")
    variables = f"{{interaction_sources: [landing], landing_path: {project.root / 'mine'}}}"
    project.build("--vars", variables, "--select", "+customers", "--indirect-selection", "cautious")
    return project


def test_new_customers_have_a_row_with_what_is_known(small_shop: Project) -> None:
    rows = small_shop.work(
        "main",
        "select customer_id, country, segment, churn_risk, predicted_spend, gets_coupon, last_activity, rule_segments"
        " from serving.customers order by customer_id",
    )
    assert rows == [
        ("ada", None, None, None, None, False, "purchase", ["newcomers"]),
        ("bob", "France", None, None, None, False, None, []),
    ]
