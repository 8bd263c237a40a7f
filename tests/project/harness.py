"""Drive real dbt builds in a temporary project and warehouse."""

import gc
import io
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from scorehouse_confinement import confinement, git

REPOSITORY = Path(__file__).resolve().parents[2]
DBT = Path(sys.executable).with_name("dbt")
_UNIT_TESTS = re.compile(r"^unit_tests:\n(?:(?: .*)?\n)*", re.MULTILINE)
OWN_VARIABLES = re.compile(r"^(DBT_|WAREHOUSE_|SCOREHOUSE_)")


@dataclass
class Outcome:
    """A finished command: exit code and everything it printed."""

    code: int
    output: str

    @property
    def is_green(self) -> bool:
        return self.code == 0


class Project:
    """A project folder with a warehouse of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.warehouse = root / "warehouse"

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def replace(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text()
        assert old in text, f"{old!r} is not in {path}"
        self.write(path, text.replace(old, new))

    def limit_training(self, **limits: object) -> None:
        """Let the seed retrain_policy have these limits, for all models, and no others."""
        path = "seeds/configuration/retrain_policy.csv"
        columns = (self.root / path).read_text().splitlines()[0].split(",")
        row = {"model": "default", **limits}
        self.write(path, f"{','.join(columns)}\n{','.join(str(row.get(name, '')) for name in columns)}\n")

    def start(self, *arguments: str, branch: str = "main", **environment: str) -> subprocess.Popen:
        """Start dbt and return its process; it heeds Ctrl-C, which what is started in the background otherwise ignores."""
        inherited = {name: value for name, value in os.environ.items() if not OWN_VARIABLES.match(name)}
        return subprocess.Popen(
            ["env", "--default-signal=INT", DBT, "--no-use-colors", *arguments],
            cwd=self.root,
            env={**inherited, "SCOREHOUSE_BRANCH": branch, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def apart(self, *arguments: str, branch: str = "main", **environment: str) -> Outcome:
        """Run dbt to its end in a process of its own, which limits of memory and time may end without harm to this one."""
        process = self.start(*arguments, branch=branch, **environment)
        output, _ = process.communicate(timeout=300)
        return Outcome(process.returncode, output)

    def dbt(self, *arguments: str, branch: str = "main", **environment: str) -> Outcome:
        """Run dbt to its end, in this process: its start-up is paid once. It writes no manifest unless it is told to.

        Nothing is withheld from it, since that could not be taken back: `start` and `project.confined` run it confined.
        """
        lines: list[str] = []
        runner = dbtRunner(callbacks=[lambda event: lines.append(event.info.msg) if event.info.level != "debug" else None])
        variables = {"SCOREHOUSE_BRANCH": branch, "DBT_PROJECT_DIR": str(self.root), "DBT_WRITE_JSON": "false", **environment}
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
            for name, value in variables.items():
                patch.setenv(name, value)
            patch.setattr(confinement, "enter", _only_said)
            result = runner.invoke([*arguments, *self.folders()])
            DuckDBConnectionManager.close_all_connections()
            gc.collect()
        output = "\n".join([*lines, printed.getvalue(), str(result.exception or "")])
        return Outcome(0 if result.success else 1, output)

    def folders(self) -> list[str]:
        """Options that name the project's folders."""
        return ["--project-dir", str(self.root), "--profiles-dir", str(self.root), "--log-path", str(self.root / "logs")]

    def build(self, *arguments: str, branch: str = "main", **environment: str) -> Outcome:
        """Run a build that must be green."""
        outcome = self.dbt("build", *arguments, branch=branch, **environment)
        assert outcome.is_green, outcome.output
        return outcome

    def operation(self, name: str, arguments: str = "{}", branch: str = "main") -> Outcome:
        return self.dbt("--quiet", "run-operation", name, "--args", arguments, branch=branch)

    def folder(self, branch: str = "main") -> Path:
        from scorehouse.names.git import slug

        return self.warehouse / slug(branch)

    def computed(self, branch: str = "main") -> set[str]:
        """Names of the nodes that the branch's last build computed."""
        rows = self.work(branch, "select split_part(node_id, '.', -1) from scorehouse.nodes where action = 'built'")
        return {row[0] for row in rows}

    def work(self, branch: str, query: str) -> list[tuple]:
        return query_file(self.folder(branch) / ".work" / "warehouse.duckdb", query)

    def catalog(self, query: str, branch: str = "main") -> list[tuple]:
        return query_file(self.folder(branch) / "catalog.duckdb", query)

    def serving(self, query: str, branch: str = "main") -> list[tuple]:
        return query_file(self.folder(branch) / "serving.duckdb", query)

    def release(self, branch: str = "main") -> int:
        return int((self.folder(branch) / "CURRENT").read_text())


def _only_said(project: Path) -> None:
    """What is left of `confinement.enter`: it says what the process would be confined to."""
    root = project.resolve()
    if "site-packages" in root.parts:  # dbt's own macros
        return
    warehouse = Path(os.environ.get("WAREHOUSE_PATH") or root / "warehouse").resolve()
    confinement.current = confinement.Confinement(root, warehouse, git.current(root, os.environ))


def query_file(file: Path, query: str) -> list[tuple]:
    """Rows of a query on a database file, as any reader would run it."""
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(query).fetchall()


def copy_of_the_project(root: Path, unit_tests: bool = False) -> Project:
    """The whole real project, in a folder of its own; without its models' unit tests, on which no data bear, unless wanted."""
    skipped = shutil.ignore_patterns(".git", ".venv", "target", "logs", "warehouse", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(REPOSITORY, root, ignore=skipped, dirs_exist_ok=True)
    for file in () if unit_tests else (root / "models").rglob("*.yml"):
        file.write_text(_UNIT_TESTS.sub("", file.read_text()))
    return Project(root)


TINY = {
    "dbt_project.yml": """
name: tiny
version: "1.0"
profile: scorehouse
function-paths: [udfs]
flags: {send_anonymous_usage_stats: false}
vars:
  {store_format: duckdb, retained_releases: 10, memory_limit: 2GB, spill_limit: 1GB, query_threads: null,
   query_timeout_seconds: 600, fresh_data: false, weight: 2}
on-run-start: "{{ start_run() }}"
on-run-end: "{{ finish_run(results) }}"
models:
  tiny:
    staging: {+schema: staging, +materialized: view}
    features: {+schema: features, +materialized: table}
    serving: {+schema: serving, +materialized: table}
seeds: {+schema: configuration}
functions: {+schema: functions}
""",
    ".dbtignore": "udfs/scorehouse/\n",
    "seeds/points.csv": "kind,points\na,0.5\nb,2\n",
    "udfs/twice.sql": "x * 2\n",
    "udfs/twice.yml": """
functions:
  - name: twice
    arguments: [{name: x, data_type: double}]
    returns: {data_type: double}
""",
    "macros/bonus.sql": "{% macro bonus() %}10{% endmacro %}\n",
    "models/staging/_sources.yml": """
sources:
  - name: shop
    schema: shop
    tables:
      - name: events
        config: {meta: {path: raw, partition_by: occurred_at}}
        columns:
          - {name: event_id, data_type: VARCHAR, config: {meta: {required: true}}}
          - {name: occurred_at, data_type: TIMESTAMP, config: {meta: {required: true}}}
          - {name: kind, data_type: VARCHAR}
          - {name: amount, data_type: DOUBLE}
""",
    "raw/first.csv": "event_id,occurred_at,kind,amount\n1,2020-01-01,a,10\n2,2020-01-02,b,20\n3,2020-01-03,a,30\n",
    "models/staging/stg_events.sql": "select * from {{ source('shop', 'events') }}\n",
    "models/staging/stg_events.yml": """
models:
  - name: stg_events
    config: {materialized: partitioned, meta: {partition_by: occurred_at, grain: day}}
""",
    "models/features/weighted.sql": """
select
    event_id,
    kind,
    {{ function('twice') }}(amount) * {{ var('weight') }} + {{ bonus() }} + {{ env_var('TINY_EXTRA', '0') }} as value
from {{ ref('stg_events') }}
where amount > 0
""",
    "models/features/unrelated.sql": "select i as number from range(3) as numbers(i)\n",
    "models/serving/scores.sql": """
select
    weighted.event_id,
    weighted.value * points.points as score,
    weighted.value * points.points > 50 as wins,
    [{'feature': 'value', 'contribution': weighted.value}] as reasons
from {{ ref('weighted') }} as weighted
inner join {{ ref('points') }} as points on weighted.kind = points.kind
""",
    "models/serving/scores.yml": """
models:
  - name: scores
    description: Scores of events.
    config: {meta: {endpoint: {type: score, key: [event_id], decision: wins}}}
    columns:
      - {name: event_id, data_tests: [unique, not_null]}
      - {name: score, data_tests: [not_null]}
unit_tests:
  - name: points_multiply
    model: scores
    given:
      - {input: ref('weighted'), rows: [{event_id: "1", kind: a, value: 4}]}
      - {input: ref('points'), rows: [{kind: a, points: 0.5}]}
    expect: {rows: [{event_id: "1", score: 2}]}
""",
}


def tiny_project(root: Path) -> Project:
    """A project of a few models on the real macros and the real package: builds in seconds."""
    project = Project(root)
    for path, text in TINY.items():
        project.write(path, text.lstrip("\n"))
    shutil.copy(REPOSITORY / "profiles.yml", root / "profiles.yml")
    shutil.copytree(REPOSITORY / "macros", root / "macros", dirs_exist_ok=True)
    shutil.copytree(
        REPOSITORY / "udfs" / "scorehouse", root / "udfs" / "scorehouse", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(REPOSITORY / "udfs" / "score_model.py", root / "udfs" / "score_model.py")
    shutil.copy(REPOSITORY / "udfs" / "score_model.yml", root / "udfs" / "score_model.yml")
    return project
