"""Notices that nothing happened: run it by another machine's cron, which sees the warehouse.

    python -m scorehouse.nightly.watchdog

It alerts when the ledger shows no whole run within a product's SLA, once for as long as that lasts. The next whole nightly
run says that it is over, or the watchdog itself.
"""

import csv
import os
import threading
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scorehouse.errors import ScorehouseError
from scorehouse.ledger import lines as ledger_lines
from scorehouse.ledger.lines import BUILD_ENDED, FINISH, GREEN, PUBLICATIONS, Line
from scorehouse.names import git
from scorehouse.names.warehouse import NIGHTLY_LOGS, WATCHDOG, Warehouse
from scorehouse.nightly import alerts, books, incidents, last_resort, process
from scorehouse.nightly.books import Book
from scorehouse.nightly.incidents import FAILURE, Change, Failure, Incident, Shown
from scorehouse.nightly.settings import LARGEST, Settings
from scorehouse.nightly.triage import Triage

REQUIREMENTS = Path("seeds", "operations", "product_requirements.csv")
WELL, LATE = 0, 1
LATE_RUN = "no whole run"
CLOCK = "the clock jumped: the last whole run"
OF_RUNS = (LATE_RUN, CLOCK)
"""What sentences begin with that the branch's ledger has too: its next whole run says that they are over."""
CLOCKS_DIFFER = timedelta(minutes=5)
NEVER = datetime.min.replace(tzinfo=UTC)
ANSWER_SECONDS = 60.0
"""For a warehouse to answer."""


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


def last_whole_run(folder: Path, until: datetime | None = None) -> datetime | None:
    """When the last whole green run ended, or published and was killed then; None where the ledger shows none.

    Raises ScorehouseError where it cannot be read.

    Args:
        until: what ended later counts for nothing.
    """
    files = ledger_lines.files(folder)
    is_readable = os.access(folder, os.R_OK | os.X_OK) and all(os.access(file, os.R_OK) or not file.exists() for file in files)
    if folder.exists() and not is_readable:
        raise ScorehouseError(
            f"{folder}: expected a folder that this build may read, found files of somebody else; "
            f"let the watchdog's user be in the group of whoever builds."
        )
    for file in reversed(files):
        ends = (line.at for line in ledger_lines.read(file, (*PUBLICATIONS, FINISH, BUILD_ENDED)) if _is_whole(line))
        ended = max((at for at in ends if at and (until is None or at <= until)), default=None)
        if ended:
            return ended
    return None


def _is_whole(line: Line) -> bool:
    is_green = line.details.get("outcome") == GREEN and bool(line.details.get("is_whole"))
    return line.event in PUBLICATIONS or is_green


def late(project: Path, warehouse: Warehouse, now: datetime) -> Iterator[str]:
    """A sentence for what is late, and one for a clock that hides it; none where every product is within its SLA."""
    newest = last_whole_run(warehouse.ledger)
    ended = newest and last_whole_run(warehouse.ledger, now + CLOCKS_DIFFER)
    if newest != ended:
        yield f"{_jumped(newest)} (UTC), and now it is {_minute(now)}"
    breached = [sla for sla in slas(project) if ended is None or now - ended > timedelta(hours=sla.hours)]
    if breached:
        names = ", ".join(f"{sla.product} ({sla.hours:g} h)" for sla in breached[:5])
        more = f" and {len(breached) - 5} more" if len(breached) > 5 else ""
        since = "there was none yet" if ended is None else f"the last one ended at {_minute(ended)} (UTC)"
        yield f"{LATE_RUN} of {warehouse.branch} within the SLA of {names}{more}: {since}"


def _jumped(newest: datetime) -> str:
    """What the sentence begins with of a run that ended later than now."""
    return f"{CLOCK} ended at {_minute(newest)}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def watch(project: Path, environment: Mapping[str, str], now: datetime) -> int:
    """Look once, unless another look is under way; alert if something is late or wrong and nobody knows. Gives the exit status.

    What it told of late runs is remembered in the branch's ledger, or, where that is not this user's to write, in a book of its
    own: in the project's `logs/watchdog`, else where temporary files are. What is wrong with this machine always is in its own:
    a run on another one shows nothing of it.
    """
    branch, settings, wrong, unset = environment.get("SCOREHOUSE_BRANCH") or project.name, Settings(), [], []
    with _told(wrong):
        _expect_project(project)
        branch = git.current(project, environment)
    with _told(unset):
        settings = Settings.read(project)
    places = books.own_places(WATCHDOG, project, environment, None if wrong else branch)
    with books.alone(places) as holder:
        if holder:
            print(f"Another look at {branch} is under way (pid {holder}): it tells what it finds.")
            return WELL
        own = [Book(place, WATCHDOG, branch, is_own=True) for place in places]
        for book in own:
            with _told(unset):
                book.retire(settings)
        look = Look(wrong) if wrong else _answer(project, environment, now)
        sentences = wrong or [*unset, *look.sentences]
        _remember(look, sentences, own, _Telling(project, branch, environment, settings, now))
    if not sentences:
        print(f"Every product of {branch} is within its SLA.")
        return WELL
    for sentence in sentences:
        print(f"{'LATE' if sentence.startswith(LATE_RUN) else 'WRONG'}: {sentence.rstrip('.')}.")
    return LATE


def _expect_project(project: Path) -> None:
    if not (project / "dbt_project.yml").is_file():
        raise ScorehouseError(
            f"{project}: expected a project's folder with dbt_project.yml, found none; call the watchdog there."
        )


# ---------------------------------------------------------------- what the warehouse answers


@dataclass(frozen=True)
class Look:
    """What the warehouse answers.

    Attributes:
        sentences: what is wrong, or late.
        shared: the branch's ledger; None where it cannot be read.
        served: what readers have, in a sentence.
        newest: when the last whole run ended.
        is_whole: whether it could be asked everything: else nothing is known to be over.
    """

    sentences: list[str]
    shared: Book | None = None
    served: str = "See what readers are served."
    newest: datetime | None = None
    is_whole: bool = False


def _answer(project: Path, environment: Mapping[str, str], now: datetime) -> Look:
    """Ask, and wait no longer than a place that is there needs: one that is not may hold whoever asks for ever."""
    found: list[Look] = []
    thread = threading.Thread(target=lambda: found.append(_look(project, environment, now)), daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    place = project / (environment.get("WAREHOUSE_PATH") or "warehouse")
    silent = f"{place}: expected a place that this build may read and write, found no answer within {ANSWER_SECONDS:.0f} s"
    return found[0] if found else Look([f"{silent}; look whether it is mounted, and whether its server is up."])


def _look(project: Path, environment: Mapping[str, str], now: datetime) -> Look:
    look = Look([])
    with _told(look.sentences):
        warehouse = Warehouse.of_project(project, environment)
        look = replace(look, served=incidents.served_now(warehouse))
        shared = Book(warehouse.ledger, WATCHDOG, warehouse.branch)
        look = replace(look, shared=shared)
        look.sentences.extend(late(project, warehouse, now))
        return replace(look, newest=last_whole_run(warehouse.ledger), is_whole=True)
    return look


@contextmanager
def _told(sentences: list[str]) -> Iterator[None]:
    """What cannot be asked is told of too, and nothing else is left out for it."""
    try:
        yield
    except Exception as error:  # a mount that is gone, too
        sentences.append(last_resort.said(error))


# ---------------------------------------------------------------- what is told, and remembered


@dataclass(frozen=True)
class _Telling:
    """Of what, when, and to whom."""

    project: Path
    branch: str
    environment: Mapping[str, str]
    settings: Settings
    now: datetime

    def is_due(self, one: Incident) -> bool:
        """Whether it may be told of again."""
        return books.may_be_told(one, self.environment, self.now)


def _remember(look: Look, sentences: list[str], own: list[Book], telling: _Telling) -> None:
    """Tell what is new, and what is over; each is remembered in the first book that takes it."""
    triage, unread = Triage.read(telling.project)
    failures = [Failure.said(triage, sentence) for sentence in sentences]
    of_runs = [failure for failure in failures if failure.message.startswith(OF_RUNS)]
    here = [failure for failure in failures if failure not in of_runs]
    every = [*([look.shared] if look.shared else []), *own]
    for some, places in ((of_runs, every), (here, own)):
        news = _news(places, some, telling)
        if (news.opened or news.again) and not any(book.takes(news) for book in places):
            _send(news, look.served, telling)
    if look.is_whole and not unread:  # else what is still the matter may go by another name
        known = (one for book in every for one in book.standing.open.values())
        same_run = {one.key for one in known if look.newest and one.message.startswith(_jumped(look.newest))}
        _end(look.shared, own, same_run | {failure.key for failure in failures})
    for book in every:
        over = [one for one in book.standing.over if book.is_own and telling.is_due(one)]  # else the next night tells it
        book.tell(_place(telling), look.served, str(NIGHTLY_LOGS), over, telling.environment, telling.settings)


def _news(places: list[Book], failures: list[Failure], telling: _Telling) -> Change:
    """What is new, or is to be told again, by what some books know."""
    known: dict[str, Incident] = {}
    for one in (one for book in places for one in book.standing.open.values()):
        newest = max(known.get(one.key, one), one, key=lambda found: found.told_at or NEVER)
        tried = max((found.tried_at for found in (known.get(one.key, one), one) if found.tried_at), default=None)
        known[one.key] = replace(newest, tried_at=tried)
    reminder = timedelta(hours=telling.settings.reminder_hours)
    news = incidents.change(known, failures, Shown(False, False), 0, telling.now, reminder)
    due = (pair for pair in news.again if FAILURE in telling.settings.alerts and telling.is_due(pair[0]))
    return Change(news.opened, tuple(pair for pair in due if not _is_anothers(places, pair[0], telling.now, reminder)))


def _is_anothers(places: list[Book], one: Incident, now: datetime, reminder: timedelta) -> bool:
    """Whether whoever writes a book that is not ours told of it, and has not been silent since then for too long."""
    there = next((book.standing.open[one.key] for book in places if not book.is_writable and one.key in book.standing.open), None)
    is_told = there is not None and there.told_at is not None
    return is_told and one.told_at is not None and abs(now - one.told_at) < incidents.SLACK * 2 * reminder


def _end(shared: Book | None, own: list[Book], keys: Container[str]) -> None:
    """Close what is over, if these are the only keys of what is not; an end is told once, by the shared book where it can."""
    told: set[str] = set()
    for book in own:
        known = list(book.standing.open.values())
        quiet = [one for one in known if one.key in told or (shared and _is_told_in(shared, one, one.key in keys))]
        book.forget(quiet)
        told |= _close(book, [one for one in known if one not in quiet], keys)
    if shared:
        _close(shared, [one for one in shared.standing.open.values() if one.message.startswith(OF_RUNS)], keys)


def _is_told_in(shared: Book, one: Incident, is_still: bool) -> bool:
    """Whether the shared book's readers hear, or have heard, of an incident of runs what there is to hear."""
    if not one.message.startswith(OF_RUNS):
        return False
    there, closed_at = shared.standing.open.get(one.key), shared.standing.closed_at.get(one.key)
    before = one.told_at or NEVER
    if there is None:
        return not is_still and closed_at is not None and closed_at > before
    return (there.told_at or NEVER) > before if is_still else there.is_owed


def _close(book: Book, known: list[Incident], keys: Container[str]) -> set[str]:
    """Close what is over in a book, where it takes that; else it is told once it does. Gives the keys of what is closed."""
    over = tuple(one for one in known if one.key not in keys)
    return {one.key for one in over} if over and book.takes(Change(closed=over)) else set()


def _send(news: Change, served: str, telling: _Telling) -> None:
    """Tell what nothing can remember."""
    for message in incidents.messages(news, _place(telling), served, str(NIGHTLY_LOGS)):
        if message.kind in telling.settings.alerts:
            alerts.send(message, telling.environment)


def _place(telling: _Telling) -> str:
    return incidents.place_of(telling.branch)


def main() -> int:
    """Look once, from the project's folder; `WAREHOUSE_PATH` and `SCOREHOUSE_BRANCH` say where, as for dbt."""
    project = Path(os.environ.get("DBT_PROJECT_DIR") or Path.cwd()).resolve()
    try:
        status = watch(project, os.environ, datetime.now(UTC))
        last_resort.over(project, WATCHDOG)
        return status
    except Exception as error:  # whatever it is: what cannot be watched is not well
        return last_resort.tell(project, error, WATCHDOG, beats=False)


if __name__ == "__main__":
    process.run(main)
