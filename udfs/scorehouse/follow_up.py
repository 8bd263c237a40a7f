"""What follows `run-operation forget` in the same command: the build that computes anew."""

import json
import os
import sys
from functools import wraps
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.schemas.results import RunStatus
from dbt.cli.main import dbtRunner
from dbt.task.run_operation import RunOperationTask

from scorehouse.names.warehouse import Warehouse
from scorehouse.sources.forgotten import Forgotten

FOLLOWED = "forget"


def begin() -> None:
    """Let operations that ask for it be followed by a build: dbt has no hook behind an operation."""
    run = RunOperationTask.run

    @wraps(run)
    def run_then_build(task: RunOperationTask) -> Any:
        is_followed = task.args.macro == FOLLOWED and Path(task.config.project_root, "udfs", "scorehouse").is_dir()
        if is_followed:
            object.__setattr__(task.args, "write_json", False)  # dbt would write down whom the command names
            object.__setattr__(task.args, "WRITE_JSON", False)
        results = run(task)
        if is_followed and task.interpret_results(results) and not (_build(task.args, task.config) and _is_done(task.config)):
            results.results[0].status = RunStatus.Error
        return results

    RunOperationTask.run = run_then_build


def _is_done(config: Any) -> bool:
    """Whether nothing is left of anybody who is to be forgotten: the build says what stands in the way, and goes through."""
    warehouse = Warehouse.of_project(Path(config.project_root), os.environ)
    return not Forgotten.read(warehouse.store).pending


def _build(flags: Any, config: Any) -> bool:
    """Build the whole project in this process, as the command was told to; returns whether it was green."""
    DuckDBConnectionManager.close_all_connections()
    places = {"project-dir": config.project_root, "profiles-dir": flags.PROFILES_DIR, "log-path": flags.LOG_PATH}
    options = [part for name, place in places.items() for part in (f"--{name}", str(place))]
    arguments = [*(["--quiet"] if flags.QUIET else []), "build", *options, "--vars", json.dumps(flags.VARS, default=str)]
    sys.argv = [sys.argv[0], *arguments]  # dbt writes them down
    return bool(dbtRunner().invoke(arguments).success)
