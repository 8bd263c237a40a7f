import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from project.harness import Project, copy_of_the_project, tiny_project


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The real project, built once on its bundled data; tests only read it."""
    project = copy_of_the_project(tmp_path_factory.mktemp("real"))
    project.build(DBT_WRITE_JSON="true")
    return project


@pytest.fixture(scope="session")
def tiny_template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The tiny project, built once on main; tests only read it."""
    project = tiny_project(tmp_path_factory.mktemp("template") / "tiny")
    project.build()
    return project


@pytest.fixture(scope="session")
def tiny_and_copy(tiny_template: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """Where every tiny project of a test stands, and a copy of it as it is after its first build."""
    folder = tmp_path_factory.mktemp("tiny")
    shutil.copytree(tiny_template.root, folder / "tiny", ignore=shutil.ignore_patterns("warehouse"))
    Project(folder / "tiny").build()
    shutil.copytree(folder / "tiny", folder / "copy", symlinks=True)
    gc.collect()
    gc.freeze()  # what is loaded by now stays; the harness collects after every command
    yield folder / "tiny", folder / "copy"
    gc.unfreeze()


@pytest.fixture
def tiny(tiny_and_copy: tuple[Path, Path]) -> Project:
    """A tiny project of the test's own, already built on main."""
    root, copy = tiny_and_copy
    shutil.rmtree(root, ignore_errors=True)  # a test may have moved it
    shutil.copytree(copy, root, symlinks=True)
    return Project(root)
