"""What a plan says that a query reads: columns that it does not name can hold anything."""

import random

import pytest

from scorehouse.plans.operators import Operator
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
