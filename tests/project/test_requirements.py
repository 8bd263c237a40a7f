"""What served tables are made for: said beside what is measured, for each of them, in numbers."""

from pathlib import Path

import pytest

from project.harness import REPOSITORY, Project, tiny_project

SEED = "seeds/operations/product_requirements.csv"
HEADER = "endpoint,volume_rows,refresh_hours,decay_days,sla_hours,latency_ms,calls_a_day,owner"
ROW = "scores,10000000,24,30,30,50.5,1000,shop@scorehouse.example"
SHOWN = (
    "select owner, required_volume_rows, required_refresh_hours, required_decay_days, required_sla_hours, required_latency_ms,"
    " required_calls_a_day, row_count, age_hours from endpoints"
)
TEAM = f"seeds: [{{name: {Path(SEED).stem}, columns: [{{name: owner, config: {{meta: {{personal: false}}}}}}]}}]\n"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that says nothing of requirements, built once."""
    project = tiny_project(tmp_path_factory.mktemp("requirements"))
    project.build()
    return project


def test_without_the_seed_requirements_are_unknown(tiny: Project) -> None:
    assert tiny.serving(SHOWN) == [("", None, None, None, None, None, None, 3, None)]


def test_what_is_required_stands_beside_what_is_measured_and_a_new_promise_is_a_new_release(tiny: Project) -> None:
    aged = "select *, timestamp '2020-01-04' as as_of from (\n"
    text = (tiny.root / "models/serving/scores.sql").read_text()
    tiny.write("models/serving/scores.sql", f"{aged}{text})\n")
    tiny.write(SEED, f"{HEADER}\n{ROW}\n")
    tiny.write(SEED.replace(".csv", ".yml"), TEAM)
    tiny.build()
    ((*required, row_count, age_hours),) = tiny.serving(SHOWN)
    assert required == ["shop@scorehouse.example", 10000000, 24, 30, 30, 50.5, 1000]
    ((release, measured),) = tiny.serving(
        "select release, round(epoch(built_at - timestamp '2020-01-04') / 3600, 1) from release"
    )
    assert (row_count, age_hours) == (3, measured)
    tiny.replace(SEED, ",24,30,30,", ",24,30,36,")
    tiny.build()
    assert tiny.serving("select required_sla_hours, release from endpoints, release") == [(36, release + 1)]


def test_how_long_a_lookup_takes_stands_in_what_was_published_and_in_the_ledger(tiny: Project) -> None:
    path = "models/operations/lookup_latencies.sql"
    tiny.write(path, "{{ config(materialized='view') }}\n" + (REPOSITORY / path).read_text())
    tiny.build()
    ((latency,),) = tiny.serving("select latency_ms from endpoints where latency_ms > 0")
    assert tiny.catalog("select distinct endpoint, latency_ms from lookup_latencies") == [("scores", latency)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            f"{HEADER}\nscores,1,24,30,24 hours,50,1,me\n",
            "product_requirements.csv: line 2: column sla_hours: expected a number (DOUBLE), found '24 hours'; correct the cell.",
        ),
        (
            f"{HEADER}\nscores,10000000 customers,24,30,24,50,1,me\n",
            "line 2: column volume_rows: expected a whole number (BIGINT), found '10000000 customers'; correct the cell.",
        ),
        (
            f"{HEADER.replace('sla_hours', 'sla')}\nscores,1,24,30,24,50,1,me\n",
            "product_requirements.csv: expected the columns sla_hours (column_types), found endpoint, volume_rows, "
            "refresh_hours, decay_days, sla, latency_ms, calls_a_day, owner; rename a column, or add one.",
        ),
        (
            f"{HEADER}\n",
            f"{SEED}: column endpoint: expected a row for each served table, found none for scores; add one, or remove "
            "meta.endpoint from the YAML of scores.",
        ),
        (
            f"{HEADER}\n{ROW}\n{ROW.replace('scores,', 'score,', 1)}\n",
            f"{SEED}: column endpoint: expected a served table (scores), found 'score'; correct or remove the row.",
        ),
    ],
)
def test_what_says_nothing_that_one_can_check_is_refused_in_one_sentence(tiny: Project, text: str, sentence: str) -> None:
    tiny.write(SEED, text)
    outcome = tiny.dbt("build", branch="refused")
    assert not outcome.is_green
    (found,) = {line.strip() for line in outcome.output.splitlines() if Path(SEED).name in line}
    assert found.endswith(sentence)
