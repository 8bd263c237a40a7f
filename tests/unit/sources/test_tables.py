"""Raw files as users really have them: read as they are meant, or refused in one sentence."""

import bz2
import gzip
import io
import json
import lzma
import os
import re
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorehouse.errors import ScorehouseError
from scorehouse.sources import raw_files, tables
from scorehouse.sources.cells import BLANKS
from scorehouse.sources.file_times import date_in, written_at
from scorehouse.sources.places import beside, discover
from scorehouse.sources.tables import Column, SourceTable, land, view_sql
from scorehouse.store.files import Store

COLUMNS = (
    Column("id", "VARCHAR", is_required=True, kind="id"),
    Column("occurred_at", "TIMESTAMP", is_required=True),
    Column("amount", "DOUBLE"),
)
HEAD = "id,occurred_at,amount\n"
ROW = "a,2024-05-01,1.5\n"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


REJECTING = (
    *COLUMNS,
    Column("file", "VARCHAR", kind="file"),
    Column("line", "BIGINT", kind="line"),
    Column("fault", "VARCHAR", kind="fault_column"),
    Column("value", "VARCHAR", kind="fault_value"),
)


def landed(inbox: Path, columns: tuple[Column, ...] = COLUMNS) -> duckdb.DuckDBPyRelation:
    """What a model would read of the files in `inbox`."""
    table = SourceTable("raw.events", str(inbox), columns, "occurred_at")
    store = Store(inbox.parent / "store")
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'America/New_York'")
    return connection.sql(view_sql(table, land(table, store, []), store))


def test_a_copy_that_only_who_builds_main_may_read_is_made_once_more(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (inbox / "a.csv").write_text(HEAD + ROW)
    table = SourceTable("raw.events", str(inbox), COLUMNS, "occurred_at")
    main = Store(inbox.parent / "store")
    branch = Store(inbox.parent / "built", others=[main.folder])
    files = land(table, main, [])
    assert land(table, branch, files) == files and not branch.folder.exists()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: main.folder not in Path(path).parents and access(path, mode))
    assert land(table, branch, files) == files
    assert branch.path(table.stored_name(files[0])).is_relative_to(branch.folder)


def parquet(file: Path, query: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.sql(query).write_parquet(str(file))


TEXTS = {
    "a byte order mark": ("\ufeff" + HEAD + ROW).encode(),
    "semicolons": (HEAD + ROW).replace(",", ";").encode(),
    "tabs": (HEAD + ROW).replace(",", "\t").encode(),
    "windows line ends": (HEAD + ROW).replace("\n", "\r\n").encode(),
    "old mac line ends": (HEAD + ROW).replace("\n", "\r").encode(),
    "no last line end": (HEAD + ROW).rstrip().encode(),
    "empty lines": (HEAD + "\n" + ROW + "\n\n").encode(),
    "quotes everywhere": b'"id","occurred_at","amount"\n"a","2024-05-01","1.5"\n',
    "capitals and spaces in the header": ("Id, Occurred_AT ,Amount\n" + ROW).encode(),
    "two bytes a letter": (HEAD + ROW).encode("utf-16"),
    "line ends of several kinds": (HEAD + ROW.replace("\n", "\r\n") + ROW.replace("\n", "\r") + ROW).encode(),
    "a header with another line end": (HEAD.replace("\n", "\r\n") + ROW + ROW).encode(),
    "a spreadsheet's first line": ("sep=;\n" + (HEAD + ROW).replace(",", ";")).encode(),
    "a spreadsheet's first line in capitals": ("SEP=;\n" + (HEAD + ROW).replace(",", ";")).encode(),
    "rows with a comma too many": (HEAD + ROW.replace("\n", ",\n")).encode(),
    "an empty last column": b"id,occurred_at,amount,\na,2024-05-01,1.5,\n",
    "spaces around values": b"id,occurred_at,amount\na, 2024-05-01 , 1.5 \n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_csv_is_read_as_it_is_meant(inbox: Path, name: str) -> None:
    (inbox / "a.csv").write_bytes(TEXTS[name])
    (inbox / "b.csv.gz").write_bytes(gzip.compress(TEXTS[name]))
    rows = landed(inbox).project("id, cast(occurred_at as varchar), amount").distinct()
    assert rows.fetchall() == [("a", "2024-05-01 00:00:00", 1.5)]


def test_line_ends_and_quotes_within_quotes_stay(inbox: Path) -> None:
    (inbox / "a.csv").write_text(HEAD.strip() + ',note\n"a",2024-05-01,,"one ""two"",\nthree"\n')
    assert landed(inbox).project("id, amount, note").fetchall() == [("a", None, 'one "two",\nthree')]


TIMES = {
    "2024-05-01": "2024-05-01 00:00:00",
    "2024-05-01 10:00:00": "2024-05-01 10:00:00",
    "2024-05-01T10:00:00.5": "2024-05-01 10:00:00.5",
    "2024-05-01T10:00:00Z": "2024-05-01 10:00:00",
    "2024-05-01 10:00:00 UTC": "2024-05-01 10:00:00",
    "2024-05-01 10:00:00+02": "2024-05-01 08:00:00",
    "2024-05-01T10:00:00-05:30": "2024-05-01 15:30:00",
    "2024-05-01 10:00:00 Europe/Berlin": "2024-05-01 08:00:00",
}


@pytest.mark.parametrize("text", TIMES)
def test_times_become_utc_wherever_the_reader_is(inbox: Path, text: str) -> None:
    (inbox / "a.csv").write_text(f"{HEAD}a,{text},1\n")
    assert landed(inbox).project("cast(occurred_at as varchar)").fetchall() == [(TIMES[text],)]


def test_times_with_a_zone_in_parquet_become_utc(inbox: Path) -> None:
    parquet(inbox / "a.parquet", "select 'a' as id, timestamptz '2024-05-01 10:00:00+02' as occurred_at")
    assert landed(inbox).project("cast(occurred_at as varchar)").fetchall() == [("2024-05-01 08:00:00",)]


def test_ids_are_the_same_text_whatever_type_a_file_gives_them(inbox: Path) -> None:
    parquet(inbox / "a.parquet", "select 7 as id, date '2024-05-01' as occurred_at")
    parquet(inbox / "b.parquet", "select unnest([7.0::double, 'nan'::double]) as id, timestamp_ns '2024-05-01' as occurred_at")
    (inbox / "c.csv").write_text("id,occurred_at\n7,2024-05-01\n")
    assert landed(inbox).distinct().order("id").project("id, cast(occurred_at as varchar)").fetchall() == [
        ("7", "2024-05-01 00:00:00"),
        (None, "2024-05-01 00:00:00"),
    ]


def test_undeclared_columns_come_along_and_are_json_where_their_types_differ(inbox: Path) -> None:
    parquet(
        inbox / "a.parquet", "select 'a' as id, now() as occurred_at, 1 as Mixed, {'x': [1]} as nested, 'nan'::double as number"
    )
    parquet(inbox / "b.parquet", "select 'b' as id, now() as occurred_at, {'y': 2} as mixed")
    (inbox / "c.csv").write_text("id,occurred_at,mixed\nc,2024-05-01,red\n")
    rows = landed(inbox).order("id")
    assert rows.columns == ["id", "occurred_at", "amount", "Mixed", "nested", "number"]
    assert rows.project("mixed, nested, number").fetchall() == [
        ("1", {"x": [1]}, None),
        ('{"y":2}', None, None),
        ('"red"', None, None),
    ]


def test_folders_within_folders_count_and_hives_folder_names_are_columns(inbox: Path) -> None:
    parquet(inbox / "2024" / "a b.parquet", "select 'a' as id, now() as occurred_at")
    parquet(inbox / "shop=k%C3%B6ln" / "all.parquet" / "part-0.parquet", "select 'b' as id, now() as occurred_at")
    parquet(inbox / "shop=__HIVE_DEFAULT_PARTITION__" / "c.parquet", "select 'c' as id, now() as occurred_at")
    (inbox / "_temporary").mkdir()
    (inbox / "_temporary" / "half.parquet").write_text("half")
    (inbox / ".DS_Store").write_text("")
    (inbox / "readme.txt").write_text("")
    assert landed(inbox).order("id").project("id, shop").fetchall() == [("a", None), ("b", "köln"), ("c", None)]


def test_a_files_name_is_no_pattern_and_the_way_to_it_no_column(tmp_path: Path) -> None:
    inbox = tmp_path / "id=9" / "it's"
    for name in ("x*.parquet", "x1.parquet", "[1].parquet", "1.parquet", "q?'.PARQUET"):
        parquet(inbox / name, f"select '{name.replace(chr(39), chr(39) * 2)}' as id, now() as occurred_at")
    assert {row[0] for row in landed(inbox).project("id").fetchall()} == {file.name for file in inbox.iterdir()}
    assert landed(inbox).columns == ["id", "occurred_at", "amount"]


def test_one_file_beside_the_folder_is_enough(inbox: Path) -> None:
    inbox.with_name("in.csv").write_text(HEAD + ROW)
    inbox.rmdir()
    assert len(landed(inbox).fetchall()) == 1


def test_a_file_in_the_folders_place_is_refused_when_its_kind_is_unknown(inbox: Path) -> None:
    inbox.rmdir()
    inbox.write_text(HEAD + ROW)
    with pytest.raises(ScorehouseError, match=r"in: expected files of Parquet, .*, found in; convert or remove it"):
        landed(inbox)


def test_no_files_give_no_rows(inbox: Path) -> None:
    assert landed(inbox).columns == ["id", "occurred_at", "amount"]
    assert landed(inbox).fetchall() == []


EMPTY = ("", "[]", " [ ]\n", "\n\n")


@pytest.mark.parametrize("suffix", ["json", "jsonl", "ndjson", "json.gz", "zip"])
@pytest.mark.parametrize("text", EMPTY)
@pytest.mark.parametrize("others", [(), ("b.csv",), ("b.csv", "c.jsonl")])
def test_json_without_rows_is_a_file_without_rows(inbox: Path, text: str, suffix: str, others: tuple[str, ...]) -> None:
    packed = {"json.gz": gzip.compress(text.encode()), "zip": zipped(**{"a.json": text.encode()})}
    (inbox / f"a.{suffix}").write_bytes(packed.get(suffix, text.encode()))
    for name in others:
        (inbox / name).write_text(f"{OBJECT}\n" if name.endswith("jsonl") else HEAD + ROW)
    for columns in (COLUMNS, REJECTING, (*REJECTING, Column("properties", "JSON"))):
        rows = landed(inbox, columns)
        assert rows.columns == [column.name for column in columns]
        assert rows.project("id, amount").fetchall() == [("a", 1.5)] * len(others)


def test_json_with_empty_objects_still_lacks_its_columns(inbox: Path) -> None:
    (inbox / "a.json").write_text("[{}]")
    with pytest.raises(ScorehouseError, match=r"required column id \(VARCHAR\), found none; add or rename"):
        landed(inbox)


REFUSED = {
    "a required column missing": ("a.csv", b"id,amount\n1,2\n", "required column occurred_at (TIMESTAMP), found only id, amount"),
    "no header": ("a.csv", b"", "expected a header line, found none"),
    "no parquet": ("a.parquet", b"PAR1 or not", "expected a readable Parquet file, found"),
    "no gzip": ("a.csv.gz", b"plain", "expected a readable CSV (UTF-8) file, found"),
    "another encoding": ("a.csv", (HEAD + "käthe,2024-05-01,1\n").encode("latin-1"), "found: line 2: Invalid unicode"),
    "a short line": ("a.csv", (HEAD + ROW + "b,2024-05-01\n").encode(), "found: line 3: Expected Number of Columns: 3 Found: 2"),
    "an open quote": ("a.csv", (HEAD + '"a,2024-05-01,1\n').encode(), "found: line 2: Value with unterminated quote"),
    "too many columns": (
        "a.csv",
        ",".join(["id", "occurred_at", *(f"c{i}" for i in range(20_000))]).encode() + b"\n",
        "expected at most 2,000 columns, found 20,002; leave out what nothing reads",
    ),
    "too many members": (
        "a.json",
        b'{"id": 1, "occurred_at": "2026-01-01", ' + ", ".join(f'"c{i}": 1' for i in range(2_000)).encode() + b"}",
        "expected at most 2,000 columns, found 2,002; leave out what nothing reads",
    ),
    "a column twice": ("a.csv", b"id,occurred_at,Amount,amount\n", "expected every column once, found amount twice"),
    "no number": ("a.csv", (HEAD + ROW + 'b,2024-05-01,"1,50"\n').encode(), "amount: expected DOUBLE, found '1,50' in line 3"),
    "no time": ("a.csv", (HEAD + "a,01.05.2024,1\n").encode(), "occurred_at: expected TIMESTAMP, found '01.05.2024' in line 2"),
    "twelve hours": ("a.csv", (HEAD + "a,2024-05-01 10:00:00 PM,1\n").encode(), "found '2024-05-01 10:00:00 PM' in line 2"),
    "nothing that can be read": ("a.xlsx", b"PK", "expected files of Parquet, CSV, TSV or JSON, also compressed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_in_one_sentence_that_names_it(inbox: Path, name: str) -> None:
    file, content, words = REFUSED[name]
    (inbox / file).write_bytes(content)
    with pytest.raises(ScorehouseError) as refusal:
        landed(inbox)
    assert words in str(refusal.value)
    assert str(inbox) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not list(inbox.parent.glob("store/*/*"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("7,2026-01-03 10:15:00,Zoe Quux,Quuxweg 7", "found only 4 that are not declared (its first line is a row: write"),
        ("Zoe Quux,+49 171 7731,Quuxweg 7,5", "found only 4 that are not declared (its first line is a row: write"),
        ("7,2026-01-03,Zoe Quux,Zoe Quux", "found a first line that has a cell twice and is a row"),
        ("zoe.quux@example.org,Zoe Quux,ZOE QUUX,x", "found a first line that has a cell twice and is a row"),
        ('7,2026-01-03,"Zoe Quux\nQuuxweg 7",zoe.quux@example.org', "expected a header in one line, found a name with a line"),
    ],
)
def test_a_row_in_a_headers_place_is_named_and_nobody_in_it(inbox: Path, line: str, words: str) -> None:
    (inbox / "a.csv").write_text(f"{line}\n{line}\n")
    with pytest.raises(ScorehouseError) as refusal:
        landed(inbox)
    assert words in str(refusal.value)
    assert not any(word in str(refusal.value).lower() for word in ("quux", "7731"))


def test_a_file_that_the_system_cannot_read_is_refused(inbox: Path) -> None:
    (inbox / "a.csv").symlink_to("/proc/self/mem")
    with pytest.raises(ScorehouseError, match=r"a\.csv: expected a readable CSV \(UTF-8\) file, found: .*Input/output error"):
        landed(inbox)


TYPES = {"amount": "{'value': 1}", "id": "[1]", "occurred_at": "1714557600"}


@pytest.mark.parametrize("column", TYPES)
def test_a_type_that_cannot_be_the_declared_one_is_refused(inbox: Path, column: str) -> None:
    parquet(
        inbox / "a.parquet",
        f"select * replace ({TYPES[column]} as {column}) from (select 'a' as id, now() as occurred_at, 1 as amount)",
    )
    with pytest.raises(ScorehouseError, match=rf"a\.parquet: column {column}: expected .*, found"):
        landed(inbox)


def test_a_damaged_parquet_file_is_refused(inbox: Path) -> None:
    parquet(inbox / "a.parquet", "select 'id' || i as id, now() as occurred_at, random() as amount from range(9000) as t(i)")
    content = bytearray((inbox / "a.parquet").read_bytes())
    content[500:9000] = bytes(8500)
    (inbox / "a.parquet").write_bytes(content)
    with pytest.raises(ScorehouseError, match="expected a readable Parquet file"):
        landed(inbox)


# -------------------------------------------------------------------- nothing is passed over


def zipped(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_csv", ".csv"), content)
    return target.getvalue()


def tarred(name: str, content: bytes, packing: str = "gz") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=f"w:{packing}") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


TEXT = (HEAD + ROW).encode()
OBJECT = json.dumps({"id": "a", "occurred_at": "2024-05-01T00:00:00Z", "amount": 1.5})
PACKED = {
    "a.csv.gz": gzip.compress(TEXT),
    "a.csv.bz2": bz2.compress(TEXT),
    "a.csv.xz": lzma.compress(TEXT),
    "A.CSV.GZ": gzip.compress(TEXT),
    "named_wrong.csv": gzip.compress(TEXT),
    "a.zip": zipped(a_csv=TEXT),
    "folders.zip": zipped(in__a_csv=TEXT, __MACOSX___a_csv=b"junk"),
    "twice.csv.gz.gz": gzip.compress(gzip.compress(TEXT)),
    "a.tar.gz": tarred("deep/a.csv", TEXT),
    "a.psv": TEXT.replace(b",", b"|"),
    "a.tab": TEXT.replace(b",", b"\t"),
    "a.json": f"[{OBJECT}]".encode(),
    "pretty.json": json.dumps([json.loads(OBJECT)], indent=2).encode(),
    "a.jsonl": OBJECT.encode(),
    "a.ndjson.gz": gzip.compress(OBJECT.encode() + b"\n"),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_file_is_read_whatever_it_is_packed_in(inbox: Path, name: str) -> None:
    (inbox / name).write_bytes(PACKED[name])
    assert landed(inbox).project("id, cast(occurred_at as varchar), amount").fetchall() == [("a", "2024-05-01 00:00:00", 1.5)]


@pytest.mark.parametrize(("suffix", "kind"), [("zst", "zstd"), ("lz4", "lz4")])
def test_newer_compressions_are_read(inbox: Path, suffix: str, kind: str) -> None:
    with pa.OSFile(str(inbox / f"a.csv.{suffix}"), "wb") as file, pa.CompressedOutputStream(file, kind) as stream:
        stream.write(TEXT)
    assert landed(inbox).project("id").fetchall() == [("a",)]


@pytest.mark.parametrize("name", ["a.parquet", "a.parq", "a.pq", "a.parquet.gzip", "a.snappy.parquet"])
def test_parquet_is_read_by_any_of_its_names(inbox: Path, name: str) -> None:
    parquet(inbox / "kept.parquet", "select 'a' as id, now() as occurred_at")
    (inbox / "kept.parquet").rename(inbox / name)
    assert landed(inbox).project("id").fetchall() == [("a",)]


def test_every_file_is_read_or_named(inbox: Path) -> None:
    """Of a folder with all that people leave in one, whatever depth."""
    (inbox / "deep" / "er").mkdir(parents=True)
    elsewhere = inbox.parent / "elsewhere"
    elsewhere.mkdir()
    for file in (inbox / "a.csv", inbox / "deep" / "er" / "b.csv", elsewhere / "c.csv"):
        file.write_bytes(TEXT)
    (inbox / "linked").symlink_to(elsewhere)
    (inbox / "circle").symlink_to(inbox)
    (inbox / "gone.csv").symlink_to(inbox / "nothing")
    for name in ("notes.txt", "book.xlsx", ".hidden.csv", "_under.csv", "deep/data.7z"):
        (inbox / name).write_bytes(TEXT)
    (inbox / "mixed.zip").write_bytes(zipped(a_csv=TEXT, readme=b"hi"))
    for name in (".DS_Store", "Thumbs.db", "_SUCCESS", "._a.csv"):
        (inbox / name).write_bytes(b"junk")
    found = discover(str(inbox))
    assert {file.name for file in found.files} == {"in/a.csv", "in/deep/er/b.csv", "in/linked/c.csv", "in/mixed.zip/a.csv"}
    assert {one.name for one in found.unread} == {
        *("in/circle", "in/gone.csv", "in/notes.txt", "in/book.xlsx", "in/.hidden.csv", "in/_under.csv", "in/deep/data.7z"),
        "in/mixed.zip/readme",
    }
    assert all(str(one).endswith(".") and "is not read: " in str(one) for one in found.unread)


def test_a_file_beside_the_folder_counts_and_one_of_another_name_does_not(inbox: Path) -> None:
    (inbox / "a.csv").write_bytes(TEXT)
    for name in ("in.csv", "in.old.csv", "in2.csv"):
        (inbox.parent / name).write_bytes(TEXT)
    assert {file.name for file in discover(str(inbox)).files} == {"in/a.csv", "in.csv"}
    assert {one.name for one in beside(inbox.parent, ["in"])} >= {"in.old.csv", "in2.csv"}


MISNAMED = {"interaction": "interactions/", "Interactions": "interactions/", "orders": "interactions/", "product": "items/"}


@pytest.mark.parametrize("name", MISNAMED)
def test_a_misspelt_folder_is_named_with_the_right_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (unread,) = beside(tmp_path, ["interactions", "items", "customers", "labels"])
    assert f"rename it to {MISNAMED[name]}" in str(unread)


def test_a_folder_that_nothing_reads_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (unread,) = beside(tmp_path, ["interactions"], ["labels"])
    assert str(unread) == "labels/ is not read: no product that is built needs it."


def test_a_delta_table_is_refused(inbox: Path) -> None:
    (inbox / "_delta_log").mkdir()
    parquet(inbox / "a.parquet", "select 'a' as id, now() as occurred_at")
    with pytest.raises(ScorehouseError, match="found Delta's"):
        landed(inbox)


def test_an_archive_that_is_none_is_refused(inbox: Path) -> None:
    (inbox / "a.zip").write_bytes(b"PK no")
    with pytest.raises(ScorehouseError, match=r"a\.zip: expected a readable archive"):
        landed(inbox)


# -------------------------------------------------------------------- one bad cell, one row


def test_a_bad_cell_is_told_with_its_file_line_column_and_value(inbox: Path) -> None:
    (inbox / "a.csv").write_text(
        HEAD + ROW + '"two\nlines",2024-05-01,1\n\nb,soon,1\nc,2024-05-01,oops\nd,2024-05-01\ne,2024-05-01,1,2\nf,2024-05-02,7\n'
    )
    rows = landed(inbox, REJECTING).order("line").project("id, file, line, fault, value")
    assert rows.fetchall() == [
        ("a", "in/a.csv", 2, None, None),
        ("two\nlines", "in/a.csv", 3, None, None),
        ("b", "in/a.csv", 6, "occurred_at", "soon"),
        ("c", "in/a.csv", 7, "amount", "oops"),
        ("d", "in/a.csv", 8, "line", "2 cells instead of 3"),
        ("e", "in/a.csv", 9, "line", "4 cells instead of 3"),
        ("f", "in/a.csv", 10, None, None),
    ]


def test_a_file_with_decimal_commas_rejects_what_could_be_thousands(inbox: Path) -> None:
    (inbox / "a.csv").write_text("id;occurred_at;amount\na;2024-05-01;1,5\nb;2024-05-01;1.234\nc;2024-05-01;1.234,5\n")
    (inbox / "b.csv").write_text(HEAD + "d,2024-05-01,1.234\n")
    assert landed(inbox, REJECTING).order("id").project("id, amount, value").fetchall() == [
        ("a", 1.5, None),
        ("b", None, "1.234"),
        ("c", 1234.5, None),
        ("d", 1.234, None),
    ]


def test_one_id_is_one_in_every_format(inbox: Path) -> None:
    (inbox / "a.csv").write_text(HEAD + "17850.0,2024-05-01,1\n")
    (inbox / "b.jsonl").write_text('{"id": 17850, "occurred_at": "2024-05-01"}\n{"id": 17850.00, "occurred_at": "2024-05-01"}\n')
    parquet(inbox / "c.parquet", "select 17850.0::double as id, date '2024-05-01' as occurred_at")
    parquet(inbox / "d.parquet", "select 17850.00::decimal(9, 2) as id, date '2024-05-01' as occurred_at")
    assert landed(inbox).project("id").distinct().fetchall() == [("17850",)]


@pytest.mark.parametrize("head", ["", "sep=\t\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_quote_in_tabs_swallows_no_row(inbox: Path, head: str, end: str) -> None:
    """Where every line has all its tabs, each is a row; a cell of several lines makes lines that have fewer."""
    columns = (*COLUMNS[:2], Column("name", "VARCHAR"))
    lines = ['a\t2024-05-01\t"12 inch', 'b\t2024-05-01\tpipe"', 'c\t2024-05-01\t"a ""b"""']
    text = head + end.join(["id\toccurred_at\tname", *lines, ""])
    (inbox / "a.tsv").write_bytes(text.encode())
    names = [name for (name,) in landed(inbox, columns).order("id").project("name").fetchall()]
    assert names == ['"12 inch', 'pipe"', 'a "b"']
    (inbox / "a.tsv").write_bytes(b'id\toccurred_at\tname\na\t2024-05-01\t"two\nlines"\n')
    assert landed(inbox, columns).project("name").fetchall() == [("two\nlines",)]


def test_binary_texts_and_nanoseconds_with_a_zone_arrive_as_they_are(inbox: Path) -> None:
    rows = pa.table(
        {
            "id": pa.array(["Café".encode()], pa.binary()),
            "occurred_at": pa.array([datetime(2024, 5, 1, 10, tzinfo=UTC)], pa.timestamp("ns", tz="Europe/Berlin")),
            "seen": pa.array([datetime(2024, 5, 1, 10, tzinfo=UTC)], pa.timestamp("ns", tz="UTC")),
        }
    )
    pq.write_table(rows, inbox / "a.parquet", version="2.6")
    assert landed(inbox).project("id, cast(occurred_at as varchar)").fetchall() == [("Café", "2024-05-01 10:00:00")]


BYTES = st.one_of(st.none(), st.text(max_size=5).map(str.encode), st.binary(max_size=5))


def as_text(value: bytes | None) -> str | None:
    """What the bytes say in UTF-8; None where they say nothing."""
    try:
        return value.decode() if value is not None else None
    except UnicodeDecodeError:
        return None


@given(st.lists(st.lists(BYTES, min_size=3, max_size=3), min_size=3, max_size=3))
@settings(max_examples=25)
def test_bytes_of_one_column_say_nothing_about_another(columns: list[list[bytes | None]]) -> None:
    """The first and second column are declared, the third goes into the properties."""
    declared = (*COLUMNS[:2], Column("name", "VARCHAR"), Column("properties", "JSON"), *REJECTING[3:])
    arrays = {name: pa.array(values, pa.binary()) for name, values in zip(("name", "more", "café"), columns, strict=True)}
    rows = {"id": ["a", "b", "c"], "occurred_at": ["2024-05-01"] * 3, "cafe": pa.array(["Café".encode()] * 3, pa.binary())}
    with TemporaryDirectory() as folder:
        inbox = Path(folder) / "in"
        inbox.mkdir()
        pq.write_table(pa.table(rows | arrays), inbox / "a.parquet")
        is_no_text = [as_text(value) is None and value is not None for value in columns[0]]
        if all(is_no_text):
            with pytest.raises(ScorehouseError, match=r"a\.parquet: column name: expected VARCHAR"):
                landed(inbox, declared)
            return
        found = landed(inbox, declared).order("id").project("name, fault, properties, line").fetchall()
    texts = map(as_text, columns[0])
    missing = ("", "NULL", "\\N")
    expected = [None if text is None or text.strip(BLANKS[1:-1]) in missing else text for text in texts]
    assert [name for name, *_ in found] == expected
    assert [fault for _, fault, *_ in found] == ["name" if wrong else None for wrong in is_no_text]
    assert [line for *_, line in found] == [1, 2, 3]
    for place, (*_, properties, _) in enumerate(found):
        given = {"more": columns[1], "café": columns[2]}
        texts = {name: all(as_text(value) is not None or value is None for value in values) for name, values in given.items()}
        expected = {
            name: as_text(values[place]) if texts[name] else values[place].hex().upper()
            for name, values in given.items()
            if values[place] is not None
        }
        assert json.loads(properties) == {"cafe": "Café"} | expected


def test_a_column_and_a_property_of_one_name_are_both_kept(inbox: Path) -> None:
    columns = (*COLUMNS, Column("properties", "JSON"))
    (inbox / "a.csv").write_text(
        "id,occurred_at,city,properties\n"
        'a,2024-05-01,Rome,"{""city"": ""Paris"", ""n"": 1}"\n'
        'b,2024-05-01,,"{""city"": ""Paris""}"\n'
        "c,2024-05-01,Rome,\n"
    )
    found = [json.loads(text) for (text,) in landed(inbox, columns).order("id").project("properties").fetchall()]
    assert found == [{"city": "Rome", "n": 1, "properties.city": "Paris"}, {"city": "Paris"}, {"city": "Rome"}]


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-99, 99), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("xy~/"), inner, max_size=2)),
    max_leaves=5,
)


def test_a_column_that_is_a_property_too_is_a_number_in_both_and_hides_none(inbox: Path) -> None:
    columns = (*COLUMNS, Column("price", "DOUBLE", kind="property"), Column("properties", "JSON"))
    (inbox / "a.csv").write_text('id,occurred_at,price,properties\na,2024-05-01,"1,50","{""price"": 9}"\nb,2024-05-01,,7\n')
    found = landed(inbox, columns).order("id").project("price, properties").fetchall()
    assert [(price, json.loads(text)) for price, text in found] == [
        (1.5, {"price": 1.5, "properties.price": 9}),
        (None, {"properties": 7}),
    ]


MEMBER = st.sampled_from(["geo", "n", "a/b", "properties.geo", "properties.n", "é'"])


@given(st.dictionaries(MEMBER, VALUES, max_size=4), st.one_of(VALUES, st.dictionaries(MEMBER, VALUES, max_size=4)))
@settings(max_examples=40)
def test_columns_and_properties_never_change_each_other(own: dict[str, object], properties: object) -> None:
    with TemporaryDirectory() as folder:
        inbox = Path(folder) / "in"
        inbox.mkdir()
        event = {"id": "a", "occurred_at": "2024-05-01", **own, "properties": properties}
        (inbox / "a.jsonl").write_text(json.dumps(event))
        ((text,),) = landed(inbox, (*COLUMNS, Column("properties", "JSON"))).project("properties").fetchall()
    columns = {name: value for name, value in own.items() if value is not None}
    assert text != "{}"  # no members are none
    found = json.loads(text) if text is not None else {}
    if not own:
        assert found == ({} if properties is None else properties)
    elif properties is None:
        assert found == columns
    elif not isinstance(properties, dict):
        assert found == columns | {"properties": properties}
    else:
        own_names = {f"properties.{name}" if name in columns else name: value for name, value in properties.items()}
        is_lost = len(own_names) < len(properties) or own_names.keys() & columns.keys()
        assert found == columns | ({"properties": properties} if is_lost else own_names)


DAMAGED = {
    "a.csv.bz2": bz2.compress(TEXT) + b"BZj" + bz2.compress(TEXT)[3:],
    "rubbish.csv.bz2": bz2.compress(TEXT) + b"rubbish",
    "cut.csv.bz2": bz2.compress(TEXT)[:-5],
    "rubbish.csv.xz": lzma.compress(TEXT) + b"rubbish",
    "cut.csv.xz": lzma.compress(TEXT)[:-5],
    "cut.csv.gz": gzip.compress(TEXT)[:-5],
    "header.csv": b'id,"occurred\nat",amount\na,2024-05-01,1\n',
    "no_end.tar": tarred("a.csv", TEXT, "")[:1024],
    "two.tar": tarred("a.csv", TEXT, "") + tarred("b.csv", TEXT, ""),
    "broken.tar": tarred("a.csv", TEXT, "")[:1024] + b"b.csv".ljust(512, b"?") + bytes(1024),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_that_is_not_whole_is_refused(inbox: Path, name: str) -> None:
    (inbox / name).write_bytes(DAMAGED[name])
    with pytest.raises(ScorehouseError, match=rf"{name}: expected .*, found"):
        landed(inbox)


@pytest.mark.parametrize("name", ["several.csv.bz2", "several.csv.xz", "several.csv.gz"])
def test_streams_one_behind_the_other_are_one_file(inbox: Path, name: str) -> None:
    pack = {"bz2": bz2.compress, "xz": lzma.compress, "gz": gzip.compress}[name.rpartition(".")[2]]
    (inbox / name).write_bytes(pack(TEXT) + pack(ROW.replace("a,", "b,", 1).encode()))
    assert len(landed(inbox).fetchall()) == 2


def test_columns_in_the_names_of_folders_are_called_as_others_are_and_stand_in_archives_too(inbox: Path) -> None:
    columns = (*COLUMNS[:2], Column("country", "VARCHAR"))
    called = {"country": "land", "id": "Key"}
    text = TEXT.replace(b"id,", b"Key,", 1)
    (inbox / "land=DE").mkdir()
    (inbox / "land=DE" / "a.csv").write_bytes(text)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("land=FR/b.csv", text)
    (inbox / "b.zip").write_bytes(archive.getvalue())
    table = SourceTable("raw.x", str(inbox), columns, called=called)
    store = Store(inbox.parent / "store")
    rows = duckdb.connect().sql(view_sql(table, land(table, store, []), store)).order("country")
    assert rows.project("country, id").fetchall() == [("DE", "a"), ("FR", "a")]


@pytest.mark.parametrize("pattern", ["in/*/*.csv", "in/land=*", "in/land=*/*.csv", "i*", "in/**/*.csv", "in"])
def test_columns_in_the_names_of_folders_are_there_however_a_file_was_found(inbox: Path, pattern: str) -> None:
    columns = (*COLUMNS[:2], Column("land", "VARCHAR"))
    (inbox / "land=DE").mkdir()
    (inbox / "land=DE" / "a.csv").write_bytes(TEXT)
    table = SourceTable("raw.x", str(inbox.parent / pattern), columns)
    store = Store(inbox.parent / "store")
    files = land(replace(table, path=str(inbox / "land=DE" / "*.csv")), store, [])
    for known in ([], files):
        rows = duckdb.connect().sql(view_sql(table, land(table, store, known), store))
        assert rows.project("land").fetchall() == [("DE",)]


def test_columns_in_the_names_of_folders_stand_in_an_archive_beside_the_folder_too(inbox: Path) -> None:
    with zipfile.ZipFile(inbox.with_name("in.zip"), "w") as archive:
        archive.writestr("land=FR/b.csv", TEXT)
    rows = landed(inbox, (*COLUMNS[:2], Column("land", "VARCHAR")))
    assert rows.project("land").fetchall() == [("FR",)]


def of_called(inbox: Path, called: dict[str, str]) -> list[tuple]:
    columns = (Column("id", "VARCHAR", kind="id"), Column("session", "VARCHAR"), Column("what", "VARCHAR"))
    table = SourceTable("raw.x", str(inbox), columns, called=called)
    store = Store(inbox.parent / "store")
    return duckdb.connect().sql(view_sql(table, land(table, store, []), store)).project("id, session, what").fetchall()


def test_two_columns_that_are_to_be_called_the_same_are_named_with_what_says_so(inbox: Path) -> None:
    (inbox / "a.csv").write_text("id,user,session\n1,2,3\n")
    sentence = "expected one column for id, found id and user, .* variable landing_columns"
    with pytest.raises(ScorehouseError, match=sentence):
        of_called(inbox, {"id": "user"})


def test_a_column_that_a_file_calls_otherwise_than_said_is_missed_by_the_files_own_names(inbox: Path) -> None:
    (inbox / "a.csv").write_text("Invoice,Visit\n7,8\n")
    words = "expected the required column id (VARCHAR), called Order as the files are said to, found only Invoice, Visit; add"
    columns = (Column("id", "VARCHAR", is_required=True), Column("session", "VARCHAR"))
    table = SourceTable("raw.x", str(inbox), columns, called={"id": "Order", "session": "Visit"})
    with pytest.raises(ScorehouseError, match=re.escape(words)):
        land(table, Store(inbox.parent / "store"), [])


def test_json_with_an_array_in_each_line_is_refused_with_what_to_write(inbox: Path) -> None:
    (inbox / "a.json").write_text('[{"id": "a"}]\n[{"id": "b"}]\n')
    with pytest.raises(ScorehouseError, match=r"row 1: expected an object, found an array; write the objects one a line, or"):
        landed(inbox)


def test_one_column_may_stand_for_several(inbox: Path) -> None:
    (inbox / "a.csv").write_text("Invoice\n7\n")
    assert of_called(inbox, {"id": "Invoice", "session": "invoice", "what": "=bought"}) == [("7", "7", "bought")]


@pytest.mark.parametrize(
    ("called", "words"),
    [
        ({"id": "Invoise"}, "raw.x: expected a file with the column 'invoise' for id, found only Invoice, what; correct"),
        (
            {"id": "Invoice", "what": "=bought"},
            "expected no column what, whose value is said to be 'bought' in every row, found one",
        ),
    ],
)
def test_what_is_said_of_columns_holds_in_the_files(inbox: Path, called: dict[str, str], words: str) -> None:
    (inbox / "a.csv").write_text("Invoice,what\n7,sold\n")
    with pytest.raises(ScorehouseError, match=words):
        of_called(inbox, called)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_texts_of_numbers_have_one_decimal_mark_a_file(inbox: Path, kind: str) -> None:
    texts = ["1.234", "500", "19,90", "7,50"]
    if kind == "csv":
        rows = "".join(f'{place},2024-05-01,"{text}"\n' for place, text in enumerate(texts))
        (inbox / "a.csv").write_text(f"id,occurred_at,amount\n{rows}")
    else:
        (inbox / "a.jsonl").write_text(
            "\n".join(json.dumps({"id": str(n), "occurred_at": "2024-05-01", "amount": text}) for n, text in enumerate(texts))
            + '\n{"id": "4", "occurred_at": "2024-05-01", "amount": 1.25}'
        )
    rows = landed(inbox, REJECTING).order("id").project("amount, fault").fetchall()
    assert rows[:4] == [(None, "amount"), (500, None), (19.9, None), (7.5, None)]
    assert rows[4:] == ([] if kind == "csv" else [(1.25, None)])


def test_a_bad_cell_of_a_json_file_rejects_its_row(inbox: Path) -> None:
    (inbox / "a.json").write_text('{"id": "a", "occurred_at": "2024-05-01", "amount": "abc"}')
    assert landed(inbox, REJECTING).project("id, fault").fetchall() == [("a", "amount")]


UNSURE = {
    "a unit beside it": ["1.234,00 EUR", "2.500", "3,10 EUR"],
    "groups that only commas allow": ["1.234.567", "2.500", "3"],
    "as many of each": ["1,5", "1.5", "2.500"],
    "more points": ["1,5", "1.5", "1.75", "2.500"],
}
"""Amounts of a file, of which 2.500 could be two and a half, or two thousand five hundred."""


@pytest.mark.parametrize("kind", UNSURE)
def test_what_could_be_thousands_is_a_fault_where_the_file_is_not_of_one_mind(inbox: Path, kind: str) -> None:
    rows = "".join(f'{place},2024-05-01,"{text}"\n' for place, text in enumerate(UNSURE[kind]))
    (inbox / "a.csv").write_text(f"id,occurred_at,amount\n{rows}")
    found = dict(landed(inbox, REJECTING).project("id, amount").fetchall())
    assert found[str(UNSURE[kind].index("2.500"))] is None


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("id;occurred_at;amount\na;2024-05-01;1.200\n", [None]),
        ("id;occurred_at;amount\na;2024-05-01;1.200\nb;2024-05-01;0.5\n", [1.2, 0.5]),
        ("id;occurred_at;amount;weight\na;2024-05-01;1.200;0,5\n", [None]),
        ("id,occurred_at,amount\na,2024-05-01,1.200\n", [1.2]),
        ('id,occurred_at,amount,weight\na,2024-05-01,1.200,"0,5"\n', [None]),
    ],
)
def test_what_stands_beside_says_whether_a_point_may_group(inbox: Path, text: str, amounts: list[float | None]) -> None:
    (inbox / "a.csv").write_text(text)
    assert [amount for (amount,) in landed(inbox, REJECTING).order("id").project("amount").fetchall()] == amounts


@pytest.mark.parametrize("end", ["", "\n "])
@pytest.mark.parametrize("indented", [None, 2])
def test_a_cut_array_is_refused_wherever_it_is_cut(inbox: Path, indented: int | None, end: str) -> None:
    rows = [{"id": str(number), "occurred_at": "2024-05-01"} for number in range(3)]
    text = json.dumps(rows, indent=indented)
    whole = len(text)
    for cut in range(1, whole):
        (inbox / "a.json").write_text(text[:cut] + end)
        with pytest.raises(ScorehouseError):
            landed(inbox)
    (inbox / "a.json").write_text(text + end)
    assert len(landed(inbox).fetchall()) == 3


def test_an_object_with_a_member_twice_is_rejected(inbox: Path) -> None:
    (inbox / "a.jsonl").write_text(
        '{"id": "a", "occurred_at": "2024-05-01", "n": 1, "n": 2}\n{"id": "b", "occurred_at": "2024-05-01", "n": 1}'
    )
    assert landed(inbox, REJECTING).order("id").project("id, fault, value").fetchall() == [
        ("a", "line", "a member twice"),
        ("b", None, None),
    ]
    with pytest.raises(ScorehouseError, match="row 1: expected every member once, found one twice"):
        landed(inbox)


def test_an_answer_of_a_program_that_wraps_its_rows_is_told_to_be_unwrapped(inbox: Path) -> None:
    (inbox / "a.json").write_text('{"object": "list", "data": [{"id": "a", "occurred_at": "2024-05-01"}], "has_more": false}')
    with pytest.raises(ScorehouseError, match="found only data, has_more, object; its rows stand in data: land that array alone"):
        landed(inbox)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "id,occurred_at\na,2024-05-01\n".encode("utf-16")[:-1], "truncated data"),
        ("a.csv", "id,occurred_at\na,2024-05-01\n".encode("utf-16-le"), "UTF-16 without its mark; save it as CSV in UTF-8, or"),
        ("a.csv", "id,occurred_at\na,2024-05-01\n".encode("utf-32"), "as UTF-32 has them, or UTF-16 without its mark; save it"),
        ("a.csv", "id,occurred_at\nCafé,2024-05-01\n".encode("cp1252"), "line 2: Invalid unicode"),
        ("a.csv", "id,occurred_at,größe\n".encode("cp1252"), "save it as CSV in UTF-8, or remove it."),
        (
            "a.csv",
            ",".join(f"c{place}" for place in range(99)).encode(),
            "c28, c29 and 69 more; add or rename the column, or say",
        ),
        ("a.zip", b"", "no archive, or one that is cut"),
        ("a.tar", b"cut", "no archive, or one that is cut"),
    ],
)
def test_what_is_cut_gets_one_short_sentence(inbox: Path, name: str, content: bytes, words: str) -> None:
    (inbox / name).write_bytes(content)
    with pytest.raises(ScorehouseError) as refusal:
        landed(inbox)
    assert words in str(refusal.value)
    assert "Traceback" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_member_without_a_name_is_refused(inbox: Path) -> None:
    (inbox / "a.jsonl").write_text('{"id": "a", "occurred_at": "2024-05-01", "": 1}')
    with pytest.raises(ScorehouseError, match="a member without a name"):
        landed(inbox)


@pytest.mark.parametrize("names", [["id", "id"], ["id", "ID"]])
def test_a_parquet_file_with_a_column_twice_is_refused(inbox: Path, names: list[str]) -> None:
    rows = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"]), pa.array(["2024-05-01"])], [*names, "occurred_at"])
    pq.write_table(rows, inbox / "a.parquet")
    with pytest.raises(ScorehouseError, match="expected every column once"):
        landed(inbox)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_what_unpacks_to_far_more_than_its_size_is_refused(inbox: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable) -> None:
    monkeypatch.setattr(raw_files, "BOMB_BYTES", 1_000_000)
    monkeypatch.setattr(raw_files, "BOMB_RATIO", 100)
    (inbox / "a.csv.gz").write_bytes(pack(TEXT + b"," * 10_000_000))
    with pytest.raises(ScorehouseError, match="more than 100 times its size"):
        landed(inbox)


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_no_more_of_it_is_written_than_data_may_have(inbox: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable) -> None:
    monkeypatch.setattr(raw_files, "BOMB_BYTES", 1_000_000)
    monkeypatch.setattr(raw_files, "BOMB_RATIO", 10)
    written = io.BytesIO()
    monkeypatch.setattr(raw_files, "TemporaryFile", lambda: written)
    (inbox / "a.csv").write_bytes(pack(TEXT + b"," * 40_000_000) * 3)
    with pytest.raises(ScorehouseError, match="more than 10 times its size"):
        landed(inbox)
    assert written.tell() <= 1_000_000 + raw_files._CHUNK


def test_json_that_is_nested_too_deep_to_look_through_is_not_shown(inbox: Path) -> None:
    (inbox / "a.json").write_text(f'[{{"id": "a", "occurred_at": "2024-05-01", "more": {"[" * 9000}{"]" * 9000}}}]')
    assert landed(inbox).project("id, cast(more as varchar)").fetchall() == [("a", '"(not shown)"')]


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_an_archive_without_files_is_named(inbox: Path, name: str) -> None:
    (inbox / "a.csv").write_bytes(TEXT)
    if name == "a.zip":
        zipfile.ZipFile(inbox / name, "w").close()
    else:
        tarfile.open(inbox / name, "w:gz" if name.endswith("gz") else "w").close()
    assert [str(one) for one in discover(str(inbox)).unread] == [
        f"in/{name} is not read: it is an archive without files; pack it anew or remove it."
    ]


def test_a_file_of_an_archive_has_its_own_time_of_change(inbox: Path) -> None:
    with zipfile.ZipFile(inbox / "more.zip", "w") as archive:
        for name, year in (("old.csv", 2020), ("new.csv", 2025)):
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 2, 0, 0, 0)), TEXT)
    times = {file.member: written_at(file) for file in discover(str(inbox)).files}
    assert times == {"old.csv": "2020-01-02 00:00:00.000000", "new.csv": "2025-01-02 00:00:00.000000"}


@pytest.mark.parametrize("number", ["99999999999999999.99", "12345678901234567890.00", "0.125", "-3.50", "100000000000000000000"])
def test_a_decimal_is_the_same_number_among_the_properties(inbox: Path, number: str) -> None:
    other = pa.array([Decimal(number)], pa.decimal128(38, 3))
    pq.write_table(pa.table({"id": ["a"], "occurred_at": ["2024-05-01"], "other": other}), inbox / "a.parquet")
    ((found,),) = landed(inbox, (*COLUMNS, Column("properties", "JSON"))).project("properties ->> '$.other'").fetchall()
    assert Decimal(found) == Decimal(number)


DATED = [
    ("year=2026/month=1/day=9/a.csv", "year=2026/month=1/day=10/a.csv"),
    ("year=2026/month=1/day=9/hour=9/a.csv", "year=2026/month=1/day=9/hour=10/a.csv"),
    ("2025/9/a.csv", "2025/10/a.csv"),
    ("aug2025.csv", "sept2025.csv"),
    ("nov2025.csv", "dez2025.csv"),
    ("apr2025.csv", "mai2025.csv"),
    ("Jan 3 2026.csv", "Jan 12 2026.csv"),
    ("3_jan_2026.csv", "20_jan_2026.csv"),
    ("week 9 2026.csv", "week 10 2026.csv"),
    ("2026-W9.csv", "2026-W10.csv"),
    ("2026-01-03 at 11.05 AM.csv", "2026-01-03 at 1.05 PM.csv"),
    ("prices_20260103101500.csv", "prices_20260203101500.csv"),
    ("prices_2026-01-03T101500Z.csv", "prices_2026-01-03T101501Z.csv"),
    ("2024.csv", "2025.csv"),
    ("prices_2026-01-03_9.csv", "prices_2026-01-03_10.csv"),
    ("dec2025.csv", "jan2026.csv"),
    ("2026/01/a.csv", "2026/02/a.csv"),
    ("prices_2026-01-03.csv", "prices_2026-01-03_2.csv"),
]


@pytest.mark.parametrize(("earlier", "later"), DATED)
def test_the_date_in_a_files_name_says_which_is_later(earlier: str, later: str) -> None:
    dates = [date_in(name, datetime(2026, 5, 1)) for name in (earlier, later)]
    assert None not in dates
    assert dates[0] < dates[1]


@pytest.mark.parametrize(
    "name", ["prices_03-01-2026.csv", "prices.csv", "batch_20269999.csv", "v2.csv", "nov25.csv", "marketing.csv"]
)
def test_what_is_no_date_or_could_be_two_is_none(name: str) -> None:
    assert date_in(name, datetime(2026, 5, 1)) is None


def test_an_object_that_says_a_member_twice_is_kept_as_it_is(inbox: Path) -> None:
    (inbox / "a.jsonl").write_text('{"id": "a", "occurred_at": "2024-05-01", "n": 1, "properties": {"n": 2, "n": 3}}')
    ((text,),) = landed(inbox, (*COLUMNS, Column("properties", "JSON"))).project("properties").fetchall()
    assert text == '{"properties":{"n":2,"n":3},"n":1}'


# -------------------------------------------------------------------- what is read again


def test_a_mended_reader_reads_the_files_again(inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (inbox / "a.csv").write_bytes(TEXT)
    table, store = SourceTable("raw.events", str(inbox), COLUMNS), Store(inbox.parent / "store")
    first = land(table, store, [])
    assert land(table, store, []) == first
    before = table.declaration()
    monkeypatch.setattr(tables, "reader_code", lambda: "another")
    assert table.declaration() != before
    assert land(table, store, [])[0].content != first[0].content
