"""Customer segments: numbers that last, movement since the last release, rules that pass the gate, and few customers."""

from itertools import permutations

import numpy as np
import pytest

from project.harness import Outcome, Project, copy_of_the_project, query_file
from project.test_landing import PURCHASES, write

RULES = "seeds/configuration/segment_rules.csv"
LATER = PURCHASES.replace("'i' || c", "'later' || c").replace("2024-01-01", "2025-06-01")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A shop with two releases: the second knows a second period of purchases by a quarter of the customers."""
    project = copy_of_the_project(tmp_path_factory.mktemp("segments"))
    write(project.root / "mine/interactions/first.parquet", PURCHASES)
    built = run(project)
    assert built.is_green, built.output
    project.first = dict(project.serving("select customer_id, segment_number from customer_segments"))
    project.first_segments = segments(project)
    write(project.root / "mine/interactions/later.parquet", f"from ({LATER}) where hash(customer_id) % 4 = 0")
    built = run(project)
    assert built.is_green, built.output
    return project


def run(shop: Project, *select: str, branch: str = "main", folder: str = "mine", **environment: str) -> Outcome:
    variables = f"{{interaction_sources: [landing], landing_path: {shop.root / folder}, products: [segments]}}"
    return shop.dbt("build", "--vars", variables, *select, branch=branch, **environment)


def segments(shop: Project) -> dict[int, tuple]:
    rows = shop.catalog(
        "select segment_number, model_version, segment, recency_in_gaps, purchase_day_count, net_amount from scores.segments"
    )
    return {number: row for number, *row in rows}


def apart(before: dict[int, tuple], now: dict[int, tuple]) -> float:
    """Sum of the squared distances of the centres that have one number, in logarithms and standard deviations of all."""
    sides = [np.array([found[number][2:] for number in sorted(found)], float) for found in (before, now)]
    sizes = np.median(np.vstack(sides), axis=0)
    places = [np.log1p(side / sizes) for side in sides]
    places = [side / np.std(np.vstack(places), axis=0) for side in places]
    by_number = [dict(zip(sorted(found), side, strict=True)) for found, side in zip((before, now), places, strict=True)]
    return sum(((by_number[0][number] - by_number[1][number]) ** 2).sum() for number in before.keys() & now.keys())


def test_customers_get_the_nearest_named_segment(shop: Project) -> None:
    rows = shop.serving("select count(*), count(segment), min(distance) >= 0, count(distinct segment) from customer_segments")
    ((customers, named, is_distance, kinds),) = rows
    assert customers == named > 300
    assert is_distance
    assert 3 <= kinds <= 8
    metrics = "from registry.model_metrics where is_current and model = 'segments__kmeans'"
    assert shop.catalog(f"select value > 0.2 {metrics} and metric = 'silhouette'") == [(True,)]


def test_names_mean_what_they_say(shop: Project) -> None:
    """Of the centres themselves: who is silent for longer than usual is nobody's champion, and who bought once is not loyal."""
    centres = shop.catalog("select segment, customer_share, recency_in_gaps, one_time_share from scores.segments")
    assert len(centres) >= 3
    for segment, share, gaps, once in centres:
        name = segment.rstrip(" 0123456789")
        assert (name == "outliers") == (share < 0.01), centres
        if name == "outliers":
            continue
        assert (name in ("champions", "loyal", "promising")) == (gaps < 1.5), centres
        assert name not in ("loyal", "at risk") or once < 0.2, centres


def test_a_new_version_keeps_the_segments_numbers_and_says_who_moved(shop: Project) -> None:
    before, now = shop.first_segments, segments(shop)
    assert {row[0] for row in before.values()} != {row[0] for row in now.values()}
    assert len(before.keys() & now.keys()) == min(len(before), len(now))
    others = [dict(zip(order, now.values(), strict=True)) for order in permutations(now)]
    assert len(others) > 1
    assert apart(before, now) == pytest.approx(min(apart(before, other) for other in others))
    served = shop.serving(
        "select customer_id, (segment_number, segment), (previous_segment_number, previous_segment), has_moved"
        " from customer_segments"
    )
    assert {customer: number for customer, _, (number, _), _ in served if number is not None} == shop.first
    assert all(has_moved == (now != before) for customer, now, before, has_moved in served if customer in shop.first)
    assert len({has_moved for *_, has_moved in served}) == 2


def test_building_again_computes_and_publishes_nothing(shop: Project) -> None:
    outcome = run(shop)
    assert outcome.is_green, outcome.output
    assert shop.computed() == set()
    assert "stays: nothing changed" in outcome.output
    assert shop.work("main", "select count(*) from duckdb_views() where contains(view_name, '@')") == [(0,)]


def test_rule_segments_are_the_conditions_of_the_seed(shop: Project) -> None:
    (same,) = shop.catalog(
        "select bool_and(list_contains(rule_segments, 'overdue regulars')"
        " = coalesce(purchase_day_count >= 4 and recency_in_gaps > 3, false)),"
        " count(*) filter (where len(rule_segments) > 0) > 10"
        " from serving.customer_segments inner join features.customer_snapshots using (customer_id) where is_current"
    )
    assert same == (True, True)


def test_a_rule_says_why_a_customer_is_in(shop: Project) -> None:
    reasons = shop.serving("select unnest(rule_segments), unnest(rule_reasons) from customer_segments")
    assert set(reasons) <= set(shop.catalog("select segment, description from configuration.segment_rules"))
    assert len(set(reasons)) > 1


def test_the_summary_counts_every_customer_and_every_move_once(shop: Project) -> None:
    ((customers, entered, gone, share),) = shop.serving(
        "select sum(customer_count), sum(entered_count), sum(left_count), sum(customer_share) from segment_summary"
    )
    assert customers == shop.serving("select count(segment_number) from customer_segments")[0][0]
    moved = shop.serving("select count(*) from customer_segments where previous_segment_number <> segment_number")[0][0]
    assert entered == gone == moved > 0
    assert share == pytest.approx(1)


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("exists (from 'secrets.csv')", "expected one condition over the columns of a row"),
        ("tenure_days <= '5x'", "expected a condition that can be asked of every row"),
    ],
)
def test_a_wrong_condition_fails_the_build(shop: Project, condition: str, sentence: str) -> None:
    rules = (shop.root / RULES).read_text()
    shop.write(RULES, f"{rules}9,curious,{condition},Not a condition of a row.\n")
    outcome = run(shop, "--select", "segment_rules", "customer_segments", branch="curious")
    shop.write(RULES, rules)
    assert not outcome.is_green
    assert f"Seed segment_rules, curious: {sentence}" in outcome.output


def test_one_customer_has_rule_segments_and_no_cluster(shop: Project) -> None:
    write(shop.root / "one/interactions/one.parquet", f"from ({PURCHASES}) where customer_id = 'c7'")
    warehouse = shop.root / "other"
    outcome = run(
        shop, "--select", "+customer_segments", "--indirect-selection", "cautious", folder="one", WAREHOUSE_PATH=str(warehouse)
    )
    assert outcome.is_green, outcome.output
    query = "select segment, distance, rule_segments is not null from serving.customer_segments"
    assert query_file(warehouse / "main/.work/warehouse.duckdb", query) == [(None, None, True)]
