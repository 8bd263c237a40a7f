"""Random edits: what a build keeps and what it computes are together what a clean build in a new warehouse would make.

`SCOREHOUSE_EDITS=300 make test` draws so many sequences of edits; a few are enough for each commit.
"""

import os
import random
import shutil
from pathlib import Path

import pytest

from project.harness import Project

SEQUENCES = int(os.environ.get("SCOREHOUSE_EDITS", "2"))
EDITS = 4

MODELS = {
    "picked": "select event_id, {columns} from {{{{ ref('stg_events') }}}} where {condition}",
    "counted": "select kind, {aggregate} as value from {{{{ ref('picked') }}}} group by {group}",
    "joined": "select a.*, b.value from {{{{ ref('picked') }}}} as a {join} join {{{{ ref('counted') }}}} as b using (kind)",
    "ordered": "select *, {window} as place from {{{{ ref('joined') }}}} {order}",
    "spoken": "select event_id, {{{{ function('twice') }}}}({number}) as said from {{{{ ref('ordered') }}}}",
    "stamped": "select event_id, {stamp} as made_at from {{{{ ref('stg_events') }}}}",
    "dated": "select event_id, made_at from {{{{ ref('stamped') }}}}",
}
"""A chain of models; each place in braces is drawn from CHOICES."""

CHOICES = {
    "columns": [
        "kind, amount",
        "amount, kind",
        "kind, amount, occurred_at",
        "upper(kind) as kind, amount",
        "kind, amount as AMOUNT",
    ],
    "condition": ["true", "amount > 10", "kind ->> '$.a' is null", "kind = 'a' or amount > 1", "kind collate nocase = 'A'"],
    "aggregate": [
        "sum(amount)",
        "sum(amount / 3)",
        "count(*)",
        "list(amount)",
        "first(event_id)",
        "string_agg(event_id, '-')",
        "arg_max(event_id, kind)",
        "max(amount) filter (where amount < 30)",
        "mode(amount)",
    ],
    "group": ["kind", "all", "1"],
    "join": ["inner", "left", "full"],
    "window": [
        "1",
        "count(*) over ()",
        "row_number() over (order by kind)",
        "rank() over (order by amount desc nulls last)",
        "sum(amount) over (partition by kind)",
        "lag(event_id) over (order by amount)",
    ],
    "order": ["", "order by amount limit 3", "limit 2", "order by event_id desc"],
    "number": ["amount", "amount + 1", "coalesce(amount, 0)", "place"],
    "stamp": ["{{ built_at() }}", "occurred_at", "cast('2020-02-02' as timestamp)"],
}

_KEYED = "columns: [{name: event_id, data_tests: [unique, not_null]}]"
_NAMES = ["", "config: {alias: otherwise}", "config: {schema: elsewhere}"]
_VIEWS = [f"config: {{materialized: view{more}}}" for more in ("", ", alias: seen", ", schema: seen")]
SAID = {
    "picked": [*_NAMES, *_VIEWS, _KEYED, f"{_KEYED}, config: {{alias: keyed}}"],
    "joined": [*_VIEWS, "", _KEYED, "columns: [{name: event_id, data_tests: [unique]}]"],
    "spoken": _NAMES,
    "stamped": ["", *_VIEWS],
}
"""What a model's YAML says."""

SPARE = {
    "models/features/spare.sql": "select kind, count(*) as n from {{ ref('stg_events') }} group by kind\n",
    "udfs/thrice.sql": "x * 3\n",
    "udfs/thrice.yml": "functions: [{name: thrice, arguments: [{name: x, data_type: double}], returns: {data_type: double}}]\n",
}
"""Files that come and go together: nothing reads what they make."""

FUNCTIONS = ["x * 2", "x * 2.0", "x + x", "x * 3", "x*2"]
SEEDS = ["kind,points\na,0.5\nb,2\n", 'kind,points\n"a",0.50\nb,2\n', "kind,points\nb,2\na,0.5\n", "kind,points\na,1\nb,2\nc,3\n"]


class Author:
    """Edits a project at random, and takes edits back as people do."""

    def __init__(self, project: Project, chance: random.Random) -> None:
        self._project = project
        self._chance = chance
        self._chosen = {place: chance.choice(choices) for place, choices in CHOICES.items()}
        self._days = 3
        self._write_models()

    def edit(self) -> str:
        """Make one edit; returns what it was."""
        others = ["function", "seed", "file", "late file", "weight", "spare"]
        what = self._chance.choice([*CHOICES, *CHOICES, *(f"yaml of {name}" for name in [*SAID, *SAID, *SAID]), *others])
        if what in CHOICES:
            self._chosen[what] = self._chance.choice(CHOICES[what])
            self._write_models()
        elif what.startswith("yaml of "):
            name = what.removeprefix("yaml of ")
            self._chosen[what] = self._chance.choice(SAID[name])
            said = ", ".join(part for part in (f"name: {name}", self._chosen[what]) if part)
            self._project.write(f"models/features/{name}.yml", f"models: [{{{said}}}]\n")
        elif what == "spare":
            for path, text in SPARE.items():
                if (self._project.root / path).exists():
                    (self._project.root / path).unlink()
                else:
                    self._project.write(path, text)
        elif what == "function":
            self._project.write("udfs/twice.sql", self._chance.choice(FUNCTIONS) + "\n")
        elif what == "seed":
            self._project.write("seeds/points.csv", self._chance.choice(SEEDS))
        elif what == "weight":
            project = (self._project.root / "dbt_project.yml").read_text()
            weight = self._chance.choice(["weight: 2", "weight: 3"])
            self._project.write("dbt_project.yml", project.replace("weight: 2", weight).replace("weight: 3", weight))
        else:
            self._land(late=what == "late file")
        return f"{what}: {self._chosen.get(what, '')}"

    def _write_models(self) -> None:
        for name, text in MODELS.items():
            self._project.write(f"models/features/{name}.sql", text.format(**self._chosen) + "\n")

    def _land(self, late: bool) -> None:
        self._days += 1
        day = self._chance.randint(1, 3) if late else self._days
        rows = [
            f"{self._days}{i},2020-01-{day:02},{self._chance.choice('abcA')},{self._chance.choice(['', '5', '10.5', '30'])}"
            for i in range(self._chance.randint(1, 4))
        ]
        self._chance.shuffle(rows)
        self._project.write(f"raw/{self._chance.random()}.csv", "\n".join(["event_id,occurred_at,kind,amount", *rows]) + "\n")


@pytest.mark.drill
@pytest.mark.parametrize("sequence", range(SEQUENCES))
def test_any_sequence_of_edits_ends_in_what_a_clean_build_makes(tiny_template: Project, tmp_path: Path, sequence: int) -> None:
    project = in_a_new_warehouse(tiny_template, tmp_path / "project")
    author, done = Author(project, random.Random(sequence)), []
    for _ in range(EDITS):
        project.dbt("build")  # red where the draw makes no sense: that is a state to come from, too
        done.append(author.edit())
    clean = in_a_new_warehouse(project, tmp_path / "clean")
    outcomes = [project.dbt("build"), clean.dbt("build")]
    assert outcomes[0].is_green == outcomes[1].is_green, "\n".join([*done, outcomes[0].output, outcomes[1].output])
    if outcomes[0].is_green:
        assert known_of(project) == known_of(clean), done
        assert rows_of(project) == rows_of(clean), done
        assert project.serving("from scores") == clean.serving("from scores"), done


def known_of(project: Project) -> dict[str, tuple]:
    """What the catalog's nodes are called, what they are made of, and what was found of their queries."""
    reading = """json_merge_patch(details -> '$.reading', '{"question": null}')::varchar"""
    return {row[0]: row for row in project.catalog(f"select node_id, relation, fingerprint, {reading} from scorehouse.nodes")}


def rows_of(project: Project) -> dict[str, object]:
    """All that readers of the catalog find, by name: rows without the times of their build, and what functions say."""
    said = "details ->> '$.reading.stamps[*]'"
    stamps = dict(project.catalog(f"select relation, {said} from scorehouse.nodes"))
    own = "not internal and schema_name not in ('history', 'scorehouse')"
    found: dict[str, object] = {}
    for (name,) in project.catalog(f"select schema_name || '.' || view_name from duckdb_views() where {own}"):
        columns = [column for column, *_ in project.catalog(f"describe {name}") if column not in (stamps[name] or [])]
        rows = project.catalog(f"select {', '.join(columns)} from {name} order by all")  # a table's rows have no order
        found[name] = columns, rows
    said = "schema_name || '.' || function_name, macro_definition"
    return found | dict(project.catalog(f"select {said} from duckdb_functions() where {own}"))


def in_a_new_warehouse(project: Project, root: Path) -> Project:
    """The same project, with a warehouse in which nothing was built."""
    shutil.copytree(project.root, root, ignore=shutil.ignore_patterns("warehouse", "logs"))
    return Project(root)
