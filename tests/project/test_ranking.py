"""Ranking of search results, on a simulated log whose truth is known: who is looked at, and what is relevant."""

import duckdb
import pytest

from project.harness import Project, copy_of_the_project

SIMULATION = """
create macro share(a, b) as ('0x' || substr(md5(a::varchar || ':' || b::varchar), 1, 12))::bigint / 281474976710656.0;
create table items as
select
    'item' || (15 * n + a) as item_id,
    ['red', 'blue', 'vintage', 'ceramic', 'wooden', 'small', 'large', 'floral', 'striped', 'white', 'retro', 'garden', 'tin',
     'metal', 'paper'][a + 1]
    || ' ' || ['mug', 'lamp', 'clock', 'bowl', 'candle', 'frame', 'basket', 'vase', 'bag', 'tray'][n + 1] as title,
    n, a, 2 + 40 * share(15 * n + a, 'price') as price, share(15 * n + a, 'quality') as quality
from range(10) as nouns(n), range(15) as adjectives(a);
create table searches as
select s, 'c' || hash(s) % 500 as customer_id, timestamp '2024-01-01' + interval (s * 30) minute as occurred_at,
    floor(10 * share(s, 'noun')) as n
from range(6000) as searches(s);
create table impressions as
select s, customer_id, occurred_at, split_part(noun.title, ' ', 2) as query, items.item_id, quality as relevance,
    row_number() over (partition by s order by 0.8 * share(s, items.item_id) + 0.4 * share(items.item_id, 'old') desc) as position
from searches
inner join items using (n)
inner join (select n, any_value(title) as title from items group by n) as noun using (n)
qualify position <= 10;
create table clicks as
select * from impressions where share(s, 'click' || item_id) < (1.0 / position) * (0.05 + 0.75 * relevance);
"""
INTERACTIONS = """
select 'i' || s || '-' || position as interaction_id, occurred_at, customer_id, 's' || s as session_id,
    'impression' as interaction_type, item_id, query, position from impressions
union all
select 'k' || s || '-' || position, occurred_at + interval (position) second, customer_id, 's' || s, 'click', item_id, query,
    position from clicks
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = copy_of_the_project(tmp_path_factory.mktemp("ranking"))
    folder = project.root / "landing"
    with duckdb.connect(str(project.root / "truth.duckdb")) as log:
        log.execute(SIMULATION)
        for name, query in (("interactions", INTERACTIONS), ("items", "select item_id, title, price from items")):
            (folder / name).mkdir(parents=True)
            log.execute(f"copy ({query}) to '{folder / name / 'all.parquet'}'")
    project.build("--vars", f"{{interaction_sources: [landing], landing_path: {folder}, products: [search]}}")
    return project


def test_the_bias_of_positions_is_found(shop: Project) -> None:
    found = dict(shop.work("main", "select position, propensity from features.position_propensities"))
    assert sorted(found) == list(range(1, 11))
    assert all(abs(found[position] - 1 / position) < 0.08 for position in found)


def test_periods_are_weeks_that_do_not_move_as_the_log_grows_and_the_newest_is_whole(shop: Project) -> None:
    query = "select period_at, date_diff('day', min(occurred_at), max(occurred_at)) + 1 from features.search_impressions"
    days = dict(shop.work("main", f"{query} group by 1 order by 1"))
    assert all(period.isoweekday() == 1 for period in days)
    assert [*days.values()] == [7] * 16 + [13]


def test_items_are_ranked_by_their_true_relevance_better_than_they_were_shown(shop: Project) -> None:
    work = shop.folder() / ".work" / "warehouse.duckdb"
    with duckdb.connect() as reader:
        reader.execute(f"attach '{work}' as warehouse (read_only)")
        reader.execute(f"attach '{shop.root / 'truth.duckdb'}' as truth (read_only)")
        learned, shown = reader.execute("""
            with ranked as (
                select query, relevance, rank, avg_position
                from warehouse.serving.item_ranking
                inner join (
                    select query, item_id, any_value(relevance) as relevance, avg(position) as avg_position
                    from truth.impressions group by all
                ) using (query, item_id)
            )
            select -corr(rank, relevance), -corr(avg_position, relevance) from ranked
        """).fetchone()
    assert learned > 0.85
    assert shown < 0.3


def test_held_out_searches_are_ranked_better_than_by_popularity_or_words(shop: Project) -> None:
    found = dict(shop.work("main", "select ranking, unbiased_ndcg_at_10 from learning.ranking_evaluation"))
    assert set(found) == {"as shown", "popularity", "words", "pointwise", "pairwise"}
    for implementation in ("pointwise", "pairwise"):
        assert found[implementation] > max(found["popularity"], found["words"]) - 0.005
        assert found[implementation] > found["words"] + 0.01


def test_monitoring_measures_the_newest_searches_as_the_evaluation_does(shop: Project) -> None:
    evaluated = dict(shop.work("main", "select ranking, unbiased_ndcg_at_10 from learning.ranking_evaluation"))
    query = "select value, baseline_value, lower_bound, upper_bound from monitoring.performance where metric = 'ndcg_at_10'"
    ((value, baseline, lower, upper),) = shop.work("main", f"{query} and not is_trained_on")
    assert (value, baseline) == pytest.approx((evaluated["pairwise"], evaluated["popularity"]), abs=1e-9)
    assert 0.9 * value < lower < value < upper < 1.1 * value
    lead = (
        "select count(*) from monitoring.signals where measure = 'lead' and subject = 'ndcg_at_10 over item_ranking__popularity'"
    )
    assert shop.work("main", lead) == [(1,)]


def test_every_query_has_one_item_at_each_rank(shop: Project) -> None:
    query = "select count(*), count(distinct rank), max(rank) from serving.item_ranking group by query"
    assert all(count == ranks == last for count, ranks, last in shop.work("main", query))


@pytest.mark.parametrize(
    ("query", "first"),
    [("lamp", "from item_ranking where query = 'lamp' order by rank limit 1"), ("white lamp", None), ("whit lam", None)],
)
def test_search_ranks_known_queries_by_clicks_and_others_by_their_words(shop: Project, query: str, first: str | None) -> None:
    expected = shop.serving(f"select item_id {first}") if first else [("item24",)]
    found = shop.serving(f"select item_id from search_items('{query}', null, 5)")
    assert found[:1] == expected
    assert len(found) == 5


def test_search_without_words_gives_what_is_wanted_most_and_nonsense_gives_nothing(shop: Project) -> None:
    assert len(shop.serving("from search_items('', 'c1', 3)")) == 3
    assert shop.serving("from search_items('qqqq', 'c1', 3)") == []
