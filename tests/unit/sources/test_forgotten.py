"""People who are to be forgotten: their rows do not land, everybody else's do, and only the files that had theirs land anew."""

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorehouse.errors import ScorehouseError
from scorehouse.sources.forgotten import FILE, NOBODY, Forgotten, as_spelled
from scorehouse.sources.keyed import Key
from scorehouse.sources.personal import Personal, Whose, pseudonym
from scorehouse.sources.tables import SourceTable, land, view_sql
from scorehouse.store.details import Column, LandedFile
from scorehouse.store.files import Store

KEY = Key("nobody guesses these bytes")
COLUMNS = (
    Column("customer_id", "VARCHAR", is_required=True, kind="id"),
    Column("amount", "DOUBLE"),
    Column("properties", "JSON"),
)
PERSONAL = Personal(others=frozenset(column.name for column in COLUMNS), ids=(Whose("customer_id"),))


def listed(*people: str) -> Forgotten:
    some = Forgotten()
    return Forgotten(some.key, [some.mark(person) for person in people])


def landed(folder: Path, forgotten: Forgotten = NOBODY, known: list[LandedFile] | None = None) -> tuple[list, list[LandedFile]]:
    table, store = SourceTable("shop.sales", str(folder / "in"), COLUMNS, personal=PERSONAL), Store(folder / "store")
    files = land(table, store, known or [], key=KEY, forgotten=forgotten)
    with duckdb.connect() as connection:
        return connection.sql(f"from ({view_sql(table, files, store)}) order by all").fetchall(), files


def write(folder: Path, name: str, rows: list[dict]) -> None:
    file = folder / "in" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".json":
        file.write_text(json.dumps(rows))
        return
    with TemporaryDirectory() as scratch:
        Path(scratch, "a.json").write_text(json.dumps(rows))
        relation = duckdb.sql(f"from read_json('{scratch}/a.json')")
        relation.write_csv(str(file)) if file.suffix == ".csv" else relation.write_parquet(str(file))


IDS = st.sampled_from(["17850", "c1", "C1", "0017", "ann@example.org", "é", "c 2"])


@settings(max_examples=20)
@given(
    ids=st.lists(IDS, min_size=1, max_size=6),
    people=st.lists(IDS, max_size=2),
    form=st.sampled_from(["csv", "json", "parquet"]),
)
def test_landing_without_somebody_is_landing_files_that_never_had_them(ids: list[str], people: list[str], form: str) -> None:
    rows = [{"customer_id": one, "amount": place + 0.5} for place, one in enumerate(ids)]
    spelled = {as_spelled(person, KEY) for person in people}
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        write(Path(one), f"a.{form}", rows)
        everybody, before = landed(Path(one))
        found, files = landed(Path(one), listed(*spelled), before)
        left = [row for row in rows if as_spelled(row["customer_id"], KEY) not in spelled]
        if left:
            write(Path(other), "a.json", left)
        assert found == (landed(Path(other))[0] if left else [])
        assert files[0].left_out == len(rows) - len(left)
        assert everybody == landed(Path(one))[0]


@pytest.mark.parametrize("spelling", ["17850", "17850.0", " 17850 ", "1.785E4"])
def test_an_id_is_found_however_a_file_spells_it(tmp_path: Path, spelling: str) -> None:
    write(tmp_path, "a.json", [{"customer_id": spelling, "amount": 1}, {"customer_id": "2", "amount": 2}])
    found, _ = landed(tmp_path, listed(as_spelled("17850.00", None)))
    assert [row[0] for row in found] == ["2"]


def test_only_the_files_that_had_them_land_anew(tmp_path: Path) -> None:
    for name, person in (("a.csv", "ann"), ("b.csv", "bob"), ("c.csv", "ann")):
        write(tmp_path, name, [{"customer_id": person, "amount": 1}, {"customer_id": name, "amount": 1}])
    _, before = landed(tmp_path)
    _, after = landed(tmp_path, listed("bob"), before)
    contents = {file.name: file.content for file in before}
    assert {file.name for file in after if file.content != contents[file.name]} == {"in/b.csv"}
    both = listed("bob", "ann")
    _, again = landed(tmp_path, both, after)
    assert [file.left_out for file in sorted(again, key=lambda file: file.name)] == [1, 1, 1]
    assert landed(tmp_path, both, again)[1] == again


def test_the_list_names_nobody(tmp_path: Path) -> None:
    listed("customer-7731").write(tmp_path)
    assert "7731" not in (tmp_path / "forgotten.json").read_text()
    assert Forgotten.read(tmp_path).people == [Forgotten.read(tmp_path).mark("customer-7731")]
    assert Forgotten.read(tmp_path / "nowhere").version == ""


def test_an_address_is_looked_for_as_its_pseudonym() -> None:
    assert as_spelled(" Ann@Example.org", KEY) == pseudonym("ann@example.org", KEY)
    assert as_spelled("ann@example.org", None) is None


def test_what_others_rows_mean_does_not_depend_on_who_is_there(tmp_path: Path) -> None:
    """Only one of the cells says that the file has decimal commas."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("customer_id;amount\nada;12,50\nbob;1,234\ncy;2,345\n")
    before, files = landed(tmp_path)
    after, _ = landed(tmp_path, listed("ada"), files)
    assert after == [row for row in before if row[0] != "ada"]
    assert landed(tmp_path, listed("ada"))[0] == after


def test_only_rows_that_are_of_customers_count(tmp_path: Path) -> None:
    columns = (Column("entity_type", "VARCHAR", kind="name"), Column("entity_id", "VARCHAR", kind="id"))
    personal = Personal(others=frozenset({"entity_id"}), ids=(Whose("entity_id", (("entity_type", "customer"),)),))
    write(tmp_path, "a.csv", [{"entity_type": kind, "entity_id": "17850"} for kind in ("item", "Customer ", "interaction")])
    table, store = SourceTable("shop.labels", str(tmp_path / "in"), columns, personal=personal), Store(tmp_path / "store")
    files = land(table, store, [], forgotten=listed("17850"))
    assert duckdb.sql(f"select entity_type from ({view_sql(table, files, store)}) order by 1").fetchall() == [
        ("interaction",),
        ("item",),
    ]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x80", b"{}", b"[]", b'{"key": "a", "people": 3, "pending": []}'])
def test_a_damaged_list_is_one_sentence_that_names_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ScorehouseError, match=f"{FILE}: expected the list of who is to be forgotten, found .*bring it back"):
        Forgotten.read(tmp_path)


def test_a_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert Forgotten.read(tmp_path).people == []
    some = listed("a", "b")
    some.write(tmp_path)
    assert Forgotten.read(tmp_path) == some


def test_a_raw_copy_with_peoples_data_is_closed_from_its_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError("a confined branch may change no modes")

    write(tmp_path, "a.json", [{"customer_id": "x", "amount": 1}])
    (tmp_path / "store").mkdir()
    monkeypatch.setattr(os, "chmod", refused)
    table = SourceTable("shop.sales", str(tmp_path / "in"), COLUMNS, personal=Personal(is_whole=True, others=PERSONAL.others))
    land(table, Store(tmp_path / "store"), [], key=KEY)
    found = [tmp_path / "store" / "shop.sales", *(tmp_path / "store" / "shop.sales").iterdir()]
    assert len(found) == 3 and not any(path.stat().st_mode & 0o077 for path in found)
