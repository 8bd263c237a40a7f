"""`make spark`: translate the project, let dbt-spark run it, compare every model with DuckDB, and move the branch's views."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import duckdb

from scorehouse.errors import first_line
from scorehouse.names.git import PRODUCTION
from scorehouse.names.quoting import literal
from scorehouse.names.warehouse import Warehouse
from scorehouse.spark import compare, functions, generate, kept, project, publish, session
from scorehouse.spark.generate import STORE, Translation

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PLACE = "spark"
"""Folder of main's with copies of rows for Spark, and its tables where the cluster has no other place for them.

What main does not know there, forgetting a person deletes.
"""

PATIENCE_SECONDS = 30
"""So long a run waits for a cluster that has no worker left."""


@dataclass
class Outcome:
    """What became of a run; sentences for what is refused, has failed, or differs."""

    models: int = 0
    reused: int = 0
    kept: int = 0
    tests: int = 0
    refused: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    @property
    def is_green(self) -> bool:
        """Whether the branch's views may be moved."""
        return not (self.refused or self.failed or self.different)

    def said(self) -> str:
        """The run in one line."""
        if self.is_green:
            counts = f"{self.models} models have DuckDB's rows ({self.reused} stood in the store), {self.tests} tests passed"
            return f"PUBLISHED {counts}; models taken from DuckDB: {self.kept}."
        trouble = (("refused", self.refused), ("failed", self.failed), ("different", self.different))
        return f"NOTHING PUBLISHED: {', '.join(f'{len(found)} {word}' for word, found in trouble if found)}."


def run(root: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> Outcome:
    """Run the project of a folder on Spark; raises errors.ScorehouseError where that cannot begin."""
    warehouse = Warehouse.of_project(root, environment)
    asked = project.read(root, warehouse, root / "target" / "manifest.json")
    for function in asked.python_functions:
        functions.expect_vectorised(function)
    place = warehouse.on(PRODUCTION).folder / PLACE
    place.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"temp_directory": str(place / "spilled")}) as connection:
        connection.execute(f"attach {literal(asked.catalog)} as warehouse (read_only)")  # as compiled SQL calls it
        connection.execute("use warehouse")
        connection.execute("set timezone = 'UTC'")
        files = kept.exported(connection, asked, place / "kept")
        names = {relation: folder.name for relation, folder in files.items()}
        translation = generate.Translator(asked, names, session.version()).everything()
        outcome = Outcome(kept=len(asked.listed), refused=list(translation.refusals))
        if outcome.refused:
            return outcome
        generate.write(root / "target" / "spark", asked, translation)
        spark = session.started(asked.name, place, environment)
        with session.failures(outcome.failed):
            kept.declared(spark, files)
            functions.register(spark, asked, functions.versions_of(asked))
            _build(_Run(spark, connection, root, outcome, say), translation)
            if outcome.is_green:
                publish.move_views(spark, warehouse.branch, translation.models)
        with session.failures([]):
            spark.stop()
    return outcome


@dataclass(frozen=True)
class _Run:
    spark: "SparkSession"
    connection: duckdb.DuckDBPyConnection
    root: Path
    outcome: Outcome
    say: Callable[[str], None]


def _build(run: _Run, translation: Translation) -> None:
    """Compute what the store has not, ask all tests, and compare all models."""
    missing = [made for made in translation.models if not run.spark.catalog.tableExists(f"{STORE}.{made.table}")]
    run.outcome.reused = len(translation.models) - len(missing)
    with _watched(run.spark) as lost:
        if missing:
            _dbt(run, translation, "run", "--select", *(made.model.name for made in missing))
        if run.outcome.is_green:
            asked = _dbt(run, translation, "test")
            run.outcome.tests = sum(str(node.status) in ("pass", "warn") for node in asked)
        for made in translation.models if run.outcome.is_green else ():
            difference = compare.difference(run.connection, made.model, _rows(run, f"{STORE}.{made.table}"))
            run.outcome.models += 1
            if difference:
                run.outcome.different.append(difference.sentence)
                run.spark.sql(f"drop table {STORE}.{made.table}")
        if not run.outcome.failed:
            run.outcome.different += _other_warnings(run, translation, asked)
    if lost.is_set():
        sentence = (
            f"the cluster: expected a worker, found none for {PATIENCE_SECONDS} seconds; start one, and run make spark again."
        )
        run.outcome.failed = [sentence]


def _rows(run: _Run, table: str) -> duckdb.DuckDBPyRelation:
    """A table's rows: its files, where they are on this machine, else as the cluster sends them."""
    rows = run.spark.table(table)
    files = [unquote(urlsplit(file).path) for file in rows.inputFiles() if file.startswith("file:")]
    if files and all(Path(file).is_file() for file in files):
        return run.connection.read_parquet(files)
    return run.connection.from_arrow(rows.toArrow())


def _other_warnings(run: _Run, translation: Translation, results: Iterable[Any]) -> Iterator[str]:
    """Tests that only warn find as many rows as on DuckDB; others find none there, or nothing would be published."""
    asked = {test.name: test for test, _ in translation.tests}
    for node in results:
        test = asked[node.node.name]
        if test.config["severity"].lower() == "warn" and str(node.status) in ("pass", "warn"):
            query = f"select {test.config['fail_calc']} from ({test.sql}) as found"
            ((count,),) = run.connection.execute(query).fetchall()
            if count != node.failures:
                yield f"{test.file}: expected {count} rows as on DuckDB, found {node.failures}; translate it otherwise."


def _dbt(run: _Run, translation: Translation, *command: str) -> list[Any]:
    """Let dbt-spark run a command on the generated project, in this process, whose session it shares; what became of nodes."""
    from dbt.cli.main import dbtRunner
    from scorehouse_confinement import confinement

    folder = str(run.root / "target" / "spark")
    places = ["--project-dir", folder, "--profiles-dir", folder, "--log-path", f"{folder}/logs"]
    enter = confinement.enter
    confinement.enter = lambda project: None  # it withholds programs and the network, which Spark is
    try:
        result = dbtRunner().invoke(["--quiet", *command, *places])
    finally:
        confinement.enter = enter
    if result.exception:
        run.outcome.failed.append(f"dbt-spark: {first_line(result.exception)}")
        return []
    files = {made.model.name: made.model.file for made in translation.models}
    files |= {test.name: test.file for test, _ in translation.tests}
    for node in result.result or ():
        name, status = node.node.name, str(node.status)
        if status in ("error", "fail"):
            run.outcome.failed.append(f"{files.get(name, name)}: expected it to succeed on Spark, found {_message(node)}")
        elif status == "warn":
            run.say(f"{files.get(name, name)}: {_message(node)}")
    return list(result.result or ())


def _message(node: Any) -> str:
    """What went wrong, in a line."""
    lines = [line.strip() for line in str(node.message).splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("Runtime Error", "Database Error"))]
    return f"{(said or lines or ['no message'])[0][:300]}."


@contextmanager
def _watched(spark: "SparkSession") -> Iterator[threading.Event]:
    """Cancel everything when the cluster has had no worker for a while: Spark itself would wait for ever."""
    lost, ended = threading.Event(), threading.Event()

    def watch() -> None:
        seen, missing = False, 0
        while not ended.wait(1):
            count = session.workers(spark)
            seen = seen or count > 0
            missing = 0 if count else missing + 1
            if missing >= PATIENCE_SECONDS * (1 if seen else 4):
                lost.set()
                spark.sparkContext.cancelAllJobs()

    watcher = threading.Thread(target=watch, daemon=True)
    if session.has_workers(spark):
        watcher.start()
    try:
        yield lost
    except Exception:
        if not lost.is_set():
            raise
    finally:
        ended.set()
