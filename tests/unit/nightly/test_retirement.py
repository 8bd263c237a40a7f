"""What goes of a ledger is missed by nobody: the rest says what all of it said."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scorehouse.ledger import lines
from scorehouse.ledger.lines import FINISH, GREEN, START, Ledger
from scorehouse.nightly import incidents, retirement, watchdog

DAY = 86400
DAYS = 10


def wrote(folder: Path, age_days: float, *said: tuple[str, dict[str, object]]) -> Path:
    """A run so many days ago, and what it wrote."""
    ledger, at = Ledger(folder, "run"), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age_days * DAY))
    for event, details in ((START, {}), *said):
        ledger.write(event, details=details, happened_at=at)
    return ledger.file


def incident(state: str, key: str, since: int) -> tuple[str, dict[str, object]]:
    return "incident", {"state": state, "key": key, "failure_class": key, "contact": "platform", "since": since}


def alert(kind: str, key: str, is_sent: bool) -> tuple[str, dict[str, object]]:
    return "alert", {"kind": kind, "keys": [key], "is_sent": is_sent, "attempts": 1}


def test_old_files_go_and_numbers_go_on(tmp_path: Path) -> None:
    for age in (30, 20, 12, 9, 1, 0):
        wrote(tmp_path, age)
    retirement.retire(tmp_path, DAYS, 1)
    assert [lines.number_of(file) for file in lines.files(tmp_path)] == [4, 5, 6]
    assert lines.number_of(wrote(tmp_path, 0)) == 7


def test_the_newest_stays_whatever_its_age_and_what_came_behind_a_younger_one(tmp_path: Path) -> None:
    for age in (30, 2, 30):
        wrote(tmp_path, age)
    retirement.retire(tmp_path, DAYS, 1)
    assert [lines.number_of(file) for file in lines.files(tmp_path)] == [2, 3]
    for _ in range(2):
        wrote(tmp_path, 0)
    retirement.retire(tmp_path, 1, 1)
    assert [lines.number_of(file) for file in lines.files(tmp_path)] == [4, 5]


def test_a_clock_that_jumps_ahead_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for age in (9, 1, 0):
        wrote(tmp_path, age)
    ahead = time.time() + 1000 * DAY
    monkeypatch.setattr(retirement.time, "time", lambda: ahead)
    for age in (-1000, 0):
        retirement.retire(tmp_path, DAYS, 1)
        wrote(tmp_path, age)
    assert len(lines.files(tmp_path)) == 5


def test_the_oldest_go_while_all_are_too_large_but_nothing_of_today(tmp_path: Path) -> None:
    nodes = [("reused", {"reason": "x" * 1000})] * 20
    for age in (9, 8, 7, 0.5, 0, 0):
        wrote(tmp_path, age, *nodes)
    retirement.retire(tmp_path, DAYS, 0.1)
    assert [lines.number_of(file) for file in lines.files(tmp_path)] == [3, 4, 5, 6]
    retirement.retire(tmp_path, DAYS, 0.01)
    assert [lines.number_of(file) for file in lines.files(tmp_path)] == [4, 5, 6]


def test_what_stays_for_what_is_open_has_no_lines_of_nodes(tmp_path: Path) -> None:
    """An incident may be open for as long as it likes."""
    node = ("reused", {"reason": "x" * 1000})
    old = [wrote(tmp_path, 30, node, *said) for said in ((), [incident("opened", "a", 2)], ())]
    young = [wrote(tmp_path, age, node) for age in (1, 0)]
    before = incidents.standing(incidents.history(tmp_path)).open
    assert retirement.retire(tmp_path, DAYS, 1) == old[:1]
    assert [[line.event for line in lines.read(file)] for file in old[1:]] == [["start", "incident"], ["start"]]
    assert all(len([*lines.read(file)]) == 2 for file in young)
    assert incidents.standing(incidents.history(tmp_path)).open == before


@pytest.mark.parametrize("event", ["published", "confirmed"])
def test_what_an_sla_is_judged_by_stays(tmp_path: Path, event: str) -> None:
    whole = (FINISH, {"outcome": GREEN, "is_whole": True})
    for said in ((event, {}), whole), ((event, {}), whole), ((FINISH, {"outcome": "red"}),):
        wrote(tmp_path, 30, *said)
    for _ in range(2):
        wrote(tmp_path, 1)
    before = watchdog.last_whole_run(tmp_path)
    retirement.retire(tmp_path, DAYS, 1)
    assert [lines.number_of(file) for file in lines.files(tmp_path)] == [2, 3, 4, 5]
    assert watchdog.last_whole_run(tmp_path) == before is not None


DONE = st.sampled_from(["opened", "told", "not told", "closed", "end told", "nothing"])


OPENED_AGAIN = [("a", "opened"), ("a", "told"), ("a", "closed"), ("a", "opened"), ("a", "closed")]


@settings(max_examples=60)
@example(runs=OPENED_AGAIN, young=2)
@given(runs=st.lists(st.tuples(st.sampled_from("ab"), DONE), min_size=1, max_size=14), young=st.integers(2, 4))
def test_what_is_open_and_what_is_owed_stays_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[str, str]], young: int
) -> None:
    folder, opened_by = tmp_path_factory.mktemp("ledger"), dict.fromkeys("ab", 0)
    for number, (key, done) in enumerate(runs, start=1):
        opened_by |= {key: number} if done == "opened" and not opened_by[key] else {}
        said = {
            "opened": [incident("opened", key, number)],
            "told": [alert("failure", key, True)],
            "not told": [alert("failure", key, False)],
            "closed": [incident("closed", key, opened_by[key])],
            "end told": [alert("recovery", key, True)],
            "nothing": [],
        }[done]
        opened_by |= {key: 0} if done == "closed" else {}
        wrote(folder, 30 if number <= len(runs) - young else 1, *said)
    before = incidents.standing(incidents.history(folder))
    retirement.retire(folder, DAYS, 1)
    after = incidents.standing(incidents.history(folder))
    assert (after.open.keys(), {one.key for one in after.over}) == (before.open.keys(), {one.key for one in before.over})
    assert [one.since for one in after.open.values()] == [one.since for one in before.open.values()]


def test_who_may_not_delete_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    for age in (30, 1, 1):
        wrote(tmp_path, age)
    monkeypatch.setattr(Path, "unlink", refused)
    retirement.retire(tmp_path, DAYS, 1)
    assert len(os.listdir(tmp_path)) >= 3
