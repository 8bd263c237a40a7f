"""Columns from after the examples' time are found in the ways analysts write them, and nothing else is."""

import pytest

from scorehouse.learning.lineage import columns_from_after

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
