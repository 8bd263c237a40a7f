"""The audit trail: whoever edits, removes, adds or moves a line of it is found, and where."""

import hashlib
import json
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorehouse.errors import ScorehouseError
from scorehouse.ledger.audit import START, Line, Mark, append, fault, verified
from scorehouse.names.warehouse import Warehouse
from scorehouse.store.provenance import Author

AUTHOR = Author("main", "1f2e3d", "run-1")
texts = st.text(alphabet='ab"\\\n,:{}é\u2028🙂', max_size=8)
events = st.tuples(
    texts.filter(lambda name: name != "cut"), st.dictionaries(texts, texts | st.integers() | st.lists(texts), max_size=3)
)


def trail_of(told: list[tuple[str, dict]]) -> list[bytes]:
    """The lines of a trail of these events."""
    lines, last = [], START
    for event, details in told:
        line = Line.now(last, AUTHOR, event, details)
        lines.append(line.raw)
        last = line.mark
    return lines


trails = st.lists(events, min_size=3, max_size=12).map(trail_of)


def found(lines: list[bytes], written: list[bytes]) -> str | None:
    """What is found of lines, where others were written."""
    return fault(b"".join(line + b"\n" for line in lines), {".audit beside it": Line.read(written[-1]).mark})


@given(trails)
def test_an_untouched_trail_is_whole(written: list[bytes]) -> None:
    assert found(written, written) is None


@given(trails, st.data())
def test_an_edited_byte_is_found_in_its_line(written: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(written) - 1))
    at = data.draw(st.integers(0, len(written[place]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value not in (written[place][at], 10)))
    lines = [*written]
    lines[place] = lines[place][:at] + bytes([byte]) + lines[place][at + 1 :]
    assert re.match(rf"line {place + 1} (edited|cut or edited)", found(lines, written))


@given(trails, st.data(), st.sampled_from(["at", "event", "who", "details", "before"]))
def test_an_edited_line_that_is_hashed_anew_is_found(written: list[bytes], data: st.DataObject, member: str) -> None:
    place = data.draw(st.integers(0, len(written) - 1))
    known = {name: value for name, value in json.loads(written[place]).items() if name != "hash"}
    known[member] = {"by": "another hand"} if member == "details" else "another hand"
    lines = [*written]
    lines[place] = Line(**known).raw
    assert re.match(rf"line {place + 1} (or an earlier one, after line 0, )?edited", found(lines, written))


@given(trails, st.data())
def test_a_removed_line_is_found(written: list[bytes], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(written) - 1))
    assert found(written[:place] + written[place + 1 :], written).startswith(f"line {place + 1} removed")


@given(trails, st.data())
def test_lines_that_change_places_are_found_at_the_first(written: list[bytes], data: st.DataObject) -> None:
    first, second = sorted(data.draw(st.lists(st.integers(0, len(written) - 1), min_size=2, max_size=2, unique=True)))
    lines = [*written]
    lines[first], lines[second] = lines[second], lines[first]
    assert found(lines, written).startswith(f"line {first + 1} moved behind line {second + 1}: lines were reordered")


@given(trails, st.data())
def test_a_line_that_stands_twice_is_found(written: list[bytes], data: st.DataObject) -> None:
    copied, place = (data.draw(st.integers(0, len(written) - 1)) for _ in range(2))
    lines = [*written[: place + 1], written[copied], *written[place + 1 :]]
    last = place + 2 if copied == place + 1 else place + 1  # of twins the second is the copy
    assert found(lines, written) == f"a line added after line {last}"


@given(trails, st.data())
def test_a_trail_that_ends_too_early_is_found(written: list[bytes], data: st.DataObject) -> None:
    content = b"".join(line + b"\n" for line in written)
    length = data.draw(st.integers(0, len(content) - 2))
    kept = content[:length].count(b"\n") + (content[length : length + 1] == b"\n")
    known = {"release 1": Line.read(written[-1]).mark}
    assert re.match(
        rf"line {kept + 1} (removed|cut or edited): release 1 names line {len(written)}", fault(content[:length], known)
    )


@given(trails)
def test_the_hash_is_that_of_the_line_without_it(written: list[bytes]) -> None:
    before = "0" * 64
    for line in written:
        bare = re.sub(rb',"hash":"[0-9a-f]{64}"\}$', b"}", line)
        assert json.loads(line)["before"] == before
        assert json.loads(line)["hash"] == (before := hashlib.sha256(bare).hexdigest())


# -------------------------------------------------------------------- on the disk


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    place = Warehouse.of(tmp_path, "main")
    place.folder.mkdir()
    return place


def add(warehouse: Warehouse, *names: str) -> Mark:
    return [append(warehouse, AUTHOR, name, {"release": 1}) for name in names][-1]


def while_adding(warehouse: Warehouse, name: str) -> str:
    """Add a line; what `.audit` said while that was under way."""
    before = warehouse.audit_end.read_text()
    add(warehouse, name)
    return f"{before.strip()} {warehouse.audit_end.read_text()}"


def test_a_trail_is_only_added_to_and_is_for_owner_and_group(warehouse: Warehouse) -> None:
    add(warehouse, "published", "rolled back")
    before = warehouse.audit.read_bytes()
    add(warehouse, "erased")
    assert warehouse.audit.read_bytes().startswith(before)
    assert stat.S_IMODE(warehouse.audit.stat().st_mode) & 0o137 == 0
    told = verified(warehouse, {})
    assert [line.event for line in told.lines] == ["published", "rolled back", "erased"]
    assert not told.is_cut


@pytest.mark.parametrize("left", [0.1, 0.5, 0.99])
def test_a_line_that_a_crash_cut_is_kept_and_the_chain_goes_on(warehouse: Warehouse, left: float) -> None:
    add(warehouse, "published")
    before = warehouse.audit.read_bytes()
    end = while_adding(warehouse, "rolled back")
    line = warehouse.audit.read_bytes()[len(before) :]
    cut = line[: int(len(line) * left)]
    warehouse.audit.write_bytes(before + cut)  # as a process leaves it that dies while it writes
    warehouse.audit_end.write_text(end)
    assert verified(warehouse, {}).is_cut
    add(warehouse, "erased")
    assert before + cut + b"\n" in warehouse.audit.read_bytes()
    told = verified(warehouse, {})
    assert [line.event for line in told.lines] == ["published", "cut", "erased"]
    assert told.lines[1].details == {"bytes": len(cut), "sha256": hashlib.sha256(cut).hexdigest()}
    rest = warehouse.audit.read_bytes().removeprefix(before + cut)
    for harmed, what in ((rest[1:], "removed"), (cut + b"." + rest, "edited")):
        warehouse.audit.write_bytes(before + harmed)
        with pytest.raises(ScorehouseError, match=f"found the cut bytes behind line 1 {what}"):
            verified(warehouse, {})


def test_a_crash_before_the_line_break_or_the_end_is_named_loses_nothing(warehouse: Warehouse) -> None:
    add(warehouse, "published")
    end = while_adding(warehouse, "rolled back")
    warehouse.audit.write_bytes(warehouse.audit.read_bytes().removesuffix(b"\n"))
    warehouse.audit_end.write_text(end)
    assert len(verified(warehouse, {}).lines) == 2
    mark = add(warehouse, "erased")
    assert [line.event for line in verified(warehouse, {"release 1": mark}).lines] == ["published", "rolled back", "erased"]


def test_what_was_removed_at_the_end_stays_found_when_lines_are_added(warehouse: Warehouse) -> None:
    add(warehouse, "published", "rolled back", "erased")
    content = warehouse.audit.read_bytes()
    warehouse.audit.write_bytes(content[: content.rindex(b'{"number":3')])
    for _ in range(2):
        with pytest.raises(ScorehouseError, match=r"line 3 .*(removed|edited).*audit beside it"):
            verified(warehouse, {})
        add(warehouse, "published")


def test_a_trail_that_is_gone_with_its_end_is_found_by_the_releases(warehouse: Warehouse) -> None:
    mark = add(warehouse, "retrained", "published")
    warehouse.audit.unlink()
    warehouse.audit_end.unlink()
    assert verified(warehouse, {}).lines == []
    with pytest.raises(ScorehouseError, match="found line 1 removed: release 4 names line 2"):
        verified(warehouse, {"release 4": mark})


def test_a_trail_without_its_end_is_not_said_to_be_whole(warehouse: Warehouse) -> None:
    add(warehouse, "retrained", "published")
    warehouse.audit_end.unlink()
    add(warehouse, "erased")
    with pytest.raises(ScorehouseError, match=r"found no \.audit beside it, which names the last line"):
        verified(warehouse, {})


@pytest.mark.parametrize("behind", [b"junk\n", b"junk", b"{}\n", b"null\n", None])
def test_what_somebody_else_adds_behind_the_end_is_found_and_stays_found(warehouse: Warehouse, behind: bytes | None) -> None:
    last = add(warehouse, "published", "erased")
    forged = Line.now(last, AUTHOR, "published", {"release": 9}).raw + b"\n"
    warehouse.audit.write_bytes(warehouse.audit.read_bytes() + (forged if behind is None else behind))
    with pytest.raises(ScorehouseError, match=r"found a line added after line 2: \.audit beside it names line 2"):
        verified(warehouse, {})
    add(warehouse, "published")
    with pytest.raises(ScorehouseError, match="found a line added after line 2"):
        verified(warehouse, {})


def test_a_crash_at_any_byte_of_a_line_is_no_fault(warehouse: Warehouse) -> None:
    add(warehouse, "published")
    before = warehouse.audit.read_bytes()
    end = while_adding(warehouse, "erased")
    line = warehouse.audit.read_bytes()[len(before) :]
    for left in range(len(line) + 1):
        warehouse.audit.write_bytes(before + line[:left])
        warehouse.audit_end.write_text(end)
        verified(warehouse, {})
        add(warehouse, "rolled back")
        assert verified(warehouse, {}).lines[-1].event == "rolled back"
