"""Queries that are said not to depend on the order of rows give the same in any order."""

import random

import pytest

from scorehouse.plans.row_order import order_dependent
from unit.plans.generated import KEYS, TABLES, answer, answered, plan, rows

SHUFFLES = 6


@pytest.mark.parametrize("seed", range(40))
def test_what_is_not_said_to_depend_on_order_does_not(seed: int) -> None:
    draw = random.Random(1000 + seed)
    content = {table: rows(draw, table) for table in TABLES}
    asked = 0
    for sql, expected in answered(draw, content, 14):
        if order_dependent(plan(sql), KEYS):
            continue
        asked += 1
        for shuffle in range(SHUFFLES):
            shuffled = {table: draw.sample(lines, len(lines)) for table, lines in content.items()}
            assert answer(shuffled, sql, threads=1 + shuffle % 2) == expected, sql
    assert asked


EQUALS = [
    "select list(amount order by amount) as x from s.events",
    "select list(distinct amount order by amount) as x from s.events",
    "select string_agg(cast(amount as varchar), ',' order by amount) as x from s.events",
    "select first(amount order by amount) as x from s.events",
    "select arg_min(amount, amount) as x from s.events",
    "select amount from s.events order by amount limit 1",
    "select amount, row_number() over (order by amount) as x from s.events",
    "select lag(amount) over (order by amount) as x from s.events",
    "with recursive c(a) as (select amount from s.events union select a from c where false) select a from c",
    "select (amount, ok) as k, count(*) as x from s.events group by k",
    "select distinct {'a': amount} as k from s.events",
    "select distinct on (amount) amount from s.events",
]
"""Queries over -0.0 and 0.0, which are equal to DuckDB and are two values."""


@pytest.mark.parametrize(
    ("held", "is_settled"),
    [
        ("count", True),
        ("tag", True),
        ("[count]", True),
        ("{'a': [tag], 'b': count}", True),
        ("amount", False),
        ("{'a': [amount]}", False),
        ("tag collate nocase", False),
        ("to_days(cast(count as integer))", False),
        ("map([tag], [count])", False),
    ],
)
def test_what_holds_values_that_are_equal_to_themselves_alone_is_so_too(held: str, is_settled: bool) -> None:
    for sql in (
        f"select max({{'held': {held}}}) as x from s.events",
        f"select [{held}] as x, count(*) as n from s.events group by 1",
    ):
        assert (order_dependent(plan(sql), KEYS) == []) == is_settled, sql


@pytest.mark.parametrize("sql", EQUALS)
def test_equal_values_that_differ_have_an_order_too(sql: str) -> None:
    draw = random.Random(sql)
    content = {table: rows(draw, table) for table in TABLES}
    place, truth = map(list(TABLES["s.events"]).index, ("amount", "ok"))
    for number, line in enumerate(content["s.events"]):
        line[place], line[truth] = (0.0, -0.0)[number % 2], True
    shuffled = [{**content, "s.events": draw.sample(content["s.events"], 60)} for _ in range(SHUFFLES)]
    answers = {str(answer(one, sql, threads=1)) for one in shuffled}
    assert len(answers) > 1, "the query is no example"
    assert order_dependent(plan(sql), KEYS), sql
