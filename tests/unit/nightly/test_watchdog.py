"""The watchdog tells once, whatever it can write, and whatever it finds."""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scorehouse.ledger.lines import FINISH, GREEN, START, Ledger
from scorehouse.nightly import alerts, books, incidents, last_resort, retirement, watchdog
from scorehouse.nightly.alerts import Sent
from scorehouse.nightly.incidents import Message
from scorehouse.nightly.triage import Triage

REPOSITORY = Path(__file__).parents[3]

LATE = "seeds/operations/product_requirements.csv"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose last whole run was at the time of this test, and whose product may be a second old."""
    (tmp_path / "seeds/operations").mkdir(parents=True)
    shutil.copy(REPOSITORY / "seeds/operations/triage.csv", tmp_path / "seeds/operations")
    shutil.copy(REPOSITORY / "dbt_project.yml", tmp_path)
    (tmp_path / LATE).write_text("endpoint,product,sla_hours\nscores,scores,0.0001\n")
    ledger = Ledger(tmp_path / "warehouse/main/ledger", "night")
    ledger.write(START)
    ledger.write(FINISH, details={"outcome": GREEN, "is_whole": True}, happened_at=ago(hours=9))
    return tmp_path


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's temporary files are."""
    place = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    titles: list[str] = []

    def send(message: Message, _: object) -> Sent:
        titles.append(message.title)
        return Sent(True, 1)

    monkeypatch.setattr(alerts, "send", send)
    yield titles


def belongs_to_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the warehouse nothing is this user's."""
    ours = books.is_ours
    monkeypatch.setattr(books, "is_ours", lambda folder, is_own: is_own and ours(folder, is_own))


def takes_nothing(monkeypatch: pytest.MonkeyPatch, *places: Path) -> None:
    """There is no room for another line at some places."""
    write = Ledger._write_waiting

    def written(ledger: Ledger) -> None:
        if any(ledger._folder.is_relative_to(place) for place in places):
            raise OSError(28, "No space left on device")
        write(ledger)

    monkeypatch.setattr(Ledger, "_write_waiting", written)


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


def look(project: Path, later_minutes: float = 0, **environment: str) -> int:
    given = {"SCOREHOUSE_BRANCH": "main", "SCOREHOUSE_ALERT": "json://nowhere", **environment}
    return watchdog.watch(project, given, datetime.now(UTC) + timedelta(minutes=later_minutes))


def nobody_takes(message: Message, environment: Mapping[str, str]) -> Sent:
    return Sent(False, 3, "1 of 1 addresses did not take it") if environment.get("SCOREHOUSE_ALERT") else Sent(False, 0, "none")


@pytest.mark.parametrize("is_written", [True, False])
def test_what_is_late_is_told_once_and_its_end_too(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, is_written: bool
) -> None:
    if not is_written:
        belongs_to_another_user(monkeypatch)
    before = sorted((project / "warehouse/main/ledger").iterdir())
    assert [look(project) for _ in range(3)] == [watchdog.LATE] * 3
    (project / LATE).write_text("endpoint,product,sla_hours\nscores,scores,24\n")
    assert [look(project) for _ in range(3)] == [watchdog.WELL] * 3
    assert told == ["[Scorehouse main] error: sla_missed", "[Scorehouse main] recovered: sla_missed"]
    if not is_written:
        assert sorted((project / "warehouse/main/ledger").iterdir()) == before


def test_a_run_that_was_killed_hides_no_missed_promise(project: Path, told: list[str]) -> None:
    ledger = Ledger(project / "warehouse/main/ledger", "killed")
    ledger.write(START)
    said = {"key": "run_lost", "failure_class": "run_lost", "contact": "platform"}
    ledger.write("incident", message="nightly run 2 ended without a word", details={"state": "opened", **said})
    ledger.write("alert", details={"kind": "failure", "keys": ["run_lost"], "is_sent": True})
    assert look(project) == watchdog.LATE
    assert told == ["[Scorehouse main] error: sla_missed"]


def test_a_folder_without_a_project_is_told_once_and_its_return_too(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (project / "dbt_project.yml").unlink()
    monkeypatch.setenv("DBT_PROJECT_DIR", str(project))
    monkeypatch.setenv("SCOREHOUSE_BRANCH", "main")
    assert [watchdog.main() for _ in range(2)] == [watchdog.LATE] * 2
    assert len(told) == 1
    assert capsys.readouterr().out.startswith("WRONG: ")
    assert not (project / "logs").exists()
    shutil.copy(REPOSITORY / "dbt_project.yml", project)
    (project / LATE).write_text("endpoint,product,sla_hours\nscores,scores,24\n")
    assert [watchdog.main() for _ in range(2)] == [watchdog.WELL] * 2
    assert ["recovered" in title for title in told] == [False, True]


@pytest.mark.parametrize("name", ["_answer", "_remember", "_end"])
def test_what_ends_the_watchdog_itself_is_told_once_and_its_end_too(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    called_for(project, monkeypatch)
    with monkeypatch.context() as broken:
        broken.setattr(watchdog, name, fails_unforeseen)
        assert [watchdog.main() for _ in range(3)] == [watchdog.LATE] * 3
    assert told == ["[Scorehouse main] error: crashed"]
    assert [watchdog.main() for _ in range(2)] == [watchdog.WELL] * 2
    assert told[1:] == ["[Scorehouse main] recovered: crashed"]


@pytest.mark.parametrize(
    "owner", [(books, "own_places"), (books, "alone"), (incidents, "standing"), (incidents, "change"), (Triage, "read")], ids=str
)
def test_what_ends_the_watchdog_is_told_once_too_where_what_remembers_and_words_it_is_what_fails(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, owner: tuple[object, str]
) -> None:
    called_for(project, monkeypatch)
    with monkeypatch.context() as broken:
        broken.setattr(*owner, fails_unforeseen)
        assert [watchdog.main() for _ in range(3)] == [watchdog.LATE] * 3
    assert len(told) == 1 and ("crashed" in told[0] or "could not go on" in told[0])
    assert [watchdog.main() for _ in range(2)] == [watchdog.WELL] * 2
    assert len(told) == 2 and "recovered" in told[1]


def test_a_mark_of_somebody_else_silences_nobody(project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    called_for(project, monkeypatch)
    monkeypatch.setattr(books, "own_places", fails_unforeseen)
    monkeypatch.setattr(last_resort, "_is_ours", lambda _: False)
    assert [watchdog.main() for _ in range(2)] == [watchdog.LATE] * 2
    assert len(told) == 2


def test_files_that_cannot_go_keep_no_look_from_telling(project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    called_for(project, monkeypatch)
    (project / LATE).write_text("endpoint,product,sla_hours\nscores,scores,0.0001\n")
    monkeypatch.setattr(retirement, "retire", fails_unforeseen)
    assert [watchdog.main() for _ in range(3)] == [watchdog.LATE] * 3
    assert len(told) == 2 and "sla_missed" in "".join(told) and "crashed" in "".join(told)


def called_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watchdog is called for a project that is well."""
    (project / LATE).write_text("endpoint,product,sla_hours\nscores,scores,24\n")
    for name, value in (("DBT_PROJECT_DIR", str(project)), ("SCOREHOUSE_BRANCH", "main"), ("SCOREHOUSE_ALERT", "json://nowhere")):
        monkeypatch.setenv(name, value)


def fails_unforeseen(*_: object) -> None:
    raise LookupError("nobody thought of this")


def test_a_warehouse_that_cannot_be_reached_is_told_once_and_its_return_too(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / LATE).write_text("endpoint,product,sla_hours\nscores,scores,24\n")
    monkeypatch.setattr(incidents, "served_now", fails("Permission denied"))
    assert [look(project) for _ in range(3)] == [watchdog.LATE] * 3
    assert len(told) == 1 and "no_access" in told[0]
    monkeypatch.undo()
    monkeypatch.setattr(alerts, "send", lambda message, _: told.append(message.title) or Sent(True, 1))
    assert [look(project) for _ in range(2)] == [watchdog.WELL] * 2
    assert len(told) == 2 and "recovered: no_access" in told[1]


def test_what_a_night_told_is_reminded_of_once_a_day_from_a_ledger_of_its_own(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(project / "warehouse/main/ledger", "night")
    said = {"key": "sla_missed", "failure_class": "sla_missed", "contact": "platform"}
    ledger.write("incident", message="no whole run", details={"state": "opened", **said}, happened_at=ago(days=2))
    sent = {"kind": "failure", "keys": ["sla_missed"], "is_sent": True}
    ledger.write("alert", details=sent, happened_at=ago(days=2))
    belongs_to_another_user(monkeypatch)
    assert [look(project) for _ in range(4)] == [watchdog.LATE] * 4
    assert told == ["[Scorehouse main] error: sla_missed"]


def test_two_warehouses_are_remembered_apart(project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    belongs_to_another_user(monkeypatch)
    other = Ledger(project / "other/main/ledger", "night")
    other.write(FINISH, details={"outcome": GREEN, "is_whole": True}, happened_at=ago())
    environment = {"SCOREHOUSE_BRANCH": "main", "SCOREHOUSE_ALERT": "json://nowhere", "WAREHOUSE_PATH": str(project / "other")}
    for _ in range(2):
        assert (look(project), watchdog.watch(project, environment, datetime.now(UTC))) == (watchdog.LATE, watchdog.WELL)
    assert told == ["[Scorehouse main] error: sla_missed"]


def test_what_is_wrong_with_the_promises_is_not_late_and_closed_when_it_is_mended(
    project: Path, told: list[str], capsys: pytest.CaptureFixture
) -> None:
    (project / LATE).write_text("endpoint,product,sla_hours\nscores,scores,one day\n")
    assert look(project) == look(project) == watchdog.LATE
    assert capsys.readouterr().out.startswith("WRONG: ")
    (project / LATE).write_text("endpoint,product,sla_hours\nscores,scores,24\n")
    assert look(project) == watchdog.WELL
    assert [title.split("] ")[1].split(":")[0] for title in told] == ["error", "recovered"]


def opened(project: Path, key: str, message: str, **at: float) -> Ledger:
    """A night's ledger that opened an incident and told of it."""
    ledger, when = Ledger(project / "warehouse/main/ledger", "night"), ago(**at)
    said = {"key": key, "failure_class": key.split(":")[0], "contact": "platform"}
    ledger.write(START)
    ledger.write("incident", message=message, details={"state": "opened", **said}, happened_at=when)
    ledger.write("alert", details={"kind": "failure", "keys": [key], "is_sent": True}, happened_at=when)
    return ledger


def kept(project: Path, folder: str) -> set[str]:
    """Keys of what is open in a ledger."""
    return {key for place in project.glob(folder) for key in incidents.standing(incidents.history(place)).open}


def test_what_a_night_found_wrong_with_the_promises_is_over_when_a_night_says_so(project: Path, told: list[str]) -> None:
    (project / LATE).write_text("endpoint,product,sla_hours\nscores,scores,24\n")
    opened(project, "project_rule: operations/product_requirements.csv", f"{LATE}: expected a row for scores, found none")
    assert look(project) == watchdog.WELL
    assert told == []


def test_what_is_wrong_on_the_watchdogs_machine_is_none_of_the_branchs_incidents(project: Path, told: list[str]) -> None:
    (project / LATE).unlink()
    opened(project, "project_rule: operations/product_requirements.csv", f"{LATE}: expected a row for scores, found none")
    assert [look(project) for _ in range(2)] == [watchdog.LATE] * 2
    assert len(told) == 1, "a night's trouble with its file is another machine's"
    assert kept(project, "logs/watchdog/main-*") == {"project_rule: operations/product_requirements.csv"}


@pytest.mark.parametrize("unasked", [(incidents, "served_now"), (watchdog, "last_whole_run"), (watchdog, "slas")])
def test_what_could_not_be_asked_is_not_over(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, unasked: tuple[object, str]
) -> None:
    assert look(project) == watchdog.LATE
    monkeypatch.setattr(*unasked, fails("Permission denied"))
    assert [look(project) for _ in range(2)] == [watchdog.LATE] * 2
    assert [title.split("] ")[1].split(": /")[0] for title in told] == ["error: sla_missed", "error: no_access"]


def test_a_mount_that_fails_now_so_and_now_otherwise_is_told_once(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for why in ("Stale file handle", "Transport endpoint is not connected", "Host is down", "Stale file handle"):
        monkeypatch.setattr(incidents, "served_now", fails(why))
        assert look(project) == watchdog.LATE
    assert len(told) == 1


def test_where_classes_cannot_be_read_nothing_is_over_for_its_other_name(project: Path, told: list[str]) -> None:
    assert look(project) == watchdog.LATE
    (project / "seeds/operations/triage.csv").unlink()
    assert look(project) == watchdog.LATE
    assert not any("recovered" in title for title in told)


def fails(why: str) -> Callable[..., str]:
    def gone(*_: object) -> str:
        raise OSError(5, why, "/srv/warehouse/main")

    return gone


@pytest.mark.parametrize("full", [[], ["warehouse"], ["warehouse", "logs"]])
def test_what_is_late_is_told_once_wherever_there_is_room_to_remember_it(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, full: list[str]
) -> None:
    takes_nothing(monkeypatch, *(project / place for place in full))
    assert [look(project) for _ in range(3)] == [watchdog.LATE] * 3
    (project / LATE).write_text("endpoint,product,sla_hours\nscores,scores,24\n")
    assert [look(project) for _ in range(3)] == [watchdog.WELL] * 3
    assert told == ["[Scorehouse main] error: sla_missed", "[Scorehouse main] recovered: sla_missed"]


def test_where_nothing_can_be_remembered_it_is_told_all_the_same(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    takes_nothing(monkeypatch, project, temporary)
    assert look(project) == watchdog.LATE
    assert told == ["[Scorehouse main] error: sla_missed"]


def test_a_warehouse_that_is_not_mounted_is_not_built_in_its_mount_point(project: Path, told: list[str]) -> None:
    (project / "warehouse").rename(project / "elsewhere")
    (project / "warehouse").mkdir()
    assert [look(project) for _ in range(2)] == [watchdog.LATE] * 2
    assert len(told) == 1 and list((project / "warehouse").iterdir()) == []


def test_a_warehouse_that_never_answers_is_told_of_once(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(watchdog, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(incidents, "served_now", lambda _: threading.Event().wait())
    assert [look(project) for _ in range(2)] == [watchdog.LATE] * 2
    assert len(told) == 1 and "no_access" in told[0]
    assert "found no answer within 0 s; look whether it is mounted" in capsys.readouterr().out


def test_a_folder_that_somebody_else_made_among_temporary_files_is_neither_read_nor_written(
    project: Path, told: list[str], temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = project / "theirs"
    theirs.mkdir()
    takes_nothing(monkeypatch, project / "warehouse", project / "logs")
    _, place = books.own_places("watchdog", project, {"SCOREHOUSE_BRANCH": "main"}, "main")
    assert place.parent == temporary
    place.symlink_to(theirs)
    assert look(project) == watchdog.LATE
    assert len(told) == 1 and list(theirs.iterdir()) == []


def test_an_end_that_could_not_be_told_is_told_by_a_later_look(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    belongs_to_another_user(monkeypatch)
    assert look(project) == watchdog.LATE
    (project / LATE).write_text("endpoint,product,sla_hours\nscores,scores,24\n")
    with monkeypatch.context() as silent:
        silent.setattr(alerts, "send", nobody_takes)
        assert look(project) == watchdog.WELL
    assert [look(project, later) for later in (1, 9)] == [watchdog.WELL] * 2 and len(told) == 1
    assert [look(project, later) for later in (15, 16)] == [watchdog.WELL] * 2
    assert told == ["[Scorehouse main] error: sla_missed", "[Scorehouse main] recovered: sla_missed"]


def written(project: Path) -> int:
    """So many lines the watchdog wrote."""
    files = [*project.glob("warehouse/main/ledger/*watchdog.jsonl"), *project.glob("logs/watchdog/*/*.jsonl")]
    return sum(len(file.read_text().splitlines()) for file in files)


@pytest.mark.parametrize("place", ["warehouse", "logs"])
def test_a_message_that_nobody_takes_is_sent_again_after_a_pause(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if place == "logs":
        belongs_to_another_user(monkeypatch)
    with monkeypatch.context() as silent:
        silent.setattr(alerts, "send", nobody_takes)
        look(project)
        before = written(project)
        assert [look(project, later) for later in (1, 2, 9)] == [watchdog.LATE] * 3
        assert written(project) == before
    assert look(project, 15) == look(project, 16) == watchdog.LATE
    assert told == ["[Scorehouse main] error: sla_missed"]


def test_where_no_address_is_set_a_look_writes_once_and_the_next_one_with_an_address_tells(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as silent:
        silent.setattr(alerts, "send", nobody_takes)
        look(project, SCOREHOUSE_ALERT="")
        before = written(project)
        assert [look(project, later, SCOREHOUSE_ALERT="") for later in (1, 60, 3000)] == [watchdog.LATE] * 3
        assert written(project) == before
    assert look(project, 3000) == watchdog.LATE
    assert told == ["[Scorehouse main] error: sla_missed"]


def test_two_looks_at_once_tell_once(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    sent, statuses = alerts.send, []

    def slow(message: Message, environment: Mapping[str, str]) -> Sent:
        statuses.append(look(project))
        return sent(message, environment)

    monkeypatch.setattr(alerts, "send", slow)
    assert look(project) == watchdog.LATE
    assert statuses == [watchdog.WELL] and len(told) == 1
    assert capsys.readouterr().out.startswith("Another look at main is under way (pid ")


def test_a_look_that_hangs_keeps_no_later_one_from_telling(project: Path, told: list[str]) -> None:
    given = {"SCOREHOUSE_BRANCH": "main", "SCOREHOUSE_ALERT": "json://nowhere"}
    places = books.own_places("watchdog", project, given, "main")
    with books.alone(places):
        assert look(project) == watchdog.WELL and told == []
        ages_ago = time.time() - books.HANGS_SECONDS - 1
        os.utime(places[0] / ".lock", (ages_ago, ages_ago))
        assert look(project) == watchdog.LATE and len(told) == 1


def heard(*states: str) -> list[str]:
    return [f"[Scorehouse main] {state}: sla_missed" for state in states]


def test_what_a_night_tells_too_ends_once(project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The watchdog, which may only read, told first; a red night told then, and a whole one of the end."""
    belongs_to_another_user(monkeypatch)
    look(project)
    night = opened(project, "sla_missed", "no whole run of main", hours=-0.1)
    assert look(project) == watchdog.LATE
    assert kept(project, "logs/watchdog/main-*") == set()
    ends(night, "sla_missed")
    assert [look(project, later) for later in (10, 11, 60)] == [watchdog.WELL] * 3
    assert told == heard("error")


def test_what_a_whole_night_ended_before_another_look_is_ended_without_a_word(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    belongs_to_another_user(monkeypatch)
    look(project)
    ends(opened(project, "sla_missed", "no whole run of main", hours=-0.1), "sla_missed")
    assert [look(project, later) for later in (10, 60)] == [watchdog.WELL] * 2
    assert told == heard("error") and kept(project, "logs/watchdog/main-*") == set()


def test_what_is_late_no_longer_though_no_run_came_is_said_by_whoever_writes_the_branchs_ledger(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was reminded of by the watchdog, and so is in both books."""
    opened(project, "sla_missed", "no whole run of main", days=2)
    with monkeypatch.context() as theirs:
        belongs_to_another_user(theirs)
        look(project)
    (project / LATE).write_text("endpoint,product,sla_hours\nscores,scores,24\n")
    assert [look(project) for _ in range(2)] == [watchdog.WELL] * 2
    assert told == heard("error", "recovered")


@pytest.mark.parametrize(("hours", "is_due"), [(1, False), (25, False), (40, False), (49, True)])
def test_a_reminder_is_left_to_the_nights_as_long_as_they_give_them(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, hours: float, is_due: bool
) -> None:
    belongs_to_another_user(monkeypatch)
    opened(project, "sla_missed", "no whole run of main", hours=hours)
    assert [look(project) for _ in range(2)] == [watchdog.LATE] * 2
    assert told == (heard("error") if is_due else [])


def ends(night: Ledger, key: str) -> None:
    """A night comes to its end, and says that something is over."""
    said = {"key": key, "failure_class": key, "contact": "platform", "since": night.number}
    night.write("incident", message="no whole run of main", details={"state": "closed", **said}, happened_at=ago(hours=-0.12))
    night.write("alert", details={"kind": "recovery", "keys": [key], "is_sent": True}, happened_at=ago(hours=-0.12))
    night.write(FINISH, details={"outcome": GREEN, "is_whole": True}, happened_at=ago(hours=-0.15))
    (Path(night.file).parents[3] / LATE).write_text("endpoint,product,sla_hours\nscores,scores,24\n")


def run_ended(project: Path, event: str = FINISH, **at: float) -> None:
    ledger = Ledger(project / "warehouse/main/ledger", "later")
    ledger.write(event, details={"outcome": GREEN, "is_whole": True} if event == FINISH else {}, happened_at=ago(**at))


def test_a_clock_that_was_ahead_once_hides_no_missed_promise(project: Path, told: list[str]) -> None:
    run_ended(project, hours=-5)
    assert [look(project) for _ in range(2)] == [watchdog.LATE] * 2
    assert told == ["[Scorehouse main] warning: clock_jump and 1 more"]


def test_a_clock_that_was_ahead_is_over_when_another_whole_run_has_ended(project: Path, told: list[str]) -> None:
    """Not when its time has come: what that run wrote is as wrong as before."""
    (project / LATE).write_text("endpoint,product,sla_hours\nscores,scores,24\n")
    run_ended(project, hours=-5)
    assert [look(project), look(project, 60 * 6)] == [watchdog.LATE, watchdog.WELL]
    assert told == ["[Scorehouse main] warning: clock_jump"]
    run_ended(project, hours=-6)
    assert look(project, 60 * 7) == watchdog.WELL
    assert told[1:] == ["[Scorehouse main] recovered: clock_jump"]


@pytest.mark.parametrize("event", ["published", "confirmed"])
def test_a_run_that_was_killed_after_it_published_has_kept_the_promise(project: Path, told: list[str], event: str) -> None:
    (project / LATE).write_text("endpoint,product,sla_hours\nscores,scores,1\n")
    run_ended(project, event, minutes=5)
    assert look(project) == watchdog.WELL and told == []


def test_one_file_of_somebody_else_is_told_though_a_newer_one_can_be_read(
    project: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_ended(project, minutes=5)
    access = os.access
    monkeypatch.setattr(os, "access", lambda place, mode: "00000001" not in str(place) and access(place, mode))
    assert look(project) == watchdog.LATE
    assert len(told) == 1 and "no_access" in told[0]
