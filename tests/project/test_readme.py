"""The README's code blocks, run as a reader would run them, one after the other."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from project.harness import OWN_VARIABLES, REPOSITORY, Project, copy_of_the_project

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall((REPOSITORY / "README.md").read_text())


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project whose .venv is the one that runs this test."""
    project = copy_of_the_project(tmp_path_factory.mktemp("readme"), unit_tests=True)
    environment = project.root / ".venv"
    (environment / "bin").mkdir(parents=True)
    for program in Path(sys.executable).parent.iterdir():
        if not program.name.startswith("activate"):
            (environment / "bin" / program.name).symlink_to(program)
    (environment / "bin" / "activate").write_text(f"export PATH={environment}/bin:$PATH\n")
    (environment / "ready").touch()
    return project


def run(clone: Project, language: str, code: str) -> str:
    command = {"bash": ["bash", "-euc", code], "python": [sys.executable, "-c", code]}[language]
    inherited = {name: value for name, value in os.environ.items() if not OWN_VARIABLES.match(name)}
    process = subprocess.run(
        command,
        cwd=clone.root,
        env={**inherited, "SCOREHOUSE_BRANCH": "main"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout
    return process.stdout


def test_every_block_runs_and_prints_what_the_readme_shows(clone: Project) -> None:
    ran, output = [], ""
    for (before, _), (language, code) in zip([("", ""), *BLOCKS], BLOCKS, strict=False):
        if language in ("bash", "python"):
            output = run(clone, language, code)
        elif language == "sql":
            assert clone.catalog(code) if "registry." in code else clone.serving(code)
        elif language == "text" and before in ("bash", "python"):
            shown = " ".join(output.split())
            assert [line for line in code.splitlines() if " ".join(line.split()) not in shown] == [], output
        else:
            continue
        ran.append(language)
    assert ran == ["bash", "python", "text", "sql", "sql", "bash", "text", "bash", "sql", "python"]


def test_the_example_of_an_own_model_builds(clone: Project) -> None:
    (declaration,) = [code for language, code in BLOCKS if language == "yaml" and code.startswith("models:")]
    name = yaml.safe_load(declaration)["models"][0]["name"]
    clone.write(f"models/learning/{name}.yml", declaration)
    clone.write(f"models/learning/{name}.sql", "select * from {{ ref('churn_examples') }}\n")
    try:
        clone.build("--select", name, branch="forest")
        assert clone.work("forest", f"select status from learning.{name}") == [("ready",)]
    finally:
        for ending in ("yml", "sql"):
            (clone.root / f"models/learning/{name}.{ending}").unlink()


def test_every_path_the_readme_names_exists() -> None:
    paths = re.findall(r"`((?:models|seeds|macros|udfs|tests)/[\w/.]+)`", (REPOSITORY / "README.md").read_text())
    assert paths
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []
