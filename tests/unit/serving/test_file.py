"""What a serving file says of itself: a change in any of it is news, and nothing else is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorehouse.serving import file as serving_file
from scorehouse.serving.described import Release
from scorehouse.serving.offer import Meaning, Offer, Requirements, ServedFunction, ServedTable

TEXTS = st.text("aÄ'\"\n;.", max_size=4)


@st.composite
def tables(draw: st.DrawFn) -> ServedTable:
    return ServedTable(
        name="Scores",
        relation="serving.scores",
        key=draw(st.sampled_from([["id"], ["id", "Day"]])),
        description=draw(TEXTS),
        columns={"ID": draw(TEXTS), "reasons": draw(TEXTS)},
        kind=draw(st.sampled_from(["score", "rank"])),
        product=draw(TEXTS),
        contract_version=draw(st.integers(1, 2)),
        owner=draw(TEXTS),
        requirements=Requirements(
            draw(st.none() | st.integers(1, 2)),
            *(draw(st.none() | st.sampled_from([0.5, 24.0])) for _ in range(4)),
            draw(st.none() | st.integers(1, 2)),
            draw(st.none() | TEXTS),
        ),
        example=draw(TEXTS),
        models=("churn",),
    )


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    functions = [ServedFunction("twice", "functions.twice", draw(TEXTS)), ServedFunction("Top", "functions.top", draw(TEXTS))]
    feature = Meaning(draw(TEXTS), draw(TEXTS))
    served = draw(st.lists(st.sampled_from(functions), unique=True))
    features = {"churn": draw(st.sampled_from([{}, {"recency": feature}]))}
    return Offer((draw(tables()),), tuple(served), (), features)


@pytest.fixture(scope="module")
def work() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema serving; create schema functions; create schema history")
        connection.execute("create table history.gates (endpoint text, implementation text, served_by text, reason text)")
        connection.execute("create table serving.scores as select 1 as id, 2 as \"Day\", [''] as reasons")
        connection.execute("create macro functions.twice(x) as (x * 2)")
        connection.execute("create macro functions.top(x) as table (select x)")
        connection.execute(
            "create table history.versions as select 'churn' as model, [{name: 'recency'}] as features, true as is_current"
        )
        yield connection


def written(work: duckdb.DuckDBPyConnection, file: Path, offer: Offer) -> list[object]:
    """Write a serving file, and return all that a reader finds beside the rows, asked of DuckDB itself."""
    release = Release(1, "main", datetime(2020, 1, 1), None, "somebody", [], ())
    serving_file.write(work, file, offer, release)
    with duckdb.connect(str(file), read_only=True) as serving:
        queries = (
            "select * exclude (latency_ms) from endpoints",
            "from features order by all",
            "select table_name, coalesce(comment, '') from duckdb_tables() order by all",
            "select table_name, column_name, coalesce(comment, '') from duckdb_columns() where database_name = current_database()"
            " order by all",
            "select function_name, coalesce(comment, '') from duckdb_functions() where database_name = current_database()"
            " order by all",
        )
        return [serving.execute(query).fetchall() for query in queries]


def test_how_long_a_lookup_takes_is_measured_where_there_is_one(work: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    work.execute("create table serving.pairs as select i % 3 as a, i as b from range(100) as rows(i)")
    work.execute("create table serving.nothing as select 1 as id where false")
    tables = [("scores", ["id"]), ("pairs", ["a", "b"]), ("nothing", ["id"])]
    offer = Offer(tuple(ServedTable(name, f"serving.{name}", key) for name, key in tables))
    file = tmp_path / "serving.duckdb"
    serving_file.write(work, file, offer, Release(1, "main", datetime(2020, 1, 1), None, "somebody", [], ()))
    found = serving_file.latencies(file)
    assert found.keys() == {"scores", "pairs"} and all(latency > 0 for latency in found.values())
    assert serving_file.latencies(tmp_path / "gone.duckdb") == {}


@settings(max_examples=8)
@given(before=offers(), after=offers())
def test_what_readers_find_beside_the_rows_differs_exactly_where_it_is_news(
    work: duckdb.DuckDBPyConnection, before: Offer, after: Offer
) -> None:
    with TemporaryDirectory() as folder:
        file, other = Path(folder, "a.duckdb"), Path(folder, "b.duckdb")
        is_same = written(work, file, before) == written(work, other, after)
        assert serving_file.redeclared(work, file, before) == []
        assert (serving_file.redeclared(work, file, after) == []) == is_same


@settings(max_examples=3)
@given(offer=offers(), text=TEXTS.filter(bool))
def test_each_text_that_is_changed_alone_is_news_of_what_it_describes(
    work: duckdb.DuckDBPyConnection, offer: Offer, text: str
) -> None:
    table = offer.tables[0]
    changed = [
        replace(table, description=table.description + text),
        replace(table, example=table.example + text),
        replace(table, requirements=replace(table.requirements, owner=f"{table.requirements.owner or table.owner}{text}")),
        *(replace(table, columns={**table.columns, column: said + text}) for column, said in table.columns.items()),
    ]
    with TemporaryDirectory() as folder:
        file = Path(folder, "a.duckdb")
        written(work, file, offer)
        for one in changed:
            assert serving_file.redeclared(work, file, replace(offer, tables=(one,))) == ["endpoint Scores"]
        for function in offer.functions:
            others = tuple(one for one in offer.functions if one != function)
            described = replace(function, description=function.description + text)
            news = serving_file.redeclared(work, file, replace(offer, functions=(*others, described)))
            assert news == [f"endpoint {function.name}"]
