"""What the coupon changes: measured on the hold-out, and predicted for each customer."""

import math

import duckdb
import numpy as np
import pytest

from project.harness import Project, copy_of_the_project

LOG = """
with customers as (
    select c, (hash(c, 'loyal') % 2)::integer as is_loyal, (hash(c, 'age') % 600) / 10 as age,
        hash(c, 'arm') % 10 < 8 as is_treated
    from range(4000) as t(c)
),
bought as (
    select *, hash(c, 'buy') % 100 < case when is_treated and is_loyal = 0 then 50 else 20 end as has_bought from customers
)
select
    'o' || c as interaction_id, timestamp '2024-01-10' + interval (c) minute as occurred_at, 'c' || c as customer_id,
    'impression' as interaction_type, 'coupon' as experiment,
    case when is_treated then 'ten_percent' else 'holdout' end as variant,
    case when is_treated then 0.8 else 0.2 end as propensity, {'is_loyal': is_loyal, 'age': age}::json as properties,
    null::double as amount
from bought
union all
select 'p' || c, timestamp '2024-01-20' + interval (c) minute, 'c' || c, 'purchase', null, null, null, null, 20 + c % 10
from bought where has_bought
union all
select 'before' || c, timestamp '2023-12-01' + interval (c) minute, 'c' || c, 'purchase', null, null, null, null, 5 from bought
union all
select 'later' || d, timestamp '2024-01-01' + interval (d * 60) minute, 'd' || d, 'purchase', null, null, null, null, 5
from range(24 * 130) as t(d)
"""
"""A coupon of January, and customers without one whose purchases go on until its outcomes have matured."""

HISTORY = """
select
    'i' || c || '-' || i as interaction_id,
    timestamp '2024-01-01' + interval (hash(c, i) % 500) day as occurred_at,
    'c' || c as customer_id, 'purchase' as interaction_type, 20 + c % 30 as amount
from range(300) as t(c), range(8) as u(i) where hash(c, 'life') % 500 > hash(c, i) % 500
union all
select 'r' || c, timestamp '2024-09-10', 'c' || c, 'coupon_redeemed', null from range(20) as t(c)
"""


def built_from(query: str, root: Project) -> Project:
    folder = root.root / "mine" / "interactions"
    folder.mkdir(parents=True)
    duckdb.execute(f"copy ({query}) to '{folder / 'log.parquet'}' (format parquet)")
    root.build("--vars", f"{{interaction_sources: [landing], landing_path: {folder.parent}, products: [churn]}}")
    return root


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return built_from(LOG, copy_of_the_project(tmp_path_factory.mktemp("logged")))


def test_the_effect_is_the_difference_to_the_hold_out(logged: Project) -> None:
    treated, bought = (
        np.array(column)
        for column in duckdb.sql(
            f"with log as ({LOG}) select variant = 'ten_percent', exists (select 1 from log as later where later.interaction_id ="
            " 'p' || substr(log.interaction_id, 2)) from log where experiment = 'coupon'"
        )
        .fetchnumpy()
        .values()
    )
    groups = [bought[treated].astype(float), bought[~treated].astype(float)]
    error = math.sqrt(sum(group.var(ddof=1) / len(group) for group in groups))
    ((counted, effect, standard_error, lower, upper),) = logged.serving(
        "select (treated_count, held_out_count), effect, standard_error, lower_bound, upper_bound"
        " from coupon_effect where outcome = 'purchase'"
    )
    assert counted == (treated.sum(), (~treated).sum())
    assert (effect, standard_error) == pytest.approx((groups[0].mean() - groups[1].mean(), error))
    assert lower < 0.15 < upper
    ((amount, net),) = logged.serving(
        "select max(effect) filter (where outcome = 'amount'), max(effect) filter (where outcome = 'net_amount')"
        " from coupon_effect"
    )
    assert amount - net == pytest.approx(5)


def test_the_uplift_finds_whom_the_coupon_moves(logged: Project) -> None:
    loyal, moved = logged.serving(
        "select avg(score) from coupon_uplift where customer_id like 'c%'"
        " group by hash(substr(customer_id, 2)::bigint, 'loyal') % 2"
        " order by hash(substr(customer_id, 2)::bigint, 'loyal') % 2 desc"
    )
    assert loyal[0] == pytest.approx(0, abs=0.06)
    assert moved[0] == pytest.approx(0.3, abs=0.06)


def test_the_uplift_is_calibrated_to_the_randomised_effect(logged: Project) -> None:
    ((effect,),) = logged.serving("select effect from coupon_effect where outcome = 'purchase'")
    ((uplift,),) = logged.serving("select avg(score) from coupon_uplift where customer_id like 'c%'")
    assert uplift == pytest.approx(effect, abs=0.03)
    ((slope, served, error),) = logged.catalog(
        "select slope, served_slope, slope_standard_error from learning.uplift_calibration"
    )
    assert abs(slope - 1) < 4 * error
    assert served == min(slope, 1)


def test_uplift_beats_the_risk_of_not_buying_on_later_customers(logged: Project) -> None:
    gains = dict(logged.catalog("select rule, gain from learning.uplift_evaluation where share = 0.5"))
    assert gains["uplift"] > gains["risk"] + 0.02
    assert gains["uplift"] > gains["random"] + 0.02


def test_a_customer_counts_once_in_the_error_of_an_uplifts_gain(logged: Project) -> None:
    ((count, gain, error),) = logged.catalog(
        "select tested_count, gain, standard_error from learning.uplift_evaluation where rule = 'risk' and share = 1"
    )
    customers, sizes, gains = zip(
        *logged.catalog(
            "select customer_id, count(*), sum(gain) from ("
            " select customer_id, (has_purchased - avg(has_purchased) over ())"
            " * case when is_treated then 1 / propensity else -1 / (1 - propensity) end as gain"
            " from (from learning.uplift_examples qualify period_at = max(period_at) over ())) group by customer_id"
        ),
        strict=True,
    )
    assert sum(sizes) == count
    assert gain == pytest.approx(sum(gains) / count)
    residuals = np.array(gains) - np.array(sizes) * gain
    assert error == pytest.approx(math.sqrt(np.sum(residuals**2) * len(customers) / (len(customers) - 1)) / count)


@pytest.fixture(scope="module")
def recomputed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_of_the_project(tmp_path_factory.mktemp("recomputed"))
    project.write(
        "seeds/configuration/coupon_policy.csv",
        "policy,minimum_score,minimum_value,coupon_cost,budget,holdout_share,rank_by\ndefault,0.1,20,5,2500,0.4,risk\n",
    )
    return built_from(HISTORY, project)


def test_without_logged_offers_the_policy_is_recomputed_from_the_first_redemption(recomputed: Project) -> None:
    ((basis, first_at, propensity, treated, held_out),) = recomputed.catalog(
        "select any_value(basis), min(assigned_at)::date::varchar, any_value(propensity), count(*) filter (where is_treated),"
        " count(*) filter (where not is_treated) from learning.coupon_assignments"
    )
    assert (basis, first_at, propensity) == ("recomputed", "2024-09-01", 0.6)
    assert treated > held_out > 30
    assert recomputed.serving("select count(*), count(effect) from coupon_effect") == [(3, 3)]


def test_the_policy_is_recomputed_with_the_score_that_is_served_most(recomputed: Project) -> None:
    found = "select implementation, count(score) > 500 from learning.past_churn_risks group by 1"
    assert recomputed.work("main", found) == [("churn_risk__logistic", True)]
    shares = "churn_risk,churn_risk__boosted,0.7,\nchurn_risk,churn_risk__logistic,0.3,\n"
    recomputed.write("seeds/configuration/routes.csv", f"endpoint,implementation,share,model_version\n{shares}")
    variables = f"{{interaction_sources: [landing], landing_path: {recomputed.root / 'mine'}}}"
    recomputed.build("--vars", variables, "--select", "routes", "past_churn_risks", "--indirect-selection", "cautious")
    assert recomputed.work("main", found) == [("churn_risk__boosted", True)]
