"""Which columns only say when a row was computed."""

import pytest

from scorehouse.plans.shadow import Relation, Shadow
from scorehouse.plans.stamps import TIME_OF_BUILD, ComputesWithTimeError, stamps

COLUMNS = {"id": "integer", "bought_at": "timestamp", "scored_at": "timestamp"}
TABLES = [Relation("main.churn", COLUMNS), Relation("main.spend", COLUMNS)]
KNOWN = {"main.churn": ["scored_at"], "main.spend": ["scored_at"]}


def stamped(sql: str) -> list[str]:
    with Shadow(TABLES, [], {"built_at": TIME_OF_BUILD}) as shadow:
        names = shadow.columns(sql)
        return [names[place] for place in sorted(stamps(shadow.plan(sql, "a.sql"), KNOWN))]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select id, scored_at as at, getvariable('built_at') as built from main.churn", ["at", "built"]),
        ("select * from (select scored_at as at, id from main.churn order by id limit 3)", ["at"]),
        ("select c.scored_at as a, s.scored_at as b, s.id from main.churn as c left join main.spend as s using (id)", ["a", "b"]),
        ("select greatest(c.scored_at, s.scored_at) as at from main.churn as c left join main.spend as s using (id)", ["at"]),
        ("select scored_at from main.churn union all select scored_at from main.spend", ["scored_at"]),
        ("select scored_at from main.churn union all select bought_at from main.spend", []),
        ("select greatest(scored_at, bought_at) as at from main.churn", []),
        ("select greatest(scored_at, timestamp '2026-01-01') as at from main.churn", []),
        ("select least(c.scored_at, s.scored_at) as at from main.churn as c left join main.spend as s using (id)", []),
        ("select max(scored_at) as at from main.churn", []),
        ("select scored_at + interval 1 day as at, bought_at from main.churn", []),
    ],
)
def test_a_time_that_is_passed_on_is_a_stamp_and_one_that_is_computed_with_is_data(sql: str, expected: list[str]) -> None:
    assert stamped(sql) == expected


BUILT = "getvariable('built_at')"


@pytest.mark.parametrize(
    "sql",
    [
        f"select greatest({BUILT}, scored_at) as made from main.churn",
        f"select made is null from (select {BUILT} as made from main.churn union all select bought_at from main.churn)",
        f"select id, {BUILT} as made from main.churn union all select id, scored_at from main.churn",
        f"select id from main.churn union select id from (select id, {BUILT} as made from main.churn) where made is not null",
        f"with recursive r as (select 1 as i, {BUILT} as made union all select i + 1, made from r where i < 3) select i from r",
        f"select value from (select {BUILT} as made from main.churn) as x, json_each(json_object('a', x.made)) as numbers",
        f"select x.id from (select id, {BUILT} as made from main.churn) as x positional join main.spend",
    ],
)
def test_the_time_of_the_build_is_not_computed_with_nor_mixed_with_other_values(sql: str) -> None:
    with pytest.raises(ComputesWithTimeError):
        stamped(sql)


def test_the_time_of_the_build_on_both_sides_stays_a_stamp() -> None:
    sql = f"select id, {BUILT} as made from main.churn union all select id, {BUILT} from main.spend"
    assert stamped(sql) == ["made"]
