"""Branches, releases and operations, as an analyst uses them."""

import fcntl
import hashlib
from pathlib import Path

import pytest

from project.harness import Project


def bytes_of(folder: Path) -> dict[str, str]:
    """Hashes of a branch's files that readers see, and of the store's."""
    files = [file for file in folder.rglob("*") if file.is_file() and ".work" not in file.parts]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_branch_changes_no_byte_of_main_and_merging_computes_nothing(tiny: Project) -> None:
    main, store = bytes_of(tiny.folder()), bytes_of(tiny.warehouse / "store")
    tiny.replace("models/features/weighted.sql", "amount > 0", "amount > 10")
    tiny.build(branch="only-large")
    assert tiny.computed("only-large") == {"weighted", "scores"}
    assert tiny.serving("select count(*) from scores", "only-large") == [(2,)]
    assert tiny.serving("select count(*) from scores") == [(3,)]
    assert bytes_of(tiny.folder()) == main
    assert store.items() <= bytes_of(tiny.warehouse / "store").items()

    outcome = tiny.build()
    assert tiny.computed() == set()
    assert "Published release 2 of main" in outcome.output
    assert tiny.serving("select count(*) from scores") == [(2,)]


def test_a_branch_stays_at_mains_data_until_it_asks_for_fresh_data(tiny: Project) -> None:
    tiny.build(branch="pinned")
    tiny.write("raw/second.csv", "event_id,occurred_at,kind,amount\n9,2020-02-01,a,1\n")
    tiny.build(branch="pinned")
    assert tiny.computed("pinned") == set()
    tiny.build("--vars", "{fresh_data: true}", branch="pinned")
    assert tiny.computed("pinned") == {"events", "stg_events", "weighted", "scores"}
    assert tiny.serving("select count(*) from scores", "pinned") == [(4,)]


def test_a_pinned_branch_can_read_columns_that_its_sources_declare_anew(tiny: Project) -> None:
    tiny.write("raw/first.csv", "event_id,occurred_at,kind,amount\n1,2020-01-01,a,999\n")
    tiny.replace(
        "models/staging/_sources.yml",
        "- {name: kind, data_type: VARCHAR}",
        "- {name: kind, data_type: VARCHAR}\n          - {name: place, data_type: VARCHAR}",
    )
    tiny.build(branch="pinned")
    assert tiny.catalog("select max(amount), max(place) from staging.stg_events", "pinned") == [(30.0, None)]


def test_a_selected_build_works_on_a_new_branch_and_publishes_nothing(tiny: Project) -> None:
    tiny.replace("models/serving/scores.sql", "weighted.value * points.points", "weighted.value * points.points * 1")
    outcome = tiny.build("--select", "scores", branch="quick")
    assert tiny.computed("quick") == {"scores"}
    assert "Nothing published: the selection left out" in outcome.output
    assert not (tiny.folder("quick") / "CURRENT").exists()


def test_rollback_restores_every_table_at_once_and_the_next_build_publishes_anew(tiny: Project) -> None:
    before = tiny.serving("from scores order by all")
    tiny.build("--vars", "{weight: 5}")
    assert tiny.serving("from scores order by all") != before
    assert "now serves release 1 (before: 2)" in tiny.operation("rollback").output
    assert tiny.serving("from scores order by all") == before
    assert tiny.serving("select distinct release from release") == [(1,)]
    tiny.build("--vars", "{weight: 5}")
    assert tiny.computed() == set()
    assert tiny.release() == 3


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("rollback", "{to: 77}", "expected release 77, found only 1"),
        ("rollback", "{}", "expected a release before 1, found only 1"),
        ("rollback", "{too: 1}", "rollback: expected to, found too; correct --args"),
        ("releases", "{last: 3}", "releases: expected no arguments, found last; correct --args"),
        ("rollback", "{to: soon}", "expected a release number such as {to: 3}, found 'soon'"),
        ("drop_branch", "{branch: main}", "main serves customers and is never dropped"),
        ("drop_branch", "{branch: ghost}", "expected one of none, found 'ghost'"),
        ("drop_branch", "{}", "expected {branch: <name>}"),
        ("collect_garbage", "{delete: maybe}", "expected {delete: true} or {delete: false}, found 'maybe'"),
        ("explain", "{node: ghost}", "found 'ghost'"),
    ],
)
def test_bad_arguments_get_one_sentence(tiny_template: Project, name: str, arguments: str, sentence: str) -> None:
    outcome = tiny_template.operation(name, arguments)
    assert not outcome.is_green
    assert sentence in outcome.output
    assert "Traceback" not in outcome.output


def test_releases_and_branches_tell_the_story(tiny: Project) -> None:
    tiny.build("--vars", "{weight: 5}")
    tiny.build("--vars", "{weight: 7}", branch="heavier")
    releases = tiny.operation("releases").output
    assert "* 2" in releases
    assert "scores, weighted" in releases
    assert "heavier" in tiny.operation("branches").output


@pytest.mark.parametrize("lost", [None, "{}", "garbage"])
def test_a_releases_summary_says_what_its_catalog_says_and_may_be_lost(tiny: Project, lost: str | None) -> None:
    tiny.build(branch="other")
    told = [tiny.operation(name).output for name in ("releases", "branches", "collect_garbage")]
    for file in tiny.warehouse.glob("*/releases/*/release.json"):
        file.chmod(0o600)
        file.write_text(lost) if lost else file.unlink()
    assert [tiny.operation(name).output for name in ("releases", "branches", "collect_garbage")] == told


def test_dropped_branches_leave_garbage_that_is_shown_before_it_is_deleted(tiny: Project) -> None:
    tiny.build("--vars", "{weight: 7}", branch="passing")
    assert "Nothing to delete" in tiny.operation("collect_garbage").output
    tiny.operation("drop_branch", "{branch: passing}")
    store = bytes_of(tiny.warehouse / "store")
    assert bytes_of(tiny.warehouse / "store") == store
    assert "Nothing to delete" in tiny.operation("collect_garbage").output  # what only the branch had went with it
    tiny.build("--vars", "{weight: 7}")
    tiny.build("--vars", "{retained_releases: 1}")
    store = bytes_of(tiny.warehouse / "store")
    assert "Would delete 2 files" in tiny.operation("collect_garbage").output
    assert bytes_of(tiny.warehouse / "store") == store
    assert "Deleted 2 files" in tiny.operation("collect_garbage", "{delete: true}").output
    tiny.build()
    assert tiny.computed() == set()


def test_a_branch_that_is_being_built_is_not_dropped(tiny: Project) -> None:
    tiny.build(branch="busy")
    with (tiny.folder("busy") / ".work/lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outcome = tiny.operation("drop_branch", "{branch: busy}")
    assert "drop_branch: expected a branch that nobody builds, found 'busy', which is being built; wait." in outcome.output
    assert tiny.release("busy") == 1
    assert tiny.operation("drop_branch", "{branch: busy}").is_green


def test_a_night_keeps_what_says_of_what_served_rows_were_made(tiny: Project) -> None:
    asked = "{table: scores, key: '2'}"
    made = tiny.operation("provenance", asked).output.split("made of")[1].split("release")[0]
    assert "first.csv" in made
    tiny.write("models/staging/stg_events.sql", "select *, 1 as more from {{ source('shop', 'events') }}\n")
    outcome = tiny.build("--vars", "{retained_releases: 1}", SCOREHOUSE_NIGHT="true")
    assert "Deleted" in outcome.output and tiny.computed() == {"stg_events"}
    assert made == tiny.operation("provenance", asked).output.split("made of")[1].split("release")[0]
    assert "Nothing to delete" in tiny.operation("collect_garbage").output


def test_an_endpoint_that_is_declared_anew_is_published_though_nothing_is_computed(tiny: Project) -> None:
    tiny.replace("models/serving/scores.yml", "type: score", "type: rank")
    tiny.build()
    assert tiny.computed() == set()
    assert tiny.release() == 2
    assert tiny.serving("select type from endpoints") == [("rank",)]
    tiny.replace("models/features/unrelated.sql", "select i", "{{ config(meta={'endpoint': {'key': ['number']}}) }}\nselect i")
    tiny.build()
    assert tiny.computed() == set()
    assert tiny.serving("select count(*) from unrelated") == [(3,)]


def test_a_changed_description_is_published_though_nothing_is_computed(tiny: Project) -> None:
    tiny.replace("models/serving/scores.yml", "Scores of events.", "One row is one event.")
    tiny.build()
    assert (tiny.computed(), tiny.release()) == (set(), 2)
    assert tiny.serving("select description from endpoints") == [("One row is one event.",)]
    tiny.replace("models/serving/scores.yml", "{name: score,", "{name: score, description: Points.,")
    tiny.build()
    assert (tiny.computed(), tiny.release()) == (set(), 3)
    assert tiny.serving("select comment from duckdb_columns() where column_name = 'score'") == [("Points.",)]
    tiny.build()
    assert tiny.release() == 3


def test_old_releases_go_and_the_current_one_stays(tiny: Project) -> None:
    for weight in (3, 4, 5):
        tiny.build("--vars", f"{{weight: {weight}, retained_releases: 2}}")
    assert sorted(folder.name for folder in (tiny.folder() / "releases").iterdir()) == ["3", "4"]


def test_old_releases_that_a_killed_build_left_go_though_nothing_is_published(tiny: Project) -> None:
    for weight in (3, 4):
        tiny.build("--vars", f"{{weight: {weight}}}")
    assert "Release 3 of main stays: nothing changed." in tiny.build("--vars", "{weight: 4, retained_releases: 2}").output
    assert sorted(folder.name for folder in (tiny.folder() / "releases").iterdir()) == ["2", "3"]


def test_renamed_and_deleted_models_leave_the_catalog(tiny: Project) -> None:
    (tiny.root / "models/features/unrelated.sql").unlink()
    tiny.build()
    assert tiny.catalog("select count(*) from duckdb_views() where view_name = 'unrelated'") == [(0,)]
    assert tiny.release() == 2


SEEN = "models: [{name: seen, config: {materialized: view, OTHERWISE}}]"
HELD = "models: [{name: held, config: {OTHERWISE}}]"
RENAMED = {
    "a view": ("models/features/seen.yml", SEEN, "alias", "seen", "seen_now"),
    "a schema": ("models/features/seen.yml", SEEN, "schema", "features", "more"),
    "a table": ("models/features/held.yml", HELD, "alias", "held", "kept"),
    "a case": ("models/features/held.yml", HELD, "alias", "held", "Held"),
    "a seed": ("seeds/points.yml", "seeds: [{name: points, config: {OTHERWISE}}]", "alias", "points", "marks"),
}


@pytest.mark.parametrize("what", RENAMED)
def test_what_gets_another_name_leaves_the_old_one_and_can_take_it_back(tiny: Project, what: str) -> None:
    path, said, setting, old, new = RENAMED[what]
    tiny.write("models/features/seen.sql", "select event_id from {{ ref('stg_events') }}\n")
    tiny.write("models/features/seen.yml", SEEN.replace("OTHERWISE", "alias: seen"))
    tiny.write("models/features/sees.sql", "select count(*) as n from {{ ref('seen') }}\n")
    tiny.write("models/features/held.sql", "select max(amount) as top from {{ ref('stg_events') }}\n")
    named = []
    for name in (old, new, old):
        tiny.write(path, said.replace("OTHERWISE", f"{setting}: {name}"))
        tiny.build()
        named.append(names_of(tiny))
        assert tiny.catalog("select n from features.sees") == [(3,)]
    assert tiny.release() == 4
    assert named[0] == named[2]
    assert {name.replace(new, old) for name in named[1] - named[0]} == named[0] - named[1] != set()


def names_of(project: Project) -> set[str]:
    """The relations and functions of models that readers of the catalog find."""
    views = "select schema_name || '.' || view_name from duckdb_views() where not internal"
    macros = "select schema_name || '.' || function_name from duckdb_functions() where not internal"
    return {name for (name,) in project.catalog(f"{views} union all {macros}") if not name.startswith(("history", "scorehouse"))}


def test_models_that_exchange_their_names_and_functions_that_go_leave_what_is_there(tiny: Project) -> None:
    tiny.write("models/features/a.sql", "select 'a' as made\n")
    tiny.write("models/features/b.sql", "select 'b' as made\n")
    tiny.write("udfs/thrice.sql", "x * 3\n")
    tiny.write(
        "udfs/thrice.yml",
        "functions: [{name: thrice, arguments: [{name: x, data_type: double}], returns: {data_type: double}}]\n",
    )
    tiny.build()
    assert "functions.thrice" in names_of(tiny)
    tiny.write("models/features/ab.yml", "models: [{name: a, config: {alias: b}}, {name: b, config: {alias: a}}]\n")
    for file in ("udfs/thrice.sql", "udfs/thrice.yml"):
        (tiny.root / file).unlink()
    tiny.build()
    assert tiny.catalog("select a.made, b.made from features.a, features.b") == [("b", "a")]
    assert "functions.thrice" not in names_of(tiny)


def test_a_source_that_gets_another_schema_is_read_there(tiny: Project) -> None:
    tiny.replace("models/staging/_sources.yml", "schema: shop", "schema: store_front")
    tiny.build()
    assert {"store_front.events"} == {name for name in names_of(tiny) if name.endswith(".events")}
    assert tiny.catalog("select count(*) from store_front.events") == [(3,)]


@pytest.mark.parametrize("data_format", ["parquet"])
def test_the_store_writes_another_format_on_request(tiny: Project, data_format: str) -> None:
    before = tiny.serving("from scores order by all")
    tiny.build("--vars", f"{{store_format: {data_format}}}")
    assert {"weighted", "unrelated", "scores", "points"} <= tiny.computed()
    assert tiny.serving("from scores order by all") == before
    outcome = tiny.dbt("build", "--vars", "{store_format: csv}")
    assert "Variable store_format: expected one of duckdb, parquet, found 'csv'" in outcome.output


HOSTILE = [
    "a/b",
    "a-b",
    "a_b",
    "A-B",
    "a.b",
    "main ",
    " main",
    "MAIN",
    "..",
    "../main",
    "/tmp/x",
    "store",
    ".work",
    "日本",
    "ü",
    "x" * 200,
    "x" * 201,
    "a\\b",
    "a'b",
    'a"b',
    "a b",
    "con",
    "-rf",
    "main_0d6be69b26",
]


def test_hostile_branch_names_never_meet_and_never_leave_the_warehouse() -> None:
    from scorehouse.names.git import slug

    slugs = [slug(name) for name in HOSTILE] + [slug(slug(name)) for name in HOSTILE if slug(name) != name]
    assert len(set(slugs)) == len(slugs)
    assert all(s not in ("main", "store") and len(s) <= 60 and Path(s).name == s for s in slugs)


@pytest.mark.parametrize("name", ["../main", "main ", "a'b"])
def test_builds_on_hostile_branches_stay_apart(tiny: Project, name: str) -> None:
    main = bytes_of(tiny.folder())
    tiny.build("--vars", "{weight: 9}", branch=name)
    assert bytes_of(tiny.folder()) == main
    assert tiny.folder(name).parent == tiny.warehouse
    assert tiny.release(name) == 1


def test_a_warehouse_that_was_moved_is_built_on_and_read_where_it_is(tiny: Project) -> None:
    moved = Project(tiny.root.with_name("it's elsewhere"))
    tiny.root.rename(moved.root)
    moved.build()
    assert moved.computed() == set()  # whose files have another path
    assert moved.release() == 2
    assert moved.catalog("select count(*) from serving.scores") == moved.serving("select count(*) from scores")
    moved.build(branch="feature")
    assert moved.catalog("select count(*) from features.weighted", "feature") == moved.catalog(
        "select count(*) from features.weighted"
    )
    moved.build()
    assert moved.release() == 2
    told = moved.operation("rollback").output
    assert f"the views of its catalog read {tiny.warehouse}, where the warehouse was when it was published" in told, told
    assert "where the warehouse was" not in moved.operation("rollback", "{to: 2}").output


def test_a_release_that_lost_its_files_is_none_to_roll_back_to(tiny: Project) -> None:
    tiny.replace("dbt_project.yml", "weight: 2", "weight: 3")
    tiny.build()
    for file in (tiny.folder() / "releases" / "1").iterdir():
        file.unlink()
    for arguments in ("{}", "{to: 1}"):
        outcome = tiny.operation("rollback", arguments)
        assert "found only 2; choose one of these." in outcome.output, outcome.output
    assert tiny.release() == 2
