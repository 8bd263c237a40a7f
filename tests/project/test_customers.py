"""The customer profile: one row for everybody, the same as the tables it gathers; predicted spend against a simple baseline."""

import pytest

from project.harness import Project, copy_of_the_project
from project.test_landing import write


def test_every_customer_has_one_row_that_agrees_with_the_other_tables(built: Project) -> None:
    ((profiles,),) = built.serving("select count(*) from customers")
    assert built.catalog("select count(*) from intermediate.int_customers") == [(profiles,)]
    differing = """
        select count(*) from customers
        left join churn_risk on customers.customer_id = churn_risk.customer_id
        left join customer_segments on customers.customer_id = customer_segments.customer_id
        left join coupon_offers on customers.customer_id = coupon_offers.customer_id
        where customers.churn_risk is distinct from churn_risk.score
            or customers.segment is distinct from customer_segments.segment
            or customers.gets_coupon <> coalesce(coupon_offers.gets_coupon, false)
            or customers.last_active_at < customers.last_purchase_at
    """
    assert built.serving(differing) == [(0,)]
    ranks = "select customer_id, list(item_id order by rank) as items from recommendations group by 1"
    query = f"select count(*), bool_and(next_best_items = items) from customers inner join ({ranks}) using (customer_id)"
    ((count, is_same),) = built.serving(query)
    assert count > 4000
    assert is_same


def test_predicted_spend_is_closer_than_spending_as_before_and_lies_in_its_interval(built: Project) -> None:
    rows = built.catalog("select implementation, mae, r2 from learning.lifetime_value_evaluation")
    found = {implementation: (mae, r2) for implementation, mae, r2 in rows}
    model, baseline = found["lifetime_value__poisson"], found["as in the last 90 days"]
    assert model[0] < baseline[0]
    assert model[1] > baseline[1]
    bounds = "0 <= predicted_spend_low and predicted_spend_low <= predicted_spend and predicted_spend < predicted_spend_high"
    ((count, is_inside),) = built.serving(f"select count(predicted_spend), bool_and({bounds}) from customers")
    assert count == 4338
    assert is_inside


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
