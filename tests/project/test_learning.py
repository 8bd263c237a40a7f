"""Versions over time: trained again, kept, pinned, rejected; and training sets that later data cannot change."""

import pytest

from project.harness import Outcome, Project, copy_of_the_project
from project.test_landing import write

INTERACTIONS = """
select
    'i' || i as interaction_id,
    timestamp '2023-01-01' + interval (hash(i) % {days}) day as occurred_at,
    {received_at} as received_at,
    'c' || (hash(i, 'c') % least(400, 1 + hash(i, 'd') % 400)) as customer_id,
    'purchase' as interaction_type,
    'item' || hash(i, 'x') % 50 as item_id,
    round(1 + hash(i, 'a') % 5000 / 100, 2) as amount
from range({start}, {stop}) as rows(i)
"""
ROUTES = "seeds/configuration/routes.csv"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A shop of one and a half years on main; the tests of this file tell its later story in their order."""
    project = copy_of_the_project(tmp_path_factory.mktemp("shop"))
    write(project.root / "landing/interactions/first.parquet", interactions(540, 0, 12_000))
    build(project)
    return project


def interactions(days: int, start: int, stop: int, received_at: str = "occurred_at") -> str:
    return INTERACTIONS.format(days=days, start=start, stop=stop, received_at=received_at)


def run(shop: Project, branch: str = "main") -> Outcome:
    variables = f"{{interaction_sources: [landing], landing_path: {shop.root / 'landing'}, products: [churn]}}"
    return shop.dbt("build", "--vars", variables, branch=branch)


def build(shop: Project, branch: str = "main") -> str:
    """What a build, which must be green, said."""
    outcome = run(shop, branch)
    assert outcome.is_green, outcome.output
    return outcome.output


def served_version(shop: Project, branch: str = "main") -> str:
    ((version,),) = shop.serving("select distinct model_version from churn_risk", branch)
    return version


def decisions(shop: Project, branch: str = "main") -> list[tuple]:
    query = "select decision, reason, trained_version is not null from registry.training_decisions"
    return shop.catalog(f"{query} where model = 'churn__logistic' order by decided_at", branch)


def examples(shop: Project) -> list[tuple]:
    return shop.catalog("from learning.churn_examples where as_of <= '2024-03-01' order by as_of, customer_id")


def route_churn(shop: Project, route: str) -> None:
    """Send churn_risk's customers elsewhere; the other endpoints' routes stay."""
    others = [line for line in (shop.root / ROUTES).read_text().splitlines() if not line.startswith("churn_risk,")]
    shop.write(ROUTES, "\n".join([*others, f"churn_risk,{route}", ""]))


def test_metrics_have_intervals_and_stand_beside_their_baseline(shop: Project) -> None:
    measured = "from registry.model_metrics where is_current and model = 'churn__logistic' and slice = 'all' and metric = 'auc'"
    query = f"select split, lower_bound <= value and value <= upper_bound, baseline, baseline_value {measured} order by split"
    (test, bounds, baseline, value), (train, *unbounded) = shop.catalog(query)
    assert (test, bounds, baseline, train, unbounded[0]) == ("test", True, "churn_risk__recency", "train", None)
    own = "from registry.model_metrics where is_current and model = 'churn__recency' and (split, slice) = ('test', 'all')"
    assert shop.catalog(f"select value {own} and metric = 'auc'") == [(value,)]
    tenths = "from registry.reliability where is_current and model = 'churn__logistic' and split = 'test'"
    assert shop.catalog(f"select count(*), bool_and(observed_share between lower_bound and upper_bound) {tenths}") == [(10, True)]


def test_late_data_change_no_past_training_set_and_few_new_examples_train_nothing(shop: Project) -> None:
    before, version = examples(shop), served_version(shop)
    assert len(before) > 1000
    late = interactions(500, 12_000, 15_000, "timestamp '2024-06-25'")
    write(shop.root / "landing/interactions/late.parquet", late)
    said = build(shop)
    assert "REUSED ready" in said
    assert "BUILT insufficient examples" in said or "REUSED insufficient examples" in said
    assert shop.catalog("select count(*) from intermediate.int_interactions")[0][0] == 15_000
    assert examples(shop) == before
    assert served_version(shop) == version
    assert [(word, trained) for word, _, trained in decisions(shop)] == [("train", True)]  # the same rows are no new question
    write(shop.root / "landing/interactions/known.parquet", interactions(400, 17_000, 17_010))
    build(shop)
    assert examples(shop) != before
    assert served_version(shop) == version
    assert [(word, trained) for word, _, trained in decisions(shop)] == [("train", True), ("keep", False)]
    assert "0 new examples, fewer than the minimum 200" in decisions(shop)[-1][1]
    build(shop)
    assert len(decisions(shop)) == 2


def test_months_of_new_examples_train_a_version_and_the_old_one_stays_queryable(shop: Project) -> None:
    old = served_version(shop)
    later = interactions(62, 15_000, 17_000).replace("2023-01-01", "2024-06-26")
    write(shop.root / "landing/interactions/later.parquet", later)
    build(shop)
    word, reason, is_trained = decisions(shop)[-1]
    assert (word, is_trained) == ("train", True)
    assert "days newer than those it knows" in reason or reason.startswith("monitoring: ")
    assert served_version(shop) != old
    versions = dict(shop.catalog("select model_version, is_current from registry.model_versions where model = 'churn__logistic'"))
    assert versions == {old: False, served_version(shop): True}
    assert shop.catalog(f"select count(*) > 20 from registry.model_weights where model_version = '{old}'") == [(True,)]


def test_a_route_may_pin_an_earlier_version(shop: Project) -> None:
    (old,) = shop.catalog("select model_version from registry.model_versions where not is_current and model = 'churn__logistic'")[
        0
    ]
    route_churn(shop, f"churn_risk__logistic,1.0,{old}")
    build(shop, "pinned")
    assert served_version(shop, "pinned") == old
    assert "churn__logistic" not in shop.computed("pinned")


@pytest.mark.parametrize(
    ("route", "words"),
    [
        ("churn_risk__logistic,1.0,churn__logistic@000000000000", ["churn__logistic@000000000000", "leave it empty"]),
        ("churn_risk__logistic,1.0,something", ["expected a version of learning.churn__logistic", "'something'"]),
        ("churn_risk__logistics,1.0,", ["churn_risk__logistics", "churn_risk__boosted, churn_risk__logistic"]),
    ],
)
def test_a_route_to_what_does_not_exist_fails_the_build(shop: Project, route: str, words: list[str]) -> None:
    route_churn(shop, route)
    outcome = run(shop, "wrong-route")
    assert not outcome.is_green
    assert any(all(word in line for word in words) for line in outcome.output.splitlines()), outcome.output


def test_a_challenger_that_does_not_beat_the_champion_cannot_be_routed(shop: Project) -> None:
    route_churn(shop, "churn_risk__boosted,1.0,")
    shop.limit_training(margin=0.3)
    outcome = run(shop, "challenger")
    assert not outcome.is_green
    assert "which is rejected: its auc" in outcome.output
    query = "select status, value - champion_value < 0.3 from history.gates where implementation = 'churn_risk__boosted'"
    assert shop.work("challenger", query) == [("rejected", True)]
    shop.limit_training(margin=-0.3)
    build(shop, "challenger")
    assert served_version(shop, "challenger").startswith("churn__boosted@")
    assert gates(shop, "challenger") == [
        ("churn_risk__boosted", "accepted", "churn_risk__boosted"),
        ("churn_risk__logistic", "champion", None),
        ("churn_risk__recency", "accepted", None),
    ]


def test_a_model_that_does_not_beat_its_baseline_does_not_serve_until_it_does(shop: Project) -> None:
    route_churn(shop, "churn_risk__logistic,0.5,\nchurn_risk,churn_risk__recency,0.5,")
    shop.limit_training(margin=-0.3, baseline_margin=0.9)
    build(shop, "baseline")
    assert served_version(shop, "baseline").startswith("churn__recency@")
    assert gates(shop, "baseline") == [
        ("churn_risk__boosted", "outdone", None),
        ("churn_risk__logistic", "outdone", "churn_risk__recency"),
        ("churn_risk__recency", "accepted", "churn_risk__recency"),
    ]
    query = "select len(implementations), in_place from endpoints where name = 'churn_risk'"
    ((count, said),) = shop.serving(query, "baseline")
    assert count == 1
    assert said.startswith("churn_risk__recency in place of churn_risk__logistic: its auc")
    shop.limit_training(margin=-0.3, baseline_margin=-0.9)
    build(shop, "baseline")
    assert shop.serving(query, "baseline") == [(2, None)]
    old = "select model_version from registry.model_versions where not is_current and model = 'churn__logistic'"
    (served_before,) = shop.catalog(old)[0]
    route_churn(shop, f"churn_risk__logistic,1.0,{served_before}")
    shop.limit_training(margin=-0.3, baseline_margin=0.9)
    build(shop, "baseline")
    assert served_version(shop, "baseline") == served_before  # going back to what served is always possible


def gates(shop: Project, branch: str) -> list[tuple]:
    query = "select implementation, status, served_by from registry.model_gates where endpoint = 'churn_risk' order by 1"
    return shop.catalog(query, branch)


def test_of_more_examples_than_training_rows_whole_customers_are_learned_from_and_that_is_said(tiny: Project) -> None:
    tiny.write(
        "models/features/spent.sql",
        "select 'c' || i // 3 as customer_id, i, i % 7 as x, 2.0 * (i % 7) + i % 3 as y from range(3000) as numbers(i)\n",
    )
    tiny.write(
        "models/features/spent.yml",
        "models: [{name: spent, config: {materialized: fitted, meta: {estimator: sklearn.linear_model.LinearRegression,"
        " label: y, key: [customer_id, i]}}}]\n",
    )
    tiny.build("--vars", "{training_rows: 600}")
    learned = "select status, status_reason, example_count, train_count from features.spent"
    ((status, reason, total, count),) = tiny.work("main", learned)
    assert status == "ready" and total == 3000 and 400 < count < 800 and count % 3 == 0
    told = f"{count} of 3,000 examples, all of some values of customer_id (training_rows)"
    assert reason == f"Learned from a sample: {told}."
    tiny.replace("models/features/spent.sql", "'c' || i // 3", "'one'")
    tiny.build("--vars", "{training_rows: 600}")
    ((status, reason, total, count),) = tiny.work("main", learned)
    assert status == "ready" and total == 3000 and 400 < count < 800 and "drawn by their keys" in reason
