"""Marks of rows: equal for equal rows in any order and any files, different for whatever a query could tell apart."""

import itertools
import random

import duckdb
import pytest

from scorehouse.store.contents import Content, contents_of

VALUES = {
    "DOUBLE": ["0.0", "'-0.0'", "null", "'nan'", "'inf'", "'-inf'", "1.0", "1.0000000000000002", "5e-324"],
    "FLOAT": ["0.0", "'-0.0'", "null", "'nan'", "1.0"],
    "INTERVAL": ["'1 month'", "'30 days'", "'720 hours'", "null", "'0 days'"],
    "INTERVAL[]": ["['1 month']", "['30 days']", "[]", "[null]", "null"],
    "DOUBLE[]": ["[0.0]", "['-0.0']", "[]", "[null]", "null", "[0.0, 0.0]"],
    "STRUCT(a DOUBLE, b VARCHAR)": ["{'a': 0.0, 'b': ''}", "{'a': '-0.0', 'b': ''}", "{'a': 0.0, 'b': null}", "null"],
    "MAP(VARCHAR, DOUBLE)": ["map {'a': 0.0}", "map {'a': '-0.0'}", "map {}", "null"],
    "VARCHAR": ["''", "' '", "'a'", "'A'", "null", "'null'", "'a' || chr(0)"],
    "VARCHAR[]": ["['a', 'b']", "['a, b']", "['null']", "[null]", "null"],
    "BLOB": ["''", "'a'", "null"],
    "DECIMAL(9,2)": ["0", "0.01", "-0.01", "null"],
    "BIGINT": ["0", "1", "-1", "null"],
    "TIMESTAMP WITH TIME ZONE": ["'2020-01-01 00:00:00+00'", "'2020-01-01 00:00:00+01'", "null"],
    "TIME WITH TIME ZONE": ["'10:00:00+01'", "'09:00:00+00'", "null"],
    "BIT": ["'01'", "'1'", "null"],
    "JSON": ["""'{"a":1}'""", """'{"a": 1}'""", "'null'", "null"],
}


@pytest.fixture(scope="module")
def cursor() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def content(cursor: duckdb.DuckDBPyConnection, data_type: str, values: list[str]) -> Content:
    rows = " union all ".join(f"select cast({value} as {data_type}) as x" for value in values)
    return contents_of(cursor, rows, ["x"], {"x": data_type})[""]


@pytest.mark.parametrize("data_type", VALUES)
def test_values_that_a_query_can_tell_apart_have_different_marks(cursor: duckdb.DuckDBPyConnection, data_type: str) -> None:
    marks = [content(cursor, data_type, [value]) for value in VALUES[data_type]]
    assert len(set(marks)) == len(marks)


@pytest.mark.parametrize("data_type", VALUES)
def test_rows_have_the_same_mark_in_any_order_and_cut_anywhere(cursor: duckdb.DuckDBPyConnection, data_type: str) -> None:
    chance = random.Random(3)
    rows = VALUES[data_type] * 3
    whole = content(cursor, data_type, rows)
    for _ in range(5):
        chance.shuffle(rows)
        cut = chance.randrange(1, len(rows))
        assert content(cursor, data_type, rows) == whole
        assert content(cursor, data_type, rows[:cut]) + content(cursor, data_type, rows[cut:]) == whole


def test_how_often_a_row_stands_counts(cursor: duckdb.DuckDBPyConnection) -> None:
    for values in itertools.product(["'a'", "'b'"], repeat=2):
        once, twice = (content(cursor, "VARCHAR", [*values] * times) for times in (1, 2))
        assert once != twice
    assert content(cursor, "VARCHAR", ["'a'", "'a'", "'b'"]) != content(cursor, "VARCHAR", ["'a'", "'b'", "'b'"])


def test_values_do_not_wander_between_columns(cursor: duckdb.DuckDBPyConnection) -> None:
    types = {"x": "VARCHAR", "y": "VARCHAR"}
    marks = {
        contents_of(cursor, f"select {x} as x, {y} as y", ["x", "y"], types)[""]
        for x, y in [("'a'", "'b'"), ("'b'", "'a'"), ("'ab'", "''"), ("''", "'ab'"), ("null", "'a'"), ("'a'", "null")]
    }
    assert len(marks) == 6
