"""The main job on the bundled data, as the README runs it: quality, agreement with scikit-learn, repeatability, readers."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest
import yaml
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from project.harness import OWN_VARIABLES, REPOSITORY, Project, copy_of_the_project

FEATURES = """recency_days, tenure_days, purchase_day_count, purchase_day_count_30d, purchase_day_count_90d,
    purchase_day_count_180d, purchase_month_count, purchase_count, purchase_amount, purchase_amount_30d, purchase_amount_90d,
    mean_basket_amount, mean_basket_lines, purchase_days_per_month, item_count, cancellation_count, cancellation_share,
    mean_gap_days, gap_deviation_days, last_gap_days, recency_in_gaps, recency_share, activity, trend"""


class Unit(TransformerMixin, BaseEstimator):
    """Divides each column by the median size of its training values other than 0."""

    def fit(self, x: np.ndarray, y: object = None) -> "Unit":
        sizes = [np.sort(np.abs(column[column != 0])) for column in x.T]
        self.units = np.array([values[(len(values) - 1) // 2] for values in sizes])
        return self

    def transform(self, x: np.ndarray) -> np.ndarray:
        return x / self.units


MODELS = {
    "churn_risk__logistic": make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        Unit(),
        FunctionTransformer(lambda x: np.sign(x) * np.log1p(np.abs(x))),
        StandardScaler(),
        LogisticRegression(C=0.003, max_iter=1000, random_state=0),
    ),
    "churn_risk__boosted": HistGradientBoostingClassifier(
        max_iter=100, learning_rate=0.05, max_leaf_nodes=4, min_samples_leaf=60, early_stopping=False, random_state=0
    ),
}


BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", (REPOSITORY / "README.md").read_text(), re.MULTILINE | re.DOTALL)
"""Language and text of the README's blocks."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The real project, built on its bundled data by the README's first block; its .venv is the one that runs these tests.

    Tests only read it, until the README's other blocks are run.
    """
    project = copy_of_the_project(tmp_path_factory.mktemp("real"), unit_tests=True)
    environment = project.root / ".venv"
    (environment / "bin").mkdir(parents=True)
    for program in Path(sys.executable).parent.iterdir():
        if not program.name.startswith("activate"):
            (environment / "bin" / program.name).symlink_to(program)
    (environment / "bin" / "activate").write_text(f"export PATH={environment}/bin:$PATH\n")
    (environment / "ready").touch()
    run(project, *BLOCKS[0])
    return project


def run(project: Project, language: str, code: str) -> str:
    """What a block prints; it must end well."""
    command = {"bash": ["bash", "-euc", code], "python": [sys.executable, "-c", code]}[language]
    inherited = {name: value for name, value in os.environ.items() if not OWN_VARIABLES.match(name)}
    process = subprocess.run(
        command,
        cwd=project.root,
        env={**inherited, "SCOREHOUSE_BRANCH": "main"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout
    return process.stdout


def matrix(project: Project, query: str) -> np.ndarray:
    return np.array(project.catalog(query), dtype=float)


@pytest.mark.parametrize("name", MODELS)
def test_scores_are_scikit_learns_own_on_every_row(built: Project, name: str) -> None:
    train = matrix(
        built,
        f"select {FEATURES}, is_churned from learning.churn_examples"
        " where as_of in (timestamp '2011-07-01', timestamp '2011-08-01', timestamp '2011-09-01') order by as_of, customer_id",
    )
    assert len(train) == 9425
    model = MODELS[name].fit(train[:, :-1], train[:, -1])
    current = matrix(built, f"select {FEATURES} from features.customer_snapshots where is_current order by customer_id")
    assert np.isnan(current).any()
    scores = matrix(built, f"select score from scores.{name} order by customer_id")[:, 0]
    np.testing.assert_allclose(scores, model.predict_proba(current)[:, 1], rtol=0, atol=1e-9)


@pytest.mark.parametrize("model", ["churn__logistic", "churn__boosted"])
def test_models_rank_better_than_a_ten_minute_model_and_than_recency(built: Project, model: str) -> None:
    ((tested_at, count, auc),) = built.catalog(
        f"select test_from, test_count, (select m.value from unnest(metrics) as listed(m)"
        f" where m.split = 'test' and m.metric = 'auc' and m.slice = 'all') from learning.{model}"
    )
    assert (str(tested_at), count) == ("2011-09-01 00:00:00", 3317)
    test = matrix(built, "select recency_days, is_churned from learning.churn_examples where as_of = timestamp '2011-09-01'")
    recency_alone = roc_auc_score(test[:, 1], test[:, 0])
    assert round(recency_alone, 3) == 0.684
    assert auc >= 0.744 > recency_alone


def test_every_version_proves_that_its_ways_to_score_agree(built: Project) -> None:
    for model in ("churn__logistic", "churn__boosted"):
        proofs = built.catalog(f"select p.rows_of, p.path, p.has_passed from learning.{model}, unnest(parity) as listed(p)")
        assert len(proofs) > 5
        assert all(has_passed for _, _, has_passed in proofs)


def test_segments_names_hold_for_the_customers_who_bear_them(built: Project) -> None:
    """Whoever is called active is not silent for long by their own rhythm, whoever is called silent did not just buy."""
    rows = built.catalog(
        "select regexp_replace(segment, ' \\d+$', ''), recency_in_gaps, purchase_day_count"
        " from serving.customer_segments inner join learning.segment_examples using (customer_id) where segment is not null"
    )
    active = [gaps for name, gaps, _ in rows if name in ("champions", "loyal", "promising")]
    silent = [gaps for name, gaps, _ in rows if name in ("at risk", "hibernating")]
    faithful = [days for name, _, days in rows if name in ("champions", "loyal")]
    assert min(len(active), len(silent), len(faithful)) > 300
    assert np.quantile(active, 0.95) < 4
    assert np.quantile(silent, 0.05) > 0.5
    assert np.mean(np.array(faithful) == 1) < 0.1


def test_the_serving_file_has_keys_descriptions_and_examples_that_run(built: Project) -> None:
    tables = built.serving("select name, example, row_count, owner, description from endpoints order by name")
    counts = {name: row_count for name, _, row_count, *_ in tables}
    assert counts["churn_risk"] == counts["coupon_offers"] == counts["customer_segments"] == 4338
    for name, example, row_count, owner, description in tables:
        assert len(built.serving(example)) == min(row_count, 10)
        assert owner and description
        assert built.serving(
            f"select count(*) from duckdb_constraints() where table_name = '{name}' and constraint_type = 'PRIMARY KEY'"
        ) == [(1,)]
        assert built.serving(f"select count(*) from duckdb_columns() where table_name = '{name}' and comment is null") == [(0,)]
    assert built.serving("select count(*) from churn_risk where len(reasons) <> 3 or reason_text is null") == [(0,)]


def test_every_served_table_has_requirements_and_the_deployments_that_the_file_offers(built: Project) -> None:
    promised = "select name from endpoints where columns('required_.*') is not null order by name"
    names = built.serving("select name from endpoints order by name")
    assert built.serving(promised) == names
    functions = built.serving("select macro_definition from duckdb_functions() where database_name = current_database()")
    read = {name for (name,) in names for (text,) in functions if re.search(rf"\b{name}\b", text)}
    offered = dict(built.catalog("select endpoint, deployments from operations.deployment_fit order by endpoint"))
    assert [(name,) for name in offered] == names
    assert {name for name, deployments in offered.items() if "database integration" in deployments} == read != set()
    assert built.catalog("select endpoint, misfit, contradictions from operations.deployment_fit where not is_fitting") == []
    assert built.catalog("select endpoint from operations.deployment_fit where len(contradictions) > 0") == []
    filled = "select name, latency_ms from endpoints where row_count > 0 order by name"
    measured = "select endpoint, latency_ms from operations.deployment_fit where latency_ms > 0 order by endpoint"
    assert built.serving(filled) == built.catalog(measured) != []


def test_whatever_can_fail_belongs_to_a_team_that_has_an_address(built: Project) -> None:
    manifest = json.loads((built.root / "target" / "manifest.json").read_text())
    kinds = {"model", "seed", "test", "unit_test", "function", "source", "exposure"}
    known = [node for shelf in ("nodes", "unit_tests", "functions", "sources", "exposures") for node in manifest[shelf].values()]
    assert {node["resource_type"] for node in known} >= kinds
    teams = {name: group["owner"]["email"] for name, group in ((one["name"], one) for one in manifest["groups"].values())}
    tested = {node["unique_id"]: node["attached_node"] for node in known if node.get("attached_node")}
    tested |= {node["unique_id"]: node["depends_on"]["nodes"][0] for node in manifest["unit_tests"].values()}
    team = {node["unique_id"]: node["config"].get("group") or node["config"].get("meta", {}).get("group") for node in known}
    for node in known:
        about = tested.get(node["unique_id"], node["unique_id"])
        if node["resource_type"] == "exposure":
            assert node["owner"]["email"], node["name"]
        elif about in team:  # else the model of a unit test is not among the sources of this build
            assert teams.get(team[about]), node["unique_id"]


def test_what_grows_with_interactions_is_computed_on_all_cores(built: Project) -> None:
    """A query that depends on the order of rows reads sorted copies, on one core."""
    ordered = "select split_part(node_id, '.', -1), details -> '$.reading.order_dependent' from scorehouse.nodes"
    of_many = [
        "score_counts",
        "feature_counts",
        "measures_by_time",
        "coupon_rates",
        "coupon_assignments",
        "past_churn_risks",
    ]  # few rows of many
    ordered += " where materialized in ('table', 'partitioned')"
    ordered += f" and (row_count > 30000 or split_part(node_id, '.', -1) in {of_many})"
    found = {name for (name, said) in built.work("main", ordered) if json.loads(said)}
    assert found <= {"stg_retail__items"}, "write it so that its plan settles the order: decimals, keys, no first()"


def test_a_settled_time_is_scored_and_measured_in_a_file_of_its_own(built: Project) -> None:
    for name in ("past_scores_by_time", "measures_by_time"):
        ((times, days),) = built.catalog(
            f"select count(distinct period_at), count(distinct cast(period_at as date)) from monitoring.{name}"
        )
        ((files,),) = built.catalog(f"select len(files) from scorehouse.nodes where relation = 'monitoring.{name}'")
        assert 10 < times == days <= files


def test_every_relation_of_the_catalog_answers_a_reader_who_has_only_duckdb(built: Project) -> None:
    relations = built.catalog("select schema_name, view_name from duckdb_views() where not internal")
    assert len(relations) > 20
    for schema, name in relations:
        built.catalog(f'select count(*) from "{schema}"."{name}"')


def test_every_customer_has_one_row_that_agrees_with_the_other_tables(built: Project) -> None:
    ((profiles,),) = built.serving("select count(*) from customers")
    assert built.catalog("select count(*) from intermediate.int_customers") == [(profiles,)]
    differing = """
        select count(*) from customers
        left join churn_risk on customers.customer_id = churn_risk.customer_id
        left join customer_segments on customers.customer_id = customer_segments.customer_id
        left join coupon_offers on customers.customer_id = coupon_offers.customer_id
        where customers.churn_risk is distinct from churn_risk.score
            or customers.segment is distinct from customer_segments.segment
            or customers.gets_coupon <> coalesce(coupon_offers.gets_coupon, false)
            or customers.last_active_at < customers.last_purchase_at
    """
    assert built.serving(differing) == [(0,)]
    ranks = "select customer_id, list(item_id order by rank) as items from recommendations group by 1"
    query = f"select count(*), bool_and(next_best_items = items) from customers inner join ({ranks}) using (customer_id)"
    ((count, is_same),) = built.serving(query)
    assert count > 4000
    assert is_same


def test_predicted_spend_is_closer_than_spending_as_before_and_lies_in_its_interval(built: Project) -> None:
    rows = built.catalog("select implementation, mae, r2 from learning.lifetime_value_evaluation")
    found = {implementation: (mae, r2) for implementation, mae, r2 in rows}
    model, baseline = found["lifetime_value__poisson"], found["as in the last 90 days"]
    assert model[0] < baseline[0]
    assert model[1] > baseline[1]
    bounds = "0 <= predicted_spend_low and predicted_spend_low <= predicted_spend and predicted_spend < predicted_spend_high"
    ((count, is_inside),) = built.serving(f"select count(predicted_spend), bool_and({bounds}) from customers")
    assert count == 4338
    assert is_inside


@pytest.mark.drill
def test_two_builds_serve_the_same_bytes_whatever_the_threads_time_zone_and_locale(built: Project, tmp_path: Path) -> None:
    other = copy_of_the_project(tmp_path / "project")
    other.build("--threads", "1", "--vars", "{query_threads: 1}", TZ="Asia/Kolkata", LC_ALL="de_DE.UTF-8", LANG="de_DE.UTF-8")
    made = "select node_id, fingerprint, row_count from scorehouse.nodes order by node_id"
    assert other.catalog(made) == built.catalog(made)
    tables = built.serving("select table_name from duckdb_tables() where table_name not in ('release', 'endpoints')")
    assert len(tables) > 15
    for (table,) in tables:
        rows = [p.serving(f"select columns(lambda name: name <> 'scored_at') from {table}") for p in (built, other)]
        assert rows[0] == rows[1], table


def test_a_repeated_build_computes_and_publishes_nothing(built: Project) -> None:
    files = {file: file.stat().st_mtime_ns for file in built.folder().glob("*.duckdb")}
    outcome = built.build()
    assert built.computed() == set()
    assert "stays: nothing changed" in outcome.output
    assert "retail.invoice_lines: 541,909 rows read, 135,120 rejected: 135,080 no customer id, 40" in outcome.output
    assert {file: file.stat().st_mtime_ns for file in built.folder().glob("*.duckdb")} == files


def test_the_serving_file_opens_in_duckdb_1_5(built: Project) -> None:
    with duckdb.connect() as reader:
        reader.execute(f"attach '{built.folder() / 'serving.duckdb'}' as shop (read_only)")
        assert reader.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = 'shop'"
        ).fetchall() == [("v1.5.0+",)]


def test_what_a_node_depends_on_is_the_same_for_every_command(built: Project, tmp_path: Path) -> None:
    """dbt keeps what the first command found for those that follow."""
    assert built.dbt("parse", "--no-partial-parse", "--target-path", str(tmp_path), DBT_WRITE_JSON="true").is_green
    of_parse, of_build = (
        {name: set(node["depends_on"].get("nodes", ())) for name, node in json.loads(file.read_text())["nodes"].items()}
        for file in (tmp_path / "manifest.json", built.root / "target" / "manifest.json")
    )
    assert of_parse == of_build


def test_readers_can_look_up_every_feature_that_reasons_name(built: Project) -> None:
    named = "(select distinct unnest(reasons).feature as name from churn_risk)"
    assert built.serving(f"select count(*) > 5 from {named}") == [(True,)]
    assert built.serving(f"select name from {named} except select name from features where unit is not null") == []
    assert built.serving("select endpoint, name from features where meaning is null") == []


def test_a_row_of_every_served_table_says_what_it_was_made_of_and_comes_out_again(built: Project) -> None:
    tables = built.serving("select name, key from endpoints where row_count > 0 order by name")
    assert len(tables) >= 8
    for table, key in tables:
        columns = ", ".join(key)
        ((*values,),) = built.serving(f"select {columns} from {table} order by hash({key[0]}), {columns} limit 1")
        asked = json.dumps({"table": table, "key": values})
        told = built.operation("provenance", asked)
        assert told.is_green, told.output
        assert "online_retail.parquet" in told.output, told.output
        again = built.operation("replay", asked)
        assert again.is_green, again.output
        assert "is the same bit for bit as release 1 serves it" in again.output


def test_the_features_that_went_into_a_score_are_told(built: Project) -> None:
    names = [name.strip() for name in FEATURES.split(",")]
    ((who,),) = built.serving("select min(customer_id) from churn_risk")
    (values,) = built.catalog(f"select {FEATURES} from features.customer_snapshots where is_current and customer_id = '{who}'")
    told = built.operation("provenance", json.dumps({"table": "churn_risk", "key": who})).output
    lines = [" ".join(line.split()) for line in told.splitlines()]
    for name, value in zip(names, values, strict=True):
        assert f"{name} {'NULL' if value is None else value}" in lines, told


def test_every_block_of_the_readme_runs_and_prints_what_it_shows(built: Project) -> None:
    """From here on tests edit the project, and build on branches."""
    ran, output = ["bash"], ""  # the first has built the project
    for (before, _), (language, code) in itertools.pairwise(BLOCKS):
        if language in ("bash", "python"):
            output = run(built, language, code)
        elif language == "sql":
            assert built.catalog(code) if "registry." in code else built.serving(code)
        elif language == "text" and before in ("bash", "python"):
            shown = " ".join(output.split())
            assert [line for line in code.splitlines() if " ".join(line.split()) not in shown] == [], output
        else:
            continue
        ran.append(language)
    assert ran == ["bash", "python", "text", "sql", "sql", "bash", "text", "bash", "sql", "python"]


def test_the_example_of_an_own_model_builds(built: Project) -> None:
    (declaration,) = [code for language, code in BLOCKS if language == "yaml" and code.startswith("models:")]
    name = yaml.safe_load(declaration)["models"][0]["name"]
    built.write(f"models/learning/{name}.yml", declaration)
    built.write(f"models/learning/{name}.sql", "select * from {{ ref('churn_examples') }}\n")
    try:
        built.build("--select", name, branch="forest")
        assert built.work("forest", f"select status from learning.{name}") == [("ready",)]
    finally:
        for ending in ("yml", "sql"):
            (built.root / f"models/learning/{name}.{ending}").unlink()


def test_every_path_the_readme_names_exists() -> None:
    paths = re.findall(r"`((?:models|seeds|macros|udfs|tests)/[\w/.]+)`", (REPOSITORY / "README.md").read_text())
    assert paths
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []
