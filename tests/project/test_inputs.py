"""What counts as an input: everything that can change a result, and nothing else."""

import os
import py_compile
import random
import shutil

import numpy as np
import pytest

from project.harness import REPOSITORY, Project, tiny_project
from scorehouse.build import engine, inputs
from scorehouse.learning import fitting
from scorehouse.learning.prove import parity
from scorehouse.sandbox import queries

ESTIMATOR = """
from sklearn.linear_model import LinearRegression

from shop.factor import FACTOR


class Doubled(LinearRegression):
    '''A line, steeper than the data says.'''

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.coef_ = self.coef_ * FACTOR
        return self
"""

FITTED_YML = """
models:
  - name: worth
    config:
      materialized: fitted
      meta:
        {estimator: shop.models.Doubled, label: value, key: [event_id], minimum_examples: 3, features: {numbers: [amount]}}
"""


def with_estimator(tiny: Project) -> None:
    tiny.write("udfs/shop/__init__.py", "")
    tiny.write("udfs/shop/factor.py", "FACTOR = 2\n")
    tiny.write("udfs/shop/models.py", ESTIMATOR)
    tiny.write(
        "models/features/examples.sql", "select event_id, amount, amount * 3.0 as value, kind from {{ ref('stg_events') }}\n"
    )
    tiny.write("models/features/worth.sql", "select * from {{ ref('examples') }}\n")
    tiny.write("models/features/worth.yml", FITTED_YML)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = tiny_project(tmp_path_factory.mktemp("learned") / "project")
    with_estimator(project)
    project.build()
    return project


@pytest.fixture
def own(learned: Project, tmp_path) -> Project:
    return moved(learned, tmp_path / "project")


def moved(project: Project, root) -> Project:
    shutil.copytree(project.root, root)
    return Project(root)


def weight(project: Project) -> float:
    query = "select weights from features.worth"
    ((weights,),) = project.catalog(query)
    return max(row["value"] for row in weights if row["value"] is not None)


@pytest.mark.parametrize(
    ("path", "old", "new", "computed"),
    [
        ("udfs/shop/models.py", "* FACTOR", "* FACTOR * 5", {"worth"}),
        ("udfs/shop/factor.py", "FACTOR = 2", "FACTOR = 5", {"worth"}),
        ("udfs/shop/models.py", "steeper than the data says", "steep", set()),
        ("udfs/shop/factor.py", "FACTOR = 2", "FACTOR = 2  # twice", set()),
        ("models/features/examples.sql", "kind from", "kind, 1 as more from", {"examples"}),
        ("models/features/examples.sql", "kind from", "upper(kind) as kind from", {"examples"}),
        ("models/features/examples.sql", "amount * 3.0 as value", "amount * 4.0 as value", {"examples", "worth"}),
        ("models/features/worth.yml", "minimum_examples: 3", "minimum_examples: 2", {"worth"}),
    ],
)
def test_a_fitted_model_is_made_of_its_examples_declaration_and_code(
    own: Project, path: str, old: str, new: str, computed: set
) -> None:
    before = weight(own)
    own.replace(path, old, new)
    own.build()
    assert own.computed() == computed
    assert (weight(own) != pytest.approx(before)) == ("worth" in computed and path != "models/features/worth.yml")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import importlib", "import importlib"),
        ("from os import environ", "import os"),
        ("import numpy as np, pathlib", "import pathlib"),
        ("FACTORS = open('factors.txt')", "open()"),
        ("import pandas as pd; FACTORS = pd.Timestamp.now().year", ".now"),
        ("import numpy as np; FACTORS = np.datetime64('today', 'D')", "'today', which libraries read as the time"),
        ("import pandas as pd; FACTORS = pd.io.common.os", ".os"),
        ("from joblib import cpu_count", "import of cpu_count"),
    ],
)
def test_an_estimator_that_could_depend_on_something_unseen_is_refused(own: Project, line: str, found: str) -> None:
    own.replace("udfs/shop/factor.py", "FACTOR = 2", f"{line}\nFACTOR = 2")
    outcome = own.dbt("build")
    assert "shop.models.Doubled (factor.py), line 1: expected an estimator made of its rows" in outcome.output
    assert f"found {found}, by which" in outcome.output


@pytest.mark.parametrize(("retrains", "computed"), [("true", {"worth"}), ("false", set()), ("", set())])
def test_a_new_library_trains_where_the_policy_says_so(
    own: Project, monkeypatch: pytest.MonkeyPatch, retrains: str, computed: set
) -> None:
    own.write("seeds/retrain_policy.csv", f"model,minimum_new_examples,retrains_on_upgrade\ndefault,1,{retrains}\n")
    own.write(
        "seeds/retrain_policy.yml",
        "seeds: [{name: retrain_policy, config: {column_types: {minimum_new_examples: bigint, retrains_on_upgrade: boolean}}}]\n",
    )
    own.write("models/features/worth.sql", "-- depends_on: {{ ref('retrain_policy') }}\nselect * from {{ ref('examples') }}\n")
    own.build()
    assert own.computed() == {"retrain_policy"}
    monkeypatch.setattr(engine, "versions_of", lambda packages: {"scikit-learn": "99.0"})
    own.build()
    assert own.computed() == computed
    assert "scikit-learn" in own.operation("explain", "{node: worth}").output
    own.build()
    assert own.computed() == set()


def test_a_version_in_use_is_proved_again_by_what_computes_scores_now_without_training(
    own: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(parity, "run_sql", lambda *said, sql=parity.run_sql: asked.append(said) or sql(*said))
    own.build()
    assert asked == []
    monkeypatch.setattr(engine, "of_proof", lambda is_brought: {"judge": "2.0"})
    own.build()
    assert len(asked) == 1
    assert own.computed() == set()
    assert "judge changed, the query is the same" in own.operation("explain", "{node: worth}").output
    monkeypatch.setattr(parity, "run_sql", lambda *said, sql=parity.run_sql: sql(*said) + 1)
    own.build()
    monkeypatch.setattr(engine, "of_proof", lambda is_brought: {"judge": "3.0"})
    for _ in range(2):
        outcome = own.dbt("build")
        assert not outcome.is_green
        assert "models/features/worth.sql: expected sql and formula to agree within 1e-09 on" in outcome.output
        assert "this version cannot be scored with (judge changed, the query is the same); take that back" in outcome.output


def test_a_version_that_a_route_pins_is_proved_again_and_known_by_its_models_name(
    own: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in (file for name in ("parts", "reasons") for file in (REPOSITORY / "udfs").glob(f"score_model_{name}.*")):
        shutil.copy(file, own.root / "udfs" / file.name)
    own.replace("models/features/worth.yml", "materialized: fitted", "materialized: fitted\n      alias: wealth")
    snapshots = "select *, date '2020-01-01' as as_of from {{ ref('examples') }}"
    own.write("models/features/worthy.sql", f"with snapshots as ({snapshots}) {{{{ scored('worth', ['event_id']) }}}}\n")
    own.write("models/features/worthy.yml", "models: [{name: worthy, config: {alias: otherwise}}]\n")
    routes = "endpoint,implementation,share,model_version\nscores,worthy,1,"
    own.write("seeds/routes.csv", f"{routes}\n")
    own.write("seeds/routes.yml", "seeds: [{name: routes, config: {column_types: {model_version: varchar}}}]\n")
    own.build()
    scores = "select event_id, score, model_version, implementation from features.otherwise order by 1"
    before, old = own.catalog(scores), own.catalog("select model_version from features.wealth")[0][0]
    own.write("udfs/shop/factor.py", "FACTOR = 5\n")
    own.build()
    known = dict(own.catalog("select model_version, is_current from history.versions where model = 'worth'"))
    (new,) = (version for version, is_current in known.items() if is_current)
    assert old in known and own.catalog(scores) != before
    own.write("seeds/routes.csv", f"{routes}worth@000000000000\n")
    refused = own.dbt("build").output
    assert "seeds/routes.csv, line 2: expected a version of features.wealth for worthy (" in refused, refused
    own.write("seeds/routes.csv", f"{routes}{old}\n")
    own.build()
    assert own.catalog(scores) == before and before[0][2:] == (old, "worthy")
    load = fitting.load
    monkeypatch.setattr(fitting, "load", lambda row, *more: proved.append(row["model_version"][0].as_py()) or load(row, *more))
    for judge, times in (("2.0", 1), ("2.0", 0), ("3.0", 1)):
        proved: list[str] = []
        monkeypatch.setattr(engine, "of_proof", lambda is_brought, judge=judge: {"judge": judge})
        own.build()
        assert sorted(proved) == sorted([old, new] * times)
    monkeypatch.setattr(parity, "run_sql", lambda *said, sql=parity.run_sql: sql(*said) + 1)
    monkeypatch.setattr(engine, "of_proof", lambda is_brought: {"judge": "4.0"})
    refused = own.dbt("build").output
    assert f"this version cannot be scored with ({old}, which a route pins; judge changed" in refused
    assert "take that back, or pin another in the seed routes." in refused


def test_a_version_of_a_branch_that_main_pins_stays_when_the_branch_is_gone_and_nights_delete(own: Project) -> None:
    own.build()
    own.write("udfs/shop/factor.py", "FACTOR = 5\n")
    own.build(branch="trial")
    ((version,),) = own.catalog("select model_version from features.worth", "trial")
    own.write("udfs/shop/factor.py", "FACTOR = 2\n")
    own.write("seeds/routes.csv", f"endpoint,implementation,share,model_version\nscores,worthy,1,{version}\n")
    own.write("seeds/routes.yml", "seeds: [{name: routes, config: {column_types: {model_version: varchar}}}]\n")
    own.build()
    assert own.operation("drop_branch", "{branch: trial}").is_green
    for weight in (3, 4):
        own.build("--vars", f"{{retained_releases: 1, weight: {weight}}}", SCOREHOUSE_NIGHT="true")
        assert version in dict(own.catalog("select model_version, is_current from history.versions where model = 'worth'"))


def test_an_edit_of_a_declaration_that_python_takes_for_equal_counts(tiny: Project) -> None:
    """dbt keeps its saved parse of a YAML file whose mappings are equal, as {a: 1, b: 2} and {b: 2, a: true} are in Python."""
    tiny.write(
        "models/features/examples.sql",
        "select event_id, amount, amount * amount as area, amount * 3.0 as value from {{ ref('stg_events') }}\n",
    )
    tiny.write("models/features/worth.sql", "select * from {{ ref('examples') }}\n")
    declared = FITTED_YML.replace("shop.models.Doubled", "sklearn.ensemble.RandomForestRegressor")
    forest = "minimum_examples: 3, parameters: {n_estimators: 3, random_state: 1, max_features: 1, bootstrap: true}"
    declared = declared.replace("minimum_examples: 3", forest).replace("{numbers: [amount]}", "{n: [amount], m: [area]}")
    tiny.write("models/features/worth.yml", declared)
    tiny.build()
    edits = (("{n: [amount], m: [area]}", "{m: [area], n: [amount]}"), ("max_features: 1,", "max_features: 1.0,"))
    for old, new in edits:
        tiny.replace("models/features/worth.yml", old, new)
        tiny.build()
        assert tiny.computed() == {"worth"}, new
    assert "configuration changed" in tiny.operation("explain", "{node: worth}").output


def test_an_estimator_that_reads_a_file_by_a_library_is_refused(own: Project) -> None:
    np.save(own.root / "factor.npy", 2.0)
    own.replace("udfs/shop/models.py", "* FACTOR", "* np.load('factor.npy')")
    own.replace("udfs/shop/models.py", "from shop.factor import FACTOR", "import numpy as np")
    outcome = own.dbt("build")
    assert not outcome.is_green
    assert "models/features/worth.sql: meta.estimator: expected an estimator that learns from its examples" in outcome.output


def test_an_estimator_whose_library_reads_a_file_by_itself_is_refused_by_the_kernel(own: Project) -> None:
    own.write("udfs/shop/factor.csv", "factor\n2.0\n")
    own.replace("udfs/shop/models.py", "from shop.factor import FACTOR", "import duckdb")
    own.replace("udfs/shop/models.py", "* FACTOR", f"* duckdb.sql(\"from '{own.root}/udfs/shop/factor.csv'\").fetchone()[0]")
    outcome = own.dbt("build")
    assert not outcome.is_green
    assert "models/features/worth.sql: expected examples that Doubled can be fitted on, found what it refuses" in outcome.output
    assert "factor.csv" in outcome.output


def test_a_new_duckdb_computes_every_table_and_asks_unit_tests_again(tiny: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    known = engine.of_tables()
    monkeypatch.setattr(engine, "of_tables", lambda: known | {"DuckDB": "99.0"})
    question = "select fingerprint from scorehouse.passed_tests where test_id like 'unit_test%'"
    asked = tiny.work("main", question)
    tiny.build()
    assert len({*asked, *tiny.work("main", question)}) == 2
    assert {"points", "stg_events", "weighted", "unrelated", "scores"} <= tiny.computed()
    assert "DuckDB changed" in tiny.operation("explain", "{node: scores}").output


def test_columns_that_nobody_reads_and_rows_that_are_the_same_stop_the_wave(tiny: Project) -> None:
    tiny.replace("models/features/weighted.sql", "    kind,", "    kind, amount as paid,")
    tiny.build()
    assert tiny.computed() == {"weighted"}
    assert "columns paid of model weighted changed, none is read" in tiny.operation("explain", "{node: scores}").output
    tiny.replace("models/features/weighted.sql", "where amount > 0", "where amount > 1")
    tiny.build()
    assert tiny.computed() == {"weighted"}
    tiny.replace("models/features/weighted.sql", "where amount > 1", "where amount > 10")
    tiny.build()
    assert tiny.computed() == {"weighted", "scores"}


def test_a_column_that_was_a_time_of_the_build_and_is_one_no_more_is_read(tiny: Project) -> None:
    tiny.write("models/features/stamped.sql", "select event_id, {{ built_at() }} as made_at from {{ ref('stg_events') }}\n")
    tiny.write("models/features/reader.sql", "select event_id, made_at from {{ ref('stamped') }}\n")
    tiny.build()
    tiny.replace("models/features/stamped.sql", "{{ built_at() }}", "occurred_at")
    tiny.build()
    assert tiny.computed() == {"stamped", "reader"}
    assert tiny.catalog("select max(made_at)::varchar from features.reader") == [("2020-01-03 00:00:00",)]


def test_what_reads_plans_is_asked_anew_when_it_is_mended(tiny: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "order_dependent", lambda plan, keys: ["everything"])
    monkeypatch.setattr(engine, "of_readings", lambda: "mended")
    tiny.build()
    assert {"weighted", "unrelated", "scores"} <= tiny.computed()
    assert "whether the order of rows counts changed" in tiny.operation("explain", "{node: weighted}").output


KEYED = "models: [{name: dup, columns: [{name: id, data_tests: [unique, not_null]}]}]\n"


def test_what_a_removed_or_added_test_says_of_the_order_of_rows_counts(tiny: Project) -> None:
    query = "select details ->> '$.reading.order_dependent' from scorehouse.nodes where node_id = 'model.tiny.firsts'"
    tiny.write("models/features/dup.sql", "select i as id, i * 2 as v from range(4) as numbers(i)\n")
    tiny.write("models/features/dup.yml", KEYED)
    tiny.write("models/features/firsts.sql", "select *, row_number() over (order by id) as place from {{ ref('dup') }}\n")
    tiny.build()
    assert tiny.work("main", query) == [("[]",)]
    tiny.write("models/features/dup.yml", "")
    tiny.build()
    assert tiny.computed() == {"firsts"}
    assert tiny.work("main", query) == [('["row_number() over (...)"]',)]
    assert "whether the order of rows counts changed" in tiny.operation("explain", "{node: firsts}").output
    tiny.write("models/features/dup.yml", KEYED)
    tiny.build()
    assert tiny.computed() == set()
    assert tiny.work("main", query) == [("[]",)]


def test_a_text_that_passed_the_gate_is_asked_again_when_it_may_read_something_else(tiny: Project) -> None:
    tiny.write("models/features/copied.sql", "select event_id from {{ ref('weighted') }}\n")
    tiny.build()
    tiny.write("models/features/copied.sql", 'select event_id from "warehouse"."features"."weighted"\n')
    outcome = tiny.dbt("build")
    assert not outcome.is_green
    assert "models/features/copied.sql, line 1: expected a query over ref() and source(), found" in outcome.output


def test_a_gate_that_is_mended_is_asked_again(tiny: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(queries, "check", lambda *said, check=queries.check: asked.append(said[1]) or check(*said))
    tiny.build()
    assert asked == []
    monkeypatch.setattr(engine, "of_gate", lambda: "mended")
    tiny.build()
    assert {"models/features/weighted.sql", "models/serving/scores.sql", "models/serving/scores.yml"} <= set(asked)
    assert tiny.computed() == set()


def test_a_star_reads_what_it_passes_on(tiny: Project) -> None:
    tiny.write(
        "models/features/passed.sql",
        "with all_of_it as (select * from {{ ref('weighted') }}) select kind, value from all_of_it\n",
    )
    tiny.write("models/features/whole.sql", "select * from {{ ref('weighted') }}\n")
    tiny.build()
    tiny.replace("models/features/weighted.sql", "    kind,", "    kind, amount as paid,")
    tiny.build()
    assert tiny.computed() == {"weighted", "whole"}


@pytest.mark.parametrize("asked_for", ["typeof(amount)", "typeof(columns('amount'))", "typeof(weighted)"])
def test_a_type_counts_though_it_is_answered_without_reading(tiny: Project, asked_for: str) -> None:
    tiny.write("models/features/weighted.sql", "select event_id, kind, amount, amount as value from {{ ref('stg_events') }}\n")
    tiny.write("models/features/spoken.sql", f"select {asked_for} as said from {{{{ ref('weighted') }}}} as weighted\n")
    tiny.build()
    assert "DOUBLE" in tiny.catalog("select said from features.spoken")[0][0]
    tiny.replace("models/features/weighted.sql", "amount, amount", "amount::float as amount, amount")
    tiny.build()
    assert "FLOAT" in tiny.catalog("select said from features.spoken")[0][0]


@pytest.mark.parametrize(
    "sql", ["select distinct kind collate nocase as k", "select 1 / n as one, n", "select min(n) as n, list(n) as l"]
)
def test_values_that_are_equal_and_not_the_same_are_met_in_one_order(tiny: Project, sql: str) -> None:
    tail = " group by n" if "one" in sql else ""
    tiny.write("models/features/met.sql", f"{sql} from {{{{ ref('points') }}}}{tail}\n")
    found = []
    for lines in ("a,0.0\nA,-0.0", "A,-0.0\na,0.0"):
        tiny.write("seeds/points.csv", f"kind,points,n\n{lines.replace(',', ',1,')}\n")
        tiny.write("seeds/points.yml", "seeds: [{name: points, config: {column_types: {n: double, points: double}}}]\n")
        tiny.build("--select", "points", "met")
        found.append(tiny.work("main", "from features.met"))
    assert str(found[0]) == str(found[1])


def test_a_test_is_asked_again_where_its_column_changed(tiny: Project) -> None:
    tiny.write("models/features/weighted.yml", "models: [{name: weighted, columns: [{name: value, data_tests: [not_null]}]}]\n")
    tiny.write(
        "models/features/unrelated.yml", "models: [{name: unrelated, columns: [{name: number, data_tests: [not_null]}]}]\n"
    )
    tiny.build()
    tiny.replace("models/features/weighted.sql", "    kind,", "    kind, amount as paid,")
    assert asked(tiny) == set()
    tiny.replace("models/features/weighted.sql", "where amount > 0", "where amount > 10")
    assert "weighted" in asked(tiny)
    assert asked(tiny) == set()


def asked(project: Project) -> set[str]:
    """Models whose not_null tests are asked in a build: their fingerprints are new."""
    query = "select test_id, fingerprint from scorehouse.passed_tests where test_id like '%not_null%'"
    before = set(project.work("main", query))
    project.build()
    return {test_id.split(".")[2].split("_")[2] for test_id, _ in set(project.work("main", query)) - before}


UNIT_TEST = """
unit_tests:
  - name: a_value_is_twice_the_amount
    model: weighted
    given: [{input: ref('stg_events'), rows: [{event_id: "1", kind: a, amount: 4}]}]
    expect: {rows: [{event_id: "1", value: 26}]}
"""


def test_a_unit_test_is_asked_again_where_a_function_that_it_calls_changed_and_only_there(tiny: Project) -> None:
    tiny.write("models/features/weighted.yml", UNIT_TEST)
    tiny.build()
    log, question = tiny.root / "logs/dbt.log", 'as "actual_or_expected"'
    asked = log.read_text().count(question)
    tiny.build()
    assert log.read_text().count(question) == asked > 0
    tiny.write("udfs/twice.sql", "x * 3\n")
    assert "Failure in unit_test a_value_is_twice_the_amount" in tiny.dbt("build").output


def test_a_file_replaced_by_another_of_equal_size_and_time_is_read(tiny: Project) -> None:
    file = tiny.root / "raw/first.csv"
    state = file.stat()
    file.write_text(file.read_text().replace("a,10", "a,90"))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (state.st_size, state.st_mtime_ns)
    tiny.build()
    assert tiny.catalog("select sum(amount) from staging.stg_events") == [(140.0,)]


ORDERED = """
select
    kind, list(amount) as amounts, first(event_id) as one, string_agg(event_id, '') as ids, sum(amount / 3) as total,
    arg_max(event_id, kind) as latest
from {{ ref('stg_events') }} group by kind
"""


def test_the_order_of_rows_threads_time_zone_and_locale_do_not_matter(tmp_path) -> None:
    draw = random.Random(5)
    lines = [f"{i},2020-01-0{1 + i % 3} 00:30,{'ab'[i % 2]},{draw.random()}" for i in range(3000)]
    found = []
    for number, (threads, zone, locale) in enumerate(
        [("1", "UTC", "C"), ("4", "Asia/Kolkata", "de_DE.UTF-8"), ("3", "America/Lima", "C")]
    ):
        project = tiny_project(tmp_path / str(number))
        (project.root / "raw/first.csv").unlink()
        draw.shuffle(lines)
        for place in range(3):
            part = lines[place * 1000 : place * 1000 + 1000]
            project.write(f"raw/{draw.random()}.csv", "\n".join(["event_id,occurred_at,kind,amount", *part]) + "\n")
        project.write("models/features/ordered.sql", ORDERED)
        project.write(
            "models/features/numbered.sql", "select *, row_number() over (order by kind) as place from {{ ref('ordered') }}\n"
        )
        project.build("--vars", f"{{query_threads: {threads}}}", TZ=zone, LC_ALL=locale, LANG=locale)
        features = project.catalog("from features.ordered join features.numbered using (kind) order by kind")
        found.append((features, project.serving("from scores order by event_id")))
    assert len(found[0][1]) == 3000
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    "factor",
    [
        "np.random.rand()",
        "np.random.default_rng().normal()",
        "len(SEEN)",
    ],
)
def test_an_estimator_that_learns_something_else_the_second_time_is_refused(own: Project, factor: str) -> None:
    own.replace("udfs/shop/models.py", "from shop.factor import FACTOR", "import numpy as np\nimport pandas as pd\n\nSEEN = []")
    own.replace("udfs/shop/models.py", "super().fit", "SEEN.append(1)\n        super().fit")
    own.replace("udfs/shop/models.py", "* FACTOR", f"* ({factor})")
    outcome = own.dbt("build")
    assert not outcome.is_green
    assert "models/features/worth.sql: meta.estimator: expected the same model each time" in outcome.output
    assert "seed what it draws" in outcome.output


@pytest.mark.drill
def test_an_own_estimator_is_fitted_by_what_its_files_say_whatever_was_compiled_or_built_before(tmp_path) -> None:
    project = tiny_project(tmp_path / "project")
    with_estimator(project)
    weights = []
    for factor in (2, 7):
        file = project.root / "udfs/shop/factor.py"
        times = file.stat().st_atime_ns, file.stat().st_mtime_ns
        file.write_text(f"FACTOR = {factor}\n")
        os.utime(file, ns=times)
        py_compile.compile(str(file))
        process = project.start("build")  # in a process of its own: nothing is imported yet, and this package is compiled here
        output, _ = process.communicate()
        assert process.returncode == 0, output
        weights.append(weight(project))
        os.utime(file, ns=times)
    assert weights[1] == pytest.approx(weights[0] * 7 / 2)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("int(str(np.random.default_rng)[-7:-1], 16)", "found a text with a place in memory"),
        ("np.sqrt(self.coef_, where=self.coef_ < 0)", "found `where` without `out`, which leaves what memory held"),
    ],
)
def test_an_estimator_that_another_process_would_fit_otherwise_is_refused(own: Project, line: str, told: str) -> None:
    own.replace("udfs/shop/models.py", "from shop.factor import FACTOR", "import numpy as np")
    own.replace("udfs/shop/models.py", "* FACTOR", f"* {line}")
    outcome = own.dbt("build")
    assert f"models.py: expected an estimator that learns the same in every process, {told}" in outcome.output, outcome.output


def test_an_estimator_that_draws_by_a_seed_is_fitted(own: Project) -> None:
    own.replace("udfs/shop/models.py", "from shop.factor import FACTOR", "import numpy as np")
    own.replace("udfs/shop/models.py", "* FACTOR", "* np.random.default_rng(1).random()")
    own.build()
    assert own.computed() == {"worth"}


def test_a_time_of_computing_passes_through_a_query_whose_rows_have_an_order(tiny: Project) -> None:
    """Such a query is computed over copies: what counts for no order and no fingerprint is handed on all the same."""
    tiny.write(
        "models/features/stamped.sql", "select event_id, kind, {{ built_at() }} as scored_at from {{ ref('stg_events') }}\n"
    )
    tiny.write(
        "models/features/placed.sql",
        "select event_id, scored_at, scored_at as seen_at, row_number() over (order by kind) as n from {{ ref('stamped') }}\n",
    )
    tiny.build()
    query = "select count(*), count(scored_at), count(seen_at), count(distinct scored_at) from features.placed"
    assert tiny.catalog(query) == [(3, 3, 3, 1)]


def test_production_does_not_lose_what_its_sources_had_without_a_word(tiny: Project) -> None:
    header = "event_id,occurred_at,kind,amount\n"
    tiny.write("raw/2020-02-01.csv", f"{header}4,2020-02-01,a,40\n")
    tiny.write("raw/2020-02-02.csv", f"{header}5,2020-02-02,b,50\n")
    tiny.build()
    kept = tiny.root / "raw/2020-02-01.csv"
    text = kept.read_text()
    kept.unlink()
    refused = tiny.dbt("build").output
    assert "2020-02-01.csv: expected the file that release 2 was made of, found none (1 rows); bring it" in refused
    assert "Traceback" not in refused and tiny.release() == 2
    assert tiny.build(branch="elsewhere").is_green
    kept.write_text(text)
    tiny.write("raw/2020-02-03.csv", "event_id,occurred_at,kind,betrag\n6,2020-02-03,b,60\n")
    refused = tiny.dbt("build").output
    assert "2020-02-03.csv: expected the column amount, which" in refused and "found none, and betrag" in refused
    assert "found none, and betrag: left out, as publish_less says." in tiny.build("--vars", "{publish_less: true}").output
    assert tiny.release() == 3
    assert "nothing changed" in tiny.build().output
