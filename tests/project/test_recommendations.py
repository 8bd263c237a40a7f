"""Recommendations on small data: SQL against the arithmetic of the package, policy, blocked items, and hardly any data."""

from pathlib import Path

import duckdb
import numpy as np
import pytest
from numpy.testing import assert_allclose

from project.harness import Project, copy_of_the_project
from project.test_landing import write
from scorehouse.recommending.history import History
from scorehouse.recommending.weights import Trend

SELECTION = ("stg_landing__rejected", "+recommendations", "+similar_items", "+popular_items", "+recommend")
INTERACTIONS = """
select
    'i' || i as interaction_id,
    timestamp '2024-01-01' + interval (hash(i) % 120) day as occurred_at,
    'c' || hash(i, 'c') % 60 as customer_id,
    case hash(i, 't') % 8 when 0 then 'view' when 1 then 'cancel' when 2 then 'rating' else 'purchase' end as interaction_type,
    'item' || (hash(i, 'c') % 3 * 10 + hash(i, 'x') % 15) as item_id,
    case when hash(i, 't') % 8 = 2 then json_object('rating', hash(i, 'r') % 6) end as properties
from range(1500) as t(i)
"""
ITEMS = "select 'item' || i as item_id, case when i % 4 > 0 then 'category' || i % 2 end as category from range(35) as t(i)"
POLICY = "policy,list_length,excludes_taken,maximum_per_category,window_days\ndefault,6,true,2,3650\n"


def build(shop: Project, branch: str, folder: Path) -> None:
    variables = f"{{interaction_sources: [landing], landing_path: {folder}}}"
    shop.build("--select", *SELECTION, "--indirect-selection", "cautious", "--vars", variables, branch=branch)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_of_the_project(tmp_path_factory.mktemp("shop"))
    project.write("seeds/configuration/recommendation_policy.csv", POLICY)
    project.write("seeds/configuration/blocked_items.csv", "item_id,reason\nitem3,out of stock\n")
    write(project.root / "mine/interactions/all.parquet", INTERACTIONS)
    write(project.root / "mine/items/all.parquet", ITEMS)
    write(project.root / "mine/customers/all.csv", "select 'newcomer' as customer_id")
    build(project, "main", project.root / "mine")
    return project


def test_sql_scores_are_those_of_the_package(shop: Project) -> None:
    with duckdb.connect(str(shop.folder() / ".work/warehouse.duckdb"), read_only=True) as connection:
        history = History.read(connection.sql("from features.customer_item_days").to_arrow_table(), "test")
    preferences = history.preferences.toarray()
    for customer, item, preference in shop.work(
        "main", "select customer_id, item_id, preference from features.customer_item_preferences"
    ):
        place = np.searchsorted(history.customers, customer), np.searchsorted(history.items, item)
        assert_allclose(preferences[place], preference, atol=1e-12)
    weights = shop.work("main", "select unnest(weights, max_depth => 2) from learning.recommendation__ease")
    similarity = np.zeros((len(history.items),) * 2)
    for row in weights:
        part, liked, item, value = row[2], row[3], row[4], row[-1]
        if part == "similarity":
            similarity[np.searchsorted(history.items, liked), np.searchsorted(history.items, item)] = value
    trend = {row[3]: row[-1] for row in weights if row[2] == "trend"}
    expected = preferences @ similarity + Trend(**trend).popularity(history)
    served = shop.work("main", "select customer_id, item_id, score from serving.recommendations where customer_id <> 'newcomer'")
    assert len(served) > 300
    for customer, item, score in served:
        assert_allclose(
            score, expected[np.searchsorted(history.customers, customer), np.searchsorted(history.items, item)], atol=1e-7
        )


def test_nothing_taken_or_blocked_is_recommended_and_nothing_better_is_left_out(shop: Project) -> None:
    taken = "select customer_id, item_id from intermediate.int_interactions where interaction_type in ('purchase', 'rating')"
    assert shop.work("main", f"select * from serving.recommendations semi join ({taken}) using (customer_id, item_id)") == []
    for table in ("recommendations", "popular_items"):
        assert shop.work("main", f"select * from serving.{table} where item_id = 'item3'") == []
    assert shop.work("main", "select * from serving.similar_items where similar_item_id = 'item3'") == []
    lists = shop.work("main", "select customer_id, list(rank order by rank) from serving.recommendations group by 1")
    assert {tuple(ranks) for _, ranks in lists} == {(1, 2, 3, 4, 5, 6)}


BEST_OF_ALL = """
with weights as (select unnest(weights, max_depth => 2) from learning.recommendation__{recommender}),
policy as (from configuration.recommendation_policy),
points as (
    select customer_id, output as item_id, cast(round(preference * value * 1e9) as bigint) as points
    from features.customer_item_preferences inner join weights on item_id = input where part = 'similarity'
    union all
    select customer_id, item_id, popularity
    from scores.recommendation_reaches cross join scores.item_popularities__{recommender}
),
scored as (
    select customer_id, item_id, category, sum(points) as score
    from points semi join scores.recommendable_items using (item_id) left join intermediate.int_items using (item_id)
    anti join scores.recommendation_exclusions using (customer_id, item_id)
    group by all
    having score > 0
),
placed as (
    select *, row_number() over (partition by customer_id, category order by score desc, item_id desc) as place
    from scored
)
select
    customer_id,
    row_number() over (
        partition by customer_id order by (category is null or place <= maximum_per_category) desc, score desc, item_id desc
    ) as rank,
    item_id
from placed cross join policy
qualify rank <= list_length
"""
"""Every customer with every item, though few pairs are looked at."""


@pytest.mark.parametrize("recommender", ["ease", "popular"])
def test_lists_are_the_best_of_all_items(shop: Project, recommender: str) -> None:
    best = BEST_OF_ALL.format(recommender=recommender)
    listed = f"select customer_id, rank, item_id from scores.recommendations__{recommender}"
    found = [shop.work("main", f"from ({one}) except from ({other})") for one, other in ((best, listed), (listed, best))]
    assert found == [[], []]
    assert shop.work("main", f"select count(*) > 300 from ({listed})") == [(True,)]


GENERATED = """
create table intermediate.int_as_of_times as select timestamp '2024-05-01' as as_of, true as is_current;
create table intermediate.int_customers as select 'c' || c as customer_id from range(12) as t(c);
create table intermediate.int_items as
    select 'i' || i as item_id, case when hash(i, 'none') % 4 > 0 then 'kind' || hash(i, {seed}) % {kinds} end as category
    from range({items}) as t(i);
create table features.item_days as
    select 'i' || i as item_id, d as age_days, hash(i, d, {seed}) % 5 / 4 as liking, hash(i, d) % 2 * liking as new_liking
    from range({items}) as t(i), range(9) as days(d) where hash(i, d, 'day', {seed}) % 3 = 0;
create table features.customer_item_preferences as
    select 'c' || c as customer_id, 'i' || i as item_id, hash(c, i) % 5 / 4 as preference, hash(c, i, 't') % 2 = 0 as is_taken
    from range(9) as t(c), range({items}) as items(i) where hash(c, i, {seed}) % (3 + 2 * c) = 0;
create table configuration.blocked_items as select 'i3' as item_id;
create table configuration.recommendation_policy as
    select 'default' as policy, {length} as list_length, true as excludes_taken, {per_category} as maximum_per_category;
create table weights as
    from shop_weights where false
    union all by name
    select 'similarity' as part, 'i' || i as input, 'i' || j as output, hash(i, j) % 7 / 50 as value
    from range({items}) as t(i), range({items}) as others(j) where hash(i, j, {seed}) % 9 = 0
    union all by name select 'trend' as part, unnest(['largest', 'half_life_days']) as input, unnest([0.02, 2]) as value;
create table learning.recommendation__ease as
    select 'version' as model_version, 'ready' as status, list(weights) as weights from weights;
"""
SCHEMAS = ("intermediate", "features", "configuration", "learning", "scores")
STEPS = ("recommendable_items", "item_popularities__ease", "recommendation_exclusions", "recommendation_reaches")


@pytest.mark.parametrize("seed", range(24))
def test_lists_are_the_best_of_all_items_whatever_there_is(shop: Project, seed: int) -> None:
    """The models' own SQL over generated items, likings, categories and policies."""
    sizes = {"items": 4 + 3 * seed, "kinds": 1 + seed % 5, "length": 1 + seed % 7, "per_category": 1 + seed % 3}
    with duckdb.connect() as generated:
        generated.execute(f"attach '{shop.folder() / '.work/warehouse.duckdb'}' as shop (read_only)")
        weights = "select unnest(weights, max_depth => 2) from shop.learning.recommendation__ease"
        generated.execute(f"create temp table shop_weights as {weights} limit 0; detach shop")
        generated.execute("attach ':memory:' as warehouse; use warehouse")
        generated.execute("".join(f"create schema {schema};" for schema in SCHEMAS))
        generated.execute(GENERATED.format(seed=seed, **sizes))
        for name in (*STEPS, "recommendations__ease"):
            compiled = (shop.root / f"target/compiled/scorehouse/models/scores/{name}.sql").read_text()
            generated.execute(f"create table scores.{name} as {compiled}")
        best = generated.sql(BEST_OF_ALL.format(recommender="ease")).fetchall()
        listed = generated.sql("select customer_id, rank, item_id from scores.recommendations__ease").fetchall()
    assert sorted(listed) == sorted(best)
    assert len(listed) > 8 * min(sizes["length"], 3)


def test_a_category_gets_its_share_of_a_list_at_most(shop: Project) -> None:
    counts = shop.work(
        "main",
        "select max(items) from (select count(*) as items from serving.recommendations"
        " join intermediate.int_items using (item_id) where category is not null group by customer_id, category)",
    )
    assert counts == [(2,)]


def test_because_of_is_an_item_that_the_customer_likes(shop: Project) -> None:
    likes = "select customer_id, item_id as because_of from features.customer_item_preferences where preference > 0"
    query = "select count(because_of) from serving.recommendations {} join ({}) using (customer_id, because_of)"
    assert shop.work("main", query.format("anti", likes)) == [(0,)]
    assert shop.work("main", query.format("semi", likes))[0][0] > 200


def test_an_implementation_without_a_share_that_nothing_must_beat_computes_nothing(shop: Project) -> None:
    for name, is_routed in (("ease", True), ("item_item", False), ("popular", True)):
        assert shop.work("main", f"select count(*) > 0 from scores.recommendations__{name}") == [(is_routed,)]


def test_a_newcomer_gets_what_is_popular(shop: Project) -> None:
    popular = shop.work("main", "select item_id from serving.popular_items where rank <= 3 order by rank")
    assert len(popular) == 3
    assert shop.work("main", "select item_id from functions.recommend('nobody', 3)") == popular
    assert shop.work("main", "select item_id from functions.recommend(null, 3)") == popular
    known = shop.work(
        "main", "select rank, item_id from serving.recommendations where customer_id = 'c1' and rank <= 2 order by 1"
    )
    assert shop.work("main", "select rank, item_id from functions.recommend('c1', 2)") == known
    assert shop.work("main", "select count(*) from serving.recommendations where customer_id = 'newcomer'") == [(6,)]


@pytest.mark.parametrize(
    ("branch", "interactions", "expected"),
    [
        ("one-item", "1,2024-01-01,ada,purchase,tea\n2,2024-01-02,ada,purchase,tea\n", (0, 0, 1, 0, 1)),
        ("no-items", "1,2024-01-01,ada,signup,\n2,2024-01-02,ada,search,\n", (0, 0, 0, 0, 0)),
    ],
)
def test_hardly_any_data_gives_short_lists_and_no_failure(
    shop: Project, tmp_path: Path, branch: str, interactions: str, expected: tuple[int, ...]
) -> None:
    header = "interaction_id,occurred_at,customer_id,interaction_type,item_id\n"
    write(tmp_path / "interactions/all.csv", header + interactions)
    build(shop, branch, tmp_path)
    tables = ("recommendations", "similar_items", "popular_items")
    lists = ["serving." + table for table in tables] + ["functions.recommend('ada', 3)", "functions.recommend('bob', 3)"]
    counts = ", ".join(f"(select count(*) from {one})" for one in lists)
    assert shop.work(branch, f"select {counts}") == [expected]


def test_popular_items_serve_where_lists_by_similarity_are_no_better(shop: Project) -> None:
    """Customers of three shelves stay on theirs in one shop; in the other each takes what the day is about."""
    gate = "select status, metric, value > baseline_value from history.gates where implementation = 'recommendations__ease'"
    assert shop.work("main", gate) == [("accepted", "ndcg_at_10", True)]
    changing = INTERACTIONS.replace("hash(i, 'c') % 3 * 10 + hash(i, 'x') % 15", "hash(i) % 120 // 4 + hash(i, 'x') % 2")
    write(shop.root / "changing/interactions/all.parquet", changing)
    write(shop.root / "changing/items/all.parquet", ITEMS)
    build(shop, "changing", shop.root / "changing")
    assert shop.work("changing", gate) == [("outdone", "ndcg_at_10", False)]
    served = "select distinct implementation from serving.recommendations"
    assert shop.work("changing", served) == [("recommendations__popular",)]


def test_the_next_day_counts_what_is_popular_and_fits_nothing(shop: Project) -> None:
    query = "select item_id, model_version from serving.popular_items where rank = 1"
    ((before, version),) = shop.work("main", query)
    rush = "select 'j' || i as interaction_id, 'n' || i as customer_id, 'purchase' as interaction_type, 'item34' as item_id,"
    write(shop.root / "mine/interactions/day.parquet", f"{rush} timestamp '2024-04-30' as occurred_at from range(50) as t(i)")
    build(shop, "main", shop.root / "mine")
    assert not {name for name in shop.computed() if name.startswith("recommendation__")}
    assert shop.work("main", query) == [("item34", version)] != [(before, version)]
