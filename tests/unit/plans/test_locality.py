"""Queries that are said to make each partition of that partition alone do so, whichever partitions are made together."""

import random
from collections import Counter

import duckdb
import pytest

from scorehouse.names.partitioning import GRAINS, Partitioning
from scorehouse.plans.locality import AcrossPartitionsError, expect_local
from unit.plans.generated import TABLES, answer, drawn, plan, rows


def part(cell: object, grain: str) -> str:
    """The partition of a time."""
    return "unknown" if cell is None else str(cell)[: {"day": 10, "month": 7, "year": 4}[grain]]


def within(
    content: dict[str, list[list[object]]], inputs: dict[str, str], grain: str, parts: set[str]
) -> dict[str, list[list[object]]]:
    """The rows of some partitions of the inputs, and the whole of everything else."""
    places = {table: list(TABLES[table]).index(column) for table, column in inputs.items()}
    return {
        table: [line for line in lines if table not in places or part(line[places[table]], grain) in parts]
        for table, lines in content.items()
    }


@pytest.mark.parametrize("seed", range(40))
def test_it_does_not_matter_which_partitions_are_made_together(seed: int) -> None:
    draw = random.Random(2000 + seed)
    content = {table: rows(draw, table) for table in TABLES}
    accepted = 0
    for _ in range(30):
        grain = draw.choice(GRAINS)
        inputs = draw.choice([{"s.events": "at"}, {"s.events": "at", "s.people": "since"}])
        sql = drawn(draw, "at")
        try:
            expected = answer(content, sql)
            expect_local(plan(sql), Partitioning("at", grain), inputs)
        except (duckdb.Error, AcrossPartitionsError):
            continue
        accepted += 1
        parts = {
            part(line[list(TABLES[table]).index(column)], grain) for table, column in inputs.items() for line in content[table]
        }
        first = {one for one in parts if draw.random() < 0.5}
        found: Counter[str] = Counter()
        for group in (first, parts - first):
            found += answer(within(content, inputs, grain, group), sql)
        assert found == expected, f"{sql} -- {inputs} by {grain}"
    assert accepted


def correlated(draw: random.Random) -> str:
    """A query with a subquery that is correlated by the time, written in one of the ways of SQL."""
    time = draw.choice(['other."at" = events."at"', 'events."at" = other."at"', 'other."at" is not distinct from events."at"'])
    met = [time, *draw.sample([f'other."{name}" = events."{name}"' for name in TABLES["s.events"] if name != "at"], 1)]
    draw.shuffle(met)
    asked = draw.choice(["exists", "not exists"])
    return f"""select "at" from s.events where {asked} (select 1 from s.events as other where {" and ".join(met)})"""


@pytest.mark.parametrize("seed", range(10))
def test_a_subquery_that_is_correlated_by_the_time_is_local(seed: int) -> None:
    draw = random.Random(seed)
    content, sql, grain = {table: rows(draw, table) for table in TABLES}, correlated(draw), draw.choice(GRAINS)
    expect_local(plan(sql), Partitioning("at", grain), {"s.events": "at"})
    parts = {part(line[list(TABLES["s.events"]).index("at")], grain) for line in content["s.events"]}
    found: Counter[str] = Counter()
    for one in parts:
        found += answer(within(content, {"s.events": "at"}, grain, {one}), sql)
    assert found == answer(content, sql), sql


def membership(draw: random.Random) -> str:
    """A query that asks whether a value is among others: one NULL among them makes it NULL."""
    value, other = draw.choice([("at", "at"), ("tag", "tag"), ("at", "since")])
    of = draw.choice(["", 'where other."at" = events."at"', "where other.\"at\" > timestamp '2024-01-02'"])
    table = "s.people" if other == "since" else "s.events"
    of = "" if other == "since" else of
    asked = draw.choice(["in", "not in", "= any", "<> all"])
    condition = f"""events."{value}" {asked} (select other."{other}" from {table} as other {of})"""
    return (
        f"""select "at", {condition} from s.events"""
        if draw.random() < 0.5
        else f"""select "at" from s.events where {condition}"""
    )


@pytest.mark.parametrize("seed", range(40))
def test_a_question_whether_a_value_is_among_others_is_local_or_refused(seed: int) -> None:
    draw = random.Random(seed)
    content, inputs = {table: rows(draw, table) for table in TABLES}, {"s.events": "at", "s.people": "since"}
    for _ in range(10):
        sql, grain = membership(draw), draw.choice(GRAINS)
        try:
            expect_local(plan(sql), Partitioning("at", grain), inputs)
        except AcrossPartitionsError:
            continue
        places = {table: list(TABLES[table]).index(column) for table, column in inputs.items()}
        parts = {part(line[place], grain) for table, place in places.items() for line in content[table]}
        found: Counter[str] = Counter()
        for one in parts:
            found += answer(within(content, inputs, grain, {one}), sql)
        assert found == answer(content, sql), sql


@pytest.mark.parametrize("asked", ["exists", "not exists"])
def test_a_subquery_that_is_correlated_by_something_else_looks_across_partitions(asked: str) -> None:
    sql = f'select "at" from s.events where {asked} (select 1 from s.events as other where other."at" < events."at")'
    with pytest.raises(AcrossPartitionsError):
        expect_local(plan(sql), Partitioning("at", "day"), {"s.events": "at"})


def test_what_reads_columns_of_the_query_beside_it_is_called_what_it_is() -> None:
    sql = 'select events."at" from s.events as events, unnest(range(events.count)) as numbers(number), json_each(events.tag)'
    with pytest.raises(AcrossPartitionsError, match=r"lateral join or correlated subquery, .* or join on at"):
        expect_local(plan(sql), Partitioning("at", "day"), {"s.events": "at"})
