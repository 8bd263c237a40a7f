"""The main job as a user starts it: cold, repeated, and beside `dbt parse`."""

import json
import tempfile
from pathlib import Path

from bench.measure import medians, seconds, show
from project.harness import Project, copy_of_the_project


def run() -> None:
    """Print seconds of the main job on the bundled data."""
    with tempfile.TemporaryDirectory() as folder:
        project = copy_of_the_project(Path(folder) / "scorehouse", unit_tests=True)
        cold = seconds(lambda: _dbt(project, "build"))
        again = medians({"parse": lambda: _dbt(project, "parse"), "build": lambda: _dbt(project, "build")}, rounds=3)
        nodes = len(json.loads((project.root / "target" / "run_results.json").read_text())["results"])
    allowed = 1.3 * again["parse"] + 0.015 * nodes
    rows = [
        ["main job, cold", cold, None],
        ["main job, nothing to do", again["build"], f"{again['build'] / allowed:.2f} of 1.3 x parse + 15 ms a node"],
        ["dbt parse", again["parse"], f"{nodes} nodes"],
    ]
    show(["work", "seconds", ""], rows)


def _dbt(project: Project, command: str) -> None:
    process = project.start("--quiet", command)
    output = process.communicate()[0]
    if process.returncode:
        raise SystemExit(output)
