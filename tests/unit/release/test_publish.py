"""A release's files are as they were sealed, or the next publish writes them anew."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest

from scorehouse.build.versions import view_of_all
from scorehouse.ledger.audit import Mark
from scorehouse.names.fingerprint import Fingerprint
from scorehouse.names.warehouse import Warehouse
from scorehouse.release import work_database
from scorehouse.release.pointer import heal, point_to, rollback
from scorehouse.release.publish import Publisher
from scorehouse.release.sealed import OPEN, is_whole, seal
from scorehouse.serving import audiences
from scorehouse.serving.offer import Audience, Offer, ServedTable
from scorehouse.store.files import Store
from scorehouse.store.records import NodeRecord, Records

SCORES = ServedTable("scores", "serving.scores", ["id"], audiences={"finance": Audience(("id",))})


@dataclass(frozen=True)
class Shop:
    """A published branch, and who publishes it."""

    publisher: Publisher

    @property
    def folder(self) -> Path:
        return self.publisher.warehouse.folder

    def publish(self) -> tuple[int, list[str]]:
        return self.publisher.publish(None, lambda release: Mark(release.release, ""))

    def rows(self, file: str) -> int:
        with duckdb.connect(str(self.folder / file), read_only=True) as reader:
            return reader.execute("select count(columns(*)) from scores").fetchone()[0]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    mask = os.umask(0o022)
    warehouse = Warehouse.of(tmp_path, "main")
    work_database.prepare(warehouse)
    store = Store(warehouse.store)
    with duckdb.connect(str(warehouse.work_database)) as connection:
        records = Records(connection, store)
        connection.execute(view_of_all([], store))
        connection.execute("create schema serving")
        file = store.file("serving.scores", "ab")
        store.write(connection.cursor(), "select i as id, i / 2 as score from range(100000) as t(i)", file)
        mark = Fingerprint.of(["ab"], {}, {})
        view = f"create view serving.scores as from read_duckdb('{file}', table_name => 'data')"
        files = ["serving.scores/ab.duckdb"]
        records.put(NodeRecord("model.p.scores", "serving.scores", "model", "table", mark, files=files, row_count=100000), [view])
        shop = Shop(Publisher(warehouse, connection, records, store, Offer((SCORES,))))
        shop.publish()
        yield shop
    os.umask(mask)


def flip_its_middle(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for place in range(len(content) // 2, min(len(content), len(content) // 2 + 16)):
        content[place] ^= 0xFF
    file.chmod(0o644)
    file.write_bytes(content)


def test_what_is_as_it_was_sealed_is_not_published_again(shop: Shop) -> None:
    assert shop.publish() == (1, [])
    assert is_whole(shop.publisher.warehouse, 1)


def closed(file: Path) -> None:
    file.chmod(0o400)


FILES = ("serving.duckdb", "catalog.duckdb", "serving/finance.duckdb", "CURRENT")
DAMAGES = [*((file, damage) for file in FILES for damage in (Path.unlink, flip_its_middle, closed))]
DAMAGES += [("release.json", Path.unlink), ("release.json", flip_its_middle)]  # only who builds needs to read it


@pytest.mark.parametrize(("file", "damage"), DAMAGES)
def test_a_file_that_is_not_as_it_was_sealed_is_published_anew(shop: Shop, file: str, damage: Callable[[Path], None]) -> None:
    damage(shop.folder / "releases" / "1" / file)
    number, changed = shop.publish()
    assert number == 2 and changed
    assert shop.rows("serving.duckdb") == shop.rows("serving/finance.duckdb") == 100000
    assert (shop.folder / "CURRENT").read_text() == "2\n"
    assert shop.publish() == (2, [])


def test_a_group_that_is_made_later_gets_its_file(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    made = audiences.grp.getgrgid(os.getegid())
    monkeypatch.setattr(audiences.grp, "getgrnam", lambda _: made)
    assert shop.publish() == (2, ["group finance"])
    assert shop.publish() == (2, [])


def test_nobody_rolls_back_to_a_damaged_release(shop: Shop) -> None:
    flip_its_middle(shop.folder / "releases" / "1" / "serving.duckdb")
    shop.publish()
    with pytest.raises(Exception, match="found only 2; choose one of these"):
        rollback(shop.publisher.warehouse)


def test_a_release_that_was_closed_to_others_since_can_be_rolled_back_to(shop: Shop) -> None:
    flip_its_middle(shop.folder / "releases" / "1" / "CURRENT")
    shop.publish()
    (shop.folder / "releases" / "2" / "catalog.duckdb").chmod(0o400)
    shop.publish()
    assert rollback(shop.publisher.warehouse) == (3, 2)


def test_a_catalog_that_was_refreshed_is_as_it_was_sealed(shop: Shop) -> None:
    assert shop.publisher.refresh_catalog()
    assert shop.publish() == (1, [])
    later = replace(shop.publisher, offer=Offer())
    assert not later.refresh_catalog(), "what is not published yet is not shown"


def test_what_a_process_writes_for_nobody_else_is_opened_to_nobody_when_it_is_sealed(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    (tmp_path / "catalog.duckdb").touch()
    os.umask(mask)
    assert seal(tmp_path, lambda _: OPEN)["catalog.duckdb"].mode == 0o440


def test_only_the_current_releases_files_are_open_to_audiences(shop: Shop) -> None:
    def modes() -> list[str]:
        return [oct(file.stat().st_mode & 0o777) for file in sorted(shop.folder.glob("releases/*/serving/finance.duckdb"))]

    narrower = Offer((replace(SCORES, audiences={"finance": Audience(("id",), "id < 10")}),))
    assert Shop(replace(shop.publisher, offer=narrower)).publish()[0] == 2
    assert modes() == ["0o400", "0o440"]
    assert rollback(shop.publisher.warehouse) == (2, 1)
    assert modes() == ["0o440", "0o400"]
    assert shop.publish() == (1, [])


def test_what_died_around_a_switch_leaves_audiences_the_current_release_alone(tmp_path: Path) -> None:
    warehouse = Warehouse.of(tmp_path, "main")
    files = [warehouse.release(number) / "serving" / "partner.duckdb" for number in (1, 2)]
    for file in files:
        file.parent.mkdir(parents=True)
        file.touch(mode=0o440)
        file.chmod(0o440)
    point_to(warehouse, 2)
    heal(warehouse)
    assert [file.stat().st_mode & 0o777 for file in files] == [0o400, 0o440]
    before = files[0].stat().st_ctime_ns
    heal(warehouse)
    assert files[0].stat().st_ctime_ns == before
