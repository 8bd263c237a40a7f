import shutil
from pathlib import Path

import pytest

from project.harness import Project, copy_of_the_project, tiny_project


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The real project, built once on its bundled data; tests only read it."""
    project = copy_of_the_project(tmp_path_factory.mktemp("real"))
    project.build()
    return project


@pytest.fixture(scope="session")
def tiny_template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The tiny project, built once on main."""
    project = tiny_project(tmp_path_factory.mktemp("template") / "tiny")
    project.build()
    return project


@pytest.fixture
def tiny(tiny_template: Project, tmp_path: Path) -> Project:
    """A tiny project of the test's own, already built on main."""
    root = tmp_path / "tiny"
    shutil.copytree(tiny_template.root, root, ignore=shutil.ignore_patterns("warehouse"))
    project = Project(root)
    project.build()
    return project
