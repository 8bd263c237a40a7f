"""Where store files come from, what becomes of damaged ones, and how main takes up what branches computed."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from project.harness import Project


def stored(project: Project, relation: str, branch: str | None = None) -> list[Path]:
    """The files of a relation in main's part of the store, or in a branch's."""
    part = project.folder(branch) / "built" if branch else project.warehouse / "store"
    return sorted(file for file in (part / relation).iterdir() if file.suffix in (".duckdb", ".parquet"))


def record(file: Path) -> dict:
    return json.loads(file.with_suffix(".json").read_text())


def flip(file: Path, place: float = 0.5) -> None:
    """Change one bit of a file, as a disk does."""
    content = bytearray(file.read_bytes())
    content[int(len(content) * place)] ^= 1
    file.chmod(0o600)
    file.write_bytes(content)


def forge(file: Path, statement: str) -> None:
    """Let a branch's file hold other rows, under a record that says so."""
    from scorehouse.store.provenance import Author, Provenance

    file.chmod(0o600)
    with duckdb.connect(str(file)) as connection:
        connection.execute(statement)
        connection.execute("force checkpoint")
    Provenance.of(file, Author("main"), []).write_beside(file)  # which is no main


def test_every_store_file_has_a_record_of_who_wrote_it_and_of_what(tiny: Project) -> None:
    files = [file for file in (tiny.warehouse / "store").glob("*/*") if file.suffix != ".json"]
    names = {f"{file.parent.name}/{file.name}" for file in files}
    assert len(files) >= 5
    for file in files:
        assert record(file)["branch"] == "main"
        assert record(file)["promotion"] == "computed"
    (scores,) = stored(tiny, "serving.scores")
    assert record(scores)["parents"]
    assert set(record(scores)["parents"]) <= names
    (landed,) = stored(tiny, "shop.events")
    assert record(landed)["parents"] == [str(tiny.root / "raw/first.csv")]


@pytest.mark.parametrize(
    ("relation", "place"),
    [
        ("shop.events", 0.01),
        ("shop.events", 0.5),
        ("features.weighted", 0.5),
        ("features.weighted", 0.99),
        ("configuration.points", 0.5),
    ],
)
def test_a_flipped_bit_is_found_named_and_computed_anew(tiny: Project, relation: str, place: float) -> None:
    served = tiny.serving("from scores order by all")
    (file,) = stored(tiny, relation)
    content = file.read_bytes()
    flip(file, place)
    outcome = tiny.build()
    assert f"{file} was not as its record says" in outcome.output
    assert file.is_file()
    if file.suffix == ".parquet":
        assert file.read_bytes() == content
    tiny.build()
    assert tiny.serving("from scores order by all") == served


@pytest.mark.parametrize("what", ["file", "record"])
@pytest.mark.parametrize("relation", ["shop.events", "features.weighted", "serving.scores"])
def test_a_file_or_record_that_is_gone_is_computed_anew(tiny: Project, relation: str, what: str) -> None:
    served = tiny.serving("from scores order by all")
    (file,) = stored(tiny, relation)
    (file if what == "file" else file.with_suffix(".json")).unlink()
    tiny.build()
    assert tiny.serving("from scores order by all") == served
    assert "none is not as it was written" in tiny.operation("provenance").output


def test_what_is_selected_never_reads_damaged_parents(tiny: Project) -> None:
    file = stored(tiny, "staging.stg_events")[0]
    flip(file)
    outcome = tiny.dbt("build", "--select", "weighted", "--vars", "{weight: 9}")
    assert not outcome.is_green
    assert f"expected staging.stg_events/{file.name} in the store as it was written" in outcome.output
    assert "dbt build --select +weighted" in outcome.output
    assert tiny.dbt("build", "--select", "+weighted", "--vars", "{weight: 9}").is_green


def test_a_branch_reads_nothing_of_main_that_is_damaged(tiny: Project) -> None:
    (file,) = stored(tiny, "features.weighted")
    flip(file)
    tiny.build(branch="careful")
    assert tiny.computed("careful") == {"weighted"}
    assert tiny.serving("from scores order by all", "careful") == tiny.serving("from scores order by all")


def test_main_takes_up_what_a_branch_computed_and_says_so(tiny: Project) -> None:
    tiny.build("--vars", "{weight: 7}", branch="heavier")
    tiny.build("--vars", "{weight: 7}")
    assert tiny.computed() == set()
    (taken,) = [file for file in stored(tiny, "features.weighted") if record(file)["branch"] == "heavier"]
    assert record(taken)["promotion"] == "trusted"
    told = tiny.operation("provenance", "{node: weighted}").output
    assert "heavier" in told
    assert "trusted" in told
    assert "2 trusted" in tiny.operation("releases").output


def linked(file: Path) -> None:
    """Let a link stand where a result was."""
    file.rename(file.with_name("elsewhere"))
    file.symlink_to(file.with_name("elsewhere"))


def endless(file: Path) -> None:
    """Let a pipe stand where a result was: who opens it waits for ever."""
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize("harm", [flip, linked, endless])
def test_a_branchs_file_that_is_not_as_it_was_written_is_not_taken_up(tiny: Project, harm: Callable[[Path], None]) -> None:
    tiny.build("--vars", "{weight: 7}", branch="heavier")
    (file,) = stored(tiny, "features.weighted", "heavier")
    harm(file)
    tiny.build("--vars", "{weight: 7}")
    assert tiny.computed() == {"weighted"}


VERIFY = "{weight: 7, promotion: verify}"


def test_verify_computes_again_and_says_that_it_found_the_same(tiny: Project) -> None:
    tiny.build("--vars", "{weight: 7}", branch="heavier")
    tiny.build("--vars", VERIFY)
    assert tiny.computed() == {"weighted", "scores"}
    taken = [file for file in stored(tiny, "features.weighted") if record(file)["promotion"] == "verified"]
    assert [record(file)["branch"] for file in taken] == ["main"]
    assert "2 verified" in tiny.operation("releases").output


def test_verify_serves_what_main_computed_and_names_what_differs(tiny: Project) -> None:
    tiny.build("--vars", "{weight: 7}", branch="trying")
    (file,) = stored(tiny, "features.weighted", "trying")
    forge(file, "update data set value = 1000")
    shutil.copytree(tiny.root, tiny.root.parent / "trusting", symlinks=True, dirs_exist_ok=True)
    trusting = Project(tiny.root.parent / "trusting")
    trusting.build("--vars", "{weight: 7}")
    outcome = tiny.build("--vars", VERIFY)
    assert f"features.weighted/{file.name}: expected the rows that branch trying computed, found others" in outcome.output
    assert tiny.catalog("select max(value) < 1000 from features.weighted") == [(True,)]
    assert trusting.catalog("select min(value) from features.weighted") == [(1000,)]  # which is what `trust` means
    assert "trying" in trusting.operation("provenance", "{node: weighted}").output
    assert "unlike" in tiny.operation("provenance", "{node: weighted}").output
    shutil.rmtree(trusting.root)


def test_what_chance_leaves_to_trust_is_large(tiny: Project) -> None:
    tiny.build("--vars", "{weight: 7}", branch="heavier")
    tiny.build("--vars", "{weight: 7, promotion: verify, verified_share: 0.0}")
    assert tiny.computed() == {"weighted", "scores"}


@pytest.mark.parametrize("setting", ["promotion: believe", "verified_share: 2"])
def test_what_no_policy_is_gets_one_sentence(tiny_template: Project, setting: str) -> None:
    name = setting.split(":")[0]
    assert f"Variable {name}: expected" in tiny_template.dbt("build", "--vars", f"{{{setting}}}").output
