"""Queries drawn at random over two small tables, and what they give."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import duckdb

from scorehouse.names.quoting import literal
from scorehouse.plans.operators import Operator
from scorehouse.plans.shadow import DATABASE, Relation, Shadow

Columns = dict[str, str]
"""Kinds of columns by name: number, whole, text, time or truth."""

TABLES: dict[str, Columns] = {
    "s.events": {"id": "whole", "who": "text", "at": "time", "amount": "number", "count": "whole", "tag": "text", "ok": "truth"},
    "s.people": {"who": "text", "group": "whole", "since": "time", "note": "text", "rate": "number"},
}
KEYS = {"s.events": {("id",)}, "s.people": {("who",)}}
TYPES = {"number": "DOUBLE", "whole": "BIGINT", "text": "VARCHAR", "time": "TIMESTAMP", "truth": "BOOLEAN"}
ROWS = {"s.events": 60, "s.people": 8}


def value(draw: random.Random, table: str, column: str, row: int) -> object:
    """A cell; keys are the row's number."""
    if (column,) in KEYS[table]:
        return row if column == "id" else f"p{row}"
    if draw.random() < 0.1:
        return None
    kind = TABLES[table][column]
    if column == "who":
        return f"p{draw.randrange(10)}"
    return {
        "number": lambda: draw.choice([0.1, 0.2, 0.3, 1.7, -2.5]),
        "whole": lambda: draw.randrange(4),
        "text": lambda: draw.choice("abc"),
        "time": lambda: f"2024-0{draw.randrange(1, 4)}-0{draw.randrange(1, 4)} 0{draw.randrange(3)}:00:00",
        "truth": lambda: draw.random() < 0.5,
    }[kind]()


def rows(draw: random.Random, table: str) -> list[list[object]]:
    """All rows of a table."""
    return [[value(draw, table, column, row) for column in TABLES[table]] for row in range(ROWS[table])]


@cache
def connected(threads: int) -> duckdb.DuckDBPyConnection:
    """A connection with so many threads."""
    return duckdb.connect(config={"threads": threads})


def answer(content: Mapping[str, Sequence[Sequence[object]]], sql: str, threads: int = 1) -> Counter[str]:
    """What a query over these rows gives, whatever the order of what it gives."""
    connection = connected(threads)
    connection.execute(f"attach ':memory:' as {DATABASE}; use {DATABASE}; create schema s")
    try:
        for table, lines in content.items():
            columns = ", ".join(f'"{name}" {TYPES[kind]}' for name, kind in TABLES[table].items())
            connection.execute(f"create table {table} ({columns})")
            if lines:
                listed = ", ".join(f"({', '.join(map(literal, line))})" for line in lines)
                connection.execute(f"insert into {table} values {listed}")
        return Counter(map(repr, connection.execute(sql).fetchall()))
    finally:
        connection.execute(f"use memory; detach {DATABASE}")


def answered(
    draw: random.Random, content: Mapping[str, Sequence[Sequence[object]]], count: int, first: str | None = None
) -> Iterator[tuple[str, Counter[str]]]:
    """As many drawn queries, without those that DuckDB cannot run over these rows, and what they give."""
    for _ in range(count):
        sql = drawn(draw, first)
        try:
            expected = answer(content, sql)
        except duckdb.Error:
            continue
        yield sql, expected


def plan(sql: str) -> Operator:
    """The plan of a query over the two tables."""
    relations = [Relation(name, {c: TYPES[kind] for c, kind in columns.items()}) for name, columns in TABLES.items()]
    with Shadow(relations) as shadow:
        return shadow.plan(sql, "models/a.sql")


@dataclass
class Drawn:
    """A query in the making: common table expressions one after the other."""

    draw: random.Random
    steps: list[str] = field(default_factory=list)
    named: list[tuple[str, Columns]] = field(default_factory=list)

    def add(self, sql: str, columns: Columns) -> None:
        """Add a step."""
        self.named.append((f"r{len(self.steps)}", columns))
        self.steps.append(sql)

    def last(self) -> tuple[str, Columns]:
        """The newest step's name and columns."""
        return self.named[-1]

    def pick(self, columns: Columns, *kinds: str) -> str:
        """A column of one of these kinds, in quotes; a constant where there is none."""
        found = [name for name, kind in columns.items() if not kinds or kind in kinds]
        return f'"{self.draw.choice(found)}"' if found else {"text": "'a'", "time": "timestamp '2024-01-01'"}.get(kinds[0], "1")

    def some(self, columns: Columns, most: int) -> list[str]:
        """Some columns' names."""
        names = list(columns)
        return self.draw.sample(names, min(len(names), self.draw.randint(1, most)))

    def order(self, columns: Columns) -> str:
        """Something to order by."""
        return ", ".join(f'"{name}"{self.draw.choice(["", " desc", " nulls first"])}' for name in self.some(columns, 3))

    def condition(self, columns: Columns) -> str:
        """Something that is true or not."""
        return self.draw.choice(
            [
                f"{self.pick(columns, 'whole', 'number')} > 1",
                f"{self.pick(columns, 'text')} = 'a'",
                f"{self.pick(columns, 'text')} in (select note from s.people)",
                f"{self.pick(columns, 'time')} < timestamp '2024-02-02'",
                f"{self.pick(columns)} is not null",
                f"exists (select 1 from s.people as p where p.note = {self.last()[0]}.{self.pick(columns, 'text')})"
                if "text" in columns.values()
                else "true",
                f"{self.pick(columns, 'whole')} < (select max(p.group) from s.people as p)",
            ]
        )

    def aggregate(self, columns: Columns) -> tuple[str, str]:
        """An aggregate, and the kind of what it gives."""
        number, anything = self.pick(columns, "number"), self.pick(columns)
        order = self.order(columns)
        return self.draw.choice(
            [
                ("count(*)", "whole"),
                (f"count(distinct {anything})", "whole"),
                (f"sum({number})", "number"),
                (f"cast(sum({self.pick(columns, 'whole')}) as bigint)", "whole"),
                (f"avg({self.pick(columns, 'whole')})", "number"),
                (f"max({self.pick(columns, 'time')})", "time"),
                (f"min({self.pick(columns, 'text')})", "text"),
                (f"any_value({self.pick(columns, 'text')})", "text"),
                (f"first({self.pick(columns, 'text')} order by {order})", "text"),
                (f"string_agg({self.pick(columns, 'text')}, '-' order by {order})", "text"),
                (f"arg_max({self.pick(columns, 'text')}, {self.pick(columns, 'whole', 'time')})", "text"),
                (f"count(*) filter (where {self.pick(columns, 'whole')} > 1)", "whole"),
            ]
        )

    def window(self, columns: Columns) -> tuple[str, str]:
        """A window function, and the kind of what it gives."""
        parts = ", ".join(f'"{name}"' for name in self.some(columns, 2))
        over = f"(partition by {parts} order by {self.order(columns)})"
        return self.draw.choice(
            [
                (f"row_number() over {over}", "whole"),
                (f"rank() over {over}", "whole"),
                (f"lag({self.pick(columns, 'text')}) over {over}", "text"),
                (f"first_value({self.pick(columns, 'whole')}) over {over}", "whole"),
                (f"cast(sum({self.pick(columns, 'whole')}) over {over} as bigint)", "whole"),
                (f"count(*) over (partition by {parts})", "whole"),
                (f"sum({self.pick(columns, 'number')}) over (partition by {parts})", "number"),
            ]
        )


def drawn(draw: random.Random, first: str | None = None) -> str:
    """A query; its first column is the one called `first`, which a step may have made of something else."""
    query = Drawn(draw)
    table = "s.events" if first else draw.choice(list(TABLES))
    query.add(f"select * from {table}", dict(TABLES[table]))
    for _ in range(draw.randint(1, 4)):
        draw.choice(STEPS)(query)
    name, columns = query.last()
    kept = [c for c in columns if draw.random() < 0.6] or list(columns)[:1]
    if first:
        kept = [first, *(c for c in kept if c != first)]
    steps = ", ".join(f"r{number} as ({step})" for number, step in enumerate(query.steps))
    return f"with {steps} select {', '.join(f'{name}.{chr(34)}{c}{chr(34)}' for c in kept)} from {name}"


def _filtered(query: Drawn) -> None:
    name, columns = query.last()
    query.add(f"select * from {name} where {query.condition(columns)}", columns)


def _computed(query: Drawn) -> None:
    name, columns = query.last()
    new = f"c{len(query.steps)}"
    value = query.draw.choice(
        [
            (f"{query.pick(columns, 'number')} * 2", "number"),
            (f"coalesce({query.pick(columns, 'text')}, 'none')", "text"),
            (f"date_trunc('{query.draw.choice(['hour', 'day', 'month'])}', {query.pick(columns, 'time')})", "time"),
            (f"case when {query.pick(columns, 'whole')} > 1 then {query.pick(columns, 'text')} end", "text"),
            (f"list_sum(list_transform([{query.pick(columns, 'whole')}], lambda x: x + 1))::bigint", "whole"),
        ]
    )
    kept = {c: kind for c, kind in columns.items() if query.draw.random() < 0.8}
    listed = "".join(f'"{c}", ' for c in kept)
    query.add(f"select {listed}{value[0]} as {new} from {name}", kept | {new: value[1]})


def _grouped(query: Drawn) -> None:
    name, columns = query.last()
    keys = query.some(columns, 2)
    aggregates = [(f"a{len(query.steps)}{place}", *query.aggregate(columns)) for place in range(query.draw.randint(1, 3))]
    listed = ", ".join([f'"{key}"' for key in keys] + [f"{sql} as {new}" for new, sql, _ in aggregates])
    query.add(
        f"select {listed} from {name} group by {', '.join(f'{chr(34)}{key}{chr(34)}' for key in keys)}",
        {**{key: columns[key] for key in keys}, **{new: kind for new, _, kind in aggregates}},
    )


def _windowed(query: Drawn) -> None:
    name, columns = query.last()
    found = {f"w{len(query.steps)}{place}": query.window(columns) for place in range(query.draw.randint(1, 2))}
    listed = ", ".join(f"{sql} as {new}" for new, (sql, _) in found.items())
    query.add(f"select *, {listed} from {name}", columns | {new: kind for new, (_, kind) in found.items()})


def _qualified(query: Drawn) -> None:
    name, columns = query.last()
    window, kind = query.window(columns)
    if kind == "whole":
        query.add(f"select * from {name} qualify {window} = 1", columns)


def _distinct(query: Drawn) -> None:
    name, columns = query.last()
    kept = query.some(columns, 3)
    listed = ", ".join(f'"{c}"' for c in kept)
    if query.draw.random() < 0.5:
        query.add(f"select distinct {listed} from {name}", {c: columns[c] for c in kept})
    else:
        query.add(f"select distinct on ({listed}) * from {name} order by {listed}, {query.order(columns)}", columns)


def _limited(query: Drawn) -> None:
    name, columns = query.last()
    query.add(f"select * from {name} order by {query.order(columns)} limit {query.draw.randint(1, 9)}", columns)


def _joined(query: Drawn) -> None:
    name, columns = query.last()
    other, theirs = query.draw.choice([*query.named, *((t, c) for t, c in TABLES.items())])
    how = query.draw.choice(["inner", "left", "left", "full", "right", "semi", "anti", "asof left"])
    mine, yours = query.pick(columns, "text"), query.pick(theirs, "text")
    both = [f"x.{mine} = y.{yours}" if '"' in mine and '"' in yours else "true"]
    if how == "asof left":
        one, two = query.pick(columns, "time"), query.pick(theirs, "time")
        if '"' not in one or '"' not in two:
            return
        both.append(f"x.{one} >= y.{two}")
    elif query.draw.random() < 0.3:
        both.append(f"x.{query.pick(columns)} is not null")
    new = {} if how in ("semi", "anti") else {f"j{len(query.steps)}{place}": c for place, c in enumerate(query.some(theirs, 2))}
    listed = "".join(f', y."{c}" as {alias}' for alias, c in new.items())
    query.add(
        f"select x.*{listed} from {name} as x {how} join {other} as y on {' and '.join(both)}",
        columns | {alias: theirs[c] for alias, c in new.items()},
    )


def _stacked(query: Drawn) -> None:
    name, columns = query.last()
    how = query.draw.choice(["union all", "union", "except", "intersect"])
    query.add(f"select * from {name} {how} select * from {name} where {query.condition(columns)}", columns)


def _unnested(query: Drawn) -> None:
    name, columns = query.last()
    new = f"u{len(query.steps)}"
    query.add(f"select *, unnest([{query.pick(columns, 'text')}, 'z']) as {new} from {name}", columns | {new: "text"})


def _made_of_cells(query: Drawn) -> None:
    """Rows that a table function makes of each row's cells, and often a join beside it."""
    name, columns = query.last()
    text, whole, mine = (query.pick(columns, kind) for kind in ("text", "whole", "text"))
    text, whole, mine = (f"x.{one}" if one.startswith('"') else one for one in (text, whole, mine))
    new, kind, made = query.draw.choice(
        [
            ("key", "text", f"json_each(json_object(coalesce({text}, 'z'), 1)) as made"),
            ("value", "whole", f"range(least(coalesce({whole}, 1), 3)) as made(value)"),
            ("value", "whole", f"generate_series(1, least(coalesce({whole}, 1), 3)) as made(value)"),
        ]
    )
    other, theirs = query.draw.choice(list(TABLES.items()))
    yours = query.pick(theirs, "text")
    how = query.draw.choice(["", "", "join", "left join"]) if '"' in yours and '"' in mine else ""
    taken = query.some(theirs, 3) if how else []
    added = {f"m{len(query.steps)}": (f"made.{new}", kind)}
    added |= {f"n{len(query.steps)}{place}": (f'y."{c}"', theirs[c]) for place, c in enumerate(taken)}
    listed = ["x.*", *(f"{value} as {called}" for called, (value, _) in added.items())]
    query.draw.shuffle(listed)
    beside = f" {how} {other} as y on y.{yours} = {mine}" if how else ""
    columns = columns | {called: kind for called, (_, kind) in added.items()}
    query.add(f"select {', '.join(listed)} from {name} as x, {made}{beside}", columns)


STEPS = [_filtered, _computed, _grouped, _windowed, _qualified, _distinct, _limited, _joined, _joined, _stacked, _unnested]
STEPS.append(_made_of_cells)
