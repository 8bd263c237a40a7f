"""Every way into dbt: what comes out is right, or one sentence says why not; a table of commands, options, and configurations."""

import decimal
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from project.harness import Outcome, Project, tiny_project

OTHERS = re.compile(r"Traceback|nanobind|leaked|Error: 'NoneType'|^[A-Za-z.]*Warning:|\.py:\d+", re.MULTILINE)
"""Lines that neither dbt nor we have for a reader."""


@dataclass(frozen=True)
class Door:
    """One way into dbt.

    Attributes:
        command: what is typed behind dbt.
        said: words that stand together in one line of the answer; none where dbt's own answer is enough.
        is_green: whether the command ends well.
        is_published: whether the branch has a release then.
        holds: a query over the branch's catalog, and its rows.
    """

    command: str
    said: tuple[str, ...] = ()
    is_green: bool = True
    is_published: bool = False
    holds: tuple[str, list[tuple]] | None = None


def built(command: str = "build", *said: str, **more: object) -> Door:
    """A door behind which the whole project is built and published."""
    return Door(command, said, is_published=True, **more)


def kept(command: str, *said: str, **more: object) -> Door:
    """A door behind which something is done, and nothing is published."""
    return Door(command, said, **more)


def refused(command: str, *said: str) -> Door:
    """A door that is shut, with one sentence."""
    return Door(command, said, is_green=False)


SCORES = ("select event_id, score from serving.scores order by all", [("1", 25.0), ("2", 180.0), ("3", 65.0)])
"""Served by the tiny project: (amount * 2 * 2 + 10) * points."""

PART = ("Nothing published: the build was of a part of the data", "plain `dbt build` publishes")
SELECTED = ("Nothing published: the selection left out", "plain `dbt build` publishes")
NO_BUILD = "Nothing published: dbt {} is no build; plain `dbt build` publishes."

COMMANDS = [
    built(),
    built("build --threads 1", holds=SCORES),
    built("build --fail-fast", holds=SCORES),
    built("build --full-refresh", "--full-refresh computed nothing again that the store has", holds=SCORES),
    built("build --target-path elsewhere", holds=SCORES),
    built("build --store-failures", holds=SCORES),
    built("build --defer --state target", holds=SCORES),
    built("build --defer --favor-state --state target", holds=SCORES),
    built("build --no-partial-parse", holds=SCORES),
    built("build --cache-selected-only", holds=SCORES),
    built("build --warn-error", holds=SCORES),
    built("build --indirect-selection cautious", holds=SCORES),
    kept("build --select weighted", *SELECTED),
    kept("build --select +scores", *SELECTED),
    kept("build --exclude scores", *SELECTED),
    kept("build --resource-type model", *SELECTED),
    kept("build --exclude-resource-type unit_test", *SELECTED),
    kept("build --select state:modified --state target"),
    kept("build --empty", *PART),
    kept("build --empty --select weighted", *PART),
    kept("build --sample '3 days'", *PART),
    kept("build --sample '3 days' --select weighted", *PART),
    refused("build --event-time-start 2020-01-01 --event-time-end 2020-01-02", "found --event-time-end", "leave it out"),
    refused("build --single-threaded", "found --single-threaded of dbt build", "write --threads 1"),
    refused("build --threads 0", "expected --threads 1 or more, found 0"),
    refused("build --threads -1", "expected --threads 1 or more, found -1"),
    refused("""build --vars "{as_of: '2026-13-45'}" """, "Variable as_of: expected null or a date", "found '2026-13-45'"),
    refused("build --vars '{as_of: 2026-01-05 23:00}'", "Variable as_of: expected null or a date"),
    refused("build --export-saved-queries", "found --export-saved-queries of dbt build", "leave it out"),
    refused("run --event-time-start 2020-01-01 --event-time-end 2020-01-02", "found --event-time-end of dbt run"),
    *[
        kept(f"{command} {options}".strip(), NO_BUILD.format(command))
        for command, several in {
            "run": ["", "--select weighted", "--exclude scores", "--empty", "--sample '3 days'", "--full-refresh", "--threads 1"],
            "test": ["", "--select scores", "--exclude unique_scores_event_id", "--fail-fast", "--store-failures"],
            "seed": ["", "--select points", "--full-refresh"],
        }.items()
        for options in several
    ],
    refused("seed --show", "found --show of dbt seed", "write dbt show"),
    kept("snapshot", "Nothing to do"),
    kept("show --inline 'select 41 + 1 as answer'", "42"),
    kept("show --select unrelated --limit 2", "number"),
    refused("show --select points", "expected a model to show, found the seed points", "dbt show --inline"),
    kept("""show --inline "select count(*) as rows_of_it from {{ ref('weighted') }}" """, "3"),
    kept("show --inline-direct 'select 41 + 1 as answer'", "42"),
    refused("show --inline-direct 'drop view features.weighted'", "found drop statement"),
    kept("compile"),
    kept("compile --select weighted", "select"),
    kept("compile --inline 'select 1 as one'", "select 1 as one"),
    kept("compile --no-introspect"),
    kept("docs generate", "Catalog written"),
    kept("docs generate --select weighted", "Catalog written"),
    kept("docs generate --empty-catalog", "Catalog written"),
    kept("ls", "tiny.features.weighted"),
    kept("ls --select +weighted --output json", "weighted"),
    kept("parse"),
    kept("source freshness", "Nothing to do"),
    kept("debug", "All checks passed!"),
    kept("run-operation releases"),
    refused("run-operation releases --args '{number: 1}'", "releases: expected no arguments, found number"),
    refused("run-operation nothing_such", "nothing_such"),
    refused("clone --state target", "found dbt clone", "a branch starts from main's release by itself"),
]


Files = dict[str, str]
"""What a project has more, by path; `added` in it gets a number of its own, so that many are built together."""


def model(head: str, *, sql: str = "select 7 as number", name: str = "added", yml: str = "") -> Files:
    """Files of one more model, with a config() in its head."""
    files = {f"models/features/{name}.sql": f"{{{{ config({head}) }}}}\n{sql}\n" if head else f"{sql}\n"}
    return files | ({f"models/features/{name}.yml": yml} if yml else {})


def contract(constraint: str) -> Files:
    """Files of one more model with a constraint in its contract."""
    column = f"{{name: number, data_type: integer, constraints: [{constraint}]}}"
    config = "{contract: {enforced: true}}"
    return model("", yml=f"models:\n  - {{name: added, config: {config}, columns: [{column}]}}\n")


SEVEN = ("select * from features.added", [(7,)])
INCREMENTAL = "select 7 as number {% if is_incremental() %} where false {% endif %}"


def incremental(more: str = "") -> Files:
    """Files of an incremental model."""
    return model(f"materialized='incremental'{more}", sql=INCREMENTAL)


RIGHT: dict[str, tuple[Files, tuple[str, list[tuple]]]] = {
    "table": (model("materialized='table'"), SEVEN),
    "view": (model("materialized='view'"), SEVEN),
    "incremental": (incremental(), SEVEN),
    "incremental, append": (incremental(", incremental_strategy='append'"), SEVEN),
    "incremental, delete+insert": (incremental(", incremental_strategy='delete+insert', unique_key='number'"), SEVEN),
    "incremental, merge": (incremental(", incremental_strategy='merge', unique_key=['number'], on_schema_change='fail'"), SEVEN),
    "incremental, full_refresh": (incremental(", full_refresh=false"), SEVEN),
    "ephemeral": (
        model("materialized='ephemeral'", name="inner_added") | model("", sql="from {{ ref('inner_added') }}"),
        SEVEN,
    ),
    "partitioned": (
        model(
            "materialized='partitioned', meta={'partition_by': 'occurred_at', 'grain': 'day'}",
            sql="select event_id, occurred_at from {{ ref('stg_events') }}",
        ),
        ("select count(*) from features.added", [(3,)]),
    ),
    "an alias with a space": (
        model("alias='of added'", name="inner_added") | model("", sql="select number + 1 as next from {{ ref('inner_added') }}"),
        ('select next, number from features.added, features."of added"', [(8, 7)]),
    ),
    "upper case": (
        model("", name="INNER_ADDED") | model("", sql="select number + 1 as next from {{ ref('INNER_ADDED') }}"),
        ("select * from features.added", [(8,)]),
    ),
    "a schema with a space": (model("schema='Other Place'"), ('select * from "Other Place".added', [(7,)])),
    "tags, docs, access": (model("tags=['x'], docs={'show': false}, access='public'"), SEVEN),
    "hooks that read": (model("pre_hook='select 1', post_hook='select 2'"), SEVEN),
    "not enabled": (model("enabled=false"), ("select count(*) from duckdb_views() where view_name = 'added'", [(0,)])),
    "not_null": (contract("{type: not_null}"), SEVEN),
    "unique": (contract("{type: unique}"), SEVEN),
    "primary_key": (contract("{type: primary_key}"), SEVEN),
    "check": (contract('{type: check, expression: "number > 6"}'), SEVEN),
}
"""Configurations that are kept: a branch's files, and what it then holds."""


def function(declared: str, language: str = "sql") -> Files:
    """A function node with one more line in its YAML."""
    python = "" if language == "sql" else "\n    config: {entry_point: main, runtime_version: '3.11'}"
    body = "x * 2\n" if language == "sql" else "def main(x):\n    return x\n"
    yml = f"functions:\n  - name: added\n    returns: {{data_type: double}}\n    {declared}{python}\n"
    return {f"udfs/added.{language}": body, "udfs/added.yml": yml}


SNAPSHOT = {
    "snapshots/added.sql": "{% snapshot added %}{{ config(schema='features', unique_key='number', strategy='check',"
    " check_cols=['number']) }} select 7 as number{% endsnapshot %}\n"
}
MICROBATCH = incremental(", incremental_strategy='microbatch', event_time='number', batch_size='day', begin='2020-01-01'")

SHUT: dict[str, tuple[Files, str]] = {
    "Python": (
        {"models/features/added.py": "def model(dbt, session):\n    return session.sql('select 7 as number')\n"},
        "language: ... found py; write a select",
    ),
    "external": (model("materialized='external'"), "materialized: expected ... found external; write materialized: table"),
    "materialized_view": (
        model("materialized='materialized_view'"),
        "materialized: ... found materialized_view; write materialized: table",
    ),
    "snapshot": (SNAPSHOT, "materialized: ... found snapshot; declare the changes as a source"),
    "microbatch": (MICROBATCH, "incremental_strategy: ... found microbatch; write materialized: partitioned"),
    "insert_overwrite": (
        incremental(", incremental_strategy='insert_overwrite'"),
        "incremental_strategy: ... found insert_overwrite;",
    ),
    "merge_clauses": (incremental(", merge_clauses={'when_matched': []}"), "config: ... found merge_clauses;"),
    "unique_key of a table": (model("unique_key='number'"), "config: ... found unique_key;"),
    "indexes": (model("indexes=[{'columns': ['number']}]"), "config: ... found indexes; remove it"),
    "partitioned_by": (model("partitioned_by=['number']"), "config: ... found partitioned_by; write materialized: partitioned"),
    "a seed that is none": (model("materialized='seed'"), "materialized: expected ephemeral, fitted, ... found seed;"),
    "sorted_by": (model("sorted_by=['number']"), "config: ... found sorted_by; remove it"),
    "sort": (model("sort='number'"), "config: ... found sort;"),
    "grants": (model("grants={'select': ['bob']}"), "config: ... found grants; declare meta.endpoint.audiences"),
    "persist_docs": (model("persist_docs={'relation': true}"), "config: ... found persist_docs; remove it"),
    "database": (model("database='elsewhere'"), "config: ... found database; remove it"),
    "location": (model("location='/tmp/x.parquet'"), "config: ... found location;"),
    "quoting": (model("quoting={'identifier': false}"), "config: ... found quoting;"),
    "foreign_key": (
        contract("{type: foreign_key, to: \"ref('unrelated')\", to_columns: [number]}"),
        "constraints: expected check, not_null, primary_key, unique, found foreign_key; write a relationships test.",
    ),
    "a default": (
        function("arguments: [{name: x, data_type: double}, {name: y, data_type: double, default_value: 2}]"),
        "arguments: expected no default_value, found one of y; remove it",
    ),
    "a default of nothing much": (
        function("arguments: [{name: x, data_type: double, default_value: 0}]"),
        "arguments: ... found one of x; remove it",
    ),
    "a Python default": (
        function("arguments: [{name: x, data_type: double, default_value: ''}]", "py"),
        "arguments: ... found one of x; remove it",
    ),
    "an aggregate": (function("config: {type: aggregate}"), "type: expected scalar, found aggregate; write an expression"),
    "a table function of dbt's": (function("config: {type: table}"), "type: expected scalar, found table; write"),
    "custom constraint": (contract("{type: custom, expression: collate nocase}"), "constraints: ... found custom;"),
}
"""Configurations that are refused before anything is built: a branch's files, and what is said of them."""

CLASHING: dict[str, tuple[Files, str]] = {
    "names that differ by case": (model("") | model("", name="Added"), "expected a name of its own ... whatever the case"),
    "an alias that differs by case": (model("alias='WEIGHTED'"), "expected a name of its own ... whatever the case"),
    "a schema that differs by case": (
        model("schema='FEATURES', alias='weighted'"),
        "expected a name of its own ... whatever the case",
    ),
    "a source's name": (model("schema='SHOP', alias='events'"), "expected a name of its own ... whatever the case"),
    **{
        f"a served {how}": (
            {
                "models/serving/added.sql": f"{{{{ config(materialized='{how}') }}}} select kind from {{{{ ref('points') }}}}\n",
                "models/serving/added.yml": "models: [{name: added, config: {meta: {endpoint: {type: score, key: [kind]}}}}]\n",
            },
            f"expected a table, since it is served, found {how}; write materialized: table",
        )
        for how in ("view", "ephemeral")
    },
    **{
        f"schema {schema}": (model(f"schema='{schema}'"), f"expected a schema of the project, found {schema}, which is ours")
        for schema in ("history", "HISTORY", "scorehouse", "Comparison", "information_schema", "temp")
    },
}
"""Configurations whose names are not their own: a branch's files, and what is said of them."""

CONTRACT = "contract={'enforced': true}"
COLUMNS = "models: [{name: added, columns: [{name: number, data_type: integer}]}]\n"
SEMICOLON = "found one that ends in a semicolon; remove it"

FAILING: dict[str, tuple[Files, str]] = {
    "a semicolon": (model("", sql="select 7 as number;"), SEMICOLON),
    "a semicolon before a remark": (model("", sql="select 7 as number ; -- ;\n/* */"), SEMICOLON),
    "a semicolon of a view": (model("materialized='view'", sql="select 7 as number;"), SEMICOLON),
    "a semicolon under a contract": (model(CONTRACT, sql="select 7 as number;", yml=COLUMNS), SEMICOLON),
    "a semicolon of a view under a contract": (
        model(f"materialized='view', {CONTRACT}", sql="select 7 as number;", yml=COLUMNS),
        SEMICOLON,
    ),
    "a semicolon of an incremental": (model("materialized='incremental'", sql="select 7 as number;"), SEMICOLON),
    "a semicolon of a partitioned model": (
        model(
            f"materialized='partitioned', meta={{'partition_by': 'occurred_at', 'grain': 'day'}}, {CONTRACT}",
            sql="select occurred_at from {{ ref('stg_events') }};",
            yml="models: [{name: added, columns: [{name: occurred_at, data_type: timestamp}]}]\n",
        ),
        SEMICOLON,
    ),
    "a view that each reader would see otherwise": (
        model("materialized='view'", sql="select kind, first(event_id) as one from {{ ref('weighted') }} group by kind"),
        "expected a view that gives each reader the same, found first(), which depends on the order of rows",
    ),
    "a column of values without names": (
        model("", sql="select (event_id, kind) as pair from {{ ref('weighted') }}"),
        "expected columns that a file can keep, found a row of values without names",
    ),
    "hook that writes": (model("pre_hook='create table x as select 1'"), "found create statement"),
    "a row against the contract": (contract('{type: check, expression: "number > 7"}'), "expected rows that keep the contract"),
}
"""Configurations that let their own node fail: a branch's files, and what is said of them."""

REFUSED = {"shut": SHUT, "clashing": CLASHING, "failing": FAILING}
DOORS = {"right": RIGHT, **REFUSED}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project built on main, which all doors share: each opens on a branch of its own."""
    project = tiny_project(tmp_path_factory.mktemp("doors") / "tiny")
    project.build(DBT_WRITE_JSON="true")
    return project


@pytest.fixture(scope="module")
def together(shop: Project) -> Callable[[str], Outcome]:
    """One build of all configurations of a kind."""

    @cache
    def build(kind: str) -> Outcome:
        files = [_numbered(files, number) for number, (files, _) in enumerate(DOORS[kind].values())]
        with _files(shop, {path: text for several in files for path, text in several.items()}):
            return shop.dbt("build", branch=kind)

    return build


@pytest.mark.parametrize("door", COMMANDS, ids=lambda door: door.command)
def test_a_command_and_its_options_are_right_or_refused(shop: Project, door: Door) -> None:
    branch = f"command-{COMMANDS.index(door)}"
    outcome = shop.dbt(*shlex.split(door.command), branch=branch)
    assert outcome.is_green == door.is_green, outcome.output
    assert not OTHERS.search(outcome.output), outcome.output
    lines = outcome.output.splitlines()
    assert not door.said or any(all(word in line for word in door.said) for line in lines), outcome.output
    assert (shop.folder(branch) / "CURRENT").exists() == door.is_published
    if door.holds:
        query, rows = door.holds
        assert shop.catalog(query, branch) == rows
    _expect_main_as_it_was(shop)


@pytest.mark.parametrize("name", RIGHT)
def test_a_configuration_holds_what_it_says(shop: Project, together: Callable[[str], Outcome], name: str) -> None:
    outcome = together("right")
    assert outcome.is_green, outcome.output
    assert not OTHERS.search(outcome.output), outcome.output
    _, (query, rows) = RIGHT[name]
    assert shop.catalog(_own(query, list(RIGHT).index(name)), "right") == rows


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in REFUSED for name in REFUSED[kind]])
def test_a_configuration_is_refused_in_one_sentence(
    shop: Project, together: Callable[[str], Outcome], kind: str, name: str
) -> None:
    outcome, doors = together(kind), REFUSED[kind]
    assert not outcome.is_green
    assert not OTHERS.search(outcome.output), outcome.output
    own, words = _own("added", list(doors).index(name)), doors[name][1].split("...")
    paragraphs = re.split(r"\n(?=\S| {2}models/| {2}snapshots/| {2}udfs/)", outcome.output)
    found = [text for text in paragraphs if own.lower() in text.lower() and all(word.strip() in text for word in words)]
    assert found, outcome.output
    assert not (shop.folder(kind) / "CURRENT").exists()
    _expect_main_as_it_was(shop)


def _expect_main_as_it_was(project: Project) -> None:
    assert project.release() == 1
    assert project.serving("select event_id, score from scores order by all") == SCORES[1]


def _numbered(files: Files, number: int) -> Files:
    return {_own(path, number): _own(text, number) for path, text in files.items()}


def _own(text: str, number: int) -> str:
    """What a configuration calls itself where all are built together."""
    return re.sub("added", lambda found: f"{found[0]}_{number:02}", text, flags=re.IGNORECASE)


@contextmanager
def _files(project: Project, files: Files) -> Iterator[None]:
    try:
        for path, text in files.items():
            project.write(path, text)
        yield
    finally:
        for path in files:
            (project.root / path).unlink()


# ---------------------------------------------------------------- other projects, other folders, what is not built yet

PLAIN = {
    "dbt_project.yml": "name: plain\nversion: '1.0'\nprofile: plain\nflags: {send_anonymous_usage_stats: false}\n"
    "on-run-start: create or replace table started as select 1 as number\n",
    "profiles.yml": "plain: {target: local, outputs: {local: {type: duckdb, path: ROOT/plain.duckdb}}}\n",
    "models/plain.sql": "{{ config(materialized='table') }} select random() as number\n",
}


def test_the_guard_stands_at_our_database_alone(tiny: Project, tmp_path: Path) -> None:
    plain = Project(tmp_path / "plain")
    for path, text in PLAIN.items():
        plain.write(path, text.replace("ROOT", str(tmp_path)))
    plain.build()
    tiny.write("models/features/unrelated.sql", "{{ config(pre_hook='create table x as select 1') }} select 1 as number\n")
    assert "found create statement" in tiny.dbt("build").output
    plain.build()


def test_a_data_test_that_reads_what_was_never_built_is_not_asked_and_said_so(tiny: Project) -> None:
    tiny.write(
        "models/features/weighted.yml",
        "models: [{name: weighted, columns: [{name: kind, data_tests:"
        " [{relationships: {arguments: {to: ref('points'), field: kind}}}]}]}]\n",
    )
    outcome = tiny.build("--select", "+weighted", WAREHOUSE_PATH=str(tiny.root / "fresh"))
    assert "reads points, which was not built; dbt build --select +points" in outcome.output
    assert "NO-OP=1" in outcome.output
    assert "Nothing published" in outcome.output


def test_commands_run_from_another_folder_and_print_nothing_of_others(tiny: Project, tmp_path: Path) -> None:
    places = ["--project-dir", str(tiny.root), "--profiles-dir", str(tiny.root)]
    elsewhere = Project(tiny.root)
    elsewhere.root = tmp_path
    for command, code in [(["build"], 0), (["docs", "generate"], 0), (["run-operation", "nothing_such"], 2)]:
        process = elsewhere.start(*command, *places)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == code, output
        assert not OTHERS.search(output), output
    assert tiny.release() == 1


def test_a_variable_that_no_template_reads_keeps_the_saved_parse(tiny: Project) -> None:
    assert "Unable to do partial parsing" not in tiny.build("--vars", "{fresh_data: true}").output
    assert "Unable to do partial parsing" in tiny.build("--vars", "{weight: 3}").output


def test_a_variable_whose_name_is_put_together_is_read_anew(tiny: Project) -> None:
    tiny.write("models/features/optional.sql", "{{ config(enabled=var('use_' ~ 'optional', false)) }}\nselect 1 as one\n")
    for is_wanted in ("false", "true", "false"):
        found = tiny.dbt("ls", "--select", "optional", "--vars", f"{{use_optional: {is_wanted}}}").output
        assert ("tiny.features.optional" in found) == (is_wanted == "true"), found
    found = tiny.dbt("ls", "--vars", "{fresh_dat: true}").output
    assert "Variable fresh_dat: expected one that the project has, found no such; write fresh_data." in found


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("ROUND", {"udfs/ROUND.sql": "x * 2", "udfs/ROUND.yml": "functions: [{name: ROUND, returns: {data_type: double}}]\n"}),
        (
            "Endpoints",
            {
                "models/serving/Endpoints.sql": "select 1 as a",
                "models/serving/Endpoints.yml": "models: [{name: Endpoints, meta: {endpoint: {type: score, key: [a]}}}]\n",
            },
        ),
    ],
)
def test_a_name_of_duckdbs_or_of_the_serving_file_is_refused(shop: Project, name: str, files: Files) -> None:
    with _files(shop, files):
        outcome = shop.dbt("build", branch="named")
    assert not outcome.is_green
    assert f"{name}.sql: expected a name of its own, found {name}, which" in outcome.output


def test_a_quiet_build_says_what_fails_and_nothing_else(shop: Project) -> None:
    half = {"models/features/half.sql": "select event_id, nullif(event_id, '2') as known from {{ ref('weighted') }}\n"}
    tested = "models: [{name: half, columns: [{name: known, data_tests: [not_null]}]}]\n"
    told = "models/features/half.sql: expected known in every row, found known = NULL; correct the data or the model."
    with _files(shop, {**half, "models/features/half.yml": tested}):
        process = shop.start("--quiet", "build", branch="quiet")
        output, _ = process.communicate()
        assert process.returncode
        assert told in output.splitlines(), output
        assert "Nothing published: 1 of " in output
    with _files(shop, half):
        assert shop.start("--quiet", "build", branch="quiet").communicate()[0].strip() == ""


def test_a_retry_builds_what_failed_and_says_that_it_is_a_part(shop: Project) -> None:
    with _files(shop, {"models/features/half.sql": "select error('broken') as half from {{ ref('weighted') }}\n"}):
        assert not shop.dbt("build", branch="again", DBT_WRITE_JSON="true").is_green
    with _files(shop, {"models/features/half.sql": "select 0.5 as half\n"}):
        outcome = shop.dbt("retry", branch="again", DBT_WRITE_JSON="true")
    assert outcome.is_green, outcome.output
    assert any(all(word in line for word in SELECTED) for line in outcome.output.splitlines()), outcome.output
    assert shop.work("again", "select half from features.half") == [(decimal.Decimal("0.5"),)]


def test_how_old_a_source_is_can_be_asked(tiny: Project) -> None:
    asked = "freshness: {warn_after: {count: 1, period: day}}, loaded_at_field: occurred_at, "
    tiny.replace("models/staging/_sources.yml", "config: {meta: {path: raw", f"config: {{{asked}meta: {{path: raw")
    outcome = tiny.dbt("source", "freshness")
    assert outcome.is_green, outcome.output
    assert "WARN freshness of shop.events" in outcome.output, outcome.output


def test_a_run_after_a_refused_one_in_the_same_process_serves_what_it_built(tiny: Project) -> None:
    """As an orchestrator's or a notebook's `dbtRunner` does, which keeps the error, and with it what the run had open."""
    tiny.write("raw/second.csv", "event_id,elsewhen\n4,2020-02-01\n")
    refused = tiny.dbt("build")
    assert "expected the required column occurred_at" in refused.output
    tiny.write("raw/second.csv", "event_id,occurred_at,kind,amount\n4,2020-02-01,a,40\n")
    tiny.build("--vars", "{memory_limit: 2GB}")
    assert tiny.serving("select count(*) from scores") == [(4,)]
    assert not list((tiny.folder() / ".work").glob("*.damaged.*"))
    assert "nothing changed" in tiny.build().output
