"""Whatever happens in whatever order: an incident is opened once, told of once, closed once."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from scorehouse.ledger.lines import Line
from scorehouse.nightly import incidents
from scorehouse.nightly.incidents import Failure, Shown
from scorehouse.nightly.triage import FailureClass

DAY = timedelta(days=1)
BEGAN = datetime(2026, 1, 1, 3, tzinfo=UTC)


def kind(name: str, scope: str = "node") -> FailureClass:
    return FailureClass(name, scope, name, "error", "data", "It means so.", "Do this.", "", "", 0, 0.0)


class Book:
    """A ledger in memory, one run after the other."""

    def __init__(self) -> None:
        self.runs: list[list[Line]] = []

    def run(self, failures: list[Failure], shown: Shown, now: datetime, is_reachable: bool = True) -> list[incidents.Message]:
        known = incidents.standing((number, lines) for number, lines in enumerate(self.runs, 1)).open
        change = incidents.change(known, failures, shown, len(self.runs) + 1, now, DAY)
        self.runs.append([])
        incidents.note(self, change)
        told = list(incidents.messages(change, "place", "standing", "log"))
        for message in told:
            self.write("alert", details={"keys": list(message.keys), "is_sent": is_reachable}, happened_at=now.isoformat())
        return told

    def write(self, event: str, **said: object) -> None:
        self.runs[-1].append(Line(event, **said))


NAMES = st.sampled_from(["a", "b", "c"])
NIGHTS = st.lists(st.tuples(st.sets(NAMES, max_size=3), st.booleans()), min_size=1, max_size=12)


@given(nights=NIGHTS)
def test_a_cause_is_told_once_when_it_comes_and_once_when_it_goes(nights: list[tuple[set[str], bool]]) -> None:
    book, open_before, heard = Book(), set(), set()
    for number, (broken, is_reachable) in enumerate(nights):
        failures = [Failure(kind("broken"), name, f"{name} broke", node=f"model.p.{name}") for name in sorted(broken)]
        told = book.run(failures, Shown(not broken, True), BEGAN + timedelta(hours=number), is_reachable)
        trouble = {key.removeprefix("broken: ") for one in told if one.kind == "failure" for key in one.keys}
        over = {key.removeprefix("broken: ") for one in told if one.kind == "recovery" for key in one.keys}
        closed = set() if broken else open_before
        assert trouble == {name for name in broken if name not in heard}
        assert over == closed & heard
        assert len([one for one in told if one.kind == "failure"]) <= 1
        heard = (heard | (trouble if is_reachable else set())) - closed
        open_before = (open_before | broken) - closed


def test_somebody_is_told_again_after_the_time_that_is_set() -> None:
    book, failure = Book(), Failure(kind("broken"), "a", "a broke", node="model.p.a")
    hours = [0, 1, 23, 24, 25, 47, 48, 49]
    told = [bool(book.run([failure], Shown(False, True), BEGAN + timedelta(hours=hour))) for hour in hours]
    assert told == [True, False, False, True, False, False, True, False]


def test_a_part_of_the_project_shows_mended_what_it_built() -> None:
    book = Book()
    book.run([Failure(kind("broken"), name, "", node=f"model.p.{name}") for name in ("a", "b")], Shown(False, True), BEGAN)
    (over,) = book.run([], Shown(False, True, frozenset({"model.p.a"})), BEGAN)
    assert over.keys == ("broken: a",)


def test_what_ends_a_whole_run_is_over_when_a_build_comes_through() -> None:
    book, killed = Book(), Failure(kind("killed", "run"), "", "it was killed")
    book.run([killed], Shown(False, False), BEGAN)
    assert book.run([], Shown(False, False), BEGAN) == []
    assert [one.kind for one in book.run([], Shown(False, True), BEGAN)] == ["recovery"]


def test_what_is_past_is_told_as_mended_by_a_whole_run_and_else_as_a_failure() -> None:
    past = Failure(kind("run_lost", "run"), "", "run 1 was lost", is_past=True)
    assert [one.kind for one in Book().run([past], Shown(True, True), BEGAN)] == ["recovery"]
    assert [one.kind for one in Book().run([past], Shown(False, True), BEGAN)] == ["failure"]


def test_a_clock_that_goes_back_hides_nothing() -> None:
    book, failure = Book(), Failure(kind("broken"), "a", "a broke", node="model.p.a")
    book.run([failure], Shown(False, True), BEGAN)
    assert [one.kind for one in book.run([failure], Shown(False, True), BEGAN - timedelta(days=400))] == ["failure"]
