"""Queries that are said not to depend on the order of rows give the same in any order."""

import random
from itertools import cycle

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


SETTLED = [
    "select who from s.people where exists (select 1 from s.events where count > 1)",
    "select count(*) as x from (select * from s.events limit 3)",
    "select any_value(note) filter (where who = 'p1') as x from s.people",
    "select (select note from s.people where who = 'p1') as x",
    "select min(amount + 0.0) as x, quantile_disc(0 + amount, [0.0, 0.5]) as y from s.events",
    "select tag, sum(amount) over (partition by tag) as x from s.events",
    "select tag, sum(amount) as x from s.events group by tag",
    "select histogram(amount, [-0.5, -0.0, 0.2]) as x, histogram_exact(amount, [0.0, 0.2]) as y from s.events",
    "select histogram(rate, ends) as x from s.people, (select [-0.0, max(count)] as ends from s.events)",
    "select count, histogram(amount, [count, 9.0]) as x from s.events where count is not null group by count",
]
UNSETTLED = [
    'select any_value(note) filter (where "group" = 1) as x from s.people',
    "select histogram(count, [count]) as x from s.events where count is not null",
    "select histogram(amount) as x from s.events",
    "select count(count) as x from (select * from s.events limit 7)",
    "select min(amount + '-0.0'::double) as x from s.events where amount >= 0",
    "select any_value(amount) as x from s.events where amount = 0.0",
    "select any_value(amount) filter (where amount = 0.0) as x from s.events",
]


def answers(draw: random.Random, sql: str) -> set[str]:
    """What a query gives over the same rows, -0.0 and 0.0 and no numbers among them, in several orders."""
    content = {table: rows(draw, table) for table in TABLES}
    for lines, place in ((content["s.events"], 3), (content["s.people"], 4)):
        for line, number in zip(lines, cycle(["0.0", "-0.0", "nan", "inf", None]), strict=False):
            line[place] = number
    shuffled = [{table: draw.sample(lines, len(lines)) for table, lines in content.items()} for _ in range(2 * SHUFFLES)]
    return {str(sorted(answer(one, sql, threads=1).items())) for one in shuffled}


@pytest.mark.parametrize("sql", SETTLED)
def test_what_nothing_reads_has_one_value_or_gives_ends_has_no_order(sql: str) -> None:
    read = sql if "over" not in sql and "sum" not in sql else f"select tag from ({sql})"
    assert order_dependent(plan(read), KEYS) == []
    assert len(answers(random.Random(sql), read)) == 1


@pytest.mark.parametrize("sql", UNSETTLED)
def test_what_any_of_several_values_would_settle_has_an_order(sql: str) -> None:
    assert len(answers(random.Random(sql), sql)) > 1, "the query is no example"
    assert order_dependent(plan(sql), KEYS)
