"""Seeds keep the types that are declared of them: DuckDB's own, all of them."""

import csv
import os
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scorehouse.errors import ScorehouseError
from scorehouse.names.quoting import literal
from scorehouse.sources.seeds import SEED_ROWS, identity, read_seed, seed_header
from scorehouse.store.files import Store, read_sql

CELLS = {
    "1": "boolean tinyint smallint integer bigint hugeint utinyint usmallint uinteger ubigint uhugeint bignum float double "
    "decimal(38,4) varchar blob bit json variant",
    "01:02:03": "time time_ns timetz interval",
    "2020-01-01 00:00:00": "date timestamp timestamptz timestamp_s timestamp_ms timestamp_ns",
    "123e4567-e89b-12d3-a456-426614174000": "uuid",
    "a": "enum('a','b') enum('b','a')",
    "[1, 2]": "integer[] integer[2] json[]",
    "{'a': 1}": 'struct("a"hugeint) varchar',
    "{a=1}": "map(varchar,json) map(varchar,hugeint)",
    "POINT (1 2)": "geometry",
}
"""A cell, and types that it can have."""

TYPES = [(cell, kind) for cell, kinds in CELLS.items() for kind in kinds.split()]


def seed_file(folder: Path, *cells: str) -> Path:
    path = folder / "things.csv"
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([["id", "thing"], *enumerate(cells), [len(cells), ""]])
    return path


def identity_of(path: Path, kind: str) -> str:
    with read_seed(path, {"thing": kind}, ",") as reader:
        return identity(reader)


def test_the_store_has_the_declared_types_and_duckdbs_values(tmp_path: Path) -> None:
    path, file = tmp_path / "things.csv", tmp_path / "store" / "seeds.things" / "ab.duckdb"
    declared = {f"c{place}": kind for place, (_, kind) in enumerate(TYPES)}
    with open(path, "w", newline="") as seed:
        csv.writer(seed).writerows([declared, [cell for cell, _ in TYPES], ["" for _ in TYPES]])
    with read_seed(path, declared, ",") as reader:
        Store(tmp_path / "store").write(reader, f"select * from {SEED_ROWS}", file)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        stored = connection.sql(read_sql([file]))
        casts = ", ".join(f"cast({literal(cell)} as {kind}) as c{place}" for place, (cell, kind) in enumerate(TYPES))
        expected = connection.sql(f"select {casts}")
        assert stored.columns == expected.columns
        assert list(map(str, stored.types)) == list(map(str, expected.types))
        as_text = "cast(columns(*) as varchar)"
        found = stored.project(as_text).fetchall()
        assert found[0] == expected.project(as_text).fetchall()[0]
        assert set(found[1]) <= {None, ""}


@pytest.mark.parametrize("cell", CELLS)
def test_an_edit_of_a_type_counts(tmp_path: Path, cell: str) -> None:
    path = seed_file(tmp_path, cell)
    kinds = CELLS[cell].split()
    assert len({identity_of(path, kind) for kind in kinds}) == len(kinds)


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("hugeint", ("170141183460469231731687303715884105726", "170141183460469231731687303715884105727")),
        ("timestamp_ns", ("2020-01-01 00:00:00.000000001", "2020-01-01 00:00:00.000000002")),
        ("time_ns", ("00:00:00.000000001", "00:00:00.000000002")),
        ("interval", ("1 month", "30 days")),
        ("double", ("0.1", "0.10000000000000002")),
        ("json", ('{"a": 1}', '{"a": 2}')),
        ("timestamp", ("0044-03-15 (BC) 00:00:00", "290000-01-01 00:00:00")),
    ],
)
def test_an_edit_of_a_value_counts_though_python_has_no_such_value(tmp_path: Path, kind: str, cells: tuple[str, str]) -> None:
    one, other = (identity_of(seed_file(tmp_path, cell), kind) for cell in cells)
    assert one != other


def test_another_spelling_is_the_same_seed(tmp_path: Path) -> None:
    plain, quoted = tmp_path / "plain.csv", tmp_path / "quoted.csv"
    plain.write_text("id,thing\n1,2.0\n")
    quoted.write_text('"id","thing"\r\n1,"2.00"\r\n')
    assert identity_of(plain, "double") == identity_of(quoted, "double")


def test_a_time_without_an_offset_is_the_same_on_every_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, found = seed_file(tmp_path, "2020-01-01 00:00:00"), set()
    for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
        monkeypatch.setitem(os.environ, "TZ", zone)
        found.add(identity_of(path, "timestamptz"))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("content", "delimiter", "refused"),
    [
        (b"a,b\n1,2\n", "; --", "expected one character, found '; --'"),
        (b"a,b\n1,2\n", "", "expected one character, found ''"),
        ("grüße,b\n1,2\n".encode("latin-1"), ",", "expected a CSV table in UTF-8"),
    ],
)
def test_a_header_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes, delimiter: str, refused: str) -> None:
    path = tmp_path / "things.csv"
    path.write_bytes(content)
    with pytest.raises(ScorehouseError, match=refused):
        seed_header(path, delimiter)


@pytest.mark.parametrize(
    ("rows", "kind", "refused"),
    [
        ("a,24\nb,24 hours\n", "double", "line 3: column sla_hours: expected a number (DOUBLE), found '24 hours'"),
        (
            "a,10000000 customers\n",
            "bigint",
            "line 2: column sla_hours: expected a whole number (BIGINT), found '10000000 customers'",
        ),
        ("a,soon\n", "interval", "line 2: column sla_hours: expected INTERVAL, found 'soon'"),
        ("a,c\n", "enum('a','b')", "line 2: column sla_hours: expected ENUM('a', 'b'), found 'c'"),
        (
            '"of two\nlines",1\n\n"c, d","x\ny"\n',
            "integer",
            "line 5: column sla_hours: expected a whole number (INTEGER), found 'x\ny'",
        ),
    ],
)
def test_a_cell_without_what_its_column_holds_is_named_with_its_line(tmp_path: Path, rows: str, kind: str, refused: str) -> None:
    path = tmp_path / "things.csv"
    path.write_text(f"endpoint,sla_hours\n{rows}")
    with pytest.raises(ScorehouseError) as error, read_seed(path, {"sla_hours": kind}, ","):
        pass
    assert str(error.value) == f"things.csv: {refused}; correct the cell."


def test_a_duration_without_its_unit_is_named_with_the_column_that_was_expected(tmp_path: Path) -> None:
    path = tmp_path / "things.csv"
    path.write_text("endpoint,sla\na,24\n")
    with pytest.raises(ScorehouseError) as error, read_seed(path, {"sla_hours": "double"}, ","):
        pass
    assert str(error.value) == (
        "things.csv: expected the columns sla_hours (column_types), found endpoint, sla; rename a column, or add one."
    )


@settings(max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text("'\"#\\\\,;|a1 \n", max_size=5), min_size=1, max_size=4), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
)
def test_a_text_is_what_stands_in_the_file_whatever_it_looks_like(tmp_path: Path, texts: list[str], quoting: int) -> None:
    path = tmp_path / "things.csv"
    with open(path, "w", newline="") as file:
        csv.writer(file, quoting=quoting, lineterminator="\n").writerows([["id", "thing"], *enumerate(texts)])
    with read_seed(path, {"thing": "varchar"}, ",") as reader:
        assert reader.table(SEED_ROWS).fetchall() == [(number, text or None) for number, text in enumerate(texts)]


@pytest.mark.parametrize("quoted", ["'DE'", "'it, too'"])
def test_an_apostrophe_is_no_quote(tmp_path: Path, quoted: str) -> None:
    path = seed_file(tmp_path, quoted, quoted)
    with read_seed(path, {}, ",") as reader:
        assert [thing for _, thing in reader.table(SEED_ROWS).fetchall()] == [quoted, quoted, None]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("kind,points\na,1,x\nb,2,y\n", "line 2: expected as many cells as the header has, 2, found 3; correct the row"),
        ("kind,points,kind\na,1,b\n", "column kind: expected every column once, in whatever case, found it twice; rename"),
        ('"kind", Kind\na,b\n', "column Kind: expected every column once, in whatever case, found it twice; rename"),
        ("", "expected a header line, found none; write the columns' names first."),
        ("Our points\nkind,points\na,1\n", "line 2: expected as many cells as the header has, 1, found 2; correct the row"),
        ('kind,points\na,1\n"b\nb",2\nc\n', "line 5: expected as many cells as the header has, 2, found 1; correct the row"),
        ('kind,points\na,"1\nb,2\n', "line 2: expected every quote closed, and doubled within a cell, found: unexpected end"),
        ("kind,points\r\na,1\nb,2\r\n", "expected lines that all end alike, found several kinds of line ends"),
        ("kind,day\na,03/01/2026\nb,04/01/2026\n", "line 2: column day: expected a date as 2026-01-03, found '03/01/2026'"),
        ("kind,day\na,01/03/2026 10:15:00 PM\n", "line 2: column day: expected a date as 2026-01-03, found '01/03/2026 10:15"),
        ("kind,day\na,\nb,26-01-03\n", "line 3: column day: expected a date as 2026-01-03, found '26-01-03'"),
    ],
)
def test_a_table_that_would_have_to_be_guessed_is_refused_with_its_line(tmp_path: Path, text: str, refused: str) -> None:
    path = tmp_path / "things.csv"
    path.write_text(text, newline="")
    with pytest.raises(ScorehouseError) as error, read_seed(path, {}, ","):
        pass
    assert str(error.value).startswith(f"things.csv: {refused}")
