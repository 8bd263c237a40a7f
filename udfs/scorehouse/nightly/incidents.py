"""Incidents: failures of the same cause are one, over runs and layers, from when it is first seen until a run shows it mended.

There is no state but the ledger: what is open follows from the `incident` and `alert` lines of all runs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

from scorehouse.ledger import lines
from scorehouse.ledger.lines import Ledger, Line
from scorehouse.names.fingerprint import digest
from scorehouse.names.warehouse import Warehouse
from scorehouse.nightly.triage import OF_THE_MACHINE, OWNER, FailureClass, Triage
from scorehouse.release.sealed import is_whole

INCIDENT, ALERT = "incident", "alert"
TELLING = "telling"
"""A message is on its way: where nothing more is known of it, it may have arrived."""
OPENED, CLOSED = "opened", "closed"
FAILURE, RECOVERY = "failure", "recovery"
KEPT = ("key", "failure_class", "subject", "contact")
"""What a line says of an incident beside its node and message."""
OF_A_PROCESS = frozenset("overlapping locked time_limit killed terminated package_missing profile_broken project_broken".split())
"""Classes of what keeps a build from its end: one that has nodes and comes there shows them mended."""
_CHANGING = re.compile(r"\x1b\[[0-9;]*m|0x[0-9a-f]+|\b(?=[a-f-]*\d)[0-9a-f-]{8,}\b|\btmp\w+|\d+|\s+", re.IGNORECASE)
_FOUND = re.compile(r", found:? [^;\n]*")
"""What a sentence says was found, or what was said where it was looked for."""
_ESSENCE_LENGTH = 60
SLACK = 0.95
"""A reminder is due a little earlier: a nightly run is not to the minute a day after the one before."""
MOST_TOLD, MOST_NAMED, LONGEST_TOLD = 3, 20, 600
"""So many causes are told whole in one message, so many more by name, in so many characters each: services take no more."""


@dataclass(frozen=True)
class Failure:
    """One cause of a run's trouble.

    Attributes:
        kind: its class.
        subject: the node that it is about; empty for what concerns the run as a whole.
        message: what failed.
        team: the group that the node belongs to.
        owner: the e-mail of that group's owner.
        effects: names of what failed or was skipped because of it.
        node: the subject's unique id.
        is_past: whether it is of an earlier run, so that a whole run shows it mended.
        is_beside: whether its node was built or kept all the same: that it is again shows nothing.
    """

    kind: FailureClass
    subject: str
    message: str
    team: str = ""
    owner: str = ""
    effects: tuple[str, ...] = ()
    node: str = ""
    is_past: bool = False
    is_beside: bool = False

    @classmethod
    def said(cls, triage: Triage, sentence: str, is_past: bool = False) -> Self:
        """A failure of which there is a sentence, and no node."""
        return cls(triage.of(sentence), subject_of("", sentence), sentence, is_past=is_past)

    @property
    def key(self) -> str:
        """What makes two failures the same cause."""
        if self.kind.scope == "run":
            return self.kind.name
        return f"{self.kind.name}: {self.subject if self.subject and self.kind.scope == 'node' else essence(self.message)}"

    @property
    def contact(self) -> str:
        """The team that is told."""
        return (self.team or OF_THE_MACHINE) if self.kind.contact == OWNER else self.kind.contact

    @property
    def address(self) -> str:
        """Of whoever answers for that team."""
        return self.owner if self.team and self.contact == self.team else self.kind.address


def subject_of(node: str, message: str) -> str:
    """What a failure is about: the node, of a source its table too; else the file that its sentence begins with.

    >>> subject_of("source.shop.retail.events", ""), subject_of("", "/data/raw/a.csv: cut"), subject_of("", "The disk is full")
    ('retail.events', 'raw/a.csv', '')
    """
    if node:
        return ".".join(node.split(".")[2:]) if node.startswith("source.") else node.split(".")[min(2, node.count("."))]
    first = message.removeprefix(lines.NOTHING_PUBLISHED).split(": ")[0].split(", line ")[0]
    is_file = ": " in message and "." in first and " " not in first
    return "/".join(first.split("/")[-2:]) if is_file else ""


def essence(sentence: str) -> str:
    """What stays of a sentence when it is said again of the same cause: no numbers, and short.

    >>> essence("Port 8080 is taken"), essence("Port 8081 is taken"), essence("/w: expected a place, found: Stale file handle")
    ('Port # is taken', 'Port # is taken', '/w: expected a place')
    """
    text = _CHANGING.sub(lambda found: " " if found[0].isspace() else "#", _FOUND.sub("", sentence)).strip()
    return text if len(text) <= _ESSENCE_LENGTH else f"{text[:_ESSENCE_LENGTH].rstrip()}... {digest(text)[:4]}"


@dataclass(frozen=True)
class Incident:
    """A cause that is not known to be mended.

    Attributes:
        since: the run in which it was first seen.
        node: the node that shows it mended when it is built; empty where a whole run does.
        told_at: when somebody was last told; None where nobody could be reached yet.
        was_lost: whether a message about it was not taken by whom it went to, or nobody knows whether it was.
        tried_at: when somebody was last to be told of it, or of its end.
        is_on_its_way: whether nobody knows yet what became of that.
        heard_since: the run of an earlier incident of this cause, of whose end nobody has heard; None where there was none.
    """

    key: str
    failure_class: str
    subject: str
    message: str
    contact: str
    since: int
    node: str = ""
    told_at: datetime | None = None
    was_lost: bool = False
    tried_at: datetime | None = None
    is_on_its_way: bool = False
    heard_since: int | None = None

    @property
    def known_from(self) -> int:
        """The run from which on lines say how it stands."""
        return self.since if self.heard_since is None else self.heard_since

    def was_tried_within(self, time: timedelta, now: datetime) -> bool:
        """Whether somebody was to be told of it a short time ago."""
        return self.tried_at is not None and abs(now - self.tried_at) < time

    @property
    def is_owed(self) -> bool:
        """Whether somebody is to hear that it is over: who heard of it, or would have."""
        return self.told_at is not None or self.was_lost


@dataclass(frozen=True)
class Change:
    """What one run does to the incidents.

    Attributes:
        opened: new ones.
        again: open ones of which nobody was told for long, or at all.
        closed: those that this run shows mended, with whether anybody was ever told of them.
    """

    opened: tuple[tuple[Incident, Failure], ...] = ()
    again: tuple[tuple[Incident, Failure], ...] = ()
    closed: tuple[Incident, ...] = ()


@dataclass(frozen=True)
class Shown:
    """What a run shows to be well.

    Attributes:
        is_whole: whether it was a green build of everything, which ends with a release.
        came_through: whether the build came to its nodes and ran to its own end.
        settled: unique ids of the nodes that were built or kept.
    """

    is_whole: bool
    came_through: bool
    settled: frozenset[str] = frozenset()


def history(folder: Path) -> Iterator[tuple[int, Iterator[Line]]]:
    """What all runs of a branch wrote of incidents, oldest first."""
    for file in lines.files(folder):
        yield lines.number_of(file), lines.read(file, (INCIDENT, ALERT, TELLING))


@dataclass(frozen=True)
class Standing:
    """What the ledger leaves to do.

    Attributes:
        open: incidents that are not known to be mended, by key.
        over: those that are, and of whose end the ones who knew of them could not be told.
        closed_at: when a cause was last found to be mended, by key.
    """

    open: Mapping[str, Incident]
    over: tuple[Incident, ...] = ()
    closed_at: Mapping[str, datetime] = field(default_factory=dict)


def standing(runs: Iterable[tuple[int, Iterable[Line]]]) -> Standing:
    """How incidents stand after some runs, by number, in their order."""
    found: dict[str, Incident] = {}
    over: dict[str, Incident] = {}
    closed: dict[str, Incident] = {}
    listed = [(number, line) for number, written in runs for line in written]
    ended = {(_key(line), str(line.details.get("since"))): number for number, line in listed if _is(line, CLOSED)}
    for number, line in listed:
        said, key = line.details, _key(line)
        if _is(line, OPENED) and ended.get((key, str(number)), number) < number:
            # a run that began before, and ended after, has closed it
            unheard = _tells(listed, number, key, FAILURE) and not _tells(listed, ended[key, str(number)], key, RECOVERY)
            over |= {key: replace(_opened(number, said, line), told_at=line.at)} if unheard else {}
            continue
        if _is(line, OPENED):
            unheard = over.pop(key, None)  # of its end: as far as its team knows it is open still
            heard = {"told_at": unheard.told_at, "heard_since": unheard.known_from} if unheard else {}
            found.setdefault(key, replace(_opened(number, said, line), **heard))
        elif _is(line, CLOSED) and key in found:
            incident = closed[key] = replace(found.pop(key), tried_at=None, is_on_its_way=False)
            over |= {key: incident} if incident.is_owed else {}
        elif line.event == TELLING:
            is_failure = said.get("kind") == FAILURE
            of = found if is_failure else over
            sent = {"tried_at": line.at, "is_on_its_way": True, **({"was_lost": True} if is_failure else {})}
            of |= {one: replace(of[one], **sent) for one in _keys(said) & of.keys()}
        elif line.event == ALERT and said.get("kind") == RECOVERY and (said.get("is_sent") or said.get("is_unwanted")):
            over = {one: incident for one, incident in over.items() if one not in _keys(said)}
        elif line.event == ALERT and said.get("kind") == RECOVERY:
            if said.get("attempts"):  # of what was past when it was seen
                unheard = closed.keys() & _keys(said) - over.keys() - found.keys()
                over |= {one: replace(closed[one], was_lost=True) for one in sorted(unheard)}
            over |= {one: replace(over[one], tried_at=line.at, is_on_its_way=False) for one in _keys(said) & over.keys()}
        elif line.event == ALERT:
            for one in _keys(said) & found.keys():
                became = {"told_at": line.at} if said.get("is_sent") else _lost(said)
                found[one] = replace(found[one], tried_at=line.at, is_on_its_way=False, **became)
    closed_at = {_key(line): line.at for _, line in listed if _is(line, CLOSED) and line.at}
    return Standing(found, tuple(over.values()), closed_at)


def _lost(said: Mapping[str, object]) -> dict[str, bool]:
    """What a message that was sent, and that nobody took, says of its incidents; nothing where nobody is named to take it."""
    return {"was_lost": True} if said.get("attempts") else {}


def _is(line: Line, state: str) -> bool:
    return line.event == INCIDENT and line.details.get("state") == state


def _tells(listed: Iterable[tuple[int, Line]], run: int, key: str, kind: str) -> bool:
    """Whether a run told somebody of a cause."""
    told = (line.details for number, line in listed if number == run and line.event == ALERT and line.details.get("is_sent"))
    return any(said.get("kind") == kind and key in _keys(said) for said in told)


def _key(line: Line) -> str:
    return str(line.details.get("key"))


def _opened(number: int, said: Mapping[str, object], line: Line) -> Incident:
    kept = {name: str(said.get(name, "")) for name in KEPT}
    return Incident(**kept, message=line.message or "", since=number, node=line.node or "")


def _keys(said: Mapping[str, object]) -> set[str]:
    keys = said.get("keys")
    return set(map(str, keys)) if isinstance(keys, list) else set()


def change(
    known: Mapping[str, Incident], failures: Iterable[Failure], shown: Shown, run: int, now: datetime, reminder: timedelta
) -> Change:
    """What a run's failures, and what it shows to be well, do to the open incidents."""
    by_key: dict[str, Failure] = {}
    for failure in failures:
        by_key.setdefault(failure.key, failure)
    opened = [(incident_of(failure, run), failure) for key, failure in by_key.items() if key not in known]
    still = [(known[key], failure) for key, failure in by_key.items() if key in known]
    again = [pair for pair in still if _is_due(pair[0], now, reminder)]
    closed = [incident for key, incident in known.items() if key not in by_key and _is_mended(incident, shown)]
    if shown.is_whole:  # what was the matter before is over
        closed += [replace(incident, told_at=now) for incident, failure in [*opened, *still] if failure.is_past]
        opened, again = ([pair for pair in pairs if not pair[1].is_past] for pairs in (opened, again))
    return Change(tuple(opened), tuple(again), tuple(closed))


def incident_of(failure: Failure, run: int) -> Incident:
    """What a failure opens that was not known before."""
    node = "" if failure.is_beside else failure.node
    return Incident(failure.key, failure.kind.name, failure.subject, failure.message, failure.contact, run, node)


def _is_due(incident: Incident, now: datetime, reminder: timedelta) -> bool:
    return incident.told_at is None or abs(now - incident.told_at) > SLACK * reminder


def _is_mended(incident: Incident, shown: Shown) -> bool:
    if shown.is_whole:
        return True
    if incident.node:
        return incident.node in shown.settled
    return shown.came_through and incident.failure_class in OF_A_PROCESS


def note(ledger: Ledger, change: Change) -> None:
    """Write which incidents were opened and closed; what is past already, as both."""
    passed = [incident for incident in change.closed if incident.since == ledger.number]
    for state, some in ((OPENED, [*(incident for incident, _ in change.opened), *passed]), (CLOSED, change.closed)):
        for incident in some:
            details = {"state": state, **{name: getattr(incident, name) for name in (*KEPT, "since")}}
            ledger.write(INCIDENT, node=incident.node or None, message=incident.message, details=details)


@dataclass(frozen=True)
class Message:
    """What one team is told, once a run.

    Attributes:
        keys: the incidents that it is about.
    """

    contact: str
    kind: str
    title: str
    body: str
    keys: tuple[str, ...] = ()


def messages(change: Change, place: str, standing: str, log: str, over: Iterable[Incident] = ()) -> Iterator[Message]:
    """What there is to tell, at most one message of trouble and one of recovery for each team.

    Args:
        place: names warehouse and branch.
        standing: what readers are served meanwhile.
        log: where the whole log is.
        over: incidents of earlier runs of whose end nobody could be told.
    """
    trouble = [*change.opened, *change.again]
    for contact in dict.fromkeys(failure.contact for _, failure in trouble):
        mine = [(incident, failure) for incident, failure in trouble if failure.contact == contact]
        head = _title(mine[0][1]) + (f" and {len(mine) - 1} more" if len(mine) > 1 else "")
        again = "still: " if all(pair in change.again and pair[0].told_at for pair in mine) else ""
        whole = [_told(incident, failure) for incident, failure in mine[:MOST_TOLD]]
        body = "\n\n".join([*whole, *_others([one.key for one, _ in mine]), standing, f"Log: {log}"])
        yield Message(contact, FAILURE, f"[{place}] {again}{head}", body, tuple(incident.key for incident, _ in mine))
    # of what nobody was to know, nobody is told that it is over, nor of what has begun anew
    anew = {incident.key for incident, _ in change.opened}
    ended = [*over, *(incident for incident in change.closed if incident.is_owed)]
    known = {incident.key: incident for incident in ended if incident.key not in anew}.values()
    for contact in dict.fromkeys(incident.contact for incident in known):
        mended = [incident for incident in known if incident.contact == contact]
        said = [f"{_named(incident)}: {_cut(incident.message)}" for incident in mended[:MOST_TOLD]]
        body = "\n\n".join(["Mended, nothing to do:", *said, *_others([one.key for one in mended]), standing])
        head = mended[0].key + (f" and {len(mended) - 1} more" if len(mended) > 1 else "")
        yield Message(contact, RECOVERY, f"[{place}] recovered: {head}", body, tuple(one.key for one in mended))


def served_now(warehouse: Warehouse) -> str:
    """What readers have, in a sentence."""
    number = warehouse.current_release()
    if number is None:
        return "There is no release yet."
    if not is_whole(warehouse, number):
        why = "files of it are damaged or gone; a green build mends it"
        return f"Readers cannot open release {number} of {warehouse.branch}: {why}."
    return f"Readers are served release {number} of {warehouse.branch}."


def place_of(name: str) -> str:
    """What messages call a branch, or a project of which no branch can be named."""
    return f"Scorehouse {name}"


def _others(keys: list[str]) -> list[str]:
    """What is told by name alone."""
    named = keys[MOST_TOLD : MOST_TOLD + MOST_NAMED]
    uncounted = len(keys) - MOST_TOLD - len(named)
    return [f"Also: {'; '.join(named)}{f' and {uncounted} more' if uncounted > 0 else ''}."] if named else []


def _cut(message: str) -> str:
    return message if len(message) <= LONGEST_TOLD else f"{message[:LONGEST_TOLD]}... (the log has more)"


def _title(failure: Failure) -> str:
    return f"{failure.kind.severity}: {failure.key}"


def _named(incident: Incident) -> str:
    unheard = ", and nobody is known to have taken the message" if incident.was_lost and not incident.told_at else ""
    return f"{incident.key} (since run {incident.since}{unheard})" if incident.since else incident.key


def _told(incident: Incident, failure: Failure) -> str:
    kind = failure.kind
    after = ", ".join(failure.effects[:5]) + (f" and {len(failure.effects) - 5} more" if len(failure.effects) > 5 else "")
    facts = [
        _named(incident),
        f"What failed: {_cut(failure.message)}",
        *([f"After it, not built or not proven: {after}."] if after else []),
        f"What it means: {kind.meaning}",
        f"Whom to ask: {failure.contact}" + (f" ({failure.address})" if failure.address else ""),
        f"What to do first: {kind.first_step.replace('<node>', failure.subject or '<node>')}",
        *([f"If that does not help: {kind.escalation}"] if kind.escalation else []),
        *([f"More: {kind.link}"] if kind.link else []),
    ]
    return "\n".join(facts)
