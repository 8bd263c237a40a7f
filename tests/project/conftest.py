import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from dbt_common.tests import enable_test_caching

from project.harness import Project, tiny_project
from project.nights import Shop, Webhook, tiny_shop

enable_test_caching()  # what dbt's parser makes of a macro's text serves all commands of this process


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


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    yield server
    server.close()


@pytest.fixture(scope="session")
def shop_and_copy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where every tiny shop of a test stands, and a copy of it as it is after its first night."""
    folder = tmp_path_factory.mktemp("nights")
    project, service = tiny_shop(folder / "shop"), Webhook()
    night = Shop(project, service).night()
    service.close()
    assert night.code == 0, night.output
    shutil.copytree(project.root, folder / "copy", symlinks=True)
    return project.root, folder / "copy"


@pytest.fixture
def shop(shop_and_copy: tuple[Path, Path], webhook: Webhook) -> Shop:
    """A tiny shop of the test's own, after its first night."""
    root, copy = shop_and_copy
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(copy, root, symlinks=True)
    return Shop(Project(root), webhook)
