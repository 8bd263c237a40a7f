"""The settings of a build's database hold in every cursor of it, and its memory is there."""

import os
from pathlib import Path

import duckdb

from scorehouse.sandbox.limits import lock_down, memory_limit


def test_the_time_zone_is_utc_in_every_cursor(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("set global TimeZone = 'Asia/Kolkata'")
        lock_down(connection, {"TimeZone": "UTC", "threads": "2"}, [str(tmp_path)])
        for cursor in (connection, connection.cursor(), connection.cursor().cursor()):
            assert cursor.execute("select current_setting('TimeZone'), current_setting('threads')").fetchall() == [("UTC", 2)]
            day = cursor.execute("select (timestamptz '2024-01-01 20:00:00+00')::date::varchar").fetchall()
            assert day == [("2024-01-01",)]


def test_a_build_takes_no_more_memory_than_there_is() -> None:
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with duckdb.connect() as connection:
        assert memory_limit(connection, "100MB") == 100_000_000
        assert 50_000_000 < memory_limit(connection, "1000TB") < there
