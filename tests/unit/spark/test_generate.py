"""What becomes of a project: models in the order in which they read each other, and sentences for those without translation."""

from pathlib import Path

from scorehouse.spark.generate import Translation, Translator, write
from scorehouse.spark.project import DataTest, Model, Project

READS = 'select * from "warehouse"."main"."{}"'


def model(name: str, sql: str) -> Model:
    said = {"description": "", "columns": {}, "contract": False}
    return Model("main", name, f"models/{name}.sql", sql, sql, {"x": "INTEGER"}, "1", (), (), "", said)


def translated(*models: Model) -> Translation:
    test = DataTest("counted", "tests/counted.sql", "", READS.format("last"), {"severity": "ERROR"})
    project = Project("shop", Path(), Path(), models, (), (), (test,), {}, ())
    return Translator(project, {("main", "raw"): "main__raw__1"}, "4.3").everything()


def test_a_table_is_named_by_what_it_is_made_of(tmp_path: Path) -> None:
    last = model("last", READS.format("first"))
    made = translated(last, model("first", READS.format("raw")))
    again, other = translated(last, model("first", READS.format("raw"))), translated(last, model("first", "select 1 as x"))
    names = [[one.table for one in each.models] for each in (made, again, other)]
    assert names[0] == names[1]
    assert not set(names[0]) & set(names[2])
    project = Project("shop", Path(), Path(), (), (), (), (), {}, ())
    write(tmp_path, project, made)
    assert "FROM {{ ref('first') }} AS first" in (tmp_path / "models/main/last.sql").read_text()
    assert "FROM {{ source('duckdb', 'main__raw') }} AS raw" in (tmp_path / "models/main/first.sql").read_text()
    assert '{{ config(severity="ERROR") }}' in (tmp_path / "tests/counted.sql").read_text()


def test_every_refusal_has_its_line() -> None:
    refused = {
        "b at time zone 'Europe/Berlin' as z": "ATTIMEZONE",
        "b::uuid as z": "the type UUID",
        "[e || '!' for e in l] as z": "COMPREHENSION",
        "b[2:-1] as z": "a part of a list whose ends are no positive numbers",
        "median(b, 1, 2) as z, string_split(b, 'x', 1, 2) as y": "string_split() in this form",
        "now() as z": "now()",
    }
    for line, construct in refused.items():
        text = f"{{{{ config(x=1) }}}}\n{{# of two lines\n#}}\nselect\n    a,\n    {line}\nfrom {{{{ ref('other') }}}}"
        compiled = f"\n\nselect\n    a,\n    {line}\nfrom other"
        said = {"description": "", "columns": {}, "contract": False}
        made = Model("main", "m", "models/m.sql", text, compiled, {"x": "INTEGER"}, "1", (), (), "", said)
        (sentence,) = translated(made).refusals[:1]
        assert sentence.startswith(f"models/m.sql:6: expected SQL that has an equal on Spark, found {construct};"), sentence


def test_what_has_no_translation_is_named_with_its_line_and_what_reads_it_is_named_too() -> None:
    found = translated(model("last", READS.format("first")), model("first", "select\n    1 as x,\n    reservoir_quantile(2, 3)"))
    assert found.models == found.tests == ()
    assert found.refusals[0].startswith(
        "models/first.sql:3: expected SQL that has an equal on Spark, found reservoir_quantile();"
    )
    assert found.refusals[1] == "models/last.sql: it reads a model that is refused; mend that one first."
