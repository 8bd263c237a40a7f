"""Experiments: what is learned from a log, who gets which arm, and what other policies would have earned."""

import math
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy import stats

from project.harness import Project, copy_of_the_project, query_file

LOG = """
with visits as (
    select
        v,
        'v' || v as customer_id,
        timestamp '2024-03-01' + interval (v) minute as occurred_at,
        (hash(v, 'old') % 2)::integer as is_old,
        case when hash(v, 'arm') % 1000 < case when hash(v, 'old') % 2 = 1 then 800 else 200 end then 'b' else 'a' end as variant
    from range(4000) as t(v)
),
shown as (
    select *, case when (variant = 'b') = (is_old = 1) then 0.8 else 0.2 end as propensity,
        hash(v, 'click') % 1000 < case when (variant = 'b') = (is_old = 1) then 300 else 100 end as is_clicked
    from visits
)
select 'i' || v as interaction_id, occurred_at, customer_id, 's' || v as session_id, 'impression' as interaction_type,
    'banner' as experiment, variant, propensity, null::double as amount, {'is_old': is_old}::json as properties
from shown
union all
select 'c' || v, occurred_at + interval 1 minute, customer_id, 's' || v, 'click', null, null, null, null, null
from shown where is_clicked
union all
-- a second click of the same visit is no second reward, and one without an exposure is none
select 'd' || v, occurred_at + interval 2 minute, customer_id, 's' || v, 'click', null, null, null, null, null
from shown where is_clicked and v % 10 = 0
union all
select 'lost', timestamp '2024-03-01', 'nobody', 's', 'click', null, null, null, null, null
union all
select 'm' || v, occurred_at, customer_id, 's' || v, 'impression', 'shipping', case when v % 2 = 0 then 'free' else 'control' end,
    null, null, null
from shown where v < 400
union all
select 'p' || v, occurred_at + interval 3 hour, customer_id, 'later', 'purchase', null, null, null,
    case when v % 2 = 0 then 30 + v % 7 else 10 + v % 5 end, null
from shown where v < 400
union all
select 'o' || v, occurred_at, customer_id, 's' || v, 'impression', 'only_one', 'a', 1, null, null from shown where v < 5
union all
select 't' || v, occurred_at, customer_id, 's' || v, 'impression', 'stopped', 'x' || v % 2, 0.5, null, null
from shown where v < 20
"""

EXPERIMENTS = """
banner,impression,click,binary,1,0,0.05,0.1,false,1,1,,10,1,
shipping,impression,purchase,amount,24,0,0.01,0,false,1,1,,10,1,
stopped,impression,click,binary,1,0,0.01,0,true,1,1,,10,1,
""".lstrip()

ARMS = """
stopped,x0,false,true
stopped,x1,true,true
brand_new,left,,
brand_new,right,,
brand_new,retired,,false
""".lstrip()

POLICIES = """
banner,mostly b,,a,0.25
banner,mostly b,,b,0.75
""".lstrip()


@pytest.fixture(scope="module")
def experiments(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A log with known truth, built with settings of its own."""
    project = copy_of_the_project(tmp_path_factory.mktemp("experiments"))
    for seed, rows in (("experiments", EXPERIMENTS), ("experiment_arms", ARMS), ("candidate_policies", POLICIES)):
        file = project.root / f"seeds/configuration/{seed}.csv"
        file.write_text(file.read_text() + rows)
    folder = project.root / "mine" / "interactions"
    folder.mkdir(parents=True)
    duckdb.execute(f"copy ({LOG}) to '{folder / 'log.parquet'}' (format parquet)")
    project.build("--vars", f"{{interaction_sources: [landing], landing_path: {folder.parent}, products: [experiments]}}")
    return project


@pytest.fixture(scope="module")
def open_bandit(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The bundled Open Bandit logs."""
    project = copy_of_the_project(tmp_path_factory.mktemp("open_bandit"))
    project.dbt("build", "--select", "+policy_values", "--vars", "{interaction_sources: [open_bandit]}")
    return project


def banner_log() -> dict[str, np.ndarray]:
    """The log of experiment banner, one row an exposure, without the project."""
    return duckdb.sql(
        f"with log as ({LOG}) select interaction_id, variant, propensity, (properties ->> 'is_old')::integer as is_old,"
        " exists (select 1 from log as clicks where clicks.interaction_id = 'c' || substr(log.interaction_id, 2)) as reward"
        " from log where experiment = 'banner' order by occurred_at"
    ).fetchnumpy()


def test_thompson_sampling_is_valued_from_the_random_log(open_bandit: Project) -> None:
    values = {
        estimator: (value, error)
        for estimator, value, error in open_bandit.work(
            "main",
            "select estimator, value, standard_error from serving.policy_values"
            " where experiment = 'open_bandit_random' and policy = 'as logged in open_bandit_bts'",
        )
    }
    assert values["ips"] == pytest.approx((0.0057, 0.0014), abs=5e-5)
    for estimator in ("snips", "dr"):
        assert values[estimator] == pytest.approx((0.0057, 0.0014), abs=1.5e-4)
    assert open_bandit.work(
        "main",
        "select value, decision_count from serving.policy_values where experiment = 'open_bandit_bts' and estimator = 'mean'",
    ) == [(0.0069, 10000)]


def test_posteriors_count_an_exposure_once(experiments: Project) -> None:
    log = banner_log()
    for variant, exposures, alpha, beta, lower in experiments.serving(
        "select variant, exposure_count, posterior_alpha, posterior_beta, reward_rate_lower"
        " from experiment_results where experiment = 'banner'"
    ):
        rewards = log["reward"][log["variant"] == variant]
        assert (exposures, alpha, beta) == (len(rewards), 1 + rewards.sum(), 1 + len(rewards) - rewards.sum())
        assert lower == pytest.approx(stats.beta.ppf(0.025, alpha, beta))


def test_amounts_have_a_t_posterior(experiments: Project) -> None:
    results = experiments.serving(
        "select variant, exposure_count, mean_amount, mean_amount_lower, mean_amount_upper, best_probability"
        " from experiment_results where experiment = 'shipping' order by variant"
    )
    amounts = {"control": [10 + v % 5 for v in range(1, 400, 2)], "free": [30 + v % 7 for v in range(0, 400, 2)]}
    for variant, count, mean, lower, upper, _ in results:
        expected = np.mean(amounts[variant])
        assert count == 200
        assert mean == pytest.approx(expected, abs=0.1)
        assert lower < expected < upper < lower + 2
    assert [best for *_, best in results] == [0, 1]


def test_off_policy_values_are_the_textbook_ones(experiments: Project) -> None:
    log = banner_log()
    probability = np.where(log["variant"] == "b", 0.75, 0.25)
    weight, reward, count = probability / log["propensity"], log["reward"].astype(float), len(log["reward"])
    ips = weight * reward
    snips = ips.sum() / weight.sum()
    rows = experiments.serving(
        "select estimator, value, standard_error, supported_share, lead, lead_error from policy_values"
        " where experiment = 'banner' and policy = 'mostly b'"
    )
    found = {estimator: (value, error) for estimator, value, error, *_ in rows}
    leads = {row[0]: row[4:] for row in rows}
    assert found["ips"] == pytest.approx((ips.mean(), ips.std(ddof=1) / math.sqrt(count)))
    assert found["snips"] == pytest.approx((snips, math.sqrt((weight**2 * (reward - snips) ** 2).sum()) / weight.sum()))
    share = weight * (reward - snips) / weight.mean()
    for name, differences in {"ips": ips - reward, "snips": share + snips - reward}.items():
        assert leads[name] == pytest.approx((differences.mean(), differences.std(ddof=1) / math.sqrt(count)))
    truth = 0.5 * (0.75 * 0.3 + 0.25 * 0.1) + 0.5 * (0.75 * 0.1 + 0.25 * 0.3)
    value, error = found["dr"]
    assert abs(value - truth) < 3 * error
    assert {supported for _, _, _, supported, *_ in rows} == {1.0}


def test_the_contextual_policy_finds_what_no_single_arm_has(experiments: Project) -> None:
    values = dict(experiments.serving("select policy, value from policy_values where experiment = 'banner' and estimator = 'dr'"))
    assert values["linear"] == pytest.approx(0.3, abs=0.04)
    assert max(values["always a"], values["always b"], values["thompson"]) < 0.25
    query = "select choose_variant_in_context('banner', v, '{\"is_old\": 1}') from (select 'w' || i as v from range(500) as t(i))"
    choices = [choice for (choice,) in experiments.serving(query)]
    assert sum(choice["variant"] == "b" for choice in choices) > 400
    for choice in choices:
        assert choice["propensity"] == pytest.approx(0.8 if choice["variant"] == "b" else 0.2, abs=0.12)


def test_visitors_get_arms_with_the_stated_probability_hold_out_and_floor(experiments: Project) -> None:
    query = """
        select choice.variant, count(*) / 20000, any_value(choice.propensity), count(distinct choice.propensity)
        from (select choose_variant('banner', 'w' || i) as choice from range(20000) as t(i)) group by 1
    """
    for _, share, propensity, distinct in experiments.serving(query):
        assert distinct == 1
        assert abs(share - propensity) < 4 * math.sqrt(propensity * (1 - propensity) / 20000)
    reasons = dict(experiments.serving("select reason, count(*) from variant_choices where experiment = 'banner' group by 1"))
    assert (reasons["held out"], reasons["explored"]) == (100, 100)
    assert experiments.serving("select distinct variant from variant_choices where reason = 'held out'") == [("a",)]


def test_one_arm_no_exposure_and_a_stopped_experiment_have_an_answer(experiments: Project) -> None:
    ((one, stopped, new, unknown),) = experiments.serving(
        "select choose_variant('only_one', 'v'), choose_variant('stopped', 'v'), choose_variant('brand_new', 'v'),"
        " choose_variant('never heard of', 'v')"
    )
    assert one == {"variant": "a", "propensity": 1.0, "reason": one["reason"]}
    assert stopped == {"variant": "x1", "propensity": 1.0, "reason": "stopped"}
    assert new["variant"] in ("left", "right")
    assert new["propensity"] == pytest.approx(0.5, abs=0.06)
    assert unknown is None
    assert experiments.serving("select choose_variant_in_context('brand_new', 'v', '{}')") == [(new,)]


def test_any_reader_can_choose(experiments: Project, tmp_path: Path) -> None:
    file = tmp_path / "copy.duckdb"
    shutil.copy(experiments.folder() / "serving.duckdb", file)
    ((choice,),) = query_file(file, "select choose_variant('banner', 'v')")
    assert [(choice,)] == experiments.serving("select choose_variant('banner', 'v')")
    assert query_file(experiments.folder() / "catalog.duckdb", "select functions.choose_variant('banner', 'v')") == [(choice,)]
