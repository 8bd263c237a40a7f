"""Columns from after the examples' time are found in the ways analysts write them, and nothing else is."""

import pytest

from scorehouse.learning.prove.lineage import columns_from_after

SCHEMA = {
    "w": {
        "f": {
            "snapshots": {"customer_id": "varchar", "as_of": "timestamp", "visits": "int"},
            "days": {"customer_id": "varchar", "day": "date", "amount": "double"},
            "plans": {"customer_id": "varchar", "plan": "varchar", "valid_from": "date", "valid_to": "date"},
        }
    }
}
LATER = "w.f.snapshots as s left join w.f.days as d on s.customer_id = d.customer_id and "

QUERIES = {
    "a join on later days": (
        f"select s.*, sum(d.amount) as later_amount, d.day is null as label from {LATER} d.day >= s.as_of group by all",
        {"later_amount", "label"},
    ),
    "through a CTE and a star": (
        f"with later as (select s.customer_id, s.as_of, sum(d.amount) as amount from {LATER} d.day > cast(s.as_of as date)"
        " and d.day < s.as_of + interval 90 day group by all), joined as (select s.*, later.amount as next_amount"
        " from w.f.snapshots as s left join later using (customer_id, as_of)) select *, next_amount > 0 as label from joined",
        {"next_amount", "label"},
    ),
    "being there at all": (
        "with back as (select distinct s.customer_id, s.as_of from w.f.snapshots as s"
        " inner join w.f.days as d on s.customer_id = d.customer_id and d.day >= s.as_of)"
        " select s.*, r.customer_id is not null as returns from w.f.snapshots as s"
        " left join back as r on s.customer_id = r.customer_id and s.as_of = r.as_of",
        {"returns"},
    ),
    "a count of rows": (f"select s.customer_id, s.as_of, count(*) as n from {LATER} d.day >= s.as_of group by all", {"n"}),
    "a filter": (
        "select s.customer_id, s.as_of, count(*) filter (where s.as_of <= d.day) as n, sum(d.amount) as amount"
        " from w.f.snapshots as s inner join w.f.days as d using (customer_id) group by all",
        {"n"},
    ),
    "a range beyond": (
        f"select s.*, sum(d.amount) as amount from {LATER} d.day between s.as_of - interval 30 day and s.as_of + interval 9 day"
        " group by all",
        {"amount"},
    ),
    "an end beyond": (
        f"select s.*, sum(d.amount) as amount from {LATER} d.day < s.as_of + interval 9 day group by all",
        {"amount"},
    ),
    "a denial": (f"select s.*, sum(d.amount) as amount from {LATER} not (d.day < s.as_of) group by all", {"amount"}),
    "an aggregate of comparisons": (
        "select s.customer_id, s.as_of, bool_or(d.day > s.as_of) as later, sum((d.day >= s.as_of)::int) as n,"
        " sum((d.day < s.as_of)::int) as earlier"
        " from w.f.snapshots as s inner join w.f.days as d using (customer_id) group by all",
        {"later", "n"},
    ),
    "a correlated subquery": (
        "select s.*, (select count(*) from w.f.days as d where d.customer_id = s.customer_id and d.day >= s.as_of) as n,"
        " (select count(*) from w.f.days as d where d.customer_id = s.customer_id and d.day < s.as_of) as earlier"
        " from w.f.snapshots as s",
        {"n"},
    ),
    "a difference": (
        f"select s.*, sum(d.amount) as amount from {LATER} date_diff('day', s.as_of, d.day) >= 0 group by all",
        {"amount"},
    ),
    "a difference that reaches beyond": (
        f"select s.*, sum(d.amount) as amount from {LATER} d.day - cast(s.as_of as date) < 30 group by all",
        {"amount"},
    ),
    "one of two conditions": (
        f"select s.*, sum(d.amount) as amount from {LATER} (d.day >= s.as_of or d.amount > 9) group by all",
        {"amount"},
    ),
    "another name of the time": (
        "with t as (select *, as_of as cutoff from w.f.snapshots) select t.customer_id, t.as_of, sum(d.amount) as amount"
        " from t left join w.f.days as d on t.customer_id = d.customer_id and d.day >= t.cutoff group by all",
        {"amount"},
    ),
    "a lateral join": (
        "select s.*, l.amount from w.f.snapshots as s left join lateral (select sum(d.amount) as amount from w.f.days as d"
        " where d.customer_id = s.customer_id and d.day > s.as_of) as l on true",
        {"amount"},
    ),
    "the next snapshot": (
        "select a.customer_id, a.as_of, b.visits as next_visits from w.f.snapshots as a left join w.f.snapshots as b"
        " on a.customer_id = b.customer_id and b.as_of = a.as_of + interval 30 day",
        {"next_visits"},
    ),
    "a window that looks ahead": (
        "select customer_id, as_of, lead(visits) over later as next_visits, lag(visits) over (partition by customer_id"
        " order by as_of) as previous, lag(visits) over (partition by customer_id order by as_of desc) as next_too,"
        " sum(visits) over (partition by customer_id order by as_of rows between 1 following and 3 following) as coming"
        " from w.f.snapshots window later as (partition by customer_id order by as_of)",
        {"next_visits", "next_too", "coming"},
    ),
    "a condition on groups": (
        f"select s.customer_id, s.as_of, max(d.amount) as amount from {LATER} true group by all having max(d.day) > s.as_of",
        {"amount"},
    ),
    "no condition at all": (
        "select s.customer_id, s.as_of, sum(d.amount) as amount, max(d.day) as last_day"
        " from w.f.snapshots as s left join w.f.days as d using (customer_id) group by all",
        {"amount", "last_day"},
    ),
    "no condition further in": (
        "with totals as (select customer_id, sum(amount) as amount from w.f.days group by all)"
        " select s.*, t.amount from w.f.snapshots as s left join totals as t using (customer_id)",
        {"amount"},
    ),
    "no condition on rows from further in": (
        "with e as (select customer_id, amount from w.f.days)"
        " select s.customer_id, s.as_of, sum(e.amount) as amount from w.f.snapshots as s left join e using (customer_id)"
        " group by all",
        {"amount"},
    ),
    "days further in, bounded outside": (
        "with daily as (select customer_id, day, sum(amount) as amount from w.f.days group by all)"
        " select s.customer_id, s.as_of, sum(daily.amount) as amount from w.f.snapshots as s left join daily"
        " on s.customer_id = daily.customer_id and daily.day < s.as_of group by all",
        set(),
    ),
    "the day before": (
        "select s.*, d.amount from w.f.snapshots as s left join w.f.days as d"
        " on s.customer_id = d.customer_id and d.day = s.as_of - interval 1 day",
        set(),
    ),
    "a difference before": (
        f"select s.*, sum(d.amount) as amount from {LATER} date_diff('day', d.day, s.as_of) between 1 and 30 group by all",
        set(),
    ),
    "two conditions before": (
        f"select s.*, sum(d.amount) as amount from {LATER} (d.day < s.as_of or d.day = s.as_of - interval 9 day) group by all",
        set(),
    ),
    "a window over what was known": (
        "select s.customer_id, s.as_of, lead(d.amount) over (partition by s.customer_id order by d.day) as following"
        " from w.f.snapshots as s inner join w.f.days as d on s.customer_id = d.customer_id and d.day < s.as_of",
        set(),
    ),
    "an attribute with a date": (
        "select s.*, p.plan from w.f.snapshots as s left join w.f.plans as p using (customer_id)",
        set(),
    ),
    "a range before": (
        f"select s.*, sum(d.amount) as amount from {LATER} d.day between s.as_of - interval 30 day and s.as_of - interval 1 day"
        " group by all",
        set(),
    ),
    "a window before": (
        f"select s.*, sum(d.amount) as amount from {LATER} d.day >= s.as_of - interval 90 day and d.day < s.as_of group by all",
        set(),
    ),
    "what was valid then": (
        "select s.*, p.plan from w.f.snapshots as s inner join w.f.plans as p"
        " on p.valid_from <= s.as_of and p.valid_to > s.as_of",
        set(),
    ),
    "a fixed start": ("select * from w.f.snapshots where as_of >= '2024-01-01'", set()),
    "a matured label": (
        "select * from w.f.snapshots where as_of + interval 90 day <= (select max(as_of) from w.f.snapshots)",
        set(),
    ),
}


@pytest.mark.parametrize("name", QUERIES)
def test_columns_from_after_are_found(name: str) -> None:
    sql, expected = QUERIES[name]
    assert columns_from_after(sql, "as_of", SCHEMA, {}) == expected


def test_a_table_that_is_known_to_look_ahead_taints_what_reads_it() -> None:
    sql = "with e as (select * from w.f.days) select customer_id, amount + 1 as more from e"
    assert columns_from_after(sql, "as_of", SCHEMA, {"f.days": {"amount"}}) == {"more"}
