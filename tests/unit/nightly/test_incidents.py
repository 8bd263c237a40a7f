"""Whatever happens in whatever order: an incident is opened once, told of once, closed once."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from scorehouse.ledger.lines import Line
from scorehouse.nightly import incidents, supervise
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
        before = incidents.standing((number, lines) for number, lines in enumerate(self.runs, 1))
        change = incidents.change(before.open, failures, shown, len(self.runs) + 1, now, DAY)
        self.runs.append([])
        incidents.note(self, change)
        told = list(incidents.messages(change, "place", "standing", "log", before.over))
        for message in told:
            details = {"kind": message.kind, "keys": list(message.keys), "is_sent": is_reachable, "attempts": 3}
            self.write("alert", details=details, happened_at=now.isoformat())
        return told

    @property
    def number(self) -> int:
        return len(self.runs)

    def write(self, event: str, **said: object) -> None:
        self.runs[-1].append(Line(event, **said))


NAMES = st.sampled_from(["a", "b", "c"])
NIGHTS = st.lists(st.tuples(st.sets(NAMES, max_size=3), st.booleans()), min_size=1, max_size=12)


@given(nights=NIGHTS)
def test_the_last_that_a_team_heard_of_a_cause_is_true_and_nothing_is_said_twice(nights: list[tuple[set[str], bool]]) -> None:
    """Whether it is broken, as the team knows it after each night on which the message got through; and what is sent is news.

    Of what was broken while nobody could be reached they hear too, though it is mended.
    """
    book, believed, unheard = Book(), dict.fromkeys("abc", False), set()
    for number, (broken, is_reachable) in enumerate(nights):
        failures = [Failure(kind("broken"), name, f"{name} broke", node=f"model.p.{name}") for name in sorted(broken)]
        told = book.run(failures, Shown(not broken, True), BEGAN + timedelta(hours=number), is_reachable)
        said = [(one.kind == "failure", key.removeprefix("broken: ")) for one in told for key in one.keys]
        assert len(said) == len({name for _, name in said}), "a cause is said to be broken and mended at once"
        for is_broken, name in said:
            is_news = is_broken != believed[name] or name in unheard
            assert is_news or name in broken or not is_reachable, "an end is told once"
            believed[name] = is_broken if is_reachable else believed[name]
        unheard = (
            unheard - {name for _, name in said} if is_reachable else unheard | {name for is_broken, name in said if is_broken}
        )
        if is_reachable:
            assert broken or not unheard, "after a whole green night they know of everything that was broken"
            assert {name for name in broken if not believed[name]} == set(), "who can be reached knows what is broken"
            assert broken or not any(believed.values()), "after a whole green night nobody thinks that anything is broken"


def test_somebody_is_told_again_after_the_time_that_is_set() -> None:
    book, failure = Book(), Failure(kind("broken"), "a", "a broke", node="model.p.a")
    hours = [0, 1, 22, 24, 25, 46, 48, 49]
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


def test_what_was_past_when_it_was_seen_is_told_though_the_message_was_not_taken() -> None:
    past, book = Failure(kind("run_lost", "run"), "", "run 1 was lost", is_past=True), Book()
    book.run([past], Shown(True, True), BEGAN, is_reachable=False)
    assert [one.keys for one in book.run([], Shown(True, True), BEGAN, is_reachable=False)] == [("run_lost",)]
    assert [one.kind for one in book.run([], Shown(True, True), BEGAN)] == ["recovery"]
    assert book.run([], Shown(True, True), BEGAN) == []


def test_who_may_have_heard_hears_of_the_end_though_the_run_was_killed_while_it_told() -> None:
    opened = {"state": "opened", "key": "killed", "failure_class": "killed", "contact": "platform"}
    telling = Line(incidents.TELLING, details={"kind": "failure", "keys": ["killed"]})
    for said, is_owed in (([], False), ([telling], True)):
        (incident,) = incidents.standing([(1, [Line("incident", details=opened), *said])]).open.values()
        assert incident.is_owed == is_owed


def test_a_ledger_of_odd_types_is_read() -> None:
    """Nobody writes such lines; a disk, or a person, may."""
    closed = {"state": "closed", "key": "x", "since": [1]}
    assert incidents.standing([(1, [Line("incident", details=closed)])]).open == {}
    whole = Line("finish").text()
    for name, value in (("up", '"soon"'), ("seconds", "[1]"), ("row_count", '{"a": 1}'), ("up", "true")):
        odd = json.dumps(json.loads(whole) | {name: json.loads(value)})
        assert Line.read(odd).event == "cut", odd
    assert Line.read(whole).event == "finish"


def test_a_clock_that_goes_back_hides_nothing() -> None:
    book, failure = Book(), Failure(kind("broken"), "a", "a broke", node="model.p.a")
    book.run([failure], Shown(False, True), BEGAN)
    assert [one.kind for one in book.run([failure], Shown(False, True), BEGAN - timedelta(days=400))] == ["failure"]


def test_another_sentence_is_another_cause_and_other_numbers_in_it_are_not() -> None:
    """Of classes whose sentence is the cause; those of the machine say what was at work, and are one."""
    said = kind("project_broken", "sentence")
    keys = [
        Failure(said, "", text).key for text in ("model a: x is none", "model b: x is none", "pid 7 at 0x1f", "pid 8 at 0x2e")
    ]
    assert len({*keys[:2]}) == 2 and keys[2] == keys[3]
    assert Failure(kind("killed", "run"), "", "after a").key == Failure(kind("killed", "run"), "", "after b").key
    assert Failure(kind("sql_error"), "", "one").key != Failure(kind("sql_error"), "", "two").key


def test_what_began_while_another_run_was_under_way_is_closed_by_that_run_and_another_outage_is_new() -> None:
    """The ledger has runs by their beginnings: the run that ends later, and closes it, stands before the one that opened it."""
    opened = {"state": "opened", "key": "run_lost", "failure_class": "run_lost", "contact": "platform"}
    closed = opened | {"state": "closed", "since": 2}
    heard = Line("alert", details={"kind": "failure", "keys": ["run_lost"], "is_sent": True})
    runs = [(1, [Line("incident", details=closed)]), (2, [Line("incident", details=opened), heard])]
    assert incidents.standing(runs).open == {}
    assert set(incidents.standing([*runs, (3, [Line("incident", details=opened)])]).open) == {"run_lost"}


def test_what_needs_attention_beside_its_node_is_no_better_when_the_node_is_kept() -> None:
    node = "model.p.a"
    for is_beside in (True, False):
        book, failure = Book(), Failure(kind("broken"), "a", "a gives no scores", node=node, is_beside=is_beside)
        book.run([failure], Shown(True, True), BEGAN)
        mended = book.run([], Shown(False, True, frozenset({node})), BEGAN + DAY)
        assert bool(mended) != is_beside
        assert bool(book.run([], Shown(True, True, frozenset({node})), BEGAN + 2 * DAY)) == is_beside


def test_a_message_of_a_very_bad_night_can_be_sent_by_any_service() -> None:
    failures = [Failure(kind("broken"), f"table_{number}", "x" * 5000, node=f"model.p.{number}") for number in range(50)]
    (told,) = Book().run(failures, Shown(False, True), BEGAN)
    assert len(told.body) < 4000
    assert len(told.keys) == 50
    assert "table_3; " in told.body and "and 27 more" in told.body


def test_an_end_that_is_just_being_told_is_left_to_whoever_tells_it() -> None:
    """A watchdog tells, or was killed while it told: after a while the night does."""
    now = datetime.now(UTC)
    told = {"kind": "recovery", "keys": ["sla_missed"]}
    said = {"key": "sla_missed", "failure_class": "sla_missed", "contact": "platform", "since": 1}
    before = [
        Line("incident", details={"state": "opened", **said}),
        Line("alert", details={"kind": "failure", "keys": ["sla_missed"], "is_sent": True}),
        Line("incident", details={"state": "closed", **said}),
    ]
    failed = Line("alert", details={**told, "is_sent": False, "attempts": 3})
    for minutes, after, is_left in ((1, [], True), (3, [], False), (1, [failed], False)):
        telling = Line(incidents.TELLING, details=told, happened_at=(now - timedelta(minutes=minutes)).isoformat())
        standing = incidents.standing([(1, [*before, telling, *after])])
        assert len(standing.over) == 1 and supervise._unheard(standing) == ([] if is_left else list(standing.over))
