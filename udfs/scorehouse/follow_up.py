"""What follows `run-operation forget` in the same command: the build that computes anew."""

import json
import sys
from functools import wraps
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.schemas.results import RunStatus
from dbt.cli.main import dbtRunner
from dbt.task.run_operation import RunOperationTask

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
        if is_followed and task.interpret_results(results) and not _build(task.args, task.config):
            results.results[0].status = RunStatus.Error
        return results

    RunOperationTask.run = run_then_build


def _build(flags: Any, config: Any) -> bool:
    """Build the whole project in this process, as the command was told to; returns whether it was green."""
    DuckDBConnectionManager.close_all_connections()
    places = {"project-dir": config.project_root, "profiles-dir": flags.PROFILES_DIR, "log-path": flags.LOG_PATH}
    options = [part for name, place in places.items() for part in (f"--{name}", str(place))]
    arguments = [*(["--quiet"] if flags.QUIET else []), "build", *options, "--vars", json.dumps(flags.VARS, default=str)]
    sys.argv = [sys.argv[0], *arguments]  # dbt writes them down
    return bool(dbtRunner().invoke(arguments).success)
