"""Cells as exports really spell them: one meaning is read, several are refused."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorehouse.sources.cells import fault_sql, value_sql
from scorehouse.store.details import Column

DATABASE = duckdb.connect()
DATABASE.execute("set TimeZone = 'Asia/Kolkata'")
ID = Column("customer_id", "VARCHAR", kind="id")
TIME = Column("occurred_at", "TIMESTAMP")
NUMBER = Column("amount", "DOUBLE")
WHOLE = Column("position", "INTEGER")


def read(text: object, column: Column, found: str = "VARCHAR", decimal: str = ".") -> tuple[object, bool]:
    """The value of a cell, and whether it is a fault."""
    value, fault = value_sql("cell", found, column, decimal), fault_sql("cell", found, column, decimal)
    return DATABASE.execute(f"select {value}, {fault} from (select cast(? as {found}) as cell)", [text]).fetchall()[0]


SAME_ID = ("17850", "17850.0", "17850.00", " 17850 ", "\u00a017850", "1.785E4", "1.785e+04", "17850,0")


@pytest.mark.parametrize("text", SAME_ID)
def test_an_id_is_one_however_it_is_spelled(text: str) -> None:
    assert read(text, ID) == ("17850", False)


@pytest.mark.parametrize(("value", "found"), [(17850, "BIGINT"), (17850.0, "DOUBLE"), ("17850.00", "DECIMAL(12,2)")])
def test_an_id_is_one_whatever_type_it_has(value: object, found: str) -> None:
    assert read(value, ID, found) == ("17850", False)


OTHER_IDS = {
    "007": "007",
    "007.0": "007.0",
    "0017850": "0017850",
    "Ada": "Ada",
    "ada": "ada",
    "12E5": "12E5",
    "1e5": "1e5",
    "17850.5": "17850.5",
    "1e+17": "100000000000000000",
    "-5.0": "-5",
    "Cafe\u0301": "Caf\u00e9",
    "Nan": None,
    "NULL": None,
    "None": None,
    "N/A": None,
    r"\N": None,
    "": None,
    " \t": None,
    "Nancy": "Nancy",
}


@pytest.mark.parametrize("text", OTHER_IDS)
def test_what_is_another_id_stays_another(text: str) -> None:
    assert read(text, ID) == (OTHER_IDS[text], False)


def test_an_id_whose_digits_a_spreadsheet_lost_is_a_fault() -> None:
    assert read("1.23457E+11", ID) == (None, True)


@given(st.integers(min_value=0, max_value=2**53))
@settings(max_examples=100, deadline=None)
def test_any_whole_number_is_the_same_id_as_text_and_as_a_floating_point_number(number: int) -> None:
    assert read(number, ID, "BIGINT")[0] == read(float(number), ID, "DOUBLE")[0] == read(f"{number}.0", ID)[0] == str(number)


INSTANTS = (
    "2026-01-03 10:15:00 -0500",
    "2026-01-03 10:15:00-05:00",
    "2026-01-03T10:15:00.000-0500",
    "2026-01-03 10:15 -05",
    "2026-01-03T15:15:00Z",
    "2026-01-03 15:15:00 UTC",
    "2026-01-03 15:15:00.000000 UTC",
    "2026-01-03 15:15:00,000 GMT",
    "2026-01-03 16:15:00 CET",
    "2026-01-03 16:15:00 GMT+1".replace("+1", "+01"),
    "2026-01-03 10:15:00 America/New_York",
    "2026-01-03T10:15:00-05:00[America/New_York]",
    "2026/01/03 15:15",
    " 2026-01-03 15:15:00.000000000 ",
)


@pytest.mark.parametrize("text", INSTANTS)
def test_an_instant_is_one_however_it_is_written(text: str) -> None:
    value, fault = read(text, TIME)
    assert (str(value), fault) == ("2026-01-03 15:15:00", False)


NO_TIMES = (
    *("2026-07-03 10:15 BST", "2026-07-03 10:15 IST", "2026-07-03 10:15 CST", "2026-07-03 10:15 EST", "03.01.2026", "01/03/2026"),
    *("2026-13-01", "2026-02-30", "2026-01-03 10:15 PM", "1767435300", "soon", "epoch", "2026-01-03 10:15 Foo/Bar"),
)


@pytest.mark.parametrize("text", NO_TIMES)
def test_a_time_that_could_be_several_is_a_fault(text: str) -> None:
    assert read(text, TIME) == (None, True)


NUMBERS = {
    (".", "1.5"): 1.5,
    (".", "1.234"): 1.234,
    (".", "1,234.50"): 1234.5,
    (".", "1,234,567"): 1234567,
    (".", ".5"): 0.5,
    (".", "-2e3"): -2000,
    (",", "1,5"): 1.5,
    (",", "1,234"): 1.234,
    (",", "1.234,50"): 1234.5,
    (",", "1.234.567"): 1234567,
    (",", "12"): 12,
    (".", "NaN"): None,
    (".", " "): None,
    (".", "n/a"): None,
}
NO_NUMBERS = (
    (".", "1,234"),
    (".", "1,5"),
    (",", "1.234"),
    (",", "1.5"),
    (".", "1_000"),
    (".", "0x10"),
    (".", "true"),
    (".", "$5"),
)


@pytest.mark.parametrize(("decimal", "text"), NUMBERS)
def test_a_number_is_read_by_the_files_decimal_mark(decimal: str, text: str) -> None:
    assert read(text, NUMBER, decimal=decimal) == (NUMBERS[decimal, text], False)


@pytest.mark.parametrize(("decimal", "text"), NO_NUMBERS)
def test_a_number_that_could_be_several_is_a_fault(decimal: str, text: str) -> None:
    assert read(text, NUMBER, decimal=decimal) == (None, True)


def test_a_fraction_is_no_whole_number_and_is_not_rounded() -> None:
    assert [read(text, WHOLE) for text in ("3", "3.0", "2.7", "99999999999")] == [
        (3, False),
        (3, False),
        (None, True),
        (None, True),
    ]
    assert [read(number, WHOLE, "DOUBLE") for number in (3.0, 2.7)] == [(3, False), (None, True)]


def test_a_missing_word_is_a_word_in_a_text() -> None:
    assert read("NA", Column("country", "VARCHAR")) == ("NA", False)
