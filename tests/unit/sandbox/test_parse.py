# ruff: noqa: E501
"""What a query is: whatever changes its result changes it, and how it is typed does not."""

import random
import re
from itertools import combinations

import duckdb
import pytest

from scorehouse.names.fingerprint import digest
from scorehouse.sandbox.parse import parse_tree, without_positions

TABLES = """
create table events as
select
    i as id, 'c' || i % 3 as who, i * 0.5 - 2 as amount, i % 4 as count, chr((65 + i % 5)::int) || 'a' as tag,
    timestamp '2024-01-31 22:15:00' + i * interval 13 hours as at, i % 2 = 0 as ok,
    json_object('page.url', 'x' || i, 'page', json_object('url', 'y' || i, 'n', i)) as properties,
    encode(case when i = 3 then 'ä' else 'b' end) as bytes, [i, 3 - i, null] as numbers,
    struct_pack(a := i, b := 'z' || i) as pair
from range(12) as t(i);
create table wide as select 1 as jan, 2 as feb, 'k' as key;
"""

QUERIES = [
    "select «properties ->> 'page.url'¦properties ->> '$.page.url'¦properties -> 'page.url'» as «url¦URL¦\"Url\"» from events",
    "select json_extract_string(properties, «'$..url'¦'$.page.*'¦'$.page.n'») as found from events",
    "select decode(bytes«¦, 'replace'¦, 'ignore'») as text from events where id < «3¦4¦9»",
    "select regexp_extract(tag, '«(A)(a)¦(a)(A)»', «1¦2¦0»«¦, 'i'¦, 'c'») as found from events",
    "select regexp_replace(tag, 'a', 'b'«¦, 'g'¦, 'i'¦, case when ok then 'g' else 'i' end») as text from events",
    "select string_split(who, «''¦'c'¦'1'») as parts, trim(who«¦, 'c'¦, '1'») as bare from events",
    "select «sum¦avg¦min¦max¦count¦median»(amount) «¦filter (where ok)¦filter (where not ok)» as value from events",
    "select «sum(amount)¦sum(distinct amount)» as value from events group by «who¦count¦ok¦all»",
    "select count(«*¦distinct count¦count¦distinct who») as n, «round(amount, 1)¦round(amount, 0)¦trunc(amount)» as r from events group by all",
    "select id, «row_number¦rank¦dense_rank¦percent_rank»() over («partition by who¦partition by ok¦» order by count «¦desc¦nulls first») as n from events",
    "select id, «lag¦lead»(amount«¦, 2¦, 1, 0.0») over (order by id) as before from events",
    "select id, «first_value¦last_value»(amount «¦ignore nulls») over (order by id rows between «1¦2¦unbounded» preceding and «current row¦1 following») as v from events",
    "select sum(amount) over (order by count «rows¦range¦groups» between 1 preceding and current row«¦ exclude current row¦ exclude ties») as v from events",
    "select string_agg(tag, «'-'¦', '» order by id «¦desc») as tags from events group by who",
    "select list(id order by «amount¦count, id¦amount desc») as ids from events",
    "select * from events order by «amount¦who, id¦id desc» limit «3¦4¦50%» offset «0¦1»",
    "select distinct «¦on (who) »who, count from events order by who, count «¦desc», id",
    "select id from events where tag «like¦ilike¦similar to¦not like¦glob» «'a%'¦'A%'¦'%a'¦'[A]a'»",
    "select id from events where who «=¦<>¦>¦>=¦is distinct from» 'c1' «and¦or» count «<¦<=¦>» 2",
    "select id from events where who in «'c1'¦('c1', 'c2')¦(select 'c2')» and «not ok¦ok¦true»",
    "select id, case when amount > «0¦1¦-1» then «'a'¦'b'» «¦else 'c'» end as kind from events",
    "select «date_trunc('month', at)¦date_trunc('day', at)¦at::date¦strftime(at, '%d')¦at + interval 1 day¦at + interval 1 month» as moment from events",
    "select «extract(dow from at)¦extract(isodow from at)¦extract(hour from at)¦at at time zone 'Europe/Berlin'» as part from events",
    "select cast(amount as «integer¦decimal(4, 1)¦varchar¦float») as amount, «try_cast(tag as int)¦nullif(tag, 'Aa')¦coalesce(tag, 'x')» as t from events",
    "select numbers[«1¦2¦-1¦1:2¦2:»] as n, list_transform(numbers, lambda x: x «+¦-¦*» «1¦2») as more from events",
    "select «list_sort(numbers)¦list_reverse_sort(numbers)¦list_sort(numbers, 'desc', 'nulls first')¦list_distinct(numbers)» as n from events",
    "select pair.«a¦b» as part, struct_pack(«a¦c» := id) as packed, {'«x¦X»': id} as made from events",
    "select * «exclude (pair)¦replace (id + 1 as id)¦rename (id as number)» from events",
    "select columns('«a.*¦c.*¦.*t»') from events",
    "select e.id from events as e «inner¦left¦full¦semi¦anti» join events as f on e.count = f.count and e.id «<¦<>¦=» f.id",
    "select e.id, w.«jan¦feb» as month from events as e «cross join wide as w¦positional join wide as w»",
    "select id from events «union all¦union¦except¦intersect¦except all» select count from events",
    "unpivot wide on jan, feb into name «month¦period¦Month» value «days¦total»",
    "pivot events on «who¦ok» using «sum(amount)¦count(*)¦max(amount)» group by «count¦ok»",
    "select who, ok, count(*) as n from events group by «rollup (who, ok)¦cube (who, ok)¦grouping sets ((who), (ok))»",
    "select who collate «nocase¦noaccent¦c» < «upper¦lower»('C1') as before from events",
    "with recursive t(n) as (select «1¦2» union «all¦» select n + 1 from t where n < «5¦7») select «max¦sum»(n) as n from t",
    "select «unnest(numbers)¦unnest([1, 2])» as n from events where id «=¦<» 2",
    "select -amount «+¦-¦*¦/¦%¦//» «2¦3¦0.5» as r, «abs(amount)¦sign(amount)¦-amount» as s from events",
    "select «'it''s'¦'its'¦e'a\\nb'¦$$a$$¦'A'» as text, «1¦1.0¦1e0¦'1'¦true» as number",
    "select «1 < 2 and 2 < 1 or true¦1 < 2 and (2 < 1 or true)¦not (true and false)¦not true and false» as truth",
    "select id from events qualify row_number() over (partition by who order by «id¦amount desc, id») «=¦<=» «1¦2»",
    "select id from events where at between timestamp '2024-02-0«1¦3»' and «timestamp '2024-02-05'¦'2024-02-04'»",
    "select concat_ws(«'-'¦'+'», who, tag) as a, «who || tag¦tag || who» as b, printf('«%s¦%5s»', who) as c from events",
]
"""Queries with choices: one of the alternatives, `¦` between, in each pair of guillemets."""

CHOICE = re.compile("«([^»]*)»")


def chosen(template: str, places: dict[int, int]) -> str:
    """A query: its choices as `places` say, the first alternative elsewhere."""
    count = iter(range(1000))
    return CHOICE.sub(lambda found: found[1].split("¦")[places.get(next(count), 0)], template)


def choices(template: str) -> list[int]:
    """How many alternatives each choice of a query has."""
    return [len(found[1].split("¦")) for found in CHOICE.finditer(template)]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    found = duckdb.connect(config={"threads": 1})
    found.execute("set TimeZone = 'UTC'")
    found.execute(TABLES)
    return found


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """A query's columns and rows, or that it cannot be run."""
    try:
        cursor = connection.execute(sql)
        return repr(([(name, str(kind)) for name, kind, *_ in cursor.description], cursor.fetchall()))
    except duckdb.Error as error:
        return type(error).__name__


def identity(sql: str) -> str:
    return digest(without_positions(parse_tree(sql, "models/a.sql")))


def retyped(draw: random.Random, sql: str) -> str:
    """The same query in other letters: white space, comments, a bracket around the whole of it."""
    parts = re.split(r"('(?:[^']|'')*'|\"[^\"]*\"|\$\$.*?\$\$)", sql)
    spaced = [
        "".join(draw.choice([" ", "  ", "\n", " /* why */ ", " -- so\n"]) if c == " " else c for c in part) for part in parts[::2]
    ]
    parts[::2] = spaced
    return "".join(parts)


@pytest.mark.parametrize("seed", range(4))
def test_a_change_that_changes_the_result_changes_what_the_query_is(connection: duckdb.DuckDBPyConnection, seed: int) -> None:
    draw = random.Random(seed)
    changes = 0
    for template in QUERIES:
        counts = choices(template)
        for place, count in enumerate(counts):
            others = {p: draw.randrange(n) for p, n in enumerate(counts) if p != place}
            variants = [chosen(template, others | {place: one}) for one in range(count)]
            known = [(identity(sql), answer(connection, sql)) for sql in variants if is_readable(connection, sql)]
            for one, other in combinations(known, 2):
                changes += one[1] != other[1]
                assert one[1] == other[1] or one[0] != other[0], variants
    assert changes > 200


def is_readable(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    try:
        return [statement.type.name for statement in connection.extract_statements(sql)] in (["SELECT"], ["SELECT_STATEMENT"])
    except duckdb.Error:
        return False


def test_how_a_query_is_typed_is_not_what_it_is(connection: duckdb.DuckDBPyConnection) -> None:
    draw = random.Random(8)
    asked = 0
    for template in QUERIES:
        sql = chosen(template, {place: draw.randrange(count) for place, count in enumerate(choices(template))})
        if is_readable(connection, sql):
            asked += 1
            other = retyped(draw, sql)
            assert identity(sql) == identity(other), other
            assert answer(connection, sql) == answer(connection, other)
    assert asked > 30


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select a from t where (a > 1)", "SELECT a FROM t WHERE a > 1"),
        ("select (a) as b from t", "select a as b from t"),
        ("select a, b from t group by all", "select a,b from t GROUP BY ALL"),
        ("select a b from t", "select a as b from t"),
    ],
)
def test_redundant_words_are_not_what_a_query_is(one: str, other: str) -> None:
    assert identity(one) == identity(other)
