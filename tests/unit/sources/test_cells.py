"""Cells as exports really spell them: one meaning is read, several are refused."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

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


SAME_ID = (
    "17850",
    "17850.0",
    "17850.00",
    " 17850 ",
    "\u00a017850",
    "1.785E4",
    "1.785e+04",
    "1.785e4",
    "17850.000",
    "17850.0000",
    '="17850"',
)


@pytest.mark.parametrize(
    ("text", "found"), [('="0017"', "0017"), ('=" a "', "a"), ('=""', None), ('="n/a"', None), ('="a"b"', '="a"b"')]
)
def test_an_id_that_is_kept_from_a_spreadsheet_is_what_stands_in_it(text: str, found: str | None) -> None:
    assert read(text, ID) == (found, False)


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
    "1,000": "1,000",
    "1.000": "1.000",
    "17850,0": "17850,0",
    "17,850.00": "17,850.00",
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


@given(st.integers(0, 10), st.integers(11, 30), st.integers(1, 9))
@settings(max_examples=50)
def test_an_id_whose_digits_a_spreadsheet_lost_is_a_fault(decimals: int, exponent: int, digit: int) -> None:
    shown = f"{digit}.{str(digit) * decimals}E+{exponent}" if decimals else f"{digit}E+{exponent}"
    assert read(shown, ID) == (None, True)
    assert read(shown.replace(".", ","), ID) == (None, True)


@pytest.mark.parametrize("place", [*range(0x2000, 0x2010), 0x09, 0x1F, 0x85, 0x202A, 0x202C, 0x2060, 0xFEFF])
def test_what_nobody_sees_around_an_id_is_no_part_of_it(place: int) -> None:
    assert read(f"{chr(place)}ada{chr(place)}", ID) == ("ada", False)


@pytest.mark.parametrize(
    ("text", "value"), [("NULL", None), (r"\N", None), ("", None), ("NA", "NA"), ("Null", "Null"), ("none", "none")]
)
def test_a_text_is_missing_where_a_database_says_so(text: str, value: str | None) -> None:
    assert read(text, Column("country", "VARCHAR")) == (value, False)


@given(st.integers(-(2**60), 2**60))
@settings(max_examples=50)
def test_what_is_finer_than_a_microsecond_is_left_out_of_times_and_of_texts_alike(nanoseconds: int) -> None:
    text = DATABASE.execute("select cast(make_timestamp_ns(?) as varchar)", [nanoseconds]).fetchall()[0][0]
    query = f"select {value_sql('cell', 'TIMESTAMP_NS', TIME)} from (select make_timestamp_ns(?) as cell)"
    assert DATABASE.execute(query, [nanoseconds]).fetchall()[0][0] == read(text, TIME)[0]


@given(st.integers(2**53, 2**63), st.sampled_from([1, -1]))
@settings(max_examples=50)
def test_a_floating_point_number_that_stands_for_several_ids_is_a_fault(number: int, sign: int) -> None:
    assert read(float(sign * number), ID, "DOUBLE") == (None, True)
    assert read(f"{sign * number}.0", ID, "JSON") == (None, True)
    assert read(str(sign * number), ID, "JSON") == (str(sign * number), False)


@given(st.integers(0, 10**9), st.integers(0, 6))
@settings(max_examples=50)
def test_a_typed_number_is_one_id_whatever_its_scale(number: int, scale: int) -> None:
    assert read(str(number), ID, f"DECIMAL(18,{scale})") == (str(number), False)


@given(st.integers(min_value=0, max_value=2**53 - 1))
@settings(max_examples=50)
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
    *("2026-07-03 10:15 CET", "2026-07-03 10:15 WET", "2026-07-03 10:15 EET"),
    *("2026-13-01", "2026-02-30", "2026-01-03 10:15 PM", "1767435300", "soon", "epoch", "2026-01-03 10:15 Foo/Bar"),
)


@pytest.mark.parametrize("text", NO_TIMES)
def test_a_time_that_could_be_several_is_a_fault(text: str) -> None:
    assert read(text, TIME) == (None, True)


REGIONS = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia")


def instants_of(local: datetime, region: str) -> set[datetime]:
    """When a region's clocks show a time, in UTC, as Python's library says."""
    zone = ZoneInfo(region)
    tried = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return {instant for instant in tried if instant.astimezone(zone).replace(tzinfo=None) == local}


def changes_of(region: str) -> list[datetime]:
    """The hours of 2009 to 2019 after which a region's clocks were changed, in local time."""
    hours = [datetime(2009, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(24 * 365 * 10)]
    local = [hour.astimezone(ZoneInfo(region)) for hour in hours]
    return [before.replace(tzinfo=None) for before, after in pairwise(local) if before.utcoffset() != after.utcoffset()]


CHANGES = {region: changes_of(region) or [datetime(2015, 6, 1)] for region in REGIONS}
NEAR = st.sampled_from(REGIONS).flatmap(
    lambda region: st.tuples(st.just(region), st.sampled_from(CHANGES[region]), st.integers(-300, 1800))
)


@given(NEAR)
@settings(max_examples=50)
def test_a_regions_time_is_read_where_its_clocks_show_it_once(near: tuple[str, datetime, int]) -> None:
    region, change, minutes = near
    local = change + timedelta(minutes=minutes)
    instants = [one.replace(tzinfo=None) for one in instants_of(local, region)]
    expected = (instants[0], False) if len(instants) == 1 else (None, True)
    assert read(f"{local} {region}", TIME) == expected


@pytest.mark.parametrize(
    "text", ["2026-10-25 02:30 Europe/Berlin", "2026-03-29 02:30 Europe/Berlin", "2011-12-30 12:00 Pacific/Apia"]
)
def test_a_time_that_clocks_show_twice_or_never_is_a_fault(text: str) -> None:
    assert read(text, TIME) == (None, True)


@given(st.sampled_from("+-"), st.integers(0, 99), st.one_of(st.none(), st.integers(0, 99)), st.sampled_from(["", ":"]))
@settings(max_examples=80)
def test_an_offset_is_read_where_a_clock_can_have_it(sign: str, hours: int, minutes: int | None, colon: str) -> None:
    text = f"2026-01-03 10:15:00{sign}{hours:02}" + (f"{colon}{minutes:02}" if minutes is not None else "")
    east = timedelta(hours=hours, minutes=minutes or 0)
    is_possible = (minutes or 0) < 60 and east <= timedelta(hours=14)
    local = datetime(2026, 1, 3, 10, 15)
    assert read(text, TIME) == ((local - east if sign == "+" else local + east, False) if is_possible else (None, True))


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


@pytest.mark.parametrize(("cell", "found"), [("true", "VARCHAR"), ("true", "JSON"), ('"true"', "JSON"), (True, "BOOLEAN")])
def test_a_truth_value_is_no_number_whatever_file_it_stands_in(cell: object, found: str) -> None:
    assert [read(cell, column, found) for column in (NUMBER, WHOLE)] == [(None, True)] * 2
    assert read(None, NUMBER, found) == (None, False)
    assert read(cell, Column("country", "VARCHAR"), found) == ("true", False)
    assert read(cell, Column("value", "DOUBLE", kind="truth"), found) == (1, False)


def test_a_missing_word_is_a_word_in_a_text() -> None:
    assert read("NA", Column("country", "VARCHAR")) == ("NA", False)


NAME = Column("interaction_type", "VARCHAR", kind="name")


@pytest.mark.parametrize("text", ["Add to cart", " Add to cart", "\tAdd to cart\r\n", "\u00a0Add to cart\u3000"])
def test_a_name_is_what_its_blanks_surround_and_a_text_stays_as_it_is(text: str) -> None:
    assert read(text, NAME) == ("Add to cart", False)
    assert read(text, Column("query", "VARCHAR")) == (text, False)


@pytest.mark.parametrize("text", ["", " ", "\t", "NULL", "n/a", " None "])
def test_a_missing_word_is_no_name(text: str) -> None:
    assert read(text, NAME) == (None, False)


@pytest.mark.parametrize(
    ("text", "found"),
    [("", "VARCHAR"), (" \u00a0", "VARCHAR"), ('""', "JSON"), ('" "', "JSON"), ("null", "JSON")],
)
def test_a_blank_is_no_text_whatever_file_it_stands_in(text: str, found: str) -> None:
    assert read(text, Column("country", "VARCHAR"), found) == (None, False)


@pytest.mark.parametrize("column", [ID, NAME, Column("country", "VARCHAR"), NUMBER, TIME], ids=lambda column: column.name)
@pytest.mark.parametrize("text", ['{"id": 1}', "[1]", "[]", "{}"])
def test_what_has_members_is_no_value_of_one_cell(text: str, column: Column) -> None:
    assert read(text, column, "JSON") == (None, True)
