"""A branch's work database opens and is read, or it is set aside."""

import os
from pathlib import Path

import duckdb

from scorehouse.names.fingerprint import Fingerprint
from scorehouse.names.warehouse import Warehouse
from scorehouse.release import work_database
from scorehouse.store.files import Store
from scorehouse.store.records import NodeRecord, PassedTest, Records

HEAD, BLOCK = 12288, 262144


def test_a_database_with_a_damaged_block_is_set_aside_wherever_it_is(tmp_path: Path) -> None:
    warehouse = Warehouse.of(tmp_path, "main")
    work_database.prepare(warehouse)
    store = Store(warehouse.store)
    with duckdb.connect(str(warehouse.work_database)) as connection:
        records = Records(connection, store)
        for number in range(100):
            inputs = {f"macro_{each}": f"{number * each:0200}" for each in range(50)}
            mark = Fingerprint.of([str(number)], {}, {})
            records.put(NodeRecord(f"function.p.f{number}", f"t.f{number}", "function", "", mark, inputs=inputs))
            records.put_passed(f"test.p.t{number}", PassedTest(f"{number:0200}", None))
        records.flush()
    whole = warehouse.work_database.read_bytes()
    places = range(HEAD, len(whole), BLOCK)
    assert len(places) > 3
    set_aside = 0
    for place in places:
        damaged = bytearray(whole)
        for byte in range(place + 1000, min(place + 1016, len(whole))):
            damaged[byte] ^= 0xFF
        warehouse.work_database.write_bytes(damaged)
        work_database.prepare(warehouse)
        with duckdb.connect(str(warehouse.work_database)) as connection:
            Records(connection, store)
        for file in warehouse.work.glob("*.damaged.*"):
            set_aside += 1
            file.unlink()
    assert set_aside > 1


def test_a_database_that_others_may_read_is_made_anew_once_nothing_is_written_for_them(tmp_path: Path) -> None:
    warehouse = Warehouse.of(tmp_path, "other")
    work_database.prepare(warehouse)
    mask = os.umask(0o022)
    try:
        with duckdb.connect(str(warehouse.work_database)) as connection:
            connection.execute("create table kept as select 1 as x")
        os.umask(0o027)
        work_database.prepare(warehouse)
    finally:
        os.umask(mask)
    assert warehouse.work_database.stat().st_mode & 0o777 == 0o640
    with duckdb.connect(str(warehouse.work_database)) as connection:
        assert connection.execute("from kept").fetchall() == [(1,)]
