"""Notices that nothing happened: run it by another machine's cron, which sees the warehouse.

    python -m scorehouse.nightly.watchdog

It alerts when the ledger shows no whole run within a product's SLA, once for as long as that lasts. The next whole nightly
run says that it is over, or the watchdog itself.
"""

import csv
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scorehouse.errors import ScorehouseError
from scorehouse.ledger import lines as ledger_lines
from scorehouse.ledger.lines import FINISH, GREEN, RED, START, Ledger
from scorehouse.names import git
from scorehouse.names.fingerprint import digest
from scorehouse.names.warehouse import NIGHTLY_LOGS, Warehouse
from scorehouse.nightly import alerts, incidents, last_resort, process
from scorehouse.nightly.incidents import Change, Failure, Incident, Message, Shown
from scorehouse.nightly.settings import LARGEST, Settings
from scorehouse.nightly.triage import Triage

REQUIREMENTS = Path("seeds", "operations", "product_requirements.csv")
WELL, LATE = 0, 1
LATE_RUN = "no whole run"
OF_RUNS = (LATE_RUN, "the clock jumped: the last whole run")
"""What sentences begin with that the branch's ledger has too: its next whole run says that they are over."""
OWN_LEDGER = Path("logs", "watchdog")
NEVER = datetime.min.replace(tzinfo=UTC)
Trouble = tuple[Incident, Failure]


@dataclass(frozen=True)
class Sla:
    """How old a product's newest release, or the run that confirmed it, may be."""

    product: str
    hours: float


def slas(project: Path) -> list[Sla]:
    """Every product's SLA, the strictest of its tables.

    Raises ScorehouseError for a seed that is not there, or says something else than hours.
    """
    file = project / REQUIREMENTS
    try:
        with open(file, encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScorehouseError(f"{REQUIREMENTS}: expected products with sla_hours, found: {error}; restore the file.") from None
    found: dict[str, float] = {}
    for line, row in enumerate(rows, start=2):
        product, hours = str(row.get("product") or row.get("endpoint") or ""), _hours(line, row.get("sla_hours"))
        if product and hours is not None:
            found[product] = min(hours, found.get(product, hours))
    if not found:
        raise ScorehouseError(f"{REQUIREMENTS}: expected a product with sla_hours, found none; write one.")
    return [Sla(*pair) for pair in sorted(found.items())]


def _hours(line: int, text: str | None) -> float | None:
    if not (text or "").strip():
        return None
    try:
        hours = float(str(text))
    except ValueError:
        hours = -1.0
    if not 0 < hours < LARGEST:
        raise ScorehouseError(
            f"{REQUIREMENTS}, line {line}, sla_hours: expected hours as a number above 0, found '{text}'; correct it."
        )
    return hours


def last_whole_run(folder: Path) -> datetime | None:
    """When the last whole green run ended; None where the ledger shows none. Raises ScorehouseError where it cannot be read."""
    files = ledger_lines.files(folder)
    if folder.exists() and not (os.access(folder, os.R_OK | os.X_OK) and all(os.access(file, os.R_OK) for file in files[-1:])):
        raise ScorehouseError(
            f"{folder}: expected a folder that this build may read, found files of somebody else; "
            f"let the watchdog's user be in the group of whoever builds."
        )
    for file in reversed(files):
        for line in ledger_lines.read(file, (FINISH, "build_ended")):
            if line.details.get("outcome") == GREEN and line.details.get("is_whole"):
                return line.at
    return None


def late(project: Path, warehouse: Warehouse, now: datetime) -> Iterator[str]:
    """A sentence for what is late; none where every product is within its SLA."""
    ended = last_whole_run(warehouse.ledger)
    breached = [sla for sla in slas(project) if ended is None or now - ended > timedelta(hours=sla.hours)]
    if ended is not None and ended - now > timedelta(minutes=5):
        yield f"the clock jumped: the last whole run ended at {ended:%Y-%m-%d %H:%M} (UTC), and now it is {now:%Y-%m-%d %H:%M}"
    elif breached:
        names = ", ".join(f"{sla.product} ({sla.hours:g} h)" for sla in breached[:5])
        more = f" and {len(breached) - 5} more" if len(breached) > 5 else ""
        since = "there was none yet" if ended is None else f"the last one ended at {ended:%Y-%m-%d %H:%M} (UTC)"
        yield f"{LATE_RUN} of {warehouse.branch} within the SLA of {names}{more}: {since}"


def watch(project: Path, environment: Mapping[str, str], now: datetime) -> int:
    """Look once; alert if something is late and nobody knows. Returns the exit status.

    What it told of late runs is remembered in the branch's ledger, or, where that cannot be written or reached, in one of its
    own project's `OWN_LEDGER`; what is wrong with this machine always there: a run on another one shows nothing of it.
    Raises ScorehouseError where there is no project.
    """
    if not (project / "dbt_project.yml").is_file():
        raise ScorehouseError(
            f"{project}: expected a project's folder with dbt_project.yml, found none; call the watchdog there."
        )
    branch, root = git.current(project, environment), environment.get("WAREHOUSE_PATH") or "warehouse"
    own = project / OWN_LEDGER / f"{branch}-{digest(root)[:8]}"
    triage, wrong = Triage.read(project)
    settings, sentences, shared, served, is_asked = Settings(), [], None, "See what readers are served.", False
    with _told(sentences):
        settings = Settings.read(project)
    with _told(sentences):
        warehouse = Warehouse.of_project(project, environment)
        served = incidents.served_now(warehouse)
        shared = warehouse.ledger
        sentences += late(project, warehouse, now)
        is_asked = not wrong  # else what is still the matter may go by another name
    failures = [Failure.said(triage, sentence) for sentence in sentences]
    books = [_Book(own, branch, is_own=True), *([_Book(shared, branch)] if shared else [])]
    told = _told_of(books, failures, is_asked, now, timedelta(hours=settings.reminder_hours))
    place = incidents.place_of(branch)
    for book, changed in told:
        book.write(changed, incidents.messages(changed, place, served, str(NIGHTLY_LOGS)), failures, environment, settings)
    if not failures:
        print(f"Every product of {branch} is within its SLA.")
        return WELL
    for sentence in sentences:
        print(f"{'LATE' if sentence.startswith(LATE_RUN) else 'WRONG'}: {sentence.rstrip('.')}.")
    return LATE


class _Book:
    """A ledger in which the watchdog remembers what it told.

    Args:
        is_own: whether nobody else writes it: what is not the matter any more is over.
    """

    def __init__(self, folder: Path, branch: str, is_own: bool = False) -> None:
        self.folder = folder
        self._branch = branch
        self.is_own = is_own
        self.open = incidents.standing(incidents.history(folder)).open

    def over(self, keys: Container[str]) -> tuple[Incident, ...]:
        """Incidents that are over, if these are the only ones that are not."""
        mine = (one for one in self.open.values() if self.is_own or one.message.startswith(OF_RUNS))
        return tuple(one for one in mine if one.key not in keys)

    def write(
        self,
        changed: Change,
        told: Iterable[Message],
        failures: Sequence[Failure],
        environment: Mapping[str, str],
        settings: Settings,
    ) -> None:
        """Note what changed, and tell it; nothing where nothing did."""
        if not (changed.opened or changed.again or changed.closed):
            return
        ledger = Ledger(self.folder, "watchdog")
        ledger.write(START, details={"branch": self._branch, "command": ["watchdog"]})
        incidents.note(ledger, changed)
        for message in told:
            alerts.tell(ledger, message, environment, settings.alerts)
        said = failures[0].message if failures else "No product is late any more."
        ledger.write(FINISH, message=said, details={"outcome": RED if failures else GREEN, "is_whole": False})


def _told_of(
    books: list[_Book], failures: list[Failure], is_asked: bool, now: datetime, reminder: timedelta
) -> Iterator[tuple[_Book, Change]]:
    """What each book is to remember: of runs the shared one where it can, else the own one; and what is over, of its own.

    Args:
        is_asked: whether all could be asked: else nothing is known to be over.
    """
    keys = {failure.key for failure in failures}
    late = [failure for failure in failures if failure.message.startswith(OF_RUNS)]
    here = [failure for failure in failures if failure not in late]
    remembers = next((book for book in reversed(books) if not book.is_own and _may_write(book.folder)), books[0])
    wrong = {books[0]: _trouble(books[:1], here, now, reminder)}
    wrong[remembers] = wrong.get(remembers, ()) + _trouble(books, late, now, reminder)
    for book in books:
        pairs = wrong.get(book, ())
        again = tuple(pair for pair in pairs if pair[0].key in book.open)
        over = book.over(keys) if is_asked and (book.is_own or book is remembers) else ()
        yield book, Change(tuple(pair for pair in pairs if pair not in again), again, over)


def _trouble(books: list[_Book], failures: list[Failure], now: datetime, reminder: timedelta) -> tuple[Trouble, ...]:
    """What is new, or is to be told again, by what some books know."""
    known: dict[str, Incident] = {}
    for one in (one for book in books for one in book.open.values()):
        known[one.key] = max(known.get(one.key, one), one, key=lambda found: found.told_at or NEVER)
    changed = incidents.change(known, failures, Shown(False, False), 0, now, reminder)
    return (*changed.opened, *changed.again)


def _may_write(folder: Path) -> bool:
    """Whether files can be made in a folder, or where it is to be."""
    with suppress(OSError):
        there = next(place for place in (folder, *folder.parents) if place.exists())
        return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    return False


@contextmanager
def _told(sentences: list[str]) -> Iterator[None]:
    """What cannot be asked is told of too, and nothing else is left out for it."""
    try:
        yield
    except Exception as error:  # a mount that is gone, too
        sentences.append(last_resort.said(error))


def main() -> int:
    """Look once, from the project's folder; `WAREHOUSE_PATH` and `SCOREHOUSE_BRANCH` say where, as for dbt."""
    project = Path(os.environ.get("DBT_PROJECT_DIR") or Path.cwd()).resolve()
    try:
        return watch(project, os.environ, datetime.now(UTC))
    except Exception as error:  # whatever it is: what cannot be watched is not well
        return last_resort.tell(project, error, beats=False)


if __name__ == "__main__":
    process.run(main)
