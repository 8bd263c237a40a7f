"""What a run on Spark says of tests."""

from types import SimpleNamespace

import duckdb
import pytest

from scorehouse.spark.generate import Translation
from scorehouse.spark.project import DataTest
from scorehouse.spark.run import Outcome, _other_warnings, _Run


@pytest.mark.parametrize(("severity", "found", "sentences"), [("warn", 2, 0), ("warn", 0, 1), ("ERROR", 0, 0)])
def test_a_warning_that_finds_other_rows_is_a_difference(severity: str, found: int, sentences: int) -> None:
    test = DataTest("late", "tests/late.sql", "", "select * from range(2)", {"severity": severity, "fail_calc": "count(*)"})
    result = SimpleNamespace(node=SimpleNamespace(name="late"), status="pass", failures=found)
    with duckdb.connect() as connection:
        run = _Run(None, connection, None, Outcome(), print)
        said = list(_other_warnings(run, Translation((), {}, ((test, ""),), ()), [result]))
    assert said == ["tests/late.sql: expected 2 rows as on DuckDB, found 0; translate it otherwise."] * sentences
