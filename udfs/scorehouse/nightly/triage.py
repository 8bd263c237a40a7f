"""What a failure means and whom it concerns: the seed `triage`, and which of its classes a failure is of."""

import csv
import re
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from scorehouse.errors import ScorehouseError

SEED = Path("seeds", "operations", "triage.csv")
GROUPS = Path("models", "_groups.yml")
UNKNOWN = "unknown"
SEVERITIES = ("notice", "warning", "error")
SCOPES = ("run", "node", "sentence")
"""What is one cause: whatever is of the class, what is of the same node too, what says the same."""
OWNER = "owner"
"""The contact of a class whose failures concern whoever owns the node."""
OF_THE_MACHINE = "platform"
"""The team that is told of what no team's node is."""
LONGEST_SEARCH = 1.0
"""Seconds of the processor for one pattern in one text: a repetition within a repetition can take years."""

_VALUES = re.compile(r"""\"[^\"\n]*\"|(?<!\w)'[^'\n]*'(?!\w)|, found [^;\n]*""")
"""What a sentence quotes, or says was found: data may read like anything."""


@dataclass(frozen=True)
class FailureClass:
    """One kind of failure.

    Attributes:
        name: in a word or two.
        scope: `node` where each node fails for itself, `run` where all fail of one thing, the machine's or the run's, and
            `sentence` where what is said is what failed.
        recognised_by: regular expression, searched for without regard to case in what failed; of what concerns the whole run not
            in the values that it quotes.
        severity: notice, warning or error.
        contact: the team that is told, or `owner`: the team that the node belongs to.
        meaning, first_step, escalation: for whoever is on call.
        link: where more is said.
        retries: how often the run is tried again, after so many minutes each time.
        address: the e-mail of its contact's owner; of `owner`, of who is told where no node failed. Empty where there is none.
    """

    name: str
    scope: str
    recognised_by: str
    severity: str
    contact: str
    meaning: str
    first_step: str
    escalation: str
    link: str
    retries: int
    retry_wait_minutes: float
    address: str = ""

    def recognises(self, text: str) -> bool:
        """Whether a failure of which this is said is of this class."""
        searched = _VALUES.sub("", text) if self.scope == "run" else text
        return bool(self.recognised_by) and re.search(self.recognised_by, searched, re.IGNORECASE) is not None


_NO_SEED = FailureClass(
    UNKNOWN,
    "sentence",
    "",
    "error",
    OF_THE_MACHINE,
    "Nobody has said what this means.",
    "Read the log, mend the cause, and write a row for it into seeds/operations/triage.csv.",
    "",
    "",
    0,
    0.0,
)
_COLUMNS = [one.name for one in fields(FailureClass) if one.name not in ("name", "address")]


@dataclass(frozen=True)
class Triage:
    """All classes, in the order in which they are tried; the last one is `unknown`.

    Attributes:
        unanswered: by the name of a class whose pattern took too long, a sentence that says so; it is not searched for again.
    """

    classes: tuple[FailureClass, ...] = (_NO_SEED,)
    unanswered: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, project: Path) -> "tuple[Triage, list[str]]":
        """The classes of a project's folder, and a sentence for each row that cannot be: it is left out, the others hold."""
        file, teams = project / SEED, _teams(project)
        try:
            with open(file, encoding="utf-8-sig", newline="") as stream:
                rows = list(csv.DictReader(stream))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            sentence = f"{SEED}: expected classes of failures, found: {error}; restore the file."
            return cls((_addressed(_NO_SEED, teams),)), [sentence]
        found: dict[str, FailureClass] = {}
        wrong = []
        for line, row in enumerate(rows, start=2):
            try:
                one = _class(line, row)
                if teams and one.contact not in {*teams, OWNER}:
                    raise _wrong(
                        line, "contact", f"a team of {GROUPS} ({', '.join(sorted(teams))}), or {OWNER}", f"'{one.contact}'"
                    )
                if one.name in found:
                    raise _wrong(line, "class", "every class once", f"'{one.name}' again")
                found[one.name] = one
            except ScorehouseError as error:
                wrong.append(str(error))
        if UNKNOWN not in found:
            wrong.append(f"{SEED}: expected a class {UNKNOWN}, for all that no row recognises, found none; add it.")
        unknown = found.pop(UNKNOWN, _NO_SEED)
        return cls(tuple(_addressed(one, teams) for one in (*found.values(), unknown))), wrong

    def of(self, text: str) -> FailureClass:
        """The class of one failure; `unknown` where no row recognises it."""
        return next((one for one in self.classes if self._knows(one, text)), self.classes[-1])

    def _knows(self, one: FailureClass, text: str) -> bool:
        """Whether a class recognises a text within the time that it has."""
        if one.name in self.unanswered:
            return False
        try:
            with _within(LONGEST_SEARCH):
                return one.recognises(text)
        except TimeoutError:
            expected = f"a regular expression that is searched for within {LONGEST_SEARCH:g} s"
            instead = "write it without a repetition within a repetition"
            self.unanswered[one.name] = (
                f"{SEED}, class {one.name}, recognised_by: expected {expected}, found '{one.recognised_by}'; {instead}."
            )
            return False

    def first_in(self, texts: Iterable[str]) -> tuple[FailureClass, str]:
        """The class of the first of several texts that some row recognises, and that text: the cause comes before its effects."""
        listed = [text for text in texts if text.strip()]
        for text in listed:
            found = self.of(text)
            if found.name != UNKNOWN:
                return found, text
        return self.classes[-1], listed[0] if listed else ""


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """End what takes more of the processor's time with a TimeoutError; in a process's main thread alone can this be."""

    def end(number: int, _: object) -> None:
        raise TimeoutError(f"signal {number}")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _addressed(one: FailureClass, teams: Mapping[str, str]) -> FailureClass:
    return replace(one, address=teams.get(OF_THE_MACHINE if one.contact == OWNER else one.contact, ""))


def _teams(project: Path) -> dict[str, str]:
    """The teams of a project with their owners' e-mails; none where it does not say."""
    with suppress(Exception):  # whatever is the matter with the file, failures are told of
        import yaml

        groups = yaml.safe_load((project / GROUPS).read_text(encoding="utf-8"))["groups"]
        return {group["name"]: str((group.get("owner") or {}).get("email") or "") for group in groups}
    return {}


def _class(line: int, row: dict[str, str | None]) -> FailureClass:
    missing = [name for name in _COLUMNS if row.get(name) is None]
    if missing or row.get("class") is None:
        raise ScorehouseError(
            f"{SEED}, line {line}: expected a value for every column, found none for {(missing or ['class'])[0]}."
        )
    said = {name: str(row[name]).strip() for name in _COLUMNS}
    name = str(row["class"]).strip()
    for column, allowed in (("severity", SEVERITIES), ("scope", SCOPES)):
        if said[column] not in allowed:
            raise _wrong(line, column, f"one of {', '.join(allowed)}", said[column])
    for column in ("contact", "meaning", "first_step"):
        if not said[column]:
            raise _wrong(line, column, "some text", "none")
    try:
        re.compile(said["recognised_by"])
    except (re.error, OverflowError, RecursionError) as error:
        raise _wrong(line, "recognised_by", "a regular expression", f"'{said['recognised_by']}' ({error})") from None
    if not said["recognised_by"] and name != UNKNOWN:
        raise _wrong(line, "recognised_by", "a regular expression", "none")
    numbers = {column: _number(line, column, said.pop(column)) for column in ("retries", "retry_wait_minutes")}
    return FailureClass(name, **said, retries=int(numbers["retries"]), retry_wait_minutes=numbers["retry_wait_minutes"])


def _number(line: int, column: str, text: str) -> float:
    try:
        value = float(text or 0)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 10_000:
        raise _wrong(line, column, "a number from 0", f"'{text}'")
    return value


def _wrong(line: int, column: str, expected: str, found: str) -> ScorehouseError:
    return ScorehouseError(f"{SEED}, line {line}, {column}: expected {expected}, found {found}; correct it.")
