"""What the sandbox gate lets pass, what it refuses, and what it says."""

import pytest

from scorehouse.errors import ScorehouseError
from scorehouse.sandbox import parse, queries, statements

REACH = queries.Reach(frozenset({"shop.events", "shop.items"}), frozenset({"functions.twice", "functions.score_model"}))

ALLOWED = [
    "select * from shop.events",
    'select * from "warehouse"."shop"."events" as e join shop.items using (item_id)',
    "from shop.events select kind, count(*) group by all order by all limit 3",
    "with events as (select * from shop.events) select * from events",
    "with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select * from r",
    "with a as (select 1 as n), b as (select * from a) select (select max(n) from b) as n from a",
    "select functions.twice(amount), score_model('churn@1', {'a': amount}) from shop.events",
    "select * from range(3) as t(i), unnest([1, 2]) as u(j), generate_series(1, 2)",
    "select [x + 1 for x in [1, 2]], list_transform([1], lambda x: x + 1), list_aggregate([1], 'sum')",
    "select nullif(a, b), coalesce(a, b), age(a, b), a::date, cast(a as struct(b int)), a.b.c, a['b'], a[1:2] from shop.events",
    "select sum(a) filter (where b) over (partition by c order by d), row_number() over (order by a) from shop.events",
    "select first_value(a) over w, quantile_cont(a, 0.5), arg_max(a, b) from shop.events window w as (order by b)",
    "select strftime(a, '%Y'), extract(year from a), date_diff('day', a, b), a + interval 3 days from shop.events",
    "select a ~ 'x', a not like 'x', regexp_extract(a, 'x'), a ->> '$.b', json_extract(a, '$'), md5(a) from shop.events",
    "select columns('a.*') from shop.events",
    "select getvariable('built_at') as built_at",
    "select error('no rows') where false",
    "select * from shop.events limit 0",
    "select distinct on (a) a from shop.events order by a, b",
    "pivot shop.events on kind in ('a', 'b') using sum(amount)",
    "select model from history.decisions",
    "select 'now()' as text, \"random\" from shop.events -- now()",
    "/* attach 'x' */ select 1 as number",
]


@pytest.mark.parametrize("sql", ALLOWED)
def test_a_query_over_what_its_node_names_passes(sql: str) -> None:
    queries.check(sql, "models/a.sql", None, REACH)


REFUSED = {
    "select * from shop.others": "found the table shop.others; write {{ ref('others') }}",
    "select * from events": "found the table events",
    "select * from other.shop.events": "found the table other.shop.events",
    "with events as (select * from events) select * from events": "found the table events",
    "select * from (with t as (select 1) select * from t), t": "found the table t",
    "select * from '/etc/passwd'": "found the table /etc/passwd; declare files as a source",
    'with "duc\u212adb_databases" as (select 1) from duckdb_databases': "found the table duckdb_databases",
    "from shop.ITEM\u017f": "found the table shop.ITEM\u017f",
    "select functions.other(1)": "found other()",
    "select current_date": "found current_date(); write {{ as_of() }}::date",
    "select list_aggregate([1], 'reservoir_quantile')": "found list_aggregate()",
    "from histogram('shop.events', kind)": "found histogram()",
    "select getvariable('other')": "found getvariable()",
    "select array_agg(a order by random()) from shop.events": "found random()",
    "select 1; select 2": "found 2 statements",
    "": "found 0 statements",
    "pivot shop.events on kind using sum(amount)": "list the values behind on (pivot ... on kind in ('a', 'b')",
    "with p as (Pivot shop.events on kind using sum(amount)) from p": "found one whose data decides them",
    "drop table t": "found drop statement `drop table t`",
    "with t as (insert into shop.events values (1) returning *) select * from t": "found insert statement",
    "summarize shop.events": "found a show, describe or summarize",
    "select * from shop.events using sample 3": "found a random sample",
    "from range(100) as t(i) tablesample 10%": "found a random sample",
    "select j from shop.events, unnest([1, 2]) as u(j) tablesample reservoir(1) repeatable (7)": "found a random sample",
    "select * from shop.events offset 3": "found limit without order by",
    "select distinct on (a) a from shop.events": "found distinct on without order by",
    "select from where": "found text that cannot be read",
    f"select {'(' * 5000}1{')' * 5000}": "found text that cannot be read",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_everything_else_is_refused_by_name(sql: str) -> None:
    with pytest.raises(ScorehouseError) as error:
        queries.check(sql, "models/a.sql", None, REACH)
    assert str(error.value).startswith("models/a.sql")
    assert REFUSED[sql] in str(error.value)


def test_a_refusal_names_the_line_of_the_file_as_it_was_written() -> None:
    raw = "{{ config(tags=['a']) }}\nselect\n    a,\n    Random() as b\nfrom {{ ref('events') }}"
    with pytest.raises(ScorehouseError, match=r"models/a\.sql, line 4: expected the same result in every run"):
        queries.check("select a, Random() as b from shop.events", "models/a.sql", raw, REACH)


@pytest.mark.parametrize("body", ["x * 2", "(select max(points) from shop.items) -- the best", "case when x > 1 then 'a' end"])
def test_a_functions_body_is_one_expression(body: str) -> None:
    queries.check_expression(body, "udfs/a.sql", REACH)


@pytest.mark.parametrize(
    "body", ["1), (2", "1) from range(3) as t(i) where (true", "1 limit 1", "1) as double)); drop table t; --"]
)
def test_a_functions_body_cannot_be_more(body: str) -> None:
    with pytest.raises(ScorehouseError, match=r"udfs/a\.sql"):
        queries.check_expression(body, "udfs/a.sql", REACH)


TYPES = {
    "text": "VARCHAR",
    "decimal(18, 2)": "DECIMAL(18,2)",
    "struct(a int, b varchar[])[]": "STRUCT(a INTEGER, b VARCHAR[])[]",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "int, b int": "INTEGER",
}


@pytest.mark.parametrize("kind", TYPES)
def test_a_data_type_gets_its_name_and_nothing_more(kind: str) -> None:
    assert parse.check_type(kind, "a.yml") == TYPES[kind]


@pytest.mark.parametrize(
    "kind", ["", "nosuch", "int as a, 1", "varchar) is null; --", "varchar) || (select 1", "int) where (true"]
)
def test_what_is_no_data_type_is_refused(kind: str) -> None:
    with pytest.raises(ScorehouseError, match=r"a\.yml: expected a data type"):
        parse.check_type(kind, "a.yml")


OF_DBT = [
    "/* {} */\nselect count(*) from (select 1) as dbt_internal_test",
    'create schema if not exists "warehouse"."scores"',
    'create temporary table "unit__dbt_tmp2026" as (select 1 as a)',
    'create table "warehouse"."dbt_test__audit"."t" as (select 1 as a);',
    'drop table if exists "unit__dbt_tmp2026" cascade',
    "describe (select 1)",
    "BEGIN",
    "select type from duckdb_databases()",
    "",
]


@pytest.mark.parametrize("sql", OF_DBT)
def test_what_dbt_itself_sends_passes_the_guard(sql: str) -> None:
    statements.check_statement(sql)


NOT_OF_DBT = {
    "select 1; select 2": "found second select statement",
    "create temporary table \"x__dbt_tmp\" as (select * from read_text('/etc/passwd'))": "found read_text()",
    'create temporary table "x__dbt_tmp" as (select 1); drop table y': "found create statement",
    'create or replace temporary table "x__dbt_tmp" as (select 1)': "found create statement",
    'create table "warehouse"."features"."weighted" as (select 66)': "found create statement",
    'drop table if exists "warehouse"."scorehouse"."nodes" cascade': "found drop statement",
    "/* a */ /* b */ drop table t": "found drop statement",
    "/* a /* b */ */ drop table t": "found drop statement",
    "explain analyze select 1": "found explain statement",
    "show databases": "found a show",
}


@pytest.mark.parametrize("sql", NOT_OF_DBT)
def test_what_dbt_never_sends_is_refused_by_the_guard(sql: str) -> None:
    with pytest.raises(ScorehouseError) as error:
        statements.check_statement(sql)
    assert NOT_OF_DBT[sql] in str(error.value)


@pytest.mark.parametrize("text", ["select 1;", "select 1 ; -- ;", "select ';' as a;;", "with a as (select 1) from a\n;\n/* ; */"])
def test_a_query_that_cannot_stand_in_brackets_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ScorehouseError, match="stand in brackets, found one that ends in a semicolon; remove it"):
        queries.check(text, "a.sql")


@pytest.mark.parametrize("text", ["select ';' as a", "select 1 -- ;", 'select 1 as ";" /* ; */', "from range(3)", "values (1)"])
def test_a_semicolon_inside_is_no_end(text: str) -> None:
    queries.check(text, "a.sql")
