"""People's data: nothing of it is in what is kept of a file, and everything else is as it was."""

import hashlib
import hmac
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorehouse.errors import ScorehouseError
from scorehouse.sources.keyed import Key
from scorehouse.sources.personal import Personal
from scorehouse.sources.tables import SourceTable, land, view_sql
from scorehouse.store.details import Column, LandedFile
from scorehouse.store.files import Store

KEY = Key("nobody guesses these bytes")
COLUMNS = (
    Column("customer_id", "VARCHAR", is_required=True, kind="id"),
    Column("email", "VARCHAR"),
    Column("country", "VARCHAR"),
    Column("properties", "JSON"),
    Column("line", "BIGINT", kind="line"),
    Column("fault", "VARCHAR", kind="fault_column"),
    Column("value", "VARCHAR", kind="fault_value"),
)
OTHERS = frozenset({"customer_id", "country", "properties"})
NAMED = Personal(frozenset({"email"}), OTHERS, names=("phone", "first_name", "ip_address"))
WHOLE = Personal(frozenset({"email"}), OTHERS, is_whole=True)
SECRET = "Zoë Quux-7731"
ADDRESS = "zoe.quux7731@mail.example.org"


def landed(
    files: dict[str, bytes], folder: Path, personal: Personal = NAMED, key: Key | None = KEY
) -> tuple[list[dict], list[LandedFile], str]:
    """Rows as a model reads them, the landed files, and every text in their copies."""
    for name, content in files.items():
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_bytes(content)
    table, store = SourceTable("landing.customers", str(folder / "in"), COLUMNS, personal=personal), Store(folder / "store")
    found = land(table, store, [], key=key)
    with duckdb.connect() as connection:
        rows = connection.sql(f"from ({view_sql(table, found, store)}) order by all").to_arrow_table().to_pylist()
        copies = [pq.read_table(file) for file in folder.glob("store/*/*.parquet")]
    kept = "".join(str(copy.to_pylist()) + str(copy.schema) for copy in copies)
    kept += "".join(file.read_text() for file in folder.glob("store/*/*.json"))
    return rows, found, kept


def csv_of(*rows: str, header: str = "customer_id,email,country,phone") -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def pseudonym(value: str) -> str:
    return "person-" + hmac.new(KEY.secret.encode(), value.encode(), hashlib.sha256).hexdigest()[:32]


def test_pseudonyms_are_the_keyed_hash_and_do_not_depend_on_case_or_blanks(tmp_path: Path) -> None:
    rows, (file,), _ = landed({"a.csv": csv_of("1,Ann@Example.org,DE,", "2, ann@example.org\u00a0,FR,n/a", "3,N/A,,")}, tmp_path)
    assert [row["email"] for row in rows] == [pseudonym("ann@example.org")] * 2 + [None]
    assert [row["properties"] for row in rows] == [None] * 3
    assert (file.masked, file.key) == (["email", "phone"], KEY.id)


def test_a_long_key_hashes_in_sql_as_anywhere(tmp_path: Path) -> None:
    long = Key("é" * 70)
    rows, *_ = landed({"a.csv": csv_of("1,x y,DE,")}, tmp_path, key=long)
    assert rows[0]["email"] == "person-" + long.hash("x y")[:32]


def test_ids_that_are_addresses_are_one_customer_however_they_are_spelled(tmp_path: Path) -> None:
    rows, *_ = landed({"a.csv": csv_of("Ann@Example.org,,DE,", " ann@example.org,,FR,", "17850.0,,IT,")}, tmp_path)
    assert {row["customer_id"] for row in rows} == {pseudonym("ann@example.org"), "17850"}


def test_ids_that_are_addresses_need_a_key(tmp_path: Path) -> None:
    with pytest.raises(ScorehouseError, match=r"column customer_id: expected ids that name nobody.*SCOREHOUSE_PERSONAL_KEY"):
        landed({"a.csv": csv_of("ann@example.org,,DE,")}, tmp_path, key=None)


@pytest.mark.parametrize("secret", ["short", "ééééééé"])
def test_a_key_that_can_be_guessed_is_refused(secret: str) -> None:
    with pytest.raises(ScorehouseError, match="expected at least 16 bytes"):
        Key.of(secret)


def test_a_new_key_and_a_new_declaration_land_the_files_anew(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(csv_of("1,ann@example.org,DE,1"))
    table, store = SourceTable("landing.customers", str(tmp_path / "in"), COLUMNS, personal=NAMED), Store(tmp_path / "store")
    first = land(table, store, [], key=KEY)
    for known in (land(table, store, first, key=None), land(table, store, first, key=Key("k" * 20))):
        assert known[0].content != first[0].content
    assert land(table, store, first, key=KEY) == first
    assert SourceTable("landing.customers", "in", COLUMNS, personal=WHOLE).declaration() != table.declaration()


def test_a_file_without_a_header_tells_nobody(tmp_path: Path) -> None:
    with pytest.raises(ScorehouseError) as refused:
        landed({"a.csv": f"{ADDRESS},DE\n".encode()}, tmp_path)
    assert ADDRESS not in str(refused.value)
    assert "expected the required column customer_id (VARCHAR), found only DE" in str(refused.value)


def test_of_a_row_with_too_many_cells_no_cell_is_kept(tmp_path: Path) -> None:
    rows, _, kept = landed({"a.csv": csv_of(f"1,,DE,{SECRET},{SECRET}", "2,,FR,")}, tmp_path)
    assert SECRET not in kept
    assert {(row["customer_id"], row["fault"], row["value"]) for row in rows} == {
        ("2", None, None),
        (None, "line", "5 cells instead of 4"),
    }


def test_a_cell_that_cannot_be_read_is_told_of_but_not_shown_where_the_table_is_about_people(tmp_path: Path) -> None:
    columns = (*COLUMNS, Column("signed_up_at", "TIMESTAMP"), Column("visits", "DOUBLE"))
    content = csv_of("1,2026-01-03,5", f"2,{SECRET},6", "3,,7,5", "4,,6.5", header="customer_id,signed_up_at,visits").replace(
        b"7,5", b'"7,5"'
    )
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(content)
    others = OTHERS | {"signed_up_at", "visits"}
    table = SourceTable("landing.customers", str(tmp_path / "in"), columns, personal=Personal(others=others, is_whole=True))
    store = Store(tmp_path / "store")
    query = f"select customer_id, fault, value from ({view_sql(table, land(table, store, []), store)}) order by all"
    assert duckdb.sql(query).fetchall() == [
        ("1", None, None),
        ("2", "signed_up_at", "(not shown)"),
        ("3", "visits", "7,5"),
        ("4", None, None),
    ]
    assert SECRET not in "".join(str(pq.read_table(file).to_pylist()) for file in tmp_path.glob("store/*/*.parquet"))


def test_what_an_analyst_declares_stays(tmp_path: Path) -> None:
    declared = Personal(frozenset(), OTHERS | {"phone"}, names=("phone",), is_whole=True)
    columns = (*COLUMNS, Column("phone", "VARCHAR", kind="property"))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(csv_of("1,,DE,blue", header="customer_id,size,country,phone"))
    table, store = SourceTable("landing.customers", str(tmp_path / "in"), columns, personal=declared), Store(tmp_path / "store")
    query = f"select phone, properties ->> '$.phone' from ({view_sql(table, land(table, store, []), store)})"
    assert duckdb.sql(query).fetchall() == [("blue", "blue")]


def cased(content: object) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content).encode()


def parquet_of(query: str) -> bytes:
    with TemporaryDirectory() as folder:
        duckdb.sql(query).write_parquet(f"{folder}/a.parquet")
        return Path(folder, "a.parquet").read_bytes()


PERSON = "Quux"
DISGUISES = {
    "an escape in a text": ("a.csv", csv_of('1,,,x,"{""n"": ""zoe\\u0040x.org""}"', header="customer_id,email,country,b,c")),
    "an escape in a text of JSON": ("a.json", [{"customer_id": 1, "c": '{"n": "zoe\\u0040x.org"}'}]),
    "broken JSON": ("a.csv", csv_of('1,"{""phone"": ""Quux"",""x"":"', header="customer_id,properties")),
    "broken JSON beside": ("a.csv", csv_of('1,"{""phone"": ""Quux"",""x"":"', header="customer_id,c")),
    "JSON in a text of JSON": ("a.json", [{"customer_id": 1, "properties": '{"phone": "Quux"}'}]),
    "JSON in a text of a member": ("a.json", [{"customer_id": 1, "properties": {"c": '{"phone": "Quux"}'}}]),
    "JSON in a list of texts": ("a.parquet", parquet_of("""select '1' as customer_id, ['{"phone":"Quux"}'] as c""")),
    "JSON in a struct": ("a.parquet", parquet_of("""select '1' as customer_id, {'x': '{"phone":"Quux"}'} as c""")),
    "a text of JSON that is JSON": ("a.csv", csv_of(r'1,"""{\""phone\"": \""Quux\""}"""', header="customer_id,c")),
    "a text of JSON that is JSON in a member": ("a.json", [{"customer_id": 1, "c": {"x": json.dumps('{"phone": "Quux"}')}}]),
    "a mark before JSON": ("a.csv", csv_of('1,"\ufeff{""phone"": ""Quux""}"', header="customer_id,c")),
    "broken JSON in a member": ("a.json", [{"customer_id": 1, "properties": {"c": '{"phone": "Quux", "x":'}}]),
    "broken JSON in a list": ("a.parquet", parquet_of("""select '1' as customer_id, ['{"phone":"Quux", "x":'] as c""")),
    "JSON with blanks in a struct": ("a.parquet", parquet_of("""select '1' as customer_id, {'x': '\n{ "phone":"Quux"}'} as c""")),
    "an object of Python in a struct": (
        "a.parquet",
        parquet_of("""select '1' as customer_id, {'x': '{''phone'':''Quux''}'} as c"""),
    ),
    "a struct": ("a.parquet", parquet_of("select '1' as customer_id, {'x': {'phone': 'Quux'}, 'y': 1} as c")),
    "a list of structs": ("a.parquet", parquet_of("select '1' as customer_id, [{'phone': 'Quux'}] as c")),
    "a map": ("a.parquet", parquet_of("select '1' as customer_id, map {'phone': 'Quux'} as c")),
    "a map's key": ("a.parquet", parquet_of("select '1' as customer_id, map {'zoe@x.org': 1} as properties")),
    "a union": ("a.parquet", parquet_of("select '1' as customer_id, {'u': 'zoe@x.org'::union(n int, s varchar)::varchar} as c")),
    "bytes in Latin-1": ("a.parquet", parquet_of("""select '1' as customer_id, '\\xEB zoe@x.org'::blob as c""")),
    "a name of a member": ("a.json", [{"customer_id": 1, "properties": {"zoe@x.org": 5}}]),
    "a name of a column": ("a.csv", csv_of("1,2", header="customer_id,zoe@x.org")),
    "a member that stands twice": ("a.json", b'[{"customer_id": 1, "properties": {"d": {"x": 1, "x": {"phone": "Quux"}}}}]'),
    "an object as a text": ("a.json", [{"customer_id": 1, "country": {"phone": "Quux"}}]),
    "an object as an id": ("a.json", [{"customer_id": {"phone": "Quux"}}]),
    "a pair of key and value": ("a.json", [{"customer_id": 1, "c": [{"key": "phone", "value": {"string_value": "Quux"}}]}]),
    "elements of several kinds": ("a.json", [{"customer_id": 1, "c": [1, {"phone": "Quux"}, "s"]}]),
    "deep": ("a.json", [{"customer_id": 1, "c": [[{"a": [{"b": {"Home Phones": ["Quux"]}}]}]]}]),
    "a URL": ("a.csv", csv_of("1,https://x.org/?m=zoe%2540x.org", header="customer_id,c")),
    "HTML": ("a.csv", csv_of("1,zoe&#64;x.org", header="customer_id,c")),
    "HTML by name": ("a.csv", csv_of("1,zoe&commat;x.org", header="customer_id,c")),
    "an escaped dot": ("a.csv", csv_of("1,zoe@x\\u002eorg", header="customer_id,c")),
    "escapes of programs": ("a.csv", csv_of("1,zoe\\x40x.org", header="customer_id,c")),
    "another script's dot": ("a.csv", csv_of("1,zoe@x\u3002org", header="customer_id,c")),
    "another script": ("a.csv", csv_of("1,zoe\uff20x.org,zoe@mu\u0308nchen.de", header="customer_id,c,d")),
    "words without gaps": ("a.csv", csv_of("1,Quux,Quux,Quux", header="customer_id,firstname,PHONES,phone1")),
}


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("key", [KEY, None])
def test_no_disguise_helps(tmp_path: Path, disguise: str, key: Key | None) -> None:
    name, content = DISGUISES[disguise]
    _, found, kept = landed({name: cased(content)}, tmp_path, key=key)
    for secret in (PERSON, "zoe@", "zoe\\u0040", "zoe%", "zoe&", "zoe\\x", "zoe\uff20", "mu\u0308nchen"):
        assert secret not in kept
        assert secret not in str(found)


@pytest.mark.parametrize("content", [["Quux", 5], "Quux", [{"Vorname": "Quux"}], 49171, '{"Vorname": "Quux"}'])
@pytest.mark.parametrize("key", [KEY, None])
def test_properties_that_are_no_object_are_whole_where_everything_is_personal(
    tmp_path: Path, content: object, key: Key | None
) -> None:
    rows = [{"customer_id": 1, "properties": content}, {"customer_id": 2, "properties": {"size": "Quux"}}]
    _, found, kept = landed({"a.json": cased(rows)}, tmp_path, WHOLE, key=key)
    assert not any(secret in kept + str(found) for secret in ("Quux", "49171"))


def test_what_stands_in_brackets_and_has_no_members_stays(tmp_path: Path) -> None:
    ids = ["{3F2504E0-4F89-11D3-9A0C-0305E82C3301}", "{3F2504E0-4F89-11D3-9A0C-0305E82C3302}", "[guest]"]
    content = csv_of(*(f"{one},[Sale] Tea: 2" for one in ids), header="customer_id,country")
    rows, (file,), _ = landed({"a.csv": content}, tmp_path)
    assert sorted(row["customer_id"] for row in rows) == sorted(ids)
    assert {row["country"] for row in rows} == {"[Sale] Tea: 2"}
    assert file.masked == []


def test_one_row_is_masked_for_itself_alone(tmp_path: Path) -> None:
    rows = [
        {"customer_id": 1, "properties": [{"phone": "x"}, 1.50]},
        {"customer_id": 2, "properties": {"page": "/a", "n": 1}},
        {"customer_id": 3, "properties": {"items": [{"sku": 1}]}},
        {"customer_id": 4, "properties": {"items": [{"phone": "x", "sku": 1}]}},
    ]
    found, *_ = landed({"a.json": cased(rows)}, tmp_path)
    assert [json.loads(row["properties"]) for row in found[1:3]] == [rows[1]["properties"], rows[2]["properties"]]
    assert json.loads(found[3]["properties"])["items"] == [{"phone": pseudonym("x"), "sku": 1}]


def test_threads_that_mask_side_by_side_mask_all(tmp_path: Path) -> None:
    rows = [{"customer_id": 1, "properties": {"phone" if place % 2 else "page": f"Quux{place}"}} for place in range(200_000)]
    _, _, kept = landed({"a.json": b"\n".join(json.dumps(row).encode() for row in rows)}, tmp_path)
    assert kept.count("Quux") == 100_000


def test_a_thousand_personal_members_are_no_trouble(tmp_path: Path) -> None:
    members = {f"k{place}": {"phone": PERSON} for place in range(1000)}
    _, _, kept = landed({"a.json": cased([{"customer_id": 1, "properties": members}])}, tmp_path)
    assert PERSON not in kept


HARMLESS = st.sampled_from(["tea", "a b", "", "17850", "logo@2x.png", "https://x.org/@you/a.html", "é", '{"a": 1}', "@", "1.50"])
PERSONAL_NAMES = st.sampled_from(
    ["phone", "Phone Number", "contactPhone", "first-name", "user.ip_address", "FIRST_NAME", "homePHONE_2"]
)


@st.composite
def people(draw: st.DrawFn) -> tuple[list[dict], list[dict]]:
    """Objects with somebody's data in any place, and the same objects without those members."""
    rows, without = [], []
    for number in range(draw(st.integers(1, 4))):
        row: dict = {"customer_id": str(number), "country": draw(HARMLESS), "size": draw(HARMLESS)}
        inner: dict = {"kept": draw(HARMLESS), "deep": {"kept": draw(st.integers(0, 9))}}
        hidden = {"kept": inner["kept"], "deep": dict(inner["deep"])}
        for place in draw(st.sets(st.sampled_from([0, 1, 2]))):
            name, value = draw(PERSONAL_NAMES), draw(st.sampled_from([SECRET, [SECRET], {"x": SECRET}, [{"y": SECRET}, 1]]))
            (row, inner, inner["deep"])[place][name] = value
        if draw(st.booleans()):
            inner["note"] = f"write to {ADDRESS}, please"
        if draw(st.booleans()):
            inner[ADDRESS] = 1
        if draw(st.booleans()):
            row[ADDRESS] = "1"
        if draw(st.booleans()):
            inner["list"] = draw(st.sampled_from([[{"phone": SECRET}], [{"phone": SECRET}, "s"], [[{"firstName": SECRET}]]]))
        row["properties"] = inner
        rows.append(row)
        without.append({**{k: row[k] for k in ("customer_id", "country", "size")}, "properties": hidden})
    return rows, without


def as_json(rows: list[dict]) -> bytes:
    return json.dumps(rows).encode()


def as_lines(rows: list[dict]) -> bytes:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


def as_csv(rows: list[dict]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pa.table({name: [_cell(row.get(name)) for row in rows] for name in names})
    with TemporaryDirectory() as folder:
        duckdb.from_arrow(table).write_csv(f"{folder}/a.csv")
        return Path(folder, "a.csv").read_bytes()


def _cell(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def as_parquet(rows: list[dict]) -> bytes:
    with TemporaryDirectory() as folder:
        Path(folder, "a.json").write_bytes(as_json(rows))
        duckdb.sql(f"from read_json('{folder}/a.json', maximum_depth => -1)").write_parquet(f"{folder}/a.parquet")
        return Path(folder, "a.parquet").read_bytes()


@settings(max_examples=40)
@given(made=people(), form=st.sampled_from([as_json, as_lines, as_csv, as_parquet]), key=st.sampled_from([KEY, None]))
def test_nothing_of_a_person_is_kept_and_nothing_else_is_lost(made: tuple, form: object, key: Key | None) -> None:
    rows, without = made
    suffix = {as_csv: "csv", as_parquet: "parquet"}.get(form, "json")
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        found, _, kept = landed({f"a.{suffix}": form(rows)}, Path(one), key=key)
        expected, *_ = landed({"a.json": as_json(without)}, Path(other), Personal(), key=key)
        for secret in (SECRET, ADDRESS, ADDRESS.upper(), SECRET.encode("unicode_escape").decode()):
            assert secret not in kept
            assert secret not in str(found)
        for row, clean in zip(found, expected, strict=True):
            assert row["customer_id"] == clean["customer_id"]
            assert (row["country"] or "") == (clean["country"] or "")
            assert json.loads(row["properties"])["deep"]["kept"] == json.loads(clean["properties"])["deep"]["kept"]
            assert json.loads(row["properties"]).get("kept") == json.loads(clean["properties"]).get("kept")
            assert (json.loads(row["properties"]).get("size") or "") == (json.loads(clean["properties"]).get("size") or "")


@settings(max_examples=20)
@given(made=people(), key=st.sampled_from([KEY, None]))
def test_of_a_table_that_is_whole_only_what_is_declared_stays(made: tuple, key: Key | None) -> None:
    rows, _ = made
    with TemporaryDirectory() as folder:
        found, _, kept = landed({"a.json": as_json([{**row, "Vorname": SECRET} for row in rows])}, Path(folder), WHOLE, key=key)
        assert SECRET not in kept
        for row in found:
            members = json.loads(row["properties"] or "{}")
            assert all(value is None or str(value).startswith("person-") for value in members.values()), members
            assert key or not any(members.values())
