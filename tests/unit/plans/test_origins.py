"""What a plan says that values are made of: no other column's text stands in them."""

import datetime
import random

import pytest

from scorehouse.plans.origins import made_of
from unit.plans.generated import TABLES, answer, answered, plan, rows

MARKED = {"a": ("s.events", "tag"), "b": ("s.events", "tag"), "c": ("s.events", "tag"), "x": ("s.people", "note")}
"""Letters that stand in one column alone."""


@pytest.mark.parametrize("seed", range(20))
def test_every_value_is_made_of_the_columns_that_are_told(seed: int) -> None:
    draw = random.Random(seed)
    content = {table: rows(draw, table) for table in TABLES}
    note = list(TABLES["s.people"]).index("note")
    content["s.people"] = [[cell and "x" if c == note else cell for c, cell in enumerate(row)] for row in content["s.people"]]
    seen = 0
    for sql, _ in answered(draw, content, 12):
        told = made_of(plan(sql))
        for row in answer(content, sql):
            for cell, columns in zip(eval(row, {"datetime": datetime}), told, strict=True):
                for letter in set(cell if isinstance(cell, str) else ()) & MARKED.keys():
                    table, column = MARKED[letter]
                    assert (table, column) in columns, sql
                    seen += 1
    assert seen


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select tag from s.events where who = 'p1' and ok", [["tag"]]),
        ("select who, count(*) as n, max(tag) as t from s.events group by who, ok", [["who"], [], ["tag"]]),
        ("select upper(tag) || who as t from s.events order by ok limit 3", [["tag", "who"]]),
        ("select arg_max(tag, who) filter (where ok) as t, list(who order by id) as w from s.events", [["tag"], ["who"]]),
        ("select who from s.events union select tag from s.events", [["tag", "who"]]),
        ("select who, unnest(string_split(tag, 'b')) as t from s.events", [["who"], ["tag"]]),
        (
            "with recursive r(n, t) as (select 1, tag from s.events union all select 2, t from r where n < 2) select t from r",
            [["tag"]],
        ),
        ("select t from (values (1, 'a'), (2, 'b')) as v(n, t)", [[]]),
        ("select tag in (select note from s.people) as t from s.events", [["note", "tag"]]),
        ("select lag(tag) over (partition by who order by ok) as t, tag from s.events", [["tag"], ["tag"]]),
        (
            "with e as (select who as w, tag from s.events) select a.w, b.tag from e a join e b using (w)",
            [["who"], ["tag"]],
        ),
    ],
)
def test_what_only_decides_which_rows_there_are_is_no_part_of_a_value(sql: str, told: list[list[str]]) -> None:
    assert [sorted(column for _, column in columns) for columns in made_of(plan(sql))] == told
