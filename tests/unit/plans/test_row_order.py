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
