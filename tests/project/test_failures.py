"""What happens when something goes wrong: nothing is published, nothing is lost, one sentence says why."""

import errno
import os
from pathlib import Path

import duckdb
import pytest
from dbt_common.exceptions import DbtRuntimeError

from project.harness import Project
from scorehouse.errors import ScorehouseError
from scorehouse.plugin import _ShownByDbt, _wait_seconds


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (
            "models/serving/scores.yml",
            "data_tests: [not_null]",
            "data_tests: [unique, {accepted_values: {arguments: {values: [1]}}}]",
        ),
        ("models/serving/scores.yml", "score: 2", "score: 3"),
        ("models/serving/scores.sql", "as score", "as score, 1/0::int as x, nonsense"),
        ("models/serving/scores.yml", "config: {meta:", "config: {contract: {enforced: true}, meta:"),
    ],
    ids=["data test", "unit test", "query", "contract"],
)
def test_a_red_build_publishes_nothing_and_says_so_in_one_line(tiny: Project, path: str, old: str, new: str) -> None:
    tiny.replace(path, old, new)
    if "contract" in new:
        tiny.replace(path, "{name: event_id,", "{name: event_id, data_type: integer,")
        tiny.replace(path, "{name: score,", "{name: score, data_type: double,")
    outcome = tiny.dbt("build")
    assert not outcome.is_green
    assert "Nothing published:" in outcome.output
    assert "Release 1 of main stays as it is" in outcome.output
    assert tiny.release() == 1


def test_a_row_that_breaks_a_constraint_is_never_stored_and_the_column_is_named(tiny: Project) -> None:
    tiny.write("models/features/whole.sql", "select nullif(i, 2) as number from range(4) as numbers(i)\n")
    column = "{name: number, data_type: bigint, constraints: [{type: not_null}]}"
    contract = "{contract: {enforced: true}}"
    tiny.write("models/features/whole.yml", f"models:\n  - name: whole\n    config: {contract}\n    columns: [{column}]\n")
    outcome = tiny.dbt("build", "--select", "whole")
    assert "features.whole: expected rows that keep the contract, found one that does not: " in outcome.output
    assert "number" in outcome.output.split("keep the contract")[1].splitlines()[0]
    assert not list(tiny.root.glob("warehouse/store/features.whole/*"))


def test_the_build_after_a_red_one_asks_the_failed_test_again(tiny: Project) -> None:
    tiny.replace("seeds/points.csv", "b,2", "b,")
    assert not tiny.dbt("build").is_green
    assert not tiny.dbt("build").is_green
    tiny.replace("seeds/points.csv", "b,", "b,2")
    tiny.build()
    assert tiny.computed() == set()


LANDING = {
    "wrong type": (
        "event_id,occurred_at,amount\n1,2020-01-01,ten\n",
        ["bad.csv", "amount", "expected DOUBLE", "'ten'", "line 2"],
    ),
    "missing required column": (
        "event_id,amount\n1,10\n",
        ["bad.csv", "required column occurred_at", "event_id, amount"],
    ),
    "unreadable": (b"\x00\xff\xfe\x00" * 99, ["bad.parquet", "expected a readable Parquet file"]),
}


@pytest.mark.parametrize("name", LANDING)
def test_a_file_that_breaks_its_contract_stops_the_build_with_one_sentence(tiny: Project, name: str) -> None:
    content, words = LANDING[name]
    file = tiny.root / "raw" / words[0]
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    outcome = tiny.dbt("build")
    assert not outcome.is_green
    sentence = next(line for line in outcome.output.splitlines() if words[0] in line)
    assert all(word in sentence for word in words), sentence
    assert tiny.release() == 1
    file.unlink()
    tiny.build()
    assert tiny.computed() == set()


def test_a_read_only_store_gets_one_sentence_and_loses_nothing(tiny: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs this may be root, whom no mode refuses: the system's answer is given in its place."""

    def refused(temporary: object, file: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))

    with monkeypatch.context() as patch:
        patch.setattr("scorehouse.store.files.put", refused)
        outcome = tiny.dbt("build", "--vars", "{weight: 8}")
    assert not outcome.is_green
    assert "features.weighted: expected to write" in outcome.output
    assert "found: Permission denied; free disk space or make the folder writable" in outcome.output
    assert "nothing was published" in outcome.output
    tiny.build("--vars", "{weight: 8}")
    assert tiny.release() == 2


def test_a_ledger_that_cannot_be_written_is_told(tiny: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("scorehouse.ledger.lines.Ledger._write_waiting", refused)
    folder, access = tiny.folder() / "ledger", os.access
    monkeypatch.setattr("scorehouse.ledger.lines.os.access", lambda path, mode: path != folder and access(path, mode))
    outcome = tiny.build("--vars", "{weight: 3}")
    assert f"{folder}: expected a folder that can be written" in outcome.output, outcome.output


def test_a_database_that_may_not_be_written_is_one_sentence_with_its_path() -> None:
    said = 'TransactionContext Error: Failed to commit: Cannot open file "/w/main/.work/warehouse.duckdb.wal": Permission denied'
    with pytest.raises(DbtRuntimeError, match=r"duckdb\.wal: expected a place .* found: Permission denied;"), _ShownByDbt():
        raise duckdb.TransactionException(said)


def test_a_build_that_runs_out_of_memory_and_disk_says_so(tiny: Project) -> None:
    tiny.write(
        "models/features/unrelated.sql",
        "select a.i as number, list(b.i order by b.i desc) as others\n"
        "from range(100000) as a(i) cross join range(100000) as b(i) group by all\n",
    )
    outcome = tiny.apart("build", "--vars", "{memory_limit: 100MB, spill_limit: 10MB}")
    assert not outcome.is_green
    assert "Out of Memory" in outcome.output
    assert tiny.release() == 1


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("memory_limit: lots", "Variable memory_limit: expected a size such as 8GB, found 'lots'"),
        ("memory_limit: 1MB", "Variable memory_limit: expected at least 50MB, found '1MB'; raise it."),
        ("query_timeout_seconds: soon", "Variable query_timeout_seconds: expected seconds above 0, found 'soon'"),
        ("training_rows: 0", "Variable training_rows: expected null or a whole number from 1, found '0'"),
        ("retained_releases: 0", "Variable retained_releases: expected a whole number from 1, found '0'"),
    ],
)
def test_a_variable_that_cannot_be_stops_the_build_with_one_sentence(
    tiny_template: Project, variable: str, sentence: str
) -> None:
    outcome = tiny_template.dbt("build", "--vars", f"{{{variable}}}", branch="variables")
    assert not outcome.is_green
    assert sentence in outcome.output
    assert "Traceback" not in outcome.output


def test_a_query_without_end_is_stopped_at_the_limit(tiny: Project) -> None:
    tiny.write(
        "models/features/unrelated.sql",
        "with recursive forever as (select 1 as number union all select number + 1 from forever)\n"
        "select count(*) as number from forever\n",
    )
    outcome = tiny.apart("build", "--vars", "{query_timeout_seconds: 2}")
    assert not outcome.is_green
    assert "features.unrelated: expected to end within 2 seconds" in outcome.output
    assert tiny.release() == 1


@pytest.mark.parametrize("given", ["abc", "nan", "-1", ""])
def test_seconds_to_wait_for_a_lock_are_seconds(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("SCOREHOUSE_LOCK_WAIT", given)
    with pytest.raises(ScorehouseError, match=f"SCOREHOUSE_LOCK_WAIT: expected seconds from 0, found '{given}'"):
        _wait_seconds()
