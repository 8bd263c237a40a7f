"""Another branch's folder may hold anything: nothing outside of it is read, emptied or deleted."""

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from scorehouse.foreign import delete_file, delete_folder, keep_only, open_own, plain_files
from scorehouse.names.warehouse import Warehouse
from scorehouse.operations.garbage import _results_in
from scorehouse.release.lock import BuildLock, HeldError
from scorehouse.store.files import Store, StrangeResultError, copy_of
from scorehouse.store.provenance import Provenance


@pytest.fixture
def main(tmp_path: Path) -> Warehouse:
    main = Warehouse.of(tmp_path, "main")
    main.release(1).mkdir(parents=True)
    (main.release(1) / "CURRENT").write_text("1\n")
    main.audit.write_text("a line\n")
    with duckdb.connect() as reader:
        Store(main.store).write(reader, "select 1 as x", main.store / "serving.scores" / "aa.duckdb")
    return main


@pytest.fixture
def evil(main: Warehouse) -> Iterator[Warehouse]:
    """A branch whose part of the store leads to what main serves; whatever a test does, that is as it was."""
    evil = main.on("evil")
    (evil.own_part() / "features.own").mkdir(parents=True)
    evil.work.mkdir()
    (evil.own_part() / "features.own" / "bb.duckdb").write_text("four")
    (evil.own_part() / "features.own" / "bb.json").write_text("{}")
    (evil.own_part() / "features.own" / "a folder").mkdir()
    os.mkfifo(evil.own_part() / "features.own" / "cc.parquet")
    os.symlink("../../../main/releases/1/CURRENT", evil.own_part() / "features.own" / "dd.parquet")
    os.symlink("../../main/releases/1", evil.own_part() / "pwn")
    os.symlink("../../store/serving.scores", evil.own_part() / "serving.scores")
    before = state(main)
    yield evil
    assert state(main) == before


def state(main: Warehouse) -> dict[str, bytes]:
    files = [file for folder in (main.folder, main.store) for file in folder.rglob("*") if file.is_file()]
    return {str(file): file.read_bytes() for file in files}


def test_only_plain_files_of_real_folders_are_given_out(evil: Warehouse) -> None:
    files = plain_files(evil.root, evil.own_part())
    assert [(file.name, file.size) for file in files] == [("features.own/bb.duckdb", 4), ("features.own/bb.json", 2)]
    assert [file.name for file in _results_in(files)] == ["features.own/bb.duckdb"]
    assert plain_files(evil.root, evil.own_part() / "pwn") == plain_files(evil.root, evil.folder / "none") == []


def test_nothing_is_deleted_or_read_through_a_link(evil: Warehouse) -> None:
    for name in ("pwn/CURRENT", "serving.scores/aa.duckdb", "serving.scores/aa.json"):
        delete_file(evil.root, evil.own_part() / name)
    assert Provenance.beside(evil.own_part() / "serving.scores" / "aa.duckdb") is None
    with pytest.raises(StrangeResultError):
        copy_of(evil.own_part() / "serving.scores" / "aa.duckdb", evil.root / "copy")
    taking = Store(evil.root / "another", others=[evil.own_part()], takes_up=lambda _: True)
    assert taking.result("serving.scores/aa.duckdb") == evil.root / "another" / "serving.scores" / "aa.duckdb"
    assert not taking.result("serving.scores/aa.duckdb").exists()


def test_what_may_not_be_deleted_is_named_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "store" / "serving.scores" / "aa.json"
    file.parent.mkdir(parents=True)
    file.touch()

    def refused(path: str, **_: int) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("scorehouse.foreign.os.unlink", refused)
    for deletes, named in ((delete_file, file), (keep_only, file.parent), (delete_folder, file.parent)):
        with pytest.raises(PermissionError) as error:
            deletes(tmp_path, named)
        assert error.value.filename == str(named)


def test_a_folder_goes_with_its_links_and_without_what_they_lead_to(evil: Warehouse) -> None:
    (evil.own_part() / "closed").mkdir(mode=0)
    gone = delete_folder(evil.root, evil.folder)
    assert not evil.folder.exists()
    assert {file.name for file in gone} >= {"built/pwn", "built/features.own/bb.duckdb", "built/features.own/dd.parquet"}


def test_who_begins_a_branch_that_is_being_deleted_begins_with_nothing(evil: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lock goes last: whoever waited for it has a folder of its own then."""
    held, unlink, begun = BuildLock.take(evil, 0), os.unlink, []

    def go(name: str, **where: int) -> None:
        unlink(name, **where)
        if name == evil.lock.name:
            monkeypatch.setattr(BuildLock, "_held", {})
            begun.append(BuildLock.take(evil, 0))
            (evil.work / "new").mkdir()

    monkeypatch.setattr("scorehouse.foreign.os.unlink", go)
    delete_folder(evil.root, evil.folder, evil.lock)
    assert len(begun) == 1
    assert {str(path.relative_to(evil.folder)) for path in evil.folder.rglob("*")} == {".work", ".work/lock", ".work/new"}
    assert evil.lock.read_text() == str(os.getpid())
    del held


def test_what_is_kept_stays_and_all_else_goes(evil: Warehouse) -> None:
    keep_only(evil.root, evil.own_part(), ["features.own/bb.duckdb", "features.own/a folder"])
    left = {str(path.relative_to(evil.own_part())) for path in evil.own_part().rglob("*")}
    assert left == {"features.own", "features.own/bb.duckdb", "features.own/a folder"}


@pytest.mark.parametrize("what", ["link", "hard link", "folder", "pipe", "dangling link", "linked folder"])
def test_a_lock_that_is_none_of_ours_is_made_anew(evil: Warehouse, main: Warehouse, what: str) -> None:
    made = {
        "link": lambda: os.symlink("../../main/audit.jsonl", evil.lock),
        "hard link": lambda: os.link(main.audit, evil.lock),
        "folder": lambda: (evil.lock / "inner").mkdir(parents=True),
        "pipe": lambda: os.mkfifo(evil.lock),
        "dangling link": lambda: os.symlink("../../main/new", evil.lock),
        "linked folder": lambda: (evil.work.rmdir(), os.symlink("../main", evil.work)),
    }
    made[what]()
    assert evil.folder in [branch.folder for branch in main.branches()]
    lock = BuildLock.take(evil, 0)
    assert evil.lock.is_file() and not evil.lock.is_symlink() and not evil.work.is_symlink()
    assert evil.lock.read_text() == str(os.getpid())
    assert not (main.folder / "new").exists() and not (main.folder / "lock").exists()
    del lock


def test_a_lock_that_may_only_be_read_holds(evil: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> int:
        raise PermissionError

    evil.lock.write_text("\x1b[31m not a process")
    holder = open_own(evil.folder, evil.lock)
    monkeypatch.setattr("scorehouse.release.lock.open_own", refused)
    lock = BuildLock.take(evil, 0)
    assert evil.lock.read_text() == "\x1b[31m not a process"
    monkeypatch.setattr(BuildLock, "_held", {})
    with pytest.raises(HeldError, match=r"\(pid unknown\)"):
        BuildLock.take(evil, 0)
    del lock
    os.close(holder)


@pytest.mark.parametrize("what", ["nothing", "folder", "pipe"])
def test_where_no_lock_of_ours_is_and_none_may_be_made_nobody_builds(
    evil: Warehouse, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def refused(*_: object) -> int:
        raise PermissionError

    {"nothing": lambda: None, "folder": evil.lock.mkdir, "pipe": lambda: os.mkfifo(evil.lock)}[what]()
    monkeypatch.setattr("scorehouse.release.lock.open_own", refused)
    assert BuildLock.take_if_free(evil) is not None


def test_a_lock_in_a_folder_that_was_dropped_is_not_the_branchs(evil: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_own(evil.folder, evil.lock)
    delete_folder(evil.root, evil.folder)
    files = iter([first])
    monkeypatch.setattr("scorehouse.release.lock.open_own", lambda *path: next(files, None) or open_own(*path))
    lock = BuildLock.take(evil, 0)
    assert evil.lock.read_text() == str(os.getpid())
    del lock


@pytest.mark.parametrize("name", ["file", "a/file", "a/b/file"])
def test_a_file_of_ours_is_made_with_its_folders(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        os.close(open_own(tmp_path / "root", tmp_path / "root" / name))
    assert (tmp_path / "root" / name).is_file()
