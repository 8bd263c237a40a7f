"""Serving files for audiences: each has its tables, columns and rows and no more, through every release."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from project.harness import Project, query_file


@pytest.fixture(autouse=True)
def mask_of_modes() -> Iterator[None]:
    """What a build with audiences withholds from others, it withholds for the process."""
    before = os.umask(0o022)
    yield
    os.umask(before)


ENDPOINT = "meta: {endpoint: {type: score, key: [event_id], decision: wins"


def declare(project: Project, audiences: str) -> None:
    text = (project.root / "models/serving/scores.yml").read_text().splitlines()
    lines = [f"    config: {{{ENDPOINT}, audiences: {audiences}}}}}}}" if ENDPOINT in line else line for line in text]
    project.write("models/serving/scores.yml", "\n".join(lines) + "\n")


def held(file: Path) -> dict[str, list[tuple]]:
    """Every table of a file: its columns, and its rows."""
    found = {}
    with duckdb.connect(str(file), read_only=True) as serving:
        for (name,) in serving.execute("select table_name from duckdb_tables()").fetchall():
            rows = serving.execute(f"from {name}").fetchall()
            found[name] = [tuple(column for column, *_ in serving.description), *rows]
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_audience_has_its_tables_columns_and_rows_and_no_more(tiny: Project) -> None:
    everything = tiny.serving("select event_id, score, wins from scores")
    tiny.write("models/serving/secret.sql", "select event_id, score as hidden from {{ ref('scores') }}\n")
    tiny.write("models/serving/secret.yml", "models: [{name: secret, config: {meta: {endpoint: {key: [event_id]}}}}]\n")
    declare(tiny, "{finance: {columns: [event_id, score]}, callers: {columns: [event_id], rows: wins}, all_of_it: }")
    outcome = tiny.build()
    folder = tiny.folder() / "serving"

    assert sorted(file.name for file in folder.iterdir()) == ["all_of_it.duckdb", "callers.duckdb", "finance.duckdb"]
    finance, callers = held(folder / "finance.duckdb"), held(folder / "callers.duckdb")
    assert finance.keys() == {"scores", "endpoints", "features", "release"}
    assert finance["scores"] == [("event_id", "score"), *((event_id, score) for event_id, score, _ in everything)]
    assert callers["scores"] == [("event_id",), *((event_id,) for event_id, _, wins in everything if wins)]
    assert len(callers["scores"]) - 1 < len(everything)
    query = "select row_count, audiences from endpoints"
    assert query_file(folder / "callers.duckdb", query) == [(len(callers["scores"]) - 1, [])]
    for theirs in (finance, callers):
        assert not any(word in str(theirs) for word in ("secret", "weighted", "callers: ", "hidden"))
    assert held(folder / "all_of_it.duckdb")["scores"] == held(tiny.folder() / "serving.duckdb")["scores"]
    assert (
        "No group 'finance' on this machine that who builds is in: serving/finance.duckdb is for who builds alone"
        in outcome.output
    )

    files = [*folder.iterdir(), tiny.folder() / "serving.duckdb", tiny.folder() / "catalog.duckdb"]
    assert [mode(file) & 0o007 for file in files] == [0] * 5
    assert [mode(path) & 0o007 for path in (tiny.warehouse / "store", tiny.folder() / ".work")] == [0, 0]
    on_the_way = [folder.resolve(), *list(folder.resolve().parents)[:3]]
    assert all(mode(path) & 0o001 for path in on_the_way), "a group that may read its file must come to it"


def test_audiences_follow_the_release(tiny: Project) -> None:
    declare(tiny, "{finance: {columns: [event_id, score]}}")
    tiny.build()
    file, first = tiny.folder() / "serving/finance.duckdb", tiny.release()
    before = query_file(file, "from scores")
    tiny.replace("dbt_project.yml", "weight: 2", "weight: 3")
    declare(tiny, "{finance: {columns: [event_id, wins]}}")
    tiny.build()
    assert query_file(file, "describe scores")[1][0] == "wins"
    assert tiny.dbt("run-operation", "rollback").is_green and tiny.release() == first
    assert query_file(file, "from scores") == before
    tiny.build()
    without = tiny.start("build", branch="other")
    output, _ = without.communicate(timeout=300)
    assert without.returncode == 0, output
    databases = [*tiny.warehouse.glob("*/releases/*/*.duckdb"), *tiny.warehouse.glob("*/releases/*/serving/*.duckdb")]
    assert len(databases) >= 10 and not any(mode(file) & 0o007 for file in databases)
    declare(tiny, "{callers: {columns: [event_id]}}")
    assert "finance" not in tiny.build().output
    assert [path.name for path in (tiny.folder() / "serving").iterdir()] == ["callers.duckdb"]
    declare(tiny, "{}")
    tiny.build()
    assert not (tiny.folder() / "serving").is_symlink()


@pytest.mark.parametrize(
    ("audiences", "found"),
    [
        ("[finance]", "expected {<audience>: {columns: [<column>], rows: <condition>}}, both as needed"),
        ("{../out: {columns: [event_id]}}", "found '../out: {'columns': ['event_id']}'; write it so."),
        ("{finance: {columns: event_id}}", "found 'finance: {'columns': 'event_id'}'; write it so."),
        ("{finance: {column: [event_id]}}", "found 'finance: {'column': ['event_id']}'; write it so."),
        ("{finance: {columns: [score]}}", "expected its columns to hold the key event_id"),
        ("{finance: {columns: [event_id, spent]}}", "audiences: finance: expected columns of each table that names it"),
        ("{finance: {rows: spent > 1}}", 'found: Binder Error: Referenced column "spent" not found'),
        ("{finance: {rows: wins) or (true}}", "meta.endpoint.audiences: finance"),
        ("{finance: {rows: event_id in (select event_id from features.weighted)}}", "features.weighted"),
        ("{finance: {rows: random() > 0.5}}", "random"),
        ("{finance: {columns: [event_id, Event_ID]}}", "write it so."),
        ("{finance: 0}", "found 'finance: 0'; write it so."),
        ("{finance: []}", "found 'finance: []'; write it so."),
        ("{finance: {rows: event_id}}", "meta.endpoint.audiences: finance: expected columns of each table"),
    ],
)
def test_what_is_no_audience_is_one_sentence_and_nothing_is_published(tiny: Project, audiences: str, found: str) -> None:
    declare(tiny, audiences)
    release = tiny.release()
    outcome = tiny.dbt("build")
    assert found in outcome.output, outcome.output
    assert "Traceback" not in outcome.output
    assert tiny.release() == release and not (tiny.folder() / "serving").exists()
