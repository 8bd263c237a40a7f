"""Every rule: DuckDB's SQL in, Spark's out, as translations.txt has it.

`python -m unit.spark.test_translations` writes that file anew.

That both mean the same is asked of both engines in tests/project/test_spark.py.
"""

from pathlib import Path

import pytest

from scorehouse.spark.rules.registry import FUNCTIONS, NODES, Known, SqlFunction, UntranslatableError
from scorehouse.spark.rules.types import spark_type
from scorehouse.spark.translate import translated, typed
from unit.spark.examples import BY_GROUP, BY_ROW, COLUMNS, QUERIES, REFUSED

FILE = Path(__file__).with_name("translations.txt")
KNOWN = Known(columns={("main", "given"): COLUMNS})


def queries() -> list[str]:
    """All examples as whole queries over the relation main.given."""
    by_row = [f"select i, {expression} as found from main.given" for expression in BY_ROW]
    by_group = [f"select k, {expression} as found from main.given group by k" for expression in BY_GROUP]
    return [*by_row, *by_group, *(query.replace("from given", "from main.given") for query in QUERIES)]


def translations() -> str:
    """What all examples become, as text."""
    return "\n".join(f"-- {query}\n{translated(query, KNOWN)};\n" for query in queries())


def test_every_example_becomes_what_the_file_says() -> None:
    assert translations() == FILE.read_text()


@pytest.mark.parametrize(("expression", "construct"), REFUSED.items())
def test_what_has_no_equal_is_refused_by_its_name(expression: str, construct: str) -> None:
    with pytest.raises(UntranslatableError) as refused:
        translated(f"select {expression} from main.given", KNOWN)
    assert refused.value.construct == construct


def test_a_function_of_the_project_stands_in_its_place_and_has_its_type() -> None:
    known = Known(sql_functions={"half": SqlFunction({"x": "double"}, "x / 2", "double")}, python_functions=frozenset({"own"}))
    assert translated('select "w"."functions"."half"(y + 1) + own(y) from given', known) == (
        "SELECT\n  CAST(CAST((\n    y + 1\n  ) AS DOUBLE) / 2 AS DOUBLE) + OWN(y)\nFROM given"
    )


def test_results_have_duckdbs_types() -> None:
    sql = typed("select 1 as n, [] as l", {"n": "HUGEINT", "l": "STRUCT(a DOUBLE)[]"}, KNOWN)
    assert "cast(`n` as DECIMAL(38, 0)) as `n`" in sql
    assert "cast(`l` as ARRAY<STRUCT<`a`: DOUBLE>>) as `l`" in sql


def test_a_type_that_spark_lacks_is_named() -> None:
    with pytest.raises(UntranslatableError, match="the type INTERVAL"):
        spark_type("INTERVAL")


def test_every_rule_has_a_sentence() -> None:
    rules = {*FUNCTIONS.values(), *NODES.values()}
    assert len(rules) > 60
    assert not [rule.__name__ for rule in rules if rule.__name__ != "<lambda>" and not rule.__doc__]


if __name__ == "__main__":
    FILE.write_text(translations())
