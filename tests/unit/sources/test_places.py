"""Whatever lies where a table's files are looked for is read, or named with the reason why it is not."""

import io
import itertools
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import digest
from scorehouse.sources.places import RawFile, beside, discover
from scorehouse.sources.raw_files import open_raw
from scorehouse.sources.tables import Column, SourceTable, land
from scorehouse.store.files import Store

TEXT = "id\na\n"


def _file(path: Path) -> None:
    path.write_text(TEXT)


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "part-0.csv").write_text(TEXT)


def _link_to(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def linked(path: Path) -> None:
        target = path.parent.parent / f"target-of-{path.name}"
        make(target)
        path.symlink_to(target)

    return linked


THINGS: dict[str, Callable[[Path], None]] = {
    "a file": _file,
    "a folder": _folder,
    "a link to a file": _link_to(_file),
    "a link to a folder": _link_to(_folder),
    "a link to nothing": lambda path: path.symlink_to(path.parent / "nothing"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a pipe": os.mkfifo,
}
PLACES = (
    "customers",
    "customers.csv",
    "Customers.csv.gz",
    "customers.zip",
    "customers/x",
    "customers/x.csv",
    "customers.csv/x.csv",
)


@pytest.mark.parametrize(("thing", "place"), list(itertools.product(THINGS, PLACES)))
@pytest.mark.parametrize("is_alone", [True, False])
def test_what_is_called_as_a_table_is_read_or_named(tmp_path: Path, thing: str, place: str, is_alone: bool) -> None:
    inbox = tmp_path / "inbox"
    path = inbox / place
    path.parent.mkdir(parents=True)
    THINGS[thing](path)
    if not is_alone:
        (inbox / "customers.tsv").write_text(TEXT)
    try:
        found = discover(str(inbox / "customers"))
        told = [file.name for file in found.files] + [one.name for one in found.unread]
    except ScorehouseError as error:
        told = [str(error)]
    told += [str(one) for one in beside(inbox, ["customers"])]
    assert [name for name in told if path.name in name], told


def test_a_file_whose_name_looks_like_a_pattern_is_found(tmp_path: Path) -> None:
    (tmp_path / "a[1].csv").write_text(TEXT)
    assert [file.name for file in discover(str(tmp_path / "a[1].csv")).files] == ["a[1].csv"]


NAMES = ("a.csv", "b.csv", "deep/a.csv", "deep/c.csv", "deep", "./d.csv", "e.txt")
TARGETS = ("a.csv", "b.csv", "../a.csv", "deep/c.csv", "deep", "d.csv", "gone.csv", "/etc/hosts", "../../up.csv")
MEMBERS = st.lists(
    st.one_of(
        st.tuples(st.just("file"), st.sampled_from(NAMES), st.integers(0, 99).map(str)),
        st.tuples(st.sampled_from(["symbolic", "hard"]), st.sampled_from(NAMES), st.sampled_from(TARGETS)),
        st.tuples(st.just("pipe"), st.sampled_from(NAMES), st.just("")),
    ),
    min_size=1,
    max_size=6,
)
KINDS = {"file": tarfile.REGTYPE, "symbolic": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "pipe": tarfile.FIFOTYPE}


def packed(members: list[tuple[str, str, str]], path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        for kind, name, what in members:
            one = tarfile.TarInfo(name)
            one.type = KINDS[kind]
            content = f"id\n{what}\n".encode() if kind == "file" else b""
            one.size, one.linkname = len(content), what if kind != "file" else ""
            archive.addfile(one, io.BytesIO(content))


def rows_of(file: RawFile) -> list[tuple[object, ...]]:
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as reader:
        open_raw(reader, file, {}, {}, Path(scratch), {})
        return reader.execute("select id from raw").fetchall()


@given(MEMBERS)
@settings(max_examples=60)
def test_every_member_of_a_tar_is_read_or_named_and_links_are_what_they_lead_to(members: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "in.tar"
        packed([*members, ("file", "z.csv", "z")], file)
        found = discover(str(file))
        told = [f"in.tar/{name}" for _, name, _ in [*members, ("", "z.csv", "")]]
        assert sorted([one.name for one in found.files] + [one.name for one in found.unread]) == sorted(told)
        contents = {what for kind, _, what in members if kind == "file"}  # a hard link is what was there before it
        for one in found.files:
            ((value,),) = rows_of(one)
            assert value in {*contents, "z"}
        last = {os.path.normpath(name): (kind, what) for kind, name, what in members}
        for name, (kind, what) in last.items():
            place = f"in.tar/{name}"
            read = [one for one in found.files if os.path.normpath(one.name) == place]
            if kind == "file" and name.endswith(".csv"):
                assert [rows_of(one) for one in read] == [[(what,)]]
            if kind == "symbolic" and name.endswith(".csv"):
                target = os.path.normpath(os.path.join(os.path.dirname(name), what))
                if last.get(target, ("",))[0] == "file":
                    assert [rows_of(one) for one in read] == [[(last[target][1],)]]
            if kind == "pipe":
                assert not read


def test_a_link_in_a_zip_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        link = zipfile.ZipInfo("b.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "a.csv")
    found = discover(str(tmp_path / "in.zip"))
    assert [one.name for one in found.files] == ["in.zip/a.csv"]
    assert [str(one) for one in found.unread] == [
        "in.zip/b.csv is not read: it is a link to no file of the archive; pack the file that is meant."
    ]


ODD = st.binary(max_size=8).map(lambda name: os.fsdecode(b"n" + name.translate(None, b"\x00/.")))
SHAPES = ("{}.csv", "{}/a.csv", "{}.txt", "{}.zip", "{}", ".{}.csv", "in.tar")


@given(ODD, st.sampled_from(SHAPES))
@settings(max_examples=80)
def test_whatever_bytes_a_name_has_it_is_read_or_named_in_a_text(name: str, shape: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in" / shape.format(name)
        path.parent.mkdir(parents=True)
        path.write_text(TEXT)
        if shape == "in.tar":
            packed([("file", f"{name}.csv", "a")], path)
        try:
            found = discover(folder + "/in")
            told = [*map(str, found.unread), *map(str, beside(Path(folder) / "in", ["items"]))]
        except ScorehouseError as error:
            found, told = None, [str(error)]
        assert "\\".join(told).encode().decode() == "\\".join(told)
        is_text = name.encode("utf-8", "replace").decode() == name
        if is_text and found and shape in ("{}.csv", "{}/a.csv", "in.tar"):
            assert [rows_of(file) for file in found.files] == [[("a",)]]
            assert digest([(file.name, file.place) for file in found.files])
        else:
            assert told
        assert is_text or not found or not found.files


def test_a_landed_name_that_is_no_text_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.csv")).write_text(TEXT)
    (tmp_path / "caf\u00e9.csv").write_text(TEXT)
    table, store = SourceTable("raw.x", str(tmp_path), (Column("id", "VARCHAR"),)), Store(tmp_path.parent / "store")
    found = discover(str(tmp_path))
    assert [file.row_count for file in land(table, store, [], found)] == [1]
    (told,) = map(str, found.unread)
    assert told.startswith(f"{tmp_path.name}/caf\\xe9.csv is not read: its name is no UTF-8")
