"""What a source has no longer is named; what was moved, merged, added, corrected or grew old is not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorehouse.names.partitioning import UNKNOWN
from scorehouse.sources.less import less
from scorehouse.sources.tables import SourceTable
from scorehouse.store.details import Column, LandedFile

TABLE = SourceTable("landing.events", "events", (Column("event_id", "VARCHAR", True), Column("amount", "DOUBLE", False)))
COLUMNS = {"event_id": "VARCHAR", "amount": "DOUBLE"}


def file(name: str, *days: int | str, rows: int = 1, columns: dict[str, str] = COLUMNS, path: str = "") -> LandedFile:
    content = f"{name} {days} {rows} {sorted(columns)} {path}"
    named = [day if isinstance(day, str) else f"2024-01-{day:02}" for day in days]
    return LandedFile(path or name, (0,), content, columns, named, name, rows)


def missing(before: list[LandedFile], now: list[LandedFile], table: SourceTable = TABLE) -> list[str]:
    return list(less(table, before, now, 7))


DAYS = st.lists(st.integers(1, 28), min_size=1, max_size=6, unique=True)


@given(days=DAYS, more=DAYS)
def test_files_that_are_added_merged_or_called_otherwise_are_no_loss(days: list[int], more: list[int]) -> None:
    before = [file(f"{day}.csv", day) for day in days]
    assert missing(before, before) == []
    assert missing(before, [*before, *(file(f"more-{day}.csv", day) for day in more)]) == []
    assert missing(before, [file("all.csv", *days, rows=len(days))]) == []
    assert missing(before, [file(f"{day}.tsv", day) for day in days]) == []


@given(days=st.lists(st.integers(1, 28), min_size=2, max_size=6, unique=True), gone=st.integers(0, 5), more=DAYS)
def test_a_file_that_is_gone_is_named_whatever_comes_or_changes_beside_it(days: list[int], gone: int, more: list[int]) -> None:
    before = [file(f"{day}.csv", day) for day in days]
    lost = days[gone % len(days)]
    kept = [file(one.name, *days, rows=9) for one in before if one.name != f"{lost}.csv"]  # exported again, with all days
    now = kept + [file(f"more-{day}.csv", day, rows=9) for day in more if day != lost]
    assert missing(before, now) == [f"{lost}.csv: expected the file that release 7 was made of, found none (1 rows)"]
    old = replace(TABLE, keep_from=f"2024-01-{lost + 1:02}")
    assert missing([one for one in before if one.name == f"{lost}.csv"], now, old) == []


def test_rows_are_not_fewer_in_what_stands_for_a_file() -> None:
    before = [file("web.csv", 1, 2, rows=10), file("stores.csv", 1, 2, rows=900)]
    assert len(missing(before, [before[0], file("all.csv", 1, 2, rows=5)])) == 1
    assert missing(before, [before[0], file("all.csv", 1, 2, rows=900)]) == []


@given(first=st.integers(1, 8), last=st.integers(20, 24), by=st.integers(1, 4))
def test_an_export_may_move_on_whether_its_name_has_the_day_or_not(first: int, last: int, by: int) -> None:
    days, later = range(first, last), range(first + by, last + by)
    assert missing([file("all.csv", *days)], [file("all.csv", *later, rows=2)]) == []
    assert missing([file("all.csv", "1970-01-01", *days)], [file("all.csv", "1970-01-01", *later, rows=2)]) == []
    assert missing([file(f"all-{last}.csv", *days)], [file(f"all-{last + by}.csv", *later)]) == []
    assert len(missing([file(f"all-{last}.csv", *days)], [file(f"all-{last + 40}.csv", 28)])) == 1  # the next day's, not a copy
    middle = (first + last) // 2
    holed = file("all.csv", *(day for day in days if day != middle), rows=2)
    assert missing([file("all.csv", *days)], [holed]) == [
        f"all.csv: expected rows of 2024-01-{middle:02}, as release 7 has them, found none"
    ]


def test_a_row_without_a_day_may_get_one_and_a_file_without_days_may_have_its_next_copy() -> None:
    assert missing([file("a.csv", 1, UNKNOWN)], [file("a.csv", 1, 2)]) == []
    assert missing([file("items-2024-01-01.csv", rows=10)], [file("items-2024-01-02.csv", rows=9)]) == []
    increments = [file(f"labels-{day}.csv", rows=10) for day in range(3)]
    assert len(missing(increments, [*increments[1:], file("labels-3.csv", rows=10)])) == 0  # as many rows
    assert len(missing(increments, [*increments[1:], file("labels-3.csv", rows=9)])) == 1


def test_a_file_that_lost_all_its_rows_is_named() -> None:
    assert missing([file("customers.csv", rows=5)], [file("customers.csv", rows=0)]) == [
        "customers.csv: expected rows, as release 7 has 5 of it, found none"
    ]


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    before = [file("events.csv", day, path=f"raw/{day}/events.csv") for day in (1, 2, 3)]
    assert missing(before, before) == []
    assert len(missing(before, before[:2])) == 1


RENAMED = {"event_id": "VARCHAR", "betrag": "DOUBLE"}


def test_a_column_that_every_file_like_it_had_is_missed() -> None:
    before = [file("2024-01-01.csv", 1), file("2024-01-02.csv", 2), file("clicks.csv", 2, columns={"event_id": "VARCHAR"})]
    new = file("2024-01-03.csv", 3, columns=RENAMED)
    assert missing(before, [*before, new]) == [
        "2024-01-03.csv: expected the column amount, which 2024-01-02.csv had, found none, and betrag"
    ]
    assert missing([*before, new], [*before, new, file("2024-01-04.csv", 4, columns=RENAMED)]) == []


@pytest.mark.parametrize("name", ["views.csv", "clicks.csv", "2024-01-03.ndjson"])
def test_other_files_and_json_may_lack_a_column(name: str) -> None:
    before = [file("2024-01-01.csv", 1), file("clicks.csv", 2, columns={"event_id": "VARCHAR"}), file("2024-01-01.ndjson", 1)]
    assert missing(before, [one for one in before if one.name != name] + [file(name, 2, 3, columns=RENAMED)]) == []
    empty = file("2024-01-02.csv", rows=0, columns={"scorehouse.line": "BIGINT"})
    assert missing(before, [*before, empty]) == missing([*before, empty], [*before, empty]) == []
