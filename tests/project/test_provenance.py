"""Where store files come from, what becomes of damaged ones, and how main takes up what branches computed."""

import hashlib
import json
import math
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
    theirs = [file for name in ("features.weighted", "serving.scores") for file in stored(tiny, name, "heavier")]
    honest = {file.name: record(file)["parents"] for file in theirs}
    for file in theirs:
        file.with_suffix(".json").write_text(json.dumps({**record(file), "parents": ["/etc/passwd"]}))
    tiny.build("--vars", "{weight: 7}")
    assert tiny.computed() == set()
    ours = [file for name in ("features.weighted", "serving.scores") for file in stored(tiny, name)]
    assert {file.name: record(file)["parents"] for file in ours if file.name in honest} == honest
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


# -------------------------------------------------------------------- one served row


SCORES = """
with

snapshots as (

    select * from {{ ref('snapshots') }}

),

scored as (

    {{ scored('line', ['customer_id']) }}

)

select * from scored
"""

FITTED = """
models:
  - name: line
    config:
      materialized: fitted
      schema: learning
      meta:
        estimator: sklearn.linear_model.LinearRegression
        task: regression
        label: y
        key: [customer_id]
        features: {numeric: [x, z]}
"""

SCORED = {
    "seeds/routes.csv": "endpoint,implementation,share,model_version\nrisk,risk__boosted,0.5,\nrisk,risk__linear,0.5,\n",
    "models/features/snapshots.sql": """
select
    i::varchar as customer_id,
    (i * 37 % 101)::double as x,
    (i * 53 % 97) / 7.0 as z,
    timestamp '2020-02-01' as as_of
from range(400) as rows(i)
""",
    "models/features/line_examples.sql": "select *, x * 2 + z + hash(customer_id) / 1e19 as y from {{ ref('snapshots') }}\n",
    "models/learning/line.sql": "select * from {{ ref('line_examples') }}\n",
    "models/learning/line.yml": FITTED,
    "models/learning/trees.sql": "select * from {{ ref('line_examples') }}\n",
    "models/learning/trees.yml": FITTED.replace("name: line", "name: trees").replace(
        "linear_model.LinearRegression", "ensemble.HistGradientBoostingRegressor"
    ),
    "models/scores/risk__linear.sql": SCORES,
    "models/scores/risk__boosted.sql": SCORES.replace("'line'", "'trees'"),
    "models/serving/risk.sql": "select * from ({{ routed('risk', ['risk__linear', 'risk__boosted'], 'customer_id') }})\n",
    "models/serving/risk.yml": """
models:
  - name: risk
    description: A risk of everybody.
    config: {meta: {endpoint: {type: score, key: [customer_id]}}}
    columns: [{name: customer_id, data_tests: [unique, not_null]}]
""",
    "models/serving/days.sql": """
select kind, occurred_at::date as day, event_id::integer as number, amount from {{ ref('stg_events') }}
""",
    "models/serving/days.yml": """
models:
  - name: days
    description: Amounts of days.
    config: {meta: {endpoint: {type: score, key: [number, kind]}}}
    columns: [{name: number, data_tests: [unique, not_null]}]
""",
}


@pytest.fixture(scope="module")
def scored(tiny_template: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a model, its scores and a served table of them; tests only read it."""
    from project.harness import REPOSITORY, tiny_project

    project = tiny_project(tmp_path_factory.mktemp("scored") / "tiny")
    for name in ("score_model_parts", "score_model_reasons", "stable_share"):
        for file in (REPOSITORY / "udfs").glob(f"{name}.*"):
            shutil.copy(file, project.root / "udfs" / file.name)
    for path, text in SCORED.items():
        project.write(path, text.lstrip("\n"))
    project.replace("dbt_project.yml", "    serving:", "    scores: {+schema: scores, +materialized: table}\n    serving:")
    project.build()
    return project


def asked(project: Project, name: str, arguments: str) -> str:
    outcome = project.operation(name, arguments)
    assert outcome.is_green, outcome.output
    return outcome.output


def somebody(project: Project, implementation: str = "risk__linear") -> str:
    """The id of a customer whom an implementation scored."""
    return project.serving(f"select customer_id from risk where implementation = '{implementation}' order by 1")[0][0]


def test_a_row_tells_all_that_it_was_made_of(scored: Project) -> None:
    who = somebody(scored)
    told = asked(scored, "provenance", f"{{table: risk, key: '{who}'}}")
    lines = [" ".join(line.split()) for line in told.splitlines()]
    ((score, version),) = scored.serving(f"select score, model_version from risk where customer_id = '{who}'")
    ((publisher,),) = scored.serving("select distinct published_by from release")
    ((fingerprint, examples),) = scored.catalog("select fingerprint, examples_fingerprint from learning.line")
    for line in (
        "release 1",
        "branch main",
        f"published by {publisher}",
        f"score {score!r}",
        "implementation risk__linear",
        f"model {version}",
        f"fingerprint {fingerprint}",
        f"examples' fingerprint {examples}",
        "features that went in, of features.snapshots",
        f"x {float(int(who) * 37 % 101)!r}",
        f"z {int(who) * 53 % 97 / 7.0!r}",
    ):
        assert line in lines, told
    (file,) = stored(scored, "scores.risk__linear")
    assert f"sha256 {hashlib.sha256(file.read_bytes()).hexdigest()}" in lines


def test_a_row_names_the_source_files_that_it_was_made_of_with_their_hashes(scored: Project) -> None:
    told = asked(scored, "provenance", "{table: scores, key: '2'}")
    (landed,) = stored(scored, "shop.events")
    assert str(scored.root / "raw/first.csv") in told
    assert hashlib.sha256(landed.read_bytes()).hexdigest() in told
    assert "seeds/points.csv" in told
    assert "made of 2 source files and seeds" in told
    assert "no model: the row names no version that the store has" in told
    told = asked(scored, "provenance", "{table: days, key: [2, b]}")
    assert "made of 1 source file" in told
    assert hashlib.sha256(landed.read_bytes()).hexdigest() in told


@pytest.mark.parametrize("key", ["[2, b]", "{kind: b, number: 2}"])
def test_a_key_of_several_columns_is_a_list_or_a_mapping(scored: Project, key: str) -> None:
    assert "amount  20.0" in asked(scored, "provenance", f"{{table: days, key: {key}}}")
    assert "days, number 2 and kind b: computed again by its query" in asked(scored, "replay", f"{{table: days, key: {key}}}")


@pytest.mark.parametrize("name", ["provenance", "replay"])
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("{table: weighted, key: '1'}", "expected a served table of release 1 (days, risk, scores), found 'weighted'"),
        ("{key: '1'}", "expected a served table of release 1 (days, risk, scores), found None"),
        ("{table: risk, key: '400'}", "expected the key of a row of risk, found '400', which no row has"),
        (
            "{table: risk, key: 7}",
            "expected {key: '...'}, where customer_id is a text, found 7, as YAML reads it; write it in quotes",
        ),
        ("{table: risk}", "expected {key: '...'}, the key of risk, found None"),
        ("{table: risk, key: ['7', '8']}", "expected {key: '...'}, the key of risk, found ['7', '8']"),
        ("{table: days, key: 2}", "expected {key: {number: 1, kind: '...'}}, the key of days, found 2"),
        ("{table: days, key: {number: 2, day: b}}", "expected {key: {number: 1, kind: '...'}}, the key of days, found"),
        ("{table: days, key: [two, b]}", "expected the key of a row of days, found ['two', 'b'], which no row has"),
    ],
)
def test_what_is_no_row_gets_one_sentence(scored: Project, name: str, arguments: str, expected: str) -> None:
    outcome = scored.operation(name, arguments)
    assert not outcome.is_green
    assert f"{name}: {expected}" in outcome.output


@pytest.mark.parametrize(("implementation", "plan"), [("risk__linear", "sql"), ("risk__boosted", "udf")])
def test_a_score_comes_out_again_bit_for_bit(scored: Project, implementation: str, plan: str) -> None:
    who = somebody(scored, implementation)
    ((score, version),) = scored.serving(f"select score, model_version from risk where customer_id = '{who}'")
    assert scored.catalog(f"select plan from history.versions where model_version = '{version}'") == [(plan,)]
    told = asked(scored, "replay", f"{{table: risk, key: '{who}'}}")
    assert f"risk, customer_id {who}: score {score!r}, computed again by {implementation} with {version} from the store" in told
    assert "is the same bit for bit as release 1 serves it, in all 6 columns but scored_at" in told


def copied(project: Project, root: Path) -> Project:
    shutil.copytree(project.root, root, symlinks=True)
    return Project(root)


def test_a_score_that_differs_by_one_bit_is_noticed(scored: Project, tmp_path: Path) -> None:
    shop, who = copied(scored, tmp_path / "tiny"), somebody(scored)
    ((score,),) = shop.serving(f"select score from risk where customer_id = '{who}'")
    served = shop.folder() / "releases/1/serving.duckdb"
    served.chmod(0o600)
    with duckdb.connect(str(served)) as connection:
        connection.execute(f"update risk set score = ? where customer_id = '{who}'", [math.nextafter(score, math.inf)])
    outcome = shop.operation("replay", f"{{table: risk, key: '{who}'}}")
    assert not outcome.is_green
    assert f"score {math.nextafter(score, math.inf)!r}, and {score!r} (served, and computed again)" in outcome.output
    other = somebody(scored, "risk__boosted")
    assert shop.operation("replay", f"{{table: risk, key: '{other}'}}").is_green


def test_a_score_is_computed_from_its_features_and_not_from_what_is_stored_of_it(scored: Project, tmp_path: Path) -> None:
    shop, who = copied(scored, tmp_path / "tiny"), somebody(scored)
    ((score,),) = shop.serving(f"select score from risk where customer_id = '{who}'")
    for relation in ("scores.risk__linear", "serving.risk"):
        (file,) = stored(shop, relation)
        forge(file, f"update data set score = 0.5 where customer_id = '{who}'")
    shop.build("--vars", "{weight: 9}")
    assert shop.serving(f"select score from risk where customer_id = '{who}'") == [(0.5,)]
    outcome = shop.operation("replay", f"{{table: risk, key: '{who}'}}")
    assert not outcome.is_green
    assert f"score 0.5, and {score!r} (served, and computed again)" in outcome.output


def test_a_row_whose_inputs_are_damaged_cannot_be_computed_again_and_says_why(tiny: Project) -> None:
    assert tiny.operation("replay", "{table: scores, key: '2'}").is_green
    (file,) = stored(tiny, "features.weighted")
    flip(file)
    outcome = tiny.operation("replay", "{table: scores, key: '2'}")
    assert not outcome.is_green
    assert f"replay: scores, event_id 2: cannot be computed again: expected features.weighted/{file.name}" in outcome.output
