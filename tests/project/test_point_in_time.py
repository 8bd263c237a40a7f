"""As of a past date nothing that is served knows anything later: a build then is a build on what was known then."""

import statistics
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from project.harness import Project, copy_of_the_project
from project.test_landing import write

PAST = "2011-09-01"
KNOWN = {  # what a file of the folder must have before PAST to be known by then
    "interactions": "greatest(occurred_at, received_at)",
    "customers": "signed_up_at",
    "labels": "known_at",
}
LOG = """
with days as (
    select
        i,
        timestamp '2011-05-02' + interval (hash(i, 'day') % 200) day + interval (hash(i, 's') % 80000) second as occurred_at,
        'w' || hash(i, 'c') % 300 as customer_id,
        'product' || hash(i, 'x') % 40 as item_id
    from range(9000) as t(i)
),
dated as (
    -- a tenth is received up to two months later
    select *, occurred_at + to_days(case hash(i, 'late') % 10 when 0 then hash(i, 'by') % 60 else 0 end::integer) as received_at
    from days
),
bought as (
    select 'b' || i as interaction_id, * exclude (i),
        ['purchase', 'view', 'rating', 'cancel', 'add_to_cart', 'coupon_redeemed'][1 + cast(hash(i, 't') % 6 as integer)]
            as interaction_type,
        10 + hash(i, 'a') % 90 as amount, json_object('rating', hash(i, 'r') % 6) as properties
    from dated
),
searched as (
    select 's' || i as interaction_id, * exclude (i), 'impression' as interaction_type, 's' || i // 10 as session_id,
        'mug ' || i % 3 as query, 1 + i % 10 as position
    from dated
),
clicked as (
    select * replace ('k' || interaction_id as interaction_id, 'click' as interaction_type) from searched
    where hash(interaction_id) % (2 * position) = 0
),
shown as (
    select 'e' || i as interaction_id, * exclude (i, item_id), 'impression' as interaction_type,
        case when occurred_at < '2011-10-01' then 'banner' else 'later banner' end as experiment,
        ['a', 'b'][1 + i % 2] as variant, 0.5 as propensity, json_object('age', hash(i, 'age') % 50) as properties
    from dated where i % 3 = 0
),
offered as (
    select 'o' || i as interaction_id, * exclude (i, item_id), 'impression' as interaction_type, 'coupon' as experiment,
        ['holdout', 'coupon'][1 + i // 4 % 2] as variant, 0.5 as propensity
    from dated where i % 4 = 0
),
paid as (
    select 'p' || i as interaction_id, * exclude (i), 'payment' as interaction_type, 5 + hash(i, 'a') % 200 as amount from dated
),
all_rows as (
    from bought union all by name from searched union all by name from clicked
    union all by name from shown union all by name from offered union all by name from paid
)
select * exclude (occurred_at, received_at), occurred_at, received_at from all_rows
"""
ITEMS = "select 'product' || i as item_id, 'mug ' || i as title, 'shelf ' || i % 4 as category, i as price from range(40) as t(i)"
CUSTOMERS = "select 'w' || i as customer_id, timestamp '2011-03-01' + to_days(i) as signed_up_at from range(400) as t(i)"
LABELS = f"""
with payments as (select interaction_id as entity_id, occurred_at from ({LOG}) where interaction_type = 'payment')
select entity_id, 'fraud' as label, hash(entity_id) % 20 = 0 as value, occurred_at + interval 5 day as known_at from payments
union all
-- some turn out to be fraud after all
select entity_id, 'fraud', true, occurred_at + interval 30 day from payments where hash(entity_id, 'later') % 50 = 0
"""


def shop(root: Path, until: str | None = None) -> Project:
    """The project on the bundled invoices and a shop of everything else: all of both, or what was known until a date."""
    project = copy_of_the_project(root)
    for name, query in {"interactions": LOG, "items": ITEMS, "customers": CUSTOMERS, "labels": LABELS}.items():
        where = f" where {KNOWN[name]} < '{until}'" if until and name in KNOWN else ""
        write(root / f"mine/{name}/all.parquet", f"from ({query}){where}")
    if until:
        (file,) = (root / "seeds/raw/retail").glob("*.parquet")
        known = duckdb.read_parquet(str(file)).filter(f"InvoiceDate < '{until}'").to_arrow_table()
        duckdb.from_arrow(known).write_parquet(str(file))
    return project


def build(project: Project, variables: str = "") -> Project:
    project.build("--vars", f"{{interaction_sources: [retail, landing], landing_path: {project.root / 'mine'}{variables}}}")
    return project


@pytest.fixture(scope="module")
def of_the_past(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return build(shop(tmp_path_factory.mktemp("past")), f", as_of: {PAST}")


@pytest.fixture(scope="module")
def in_the_past(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return build(shop(tmp_path_factory.mktemp("then"), until=PAST))


def test_a_build_of_a_past_date_serves_what_a_build_on_that_date_did(of_the_past: Project, in_the_past: Project) -> None:
    tables = of_the_past.serving("select table_name from duckdb_tables() where table_name not in ('release', 'endpoints')")
    assert len(tables) > 15
    for (table,) in tables:
        # a version is named by its data, which other files give another name
        query = f"select columns(lambda name: name not in ('scored_at', 'model_version')) from {table} order by all"
        now, then = of_the_past.serving(query), in_the_past.serving(query)
        assert then, f"{table} proves nothing: it is empty"
        assert now == then, table


def test_what_comes_later_was_there_to_be_known(of_the_past: Project) -> None:
    counts = of_the_past.catalog(
        f"select count(*) filter (where greatest(occurred_at, received_at) >= '{PAST}') > 100000,"
        f" count(*) filter (where occurred_at < '{PAST}' and received_at >= '{PAST}') > 500,"
        f" (select max(as_of) from intermediate.int_as_of_times) = '{PAST}' from intermediate.int_interactions"
    )
    assert counts == [(True, True, True)]


SAMPLE = "hash(customer_id) % 12 = 0"


def test_snapshots_are_what_the_interactions_known_by_then_say(of_the_past: Project) -> None:
    """Counted one customer and time after the other, from interactions."""
    rows = of_the_past.catalog(
        "select customer_id, interaction_type, cast(occurred_at as date), cast(greatest(occurred_at, received_at) as date),"
        f" coalesce(amount, 0), item_id, greatest(occurred_at, received_at) from intermediate.int_interactions where {SAMPLE}"
    )
    columns = (
        "recency_days, tenure_days, purchase_day_count, purchase_day_count_30d, purchase_day_count_90d, purchase_day_count_180d,"
        " purchase_month_count, purchase_count, purchase_amount, purchase_amount_30d, purchase_amount_90d, net_amount,"
        " item_count, cancellation_count, mean_gap_days, gap_deviation_days, last_gap_days, trend"
    )
    found = of_the_past.catalog(f"select customer_id, as_of, {columns} from features.customer_snapshots where {SAMPLE}")
    by_customer: dict[str, list[tuple]] = {}
    for customer, *row in rows:
        by_customer.setdefault(customer, []).append(tuple(row))
    expected = {
        (customer, as_of): counted
        for (as_of,) in of_the_past.catalog("select as_of from intermediate.int_as_of_times")
        for customer, known in by_customer.items()
        if (counted := snapshot([row for row in known if row[2] < as_of.date()], as_of))
    }
    assert len(expected) > 1000
    assert {(customer, as_of) for customer, as_of, *_ in found} == expected.keys()
    for customer, as_of, *values in found:
        by_hand = expected[customer, as_of]
        assert [value is None for value in values] == [value is None for value in by_hand], (customer, as_of)
        assert [value or 0 for value in values] == pytest.approx([value or 0 for value in by_hand], abs=1e-6), (customer, as_of)


def snapshot(known: list[tuple], as_of: datetime) -> list | None:
    """What is known of a customer, in the order of the test's columns; None without a purchase."""
    today = as_of.date()
    bought = [(day, float(amount), item) for kind, day, _, amount, item, _ in known if kind == "purchase"]
    returned = [float(amount) for kind, _, _, amount, *_ in known if kind in ("cancel", "refund")]
    if not bought:
        return None
    days = sorted({day for day, *_ in bought})
    ages = [(today - day).days for day in days]
    gaps = [(later - day).days for day, later in pairwise(days)]

    def spent(first: int, last: int) -> float:
        return sum(amount for day, amount, _ in bought if first <= (today - day).days <= last)

    lately, before = spent(0, 90), spent(91, 180)
    return [
        *(min(ages), max(ages), len(days), *(sum(age <= span for age in ages) for span in (30, 90, 180))),
        len({date(day.year, day.month, 1) for day in days}),
        *(len(bought), spent(0, 10**6), spent(0, 30), lately, spent(0, 10**6) - sum(returned)),
        len({item for kind, _, _, _, item, at in known if kind == "purchase" and item is not None and at < as_of}),
        len(returned),
        statistics.fmean(gaps) if gaps else None,
        statistics.stdev(gaps) if len(gaps) > 1 else None,
        gaps[-1] if gaps else None,
        (lately - before) / (lately + before) if lately + before else None,
    ]
