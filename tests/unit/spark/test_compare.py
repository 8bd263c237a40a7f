"""What counts as a difference between Spark's rows and DuckDB's."""

import duckdb
import pytest

from scorehouse.spark.compare import difference
from scorehouse.spark.project import Model

ROWS = "select * from (values (1, 0.1::double, 'a', [{'f': 'x', 'c': 0.5::double}]), (2, null, null, null)) as r(k, x, s, l)"


def said(change: str, key: tuple[str, ...] = ("k",)) -> str | None:
    with duckdb.connect() as connection:
        connection.execute(f"create table ours_table as {ROWS}")
        found = connection.sql(f"select * replace ({change}) from ({ROWS})" if change else ROWS)
        columns = {name: kind for name, kind, *_ in connection.execute("describe ours_table").fetchall()}
        model = Model("main", "ours_table", "models/m.sql", "", "", columns, "", key, (), "", {})
        one = difference(connection, model, found)
    return one.sentence if one else None


@pytest.mark.parametrize("key", [("k",), ()])
@pytest.mark.parametrize("change", ["", "x + 1e-14 as x", "k + 0 as k"])
def test_last_digits_are_no_difference(change: str, key: tuple[str, ...]) -> None:
    assert said(change, key) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("x + 1e-6 as x", "column x: 1 of 2 rows differ, for example expected 0.1, found 0.100001"),
        ("'inf'::double as x", "column x: 2 of 2 rows differ, for example expected 0.1, found inf"),
        ("coalesce(x, 'nan') as x", "column x: 1 of 2 rows differ, for example expected None, found nan"),
        ("if(k = 1, 'nan'::double, x) as x", "column x: 1 of 2 rows differ, for example expected 0.1, found nan"),
        ("coalesce(s, '') as s", "column s: 1 of 2 rows differ, for example expected None, found "),
        ("k + 1 as k", "1 of 2 rows are not in Spark's result, for example (1,)"),
        ("upper(s) as s", "column s: 1 of 2 rows differ, for example expected a, found A"),
        ("list_reverse([{'f': 'y', 'c': 1.0}]) as l", "column l: 2 of 2 rows differ"),
    ],
)
def test_a_difference_is_named_with_its_column_and_an_example(change: str, sentence: str) -> None:
    assert said(change).startswith(f"models/m.sql: {sentence}")


def test_missing_rows_are_counted() -> None:
    assert said("unnest([k, k]) as k").startswith("models/m.sql: expected 2 rows, found 4")
