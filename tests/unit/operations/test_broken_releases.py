"""A release or a branch that cannot be read stops no operation: it is named, and what it may use stays."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from scorehouse.names.warehouse import Warehouse
from scorehouse.operations.branches import branches, collect_garbage, releases
from scorehouse.release.history import summary
from scorehouse.store.files import Store


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Main with a file that nothing reads, and a branch with a file of its own."""
    monkeypatch.setattr("scorehouse.operations.branches.note", lambda *_: None)
    main = Warehouse.of(tmp_path, "main")
    branch = main.on("broken")
    for part in (main, branch):
        part.work.mkdir(parents=True)
        part.releases.mkdir()
        with duckdb.connect() as reader:
            Store(part.own_part()).write(reader, "select 1 as x", part.own_part() / "features.x" / f"{part.branch}.duckdb")
    return SimpleNamespace(warehouse=main, records=SimpleNamespace(files=set()))


def break_release(branch: Warehouse) -> None:
    branch.release(1).mkdir()
    (branch.release(1) / "release.json").write_text("[]")
    (branch.release(1) / "catalog.duckdb").write_bytes(b"garbage")
    os.symlink("releases/1", branch.current)


def link_releases(branch: Warehouse) -> None:
    branch.releases.rmdir()
    os.symlink("../main/releases", branch.releases)
    break_release(branch)


def pipe_release(branch: Warehouse) -> None:
    branch.release(1).mkdir()
    os.mkfifo(branch.release(1) / "release.json")
    os.mkfifo(branch.release(1) / "catalog.duckdb")
    os.symlink("releases/1", branch.current)


def break_work(branch: Warehouse) -> None:
    branch.work_database.write_bytes(b"garbage")


def pipe_work(branch: Warehouse) -> None:
    os.mkfifo(branch.work_database)


BROKEN = [break_release, link_releases, pipe_release, break_work, pipe_work]


@pytest.mark.parametrize("broken", BROKEN)
def test_what_cannot_be_read_is_named_and_keeps_what_it_may_use(
    run: SimpleNamespace, broken: Callable[[Warehouse], None]
) -> None:
    branch = run.warehouse.on("broken")
    broken(branch)
    told = collect_garbage(run, delete=True)
    assert "Cannot be read: " in told and "of broken" in told
    assert len([*run.warehouse.root.glob("*/features.x/*.duckdb"), *branch.own_part().glob("*/*.duckdb")]) == 2
    assert "broken" in branches(run)
    assert branches(run).count("cannot be read") == (branch.current_release() is not None)


def test_a_broken_release_of_main_stands_in_the_list(run: SimpleNamespace) -> None:
    break_release(run.warehouse)
    assert "* 1" in releases(run) and "cannot be read" in releases(run)
    assert "Cannot be read: release 1 of main." in collect_garbage(run, delete=True)
    assert summary(run.warehouse, 1) is None


def test_a_link_to_no_number_is_no_release(run: SimpleNamespace) -> None:
    os.symlink("releases/\u00b2", run.warehouse.current)
    assert run.warehouse.current_release() is None
    assert "main" in branches(run)
