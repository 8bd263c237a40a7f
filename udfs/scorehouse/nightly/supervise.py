"""One supervised run: dbt as a child process, what became of it, and who is told."""

import os
import re
import signal
import threading
import time
import uuid
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from scorehouse.errors import ScorehouseError
from scorehouse.ledger import lines as ledger_lines
from scorehouse.ledger.lines import ATTENTION, BUILD_ENDED, FAILED, FINISH, GREEN, PUBLICATIONS, RED, START, Ledger, Line
from scorehouse.names import git
from scorehouse.names.user import user
from scorehouse.names.warehouse import NIGHTS, Warehouse
from scorehouse.nightly import alerts, books, heartbeat, incidents, last_resort, logs, process, retirement, watchdog
from scorehouse.nightly.books import Book
from scorehouse.nightly.child import Child, Ended, Said, dbt
from scorehouse.nightly.console import Console, readable, say
from scorehouse.nightly.heartbeat import Heartbeat
from scorehouse.nightly.incidents import Change, Failure, Incident, Message, Shown
from scorehouse.nightly.settings import Settings
from scorehouse.nightly.triage import Triage
from scorehouse.release.lock import hold

SERVED, NOT_SERVED, NOT_RUN = 0, 1, 3
"""Exit statuses: the release is the newest; something failed and the release stayed; another run is under way."""

IS_BESIDE = "is_beside"
"""Says of a run that it began while another one was under way: it holds no lock by whose end its own would be seen."""

WARNED = " [warned]"
"""Stands behind the id of a data test that did not stop the run, where the triage looks for its class."""

ATTEMPT = "attempt"
COUNTS = ("nodes", "built", "reused", "failed", "skipped", "warned")
"""What the build itself counted."""
LOST = "lost"
CLOCK_JUMP_SECONDS = 60.0
_OF_A_COURSE = (START, ATTEMPT, "built", "reused", FINISH)
_IN_FRONT = re.compile(r"^(Encountered an error: )?((Runtime|Database) Error |Compilation Error in operation \S+ \(\S+\) )*(?=.)")
"""What dbt puts before a sentence, and what says nothing of its cause: of one in a hook, that the project does not compile."""
LONGEST_CAUSE = 400
"""Characters of a sentence on the terminal; the log has all of it."""
ON_ITS_WAY = timedelta(minutes=2)
"""A message takes no longer, whoever sends it."""
COURSES = 5
"""So many earlier runs say how long one takes."""


@dataclass
class Nightly:
    """A supervised run of one branch.

    Args:
        project: the project's folder.
        arguments: what follows `dbt build`.
        environment: variables; addresses of alerts are kept from dbt.
        arrived: new files, and when each came, in seconds since 1970: the ledger says how long they waited.
        waits: whether it tries again by itself what the triage says is worth it.
    """

    project: Path
    arguments: Sequence[str]
    environment: Mapping[str, str]
    arrived: Mapping[str, float] = field(default_factory=dict)
    waits: bool = True
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def __post_init__(self) -> None:
        self.settings, self.triage, self._told = _configured(self.project)
        self.warehouse = Warehouse.of_project(self.project, self.environment)
        self._place = incidents.place_of(self.warehouse.branch)
        self.ledger = Ledger(self.warehouse.ledger, self.run_id)
        self._heartbeat = Heartbeat(self.environment, self.run_id)
        self._ended_by = ""
        self._written_before: datetime | None = None
        self._wake = threading.Event()
        self._child: Child | None = None

    def run(self) -> int:
        """Run it to its end, whatever that is; returns the exit status, and prints it as the last line."""
        with _only_one(self.warehouse) as holder:
            if holder:
                return self._overlapping(holder) if self.waits else NOT_RUN
            with signals(self.end):
                try:
                    status = self._run()
                    last_resort.over(self.project, NIGHTS)
                    return status
                except Exception as error:
                    self._give_up(last_resort.said(error))
                    raise

    # ---------------------------------------------------------------- one run

    def _run(self) -> int:
        began, clock = time.monotonic(), time.time()
        self._written_before = _last_written(self.warehouse.ledger)
        lost = [*_mark_lost(self.warehouse.ledger)]
        details = {"branch": self.warehouse.branch, "commit": git.commit(self.project), "command": ["build", *self.arguments]}
        self.ledger.write(START, details={**details, "is_supervised": True, "who": user()})
        log, console = logs.Log(self.project, self.run_id[:8]), Console()
        try:
            self._prepare(log, console)
            unwritten = self.ledger.wrong  # a build of which nothing is known afterwards is none that nobody watches
            ended = _stopped(unwritten) if unwritten else self._attempts(log, console)
        except Exception as error:  # whatever it is, somebody must hear of it
            self._stop(f"the supervisor itself failed: {type(error).__name__}: {error}")
            ended = _stopped(self._ended_by)
        console.close()
        seconds = time.monotonic() - began
        return self._close(ended, [*_jumped(time.time() - clock - seconds)], lost, log, seconds)

    def _prepare(self, log: logs.Log, console: Console) -> None:
        """See to what the run needs beside dbt, and say what is not as it must be."""
        self._told += alerts.wrong_addresses(self.environment)
        self._told += filter(None, [heartbeat.wrong_address(self.environment), log.wrong, self.ledger.wrong])
        logs.rotate(self.project, self.settings.kept_logs_days, self.settings.kept_logs_megabytes)
        for place in (self.warehouse.ledger, *self._own_places()):
            retirement.retire(place, self.settings.kept_ledger_days, self.settings.kept_ledger_megabytes)
        console.compare(_courses(self.warehouse.ledger))
        console.say(f"Nightly run of {self.warehouse.branch}; log: {_near(log.text, self.project)}")
        for sentence in self._told:
            console.say(sentence)
        self._heartbeat.beat(heartbeat.START)
        threading.Thread(target=self._announce, args=["start", "has started"], daemon=True).start()  # the build does not wait

    def _attempts(self, log: logs.Log, console: Console) -> Ended:
        """Build, and try again what the triage says is worth it."""
        number = 1
        while True:
            self.ledger.write(ATTEMPT, details={"number": number})

            def hear(said: Said) -> None:
                log.write(said)
                console.hear(said)

            self._child = Child(hear, self.settings.time_limit_minutes * 60, self.settings.grace_seconds)
            ended = (
                self._child.run(self._command(), self.project, self._environment())
                if not self._ended_by
                else _stopped(self._ended_by)
            )
            lines = self._lines()
            red = list(_red(self.triage, ended, lines))
            is_served = _shown(lines).is_whole  # and killed then: nothing is left to try
            is_over = not self.waits or any(failure.kind.retries < number for failure in red)
            if not red or is_served or self._ended_by or is_over:
                return ended
            minutes = max(failure.kind.retry_wait_minutes for failure in red)
            sentence = f"Trying again in {minutes:g} minutes ({number} of {red[0].kind.retries}): {red[0].message}"
            console.say(sentence)
            self.ledger.write("retry", message=sentence)
            if self._wake.wait(minutes * 60):  # somebody asked it to end
                return ended
            number += 1

    def _give_up(self, why: str) -> None:
        """End in the ledger a run that comes to no end of its own: it was not lost, and whoever ends it tells."""
        written = self._all_lines()
        if written and written[-1].event != FINISH:
            self.ledger.write(FINISH, message=why, details={"outcome": RED, "is_whole": False})

    def _command(self) -> list[str | Path]:
        return [dbt(), "--no-use-colors", "--log-format", "json", "build", *self.arguments]

    def _environment(self) -> dict[str, str]:
        own = {"DBT_PROJECT_DIR": str(self.project), "DBT_PROFILES_DIR": str(self.project)}
        same = {"SCOREHOUSE_BRANCH": self.warehouse.branch}  # whatever is checked out between two attempts
        given = {ledger_lines.GIVEN: str(self.ledger.file)} if self.ledger.file else {}
        given |= {ledger_lines.NIGHT: "true"} if self.waits else {}
        return {**own, **alerts.without_addresses(self.environment), **given, **same}

    def end(self, name: str) -> None:
        """Somebody asks this process to end: the build ends first, and the run is told of."""
        self._stop(f"the nightly run was ended from outside by {name}")

    @property
    def is_ended(self) -> bool:
        """Whether somebody asked it to end."""
        return bool(self._ended_by)

    def _stop(self, why: str) -> None:
        self._ended_by = why
        self._wake.set()
        if self._child is not None:
            threading.Thread(target=self._child.stop, args=[why], daemon=True).start()

    # ---------------------------------------------------------------- what became of it

    def _lines(self) -> list[Line]:
        """What the last attempt wrote into the ledger."""
        written = self._all_lines()
        last = max((number for number, line in enumerate(written) if line.event == ATTEMPT), default=-1)
        return written[last + 1 :]

    def _all_lines(self) -> list[Line]:
        """What all attempts wrote into the ledger."""
        return list(ledger_lines.read(self.ledger.file)) if self.ledger.file else []

    def _failures(self, ended: Ended, lines: list[Line], lost: list[str]) -> Iterator[Failure]:
        """What went wrong, causes alone."""
        red = list(_red(self.triage, ended, lines))
        yield from red
        yield from _amber(self.triage, self._all_lines())
        met = {failure.kind.name for failure in red}  # what the supervisor met, the build may have met too: no second cause
        yield from (one for one in (Failure.said(self.triage, said) for said in self._told) if one.kind.name not in met)
        if lost:
            yield Failure.said(self.triage, "; ".join(lost), is_past=True)
        yield from (Failure.said(self.triage, sentence) for sentence in self._set_back())

    def _close(self, ended: Ended, jumped: list[str], lost: list[str], log: logs.Log, seconds: float) -> int:
        """Write, tell and say how it ended."""
        lines = self._lines()
        shown, served = _shown(lines), incidents.served_now(self.warehouse)
        is_green = ended.code == 0 or shown.is_whole  # what is published is, whatever ended the process then
        late = [] if shown.is_whole else self._overdue()
        failures = [*self._failures(ended, lines, lost)]
        served = " ".join([served, *map(_sentence, late)])
        unwritten = [] if log.wrong else filter(None, [log.incomplete])  # what is wrong from the start is told already
        failures += [Failure.said(self.triage, sentence) for sentence in (*jumped, *unwritten)]
        failures += [Failure.said(self.triage, sentence) for sentence in list(self.triage.unanswered.values())]
        changed, told = self._remember(failures, shown, served, _near(log.text, self.project))
        for failure in failures:
            if not failure.node and failure.message not in self._told:  # the build's own summary names nodes
                say(f"{failure.kind.name}: {readable(failure.message)[:LONGEST_CAUSE]}")
        last = _last_line(is_green, shown, failures, changed, served, seconds)
        if shown.is_whole and self.arrived:
            last += self._delay()
        self._announce("finish", last)
        self._heartbeat.beat(heartbeat.SUCCESS if is_green else heartbeat.FAIL, last)
        self._heartbeat.wait()
        for sign in self._heartbeat.lost:
            self.ledger.write("heartbeat", message=f"The sign {sign} did not arrive.")
        outcome = {"outcome": GREEN if is_green else RED, "is_whole": shown.is_whole, "code": ended.code}
        outcome |= {"release": self.warehouse.current_release()}
        outcome |= {"failures": [failure.key for failure in failures], "alerts": told, "lost_log_lines": log.lost}
        counted = next((line.details for line in reversed(lines) if line.event == BUILD_ENDED), {})
        outcome |= {name: counted[name] for name in COUNTS if name in counted}
        self.ledger.write(FINISH, message=last, seconds=round(seconds, 3), details=outcome)
        if self.ledger.is_behind:
            say(f"{self.warehouse.ledger}: expected room for the last lines, found none; the log has what happened.")
        say(last)
        return SERVED if is_green else NOT_SERVED

    def _remember(self, failures: list[Failure], shown: Shown, served: str, log: str) -> tuple[Change, list[dict[str, object]]]:
        """Tell what is new and what is over; gives that, and what became of the messages.

        Where the branch's ledger cannot be written, a book of the project's own remembers what is new; a night that can write
        it says when that is over.
        """
        before = incidents.standing(incidents.history(self.warehouse.ledger))  # a watchdog may have told something meanwhile
        own = [Book(place, NIGHTS, self.warehouse.branch, is_own=True) for place in self._own_places()]
        if self.ledger.is_behind:
            known = {key: one for standing in (before, *(book.standing for book in own)) for key, one in standing.open.items()}
            news = replace(self._news(known, failures, shown), closed=())
            if any(book.takes(news) for book in own):
                self._tell_by(own, served, log)
                return news, []
        self._end_elsewhere(own, {failure.key for failure in failures}, shown)
        self._tell_by(own, served, log)
        changed = self._change(before, failures, shown)
        return changed, [self._tell(one) for one in incidents.messages(changed, self._place, served, log, _unheard(before))]

    def _own_places(self) -> list[Path]:
        return books.own_places(NIGHTS, self.project, self.environment, self.warehouse.branch)

    def _end_elsewhere(self, own: list[Book], keys: Container[str], shown: Shown) -> None:
        """Close what own books remember of nights that could not write the ledger; what is still so has a place in that now."""
        for book in own:
            book.forget(one for key, one in book.standing.open.items() if key in keys)
            over = tuple(one for one in self._news(book.standing.open, (), shown).closed if one.key not in keys)
            if over:
                book.takes(Change(closed=over))

    def _tell_by(self, own: list[Book], served: str, log: str) -> None:
        for book in own:
            book.tell(self._place, served, log, _unheard(book.standing), self.environment, self.settings)

    def _change(self, before: incidents.Standing, failures: list[Failure], shown: Shown) -> Change:
        """What this run does to the incidents; the ledger has it."""
        changed = self._news(before.open, failures, shown)
        incidents.note(self.ledger, changed)
        return changed

    def _news(self, known: Mapping[str, Incident], failures: Iterable[Failure], shown: Shown) -> Change:
        reminder = timedelta(hours=self.settings.reminder_hours)
        return incidents.change(known, failures, shown, self.ledger.number, datetime.now(UTC), reminder)

    def _overdue(self) -> list[str]:
        """What is older by now than some product's SLA allows, after a run that did not renew it: the watchdog's to tell."""
        with suppress(ScorehouseError, OverflowError):  # a project without requirements promises nothing
            if watchdog.last_whole_run(self.warehouse.ledger):
                return list(watchdog.late(self.project, self.warehouse, datetime.now(UTC)))
        return []

    def _set_back(self) -> Iterator[str]:
        """Whether the machine's clock has been set back since the run before."""
        before, began = self._written_before, next((line.at for line in self._all_lines() if line.at), None)
        if before and began and (before - began).total_seconds() > CLOCK_JUMP_SECONDS:
            when = f"{before:%Y-%m-%d %H:%M} (UTC)"
            yield f"the clock jumped: the run before was written at {when}, and this one began at {began:%Y-%m-%d %H:%M}"

    def _delay(self) -> str:
        """How long new files waited until they were served, in words; the ledger has each."""
        now = time.time()
        waited = {file: round(now - came, 3) for file, came in self.arrived.items() if Path(file).exists()}
        if not waited:
            return ""
        self.ledger.write("served", seconds=max(waited.values()), details={"files": waited})
        return f" {len(waited)} new file{'s' if len(waited) > 1 else ''} served, the longest after {max(waited.values()):,.0f} s."

    def _tell(self, message: Message) -> dict[str, object]:
        """Send a message if the project wants it."""
        sent = alerts.tell(self.ledger, message, self.environment, self.settings.alerts)
        return {"contact": message.contact, "kind": message.kind, "keys": list(message.keys), "is_sent": sent.is_sent}

    def _announce(self, kind: str, what: str) -> None:
        """A message that is no incident's, to whoever runs the machine."""
        if kind in self.settings.alerts:
            self._tell(Message("platform", kind, f"[{self._place}] nightly run: {kind}", what))

    def _overlapping(self, holder: str) -> int:
        under_way = f"Another nightly run of {self.warehouse.branch} is under way (pid {holder})"
        sentence = f"{under_way}: expected it to have ended; look whether it hangs, or start this one later."
        failure = Failure.said(self.triage, sentence)
        said = {"branch": self.warehouse.branch, "command": ["build", *self.arguments], "is_supervised": True, "who": user()}
        self.ledger.write(START, details={**said, IS_BESIDE: True})
        before = incidents.standing(incidents.history(self.warehouse.ledger))
        changed = self._change(before, [failure], Shown(False, False))
        for message in incidents.messages(changed, self._place, "The run that is under way goes on.", "none"):
            self._tell(message)
        self.ledger.write(FINISH, message=sentence, details={"outcome": RED, "is_whole": False, "failures": [failure.key]})
        say(sentence)
        return NOT_RUN


def _configured(project: Path) -> tuple[Settings, Triage, list[str]]:
    """Settings and triage; defaults, and a sentence, for what cannot be read: a broken project is no reason to be silent."""
    settings, told = Settings(), []
    try:
        settings = Settings.read(project)
    except ScorehouseError as error:
        told.append(str(error))
    triage, wrong = Triage.read(project)
    return settings, triage, told + wrong


# ---------------------------------------------------------------- causes


def _red(triage: Triage, ended: Ended, lines: list[Line]) -> Iterator[Failure]:
    """Why it did not end well: what stopped it, else the first nodes that failed, else the first error of its log."""
    if ended.code == 0:
        return
    if ended.why and ended.is_stopped:
        yield Failure(triage.of(ended.why), "", f"{ended.why}{_at_work(lines)}")
        return
    built = [line for line in lines if line.event in (BUILD_ENDED, FINISH)]
    causes = [cause for line in built for cause in _list(line.details.get("causes"))]
    for cause in causes:
        yield _of_node(triage, str(cause["node"]), str(cause["message"]), cause)
    alone = [line.message or "" for line in lines if line.event == FAILED and not line.node]
    if alone and not causes:
        kind, message = triage.first_in([*alone, *ended.errors])
        yield Failure(kind, incidents.subject_of("", alone[0]), " ".join(message.split()))
    if not causes and not alone:
        errors = [_IN_FRONT.sub("", " ".join(error.split())) for error in ended.errors]
        first = [ended.why, *errors] if ended.code < 0 else [*errors, ended.why]
        kind, message = triage.first_in(first)
        yield Failure(kind, "", _joined(message, ended) or f"dbt ended with status {ended.code} and said nothing")


def _joined(message: str, ended: Ended) -> str:
    said = " ".join(message.split())
    return f"{said} ({ended.why})" if ended.why and ended.why not in said else said


def _amber(triage: Triage, lines: list[Line]) -> Iterator[Failure]:
    """What is not well though the build went through."""
    for line in lines:
        if line.event == ATTENTION:
            is_test = (line.node or "").startswith("test.")
            found = _of_node(triage, line.node or "", line.message or "", line.details, WARNED if is_test else "")
            yield replace(found, is_beside=True)


def _jumped(seconds: float) -> Iterator[str]:
    """What there is to say of a clock that was set by so many seconds during a run, in all its attempts."""
    if abs(seconds) > CLOCK_JUMP_SECONDS:
        yield f"the machine's clock jumped by {seconds:+,.0f} s during the run"


def _of_node(triage: Triage, node: str, message: str, said: Mapping[str, object], mark: str = "") -> Failure:
    subject = str(said.get("subject") or incidents.subject_of(node, message))
    kind = triage.of(f"{message} [{node}]{mark}")
    texts = {name: str(said.get(name) or "") for name in ("team", "owner")}
    return Failure(kind, subject, message, **texts, effects=tuple(map(str, _list(said.get("effects")))), node=node)


def _list(value: object) -> list:
    return value if isinstance(value, list) else []


def _at_work(lines: list[Line]) -> str:
    last = next((line for line in reversed(lines) if line.event in ("built", "reused") and line.node), None)
    return f" (after {str(last.node).split('.')[2]} was done)" if last else ""


def _shown(lines: list[Line]) -> Shown:
    events = {line.event for line in lines}
    settled = frozenset(line.node for line in lines if line.event in ("built", "reused") and line.node)
    return Shown(bool(events.intersection(PUBLICATIONS)), bool(settled) and BUILD_ENDED in events, settled)


def _stopped(why: str) -> Ended:
    return Ended(1, why, (), 0.0, is_stopped=True)


# ---------------------------------------------------------------- what the ledger knows


def _mark_lost(folder: Path) -> Iterator[str]:
    """End, in their own files, supervised runs that a kill or a power cut ended; yields a sentence for each.

    Every supervised run that begins does so: what comes before one that ended is ended.
    """
    for file in reversed(ledger_lines.files(folder)):
        found = list(ledger_lines.read(file, (START, ATTEMPT, FINISH)))
        if not found or not found[0].details.get("is_supervised"):
            continue
        if found[-1].event != FINISH and not (found[0].details.get(IS_BESIDE) and _is_alive(found[0].process)):
            number, at = ledger_lines.number_of(file), found[0].happened_at[:16].replace("T", " ")
            sentence = f"nightly run {number} of {at} (UTC) ended without a word: it was killed, or the machine went down"
            ledger = Ledger(folder, "", str(file))
            ledger.write(FINISH, message=sentence, details={"outcome": LOST, "is_whole": False})
            if not ledger.is_behind:  # else every night would find it anew
                yield sentence
        elif any(line.event == ATTEMPT for line in found):
            return


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:  # somebody else's
        return True
    except (OSError, OverflowError):
        return False
    return True


def _last_written(folder: Path) -> datetime | None:
    """When the newest run wrote its last line until now; a watchdog's lines are by another machine's clock."""
    for file in reversed(ledger_lines.files(folder)):
        lines = list(ledger_lines.read(file))
        if lines and lines[0].details.get("command") != ["watchdog"]:
            return next((line.at for line in reversed(lines) if line.at), None)
    return None


def _courses(folder: Path) -> Iterator[list[float]]:
    """Of the last whole runs: when each further node was done, and when all was, in seconds from the beginning."""
    read = (list(ledger_lines.read(file, _OF_A_COURSE)) for file in reversed(ledger_lines.files(folder)))
    whole = (lines for lines in read if lines and lines[-1].event == FINISH and lines[-1].details.get("is_whole"))
    for lines in islice(whole, COURSES):
        began = next((line.up for line in reversed(lines) if line.event in (ATTEMPT, START)), lines[0].up)
        yield [line.up - began for line in lines if line.event in ("built", "reused", FINISH)]


# ---------------------------------------------------------------- how it ends


def _last_line(is_green: bool, shown: Shown, failures: Sequence[Failure], changed: Change, standing: str, seconds: float) -> str:
    """The outcome in one line."""
    over = {incident.key for incident in changed.closed}
    causes = ", ".join(dict.fromkeys(failure.key for failure in failures if failure.key not in over))
    mended = f" Mended: {', '.join(one.key for one in changed.closed)}." if changed.closed else ""
    if not is_green:
        return f"RED after {seconds:,.0f} s: {causes}. {standing}{mended}"
    part = "" if shown.is_whole else " Nothing was published: it was no build of the whole."
    return f"GREEN after {seconds:,.0f} s. {standing}{part}{f' Needs attention: {causes}.' if causes else ''}{mended}"


def _sentence(said: str) -> str:
    """What was said, as a sentence of its own.

    >>> _sentence("no whole run of main: there was none yet")
    'No whole run of main: there was none yet.'
    """
    return f"{said[:1].upper()}{said[1:].rstrip('.')}."


def _unheard(before: incidents.Standing) -> list[Incident]:
    """Of whose end nobody was told, nor is just being told by a watchdog."""
    now = datetime.now(UTC)
    return [one for one in before.over if not (one.is_on_its_way and one.was_tried_within(ON_ITS_WAY, now))]


def _near(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


@contextmanager
def _only_one(warehouse: Warehouse) -> Iterator[str | None]:
    """Hold the right to supervise a branch; gives the process id of whoever else holds it."""
    with suppress(OSError):
        warehouse.folder.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(warehouse.nightly_lock, os.O_RDWR | os.O_CREAT, 0o640)
    except OSError:  # a place that cannot be written is told of by the build
        yield None
        return
    holder = None
    with suppress(OSError):  # a file system without locks, or without room: the build's own lock is all there is
        holder = hold(descriptor)
    try:
        yield holder
    finally:
        os.close(descriptor)


@contextmanager
def signals(end: Callable[[str], None]) -> Iterator[None]:
    """Let the signals that end a process end the run in order."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def hear(number: int, _: object) -> None:
        process.ending.set()
        end(signal.Signals(number).name)

    before = {number: signal.signal(number, hear) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(arguments: Sequence[str]) -> int:
    """`python -m scorehouse.nightly [options of dbt build]`, from the project's folder."""
    project = Path(os.environ.get("DBT_PROJECT_DIR") or Path.cwd()).resolve()
    try:
        return Nightly(project, arguments, os.environ).run()
    except Exception as error:  # not even its ledger: whoever runs the machine must hear of it
        return last_resort.tell(project, error, NIGHTS)
