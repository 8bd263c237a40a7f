"""What a plan says that a query reads: columns that it does not name can hold anything."""

import random

import pytest

from scorehouse.plans.operators import Operator, UnknownPlanError, expect_sound
from scorehouse.plans.reads import columns_read
from unit.plans.generated import ROWS, TABLES, answer, answered, plan, rows, value


def read(plan: Operator) -> dict[str, set[str]]:
    return {name: columns for name, columns in columns_read(plan).items() if name in TABLES}


@pytest.mark.parametrize("seed", range(40))
def test_columns_that_are_not_read_can_hold_anything(seed: int) -> None:
    draw = random.Random(seed)
    content = {table: rows(draw, table) for table in TABLES}
    unread = 0
    for sql, expected in answered(draw, content, 10):
        found = read(plan(sql))
        other = {}
        for table, lines in content.items():
            if table in found:
                columns = list(TABLES[table])
                other[table] = [
                    [
                        cell if c in found[table] else value(draw, table, c, draw.randrange(ROWS[table]))
                        for c, cell in zip(columns, line, strict=True)
                    ]
                    for line in lines
                ]
                unread += len(columns) - len(found[table])
            else:
                other[table] = rows(draw, table)[: draw.randrange(5)]
        assert answer(other, sql) == expected, sql
    assert unread


MADE = ["json_each(json_object(x.tag, 1)) as made(made)", "range(x.count) as made(made)"]


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("column", list(TABLES["s.people"]))
def test_what_a_table_function_makes_of_a_row_moves_no_other_column(made: str, column: str) -> None:
    both = f"select x.id, made.made, y.* from s.events as x, {made} join s.people as y on y.group = x.id"
    found = read(plan(f'select id, "{column}" from ({both})'))
    assert found["s.people"] == {"group", column}
    assert found["s.events"] == {"id", "tag" if "tag" in made else "count"}


def test_a_plan_that_disagrees_with_itself_is_not_known() -> None:
    said = plan("select events.id, people.note from s.events, s.people").said
    for moved in (-1, 1):
        text, note = said["expressions"]
        with pytest.raises(UnknownPlanError):
            expect_sound(Operator.of({**said, "expressions": [text, {**note, "index": note["index"] + moved}]}))
