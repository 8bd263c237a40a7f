"""What a source has no longer is named; what was moved, merged, added or grew old is not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorehouse.errors import ScorehouseError
from scorehouse.sources.less import expect_no_less
from scorehouse.sources.tables import SourceTable
from scorehouse.store.details import Column, LandedFile

TABLE = SourceTable("landing.events", "events", (Column("event_id", "VARCHAR", True), Column("amount", "DOUBLE", False)))
COLUMNS = {"event_id": "VARCHAR", "amount": "DOUBLE"}


def file(name: str, *days: int, rows: int = 1, columns: dict[str, str] = COLUMNS) -> LandedFile:
    content = f"{name} {days} {rows} {sorted(columns)}"
    return LandedFile(name, (0,), content, columns, [f"2024-01-{day:02}" for day in days], name, rows)


DAYS = st.lists(st.integers(1, 28), min_size=1, max_size=6, unique=True)


@given(days=DAYS, more=DAYS)
def test_files_that_are_added_merged_or_called_otherwise_are_no_loss(days: list[int], more: list[int]) -> None:
    before = [file(f"{day}.csv", day) for day in days]
    expect_no_less(TABLE, before, before, 1)
    expect_no_less(TABLE, before, [*before, *(file(f"more-{day}.csv", day) for day in more)], 1)
    expect_no_less(TABLE, before, [file("all.csv", *days, rows=len(days))], 1)
    expect_no_less(TABLE, before, [file(f"{day}.tsv", day) for day in days], 1)


@given(days=DAYS, gone=st.integers(0, 5), more=DAYS)
def test_a_file_that_is_gone_is_named_whatever_comes_instead(days: list[int], gone: int, more: list[int]) -> None:
    before = [file(f"{day}.csv", day) for day in days]
    lost = days[gone % len(days)]
    now = [one for one in before if one.name != f"{lost}.csv"] + [
        file(f"more-{day}.csv", day, rows=9) for day in more if day != lost
    ]
    with pytest.raises(
        ScorehouseError, match=rf"^{lost}\.csv: expected the file that release 7 was made of, found none \(1 rows"
    ):
        expect_no_less(TABLE, before, now, 7)
    expect_no_less(
        replace(TABLE, keep_from=f"2024-01-{lost + 1:02}"), [one for one in before if one.name == f"{lost}.csv"], now, 7
    )


@given(first=st.integers(1, 10), last=st.integers(12, 28), by=st.integers(1, 30))
def test_an_export_may_move_on_and_have_no_gaps(first: int, last: int, by: int) -> None:
    window = [file("all.csv", *range(first, last))]
    expect_no_less(TABLE, window, [file("all.csv", *range(first + by, last + by + 1))], 1)
    with pytest.raises(ScorehouseError, match=f"expected rows of 2024-01-{first + 1:02}, as release 1 has them, found none"):
        expect_no_less(TABLE, window, [file("all.csv", first, *range(first + 2, last))], 1)


def test_files_without_days_are_counted_by_their_rows() -> None:
    before = [file("a.csv", rows=10), file("b.csv", rows=5)]
    expect_no_less(TABLE, before, [file("both.csv", rows=15)], 1)
    expect_no_less(TABLE, [file("items-2024-01-01.csv", rows=10)], [file("items-2024-01-02.csv", rows=9)], 1)
    with pytest.raises(ScorehouseError, match=r"^a\.csv: expected .*, found none, nor 1 more \(15 rows"):
        expect_no_less(TABLE, before, [file("both.csv", rows=14)], 1)


def test_a_column_that_every_file_like_it_had_is_missed() -> None:
    renamed = {"event_id": "VARCHAR", "betrag": "DOUBLE"}
    before = [file("2024-01-01.csv", 1), file("2024-01-02.csv", 2), file("clicks.csv", 2, columns={"event_id": "VARCHAR"})]
    sentence = r"^2024-01-03\.csv: expected the column amount, which 2024-01-02\.csv had, found none, and betrag; bring it back"
    with pytest.raises(ScorehouseError, match=sentence):
        expect_no_less(TABLE, before, [*before, file("2024-01-03.csv", 3, columns=renamed)], 1)
    expect_no_less(TABLE, before, [*before, file("clicks.csv", 2, 3, columns={"event_id": "VARCHAR"})][1:] + before[:1], 1)
    expect_no_less(TABLE, before, [*before, file("views.csv", 3, columns=renamed)], 1)
    mixed = [*before, file("2024-01-03.csv", 3, columns=renamed)]
    expect_no_less(TABLE, mixed, [*mixed, file("2024-01-04.csv", 4, columns=renamed)], 1)
