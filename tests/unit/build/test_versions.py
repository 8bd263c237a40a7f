"""Which versions of a fitted model may serve."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import duckdb

from scorehouse.build.versions import decided, file_of, kept, rejection, replaced
from scorehouse.names.fingerprint import Fingerprint
from scorehouse.store.details import Details
from scorehouse.store.files import Store
from scorehouse.store.provenance import TRUSTED, Author, Provenance
from scorehouse.store.records import NodeRecord


def draft(mark: str) -> NodeRecord:
    return NodeRecord("model.p.churn", "learning.churn", "model", "fitted", Fingerprint(mark, mark, mark, mark))


def test_a_version_that_was_rejected_when_trained_is_known_by_its_reason() -> None:
    first = replaced(None, draft("a"), "a.duckdb", decided("train", "first build", "churn@a", "churn@a"))
    second = kept(first, draft("b"), decided("alarm", "its auc is worse", "churn@a", "churn@b"), "b.duckdb")
    assert rejection([second], "churn@b") == "its auc is worse"
    assert rejection([second], "churn@a") is None
    assert rejection([replace(second, details=Details())], "churn@b") is None
    assert second.files == ["a.duckdb", "b.duckdb"]
    assert second.fingerprint == first.fingerprint


MARK = "0123456789ab"
NAMED = [f"churn.model/{MARK}99.duckdb", f"churn.model/{MARK}00.duckdb", f"a.model/{MARK}99.duckdb"]


def test_a_versions_name_finds_what_main_has_whatever_branches_call_theirs(tmp_path: Path) -> None:
    main, evil, good = (Store(tmp_path / name, author=Author(name)) for name in ("store", "evil/built", "good/built"))
    with duckdb.connect() as reader:
        for store, names in {main: NAMED[:1], evil: NAMED[1:], good: NAMED[:1]}.items():
            for name in names:
                store.write(reader, f"select '{store.folder}' as x", store.folder / name)
    found = partial(file_of, f"model@{MARK}", ["churn.model"])
    os.symlink("nowhere", evil.folder / f"churn.model/{MARK}11.duckdb")
    assert found(taking(main.folder, evil, good)) == main.folder / NAMED[0]
    assert found(taking(tmp_path / "two", evil, good)) is None
    assert found(taking(tmp_path / "forged", evil)) == tmp_path / "forged" / NAMED[1]
    assert file_of(f"model@{MARK}", [], taking(tmp_path / "none", good)) is None
    assert found(taking(tmp_path / "one", good)) == tmp_path / "one" / NAMED[0]
    for version in (f"*@{MARK}", "model@????????????", "model@", MARK, "model@../../store"):
        assert file_of(version, ["churn.model"], main) is None


def test_a_version_that_a_branch_alone_has_keeps_what_it_was_made_of(tmp_path: Path) -> None:
    branch, made_of = Store(tmp_path / "good/built", author=Author("good")), ["learning.examples/aa.duckdb"]
    with duckdb.connect() as reader:
        branch.write(reader, "select 1 as x", branch.folder / NAMED[0], parents=made_of)
    found = file_of(f"model@{MARK}", ["churn.model"], taking(tmp_path / "store", branch))
    origin = Provenance.beside(found)
    assert (origin.parents, origin.branch, origin.promotion) == (made_of, "good", TRUSTED)


def taking(folder: Path, *others: Store) -> Store:
    return Store(folder, others=[other.folder for other in others], takes_up=lambda _: True)
