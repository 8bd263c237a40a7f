"""A release or a branch that cannot be read stops no operation: it is named, and what it may use stays."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from scorehouse.errors import ScorehouseError
from scorehouse.names.warehouse import Warehouse
from scorehouse.operations.branches import branches, releases
from scorehouse.operations.garbage import collect_garbage, collected
from scorehouse.operations.others import others
from scorehouse.operations.people import people
from scorehouse.operations.provenance import provenance
from scorehouse.release.history import files_in_work, summary
from scorehouse.release.pointer import rollback
from scorehouse.store import state
from scorehouse.store.durable import log_of
from scorehouse.store.files import Store
from scorehouse.store.records import NodeRecords
from scorehouse.store.rows import insert


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Main with a file that nothing reads, and a branch with a file of its own."""
    monkeypatch.setattr("scorehouse.operations.garbage.note", lambda *_: None)
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


def records_that_are(query: str) -> Callable[[Warehouse], None]:
    """A branch may put a view where a build has a table of records."""

    def break_it(branch: Warehouse) -> None:
        with duckdb.connect(str(branch.work_database)) as connection:
            state.prepare(connection)
            connection.execute(
                f"drop view history.decisions; drop table scorehouse.nodes; create view scorehouse.nodes as {query}"
            )
        branch.release(1).mkdir()
        shutil.copy(branch.work_database, branch.release(1) / "catalog.duckdb")
        os.symlink("releases/1", branch.current)

    return break_it


def without_end(branch: Warehouse) -> None:
    endless = "with recursive forever as (select 1 as n union all select n + 1 from forever) select count(*) as n from forever"
    records_that_are(endless)(branch)


def from_a_file(branch: Warehouse) -> None:
    records_that_are("select content as node_id from read_text('/etc/hostname')")(branch)


def too_large(branch: Warehouse) -> None:
    with open(branch.work_database, "wb") as file:
        file.truncate(1 << 40)


BROKEN = [break_release, link_releases, pipe_release, break_work, pipe_work, without_end, from_a_file, too_large]


@pytest.mark.parametrize("broken", BROKEN)
def test_what_cannot_be_read_is_named_and_keeps_what_it_may_use(
    run: SimpleNamespace, broken: Callable[[Warehouse], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    branch = run.warehouse.on("broken")
    broken(branch)
    monkeypatch.setattr("scorehouse.scratch.MOST_SECONDS", 0.5)
    told = collect_garbage(run, delete=True)
    assert "Cannot be read: " in told and "of broken" in told
    assert len([*run.warehouse.root.glob("*/features.x/*.duckdb"), *branch.own_part().glob("*/*.duckdb")]) == 2
    assert "broken" in branches(run)
    assert branches(run).count("cannot be read") == (branch.current_release() is not None)


def without_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    """The branch's folder is somebody else's."""

    def refused(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    for name in ("open_own", "open_plain"):
        monkeypatch.setattr(f"scorehouse.release.lock.{name}", refused)


def test_a_night_says_what_cannot_be_read_and_collects_what_came_later(run: SimpleNamespace) -> None:
    """What the broken release may use is older than it."""
    break_release(run.warehouse.on("broken"))
    later = run.warehouse.store / "features.x" / "later.duckdb"
    shutil.copyfile(run.warehouse.store / "features.x" / "main.duckdb", later)
    os.utime(later, (time.time() + 5,) * 2)
    deleted, left = collected(run)
    assert deleted.startswith("Deleted 1 files, ") and not later.exists()
    assert left.startswith("Not yet deleted, files that no release needs: Cannot be read: release 1 of broken. What main had ")
    assert (run.warehouse.store / "features.x" / "main.duckdb").exists()


def test_a_night_says_which_branch_it_may_not_look_into(run: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    without_permission(monkeypatch)
    (left,) = collected(run)
    assert left.startswith("Not yet deleted, files that no release needs: Branch 'broken': expected a folder that this command ")
    assert "Permission denied; let whoever owns it give it to your group" in left
    assert "Branch 'broken': expected a folder" in collect_garbage(run, delete=True)
    assert (run.warehouse.store / "features.x" / "main.duckdb").exists()


def test_a_folder_that_may_not_be_looked_into_is_a_branch_if_it_is_called_like_one(
    run: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("theirs", "lost+found"):
        (run.warehouse.root / name).mkdir()
    lstat = Path.lstat

    def refused(path: Path) -> os.stat_result:
        if path.parent.name in ("theirs", "lost+found"):
            raise PermissionError(13, "Permission denied", str(path))
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", refused)
    assert [branch.branch for branch in others(run.warehouse)] == ["broken", "theirs"]


def test_a_broken_release_of_main_stands_in_the_list(run: SimpleNamespace) -> None:
    break_release(run.warehouse)
    assert "* 1" in releases(run) and "cannot be read" in releases(run)
    assert "Cannot be read: release 1 of main." in collect_garbage(run, delete=True)
    assert summary(run.warehouse, 1) is None


def test_what_asks_a_release_that_cannot_be_read_says_so_and_what_mends_it(run: SimpleNamespace) -> None:
    break_release(run.warehouse)
    assert NodeRecords.readable(run.warehouse).nodes == {}
    for ask in (people, provenance):
        with pytest.raises(ScorehouseError, match=r"Release 1 of main: .* can be read, found: .* dbt build"):
            ask(run)
    with pytest.raises(ScorehouseError, match="expected a release before 1, found none that is whole; run dbt build"):
        rollback(run.warehouse)


def test_a_link_to_no_number_is_no_release(run: SimpleNamespace) -> None:
    os.symlink("releases/\u00b2", run.warehouse.current)
    assert run.warehouse.current_release() is None
    assert "main" in branches(run)


def test_what_a_killed_build_left_in_the_log_of_its_database_is_known(run: SimpleNamespace) -> None:
    branch = run.warehouse.on("broken")
    connection = duckdb.connect(str(branch.work_database))
    state.prepare(connection)
    connection.execute("checkpoint")
    row = dict.fromkeys("materialized own logic data fingerprint text_hash query_hash run_id action reason".split(), "")
    row |= {"node_id": "model.p.x", "relation": "features.x", "resource_type": "model", "files": ["features.x/broken.duckdb"]}
    insert(connection, "scorehouse.nodes", row | dict.fromkeys(["inputs", "columns", "details"], "{}"))
    kept = [file.read_bytes() for file in (branch.work_database, log_of(branch.work_database))]
    connection.close()
    for file, content in zip((branch.work_database, log_of(branch.work_database)), kept, strict=True):
        file.write_bytes(content)
    assert files_in_work(branch) == {"features.x/broken.duckdb"}
    assert log_of(branch.work_database).read_bytes() == kept[1]
