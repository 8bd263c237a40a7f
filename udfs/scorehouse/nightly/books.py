"""Books: ledgers in which a command remembers what it told, the branch's, or others where that takes nothing."""

import os
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from scorehouse.ledger.lines import FINISH, GREEN, RED, START, Ledger
from scorehouse.names import git
from scorehouse.names.fingerprint import digest
from scorehouse.names.warehouse import LOGS
from scorehouse.nightly import alerts, incidents, retirement
from scorehouse.nightly.incidents import ALERT, RECOVERY, Change, Incident, Standing
from scorehouse.nightly.settings import Settings
from scorehouse.release.lock import hold

HANGS_SECONDS = 600.0
"""Who has held its books for longer is not waited for: a place that is gone may hold it for ever."""
PAUSE = timedelta(minutes=10)
"""Until a message is sent again that nobody is known to have taken."""


class Book:
    """A ledger in which a command remembers what it told.

    Args:
        folder: where its files are.
        command: the command's name.
        branch: what it is told of.
        is_own: whether nobody else writes it, so that it is made where it is not there yet, and read only where it is ours.
    """

    def __init__(self, folder: Path, command: str, branch: str, is_own: bool = False) -> None:
        self.folder = folder
        self.is_own = is_own
        self._branch = branch
        self._command = command
        is_read = not is_own or is_ours(folder, is_own)
        self.standing = incidents.standing(incidents.history(folder)) if is_read else Standing({})
        self._changed = Change()
        self._ledger: Ledger | None = None

    def takes(self, changed: Change) -> bool:
        """Write down what changed; whether that is durable. What another book was told of until now is opened here."""
        if not self.is_writable:
            return False
        elsewhere = tuple(pair for pair in changed.again if pair[0].key not in self.standing.open)
        again = tuple(pair for pair in changed.again if pair not in elsewhere)
        here = Change((*changed.opened, *elsewhere), again, changed.closed)
        ledger = self._begun()
        incidents.note(ledger, here)
        if not ledger.is_behind:
            before = self._changed
            self._changed = Change(before.opened + here.opened, before.again + here.again, before.closed + here.closed)
        return not ledger.is_behind

    def forget(self, known: Iterable[Incident]) -> None:
        """Close what another book tells of, without a word."""
        known = tuple(known)
        if known and self.is_writable:
            ledger = self._begun()
            incidents.note(ledger, Change(closed=known))
            details = {"kind": RECOVERY, "keys": [one.key for one in known], "is_sent": False, "is_unwanted": True}
            ledger.write(ALERT, details=details)

    def tell(self, place: str, served: str, log: str, over: Iterable[Incident], to: Mapping[str, str], by: Settings) -> None:
        """Tell what it took, and the end of what nobody could be told of; nothing where there is nothing."""
        over = tuple(over)
        if self._ledger is None and not (over and self.is_writable):
            return
        ledger = self._begun()
        for message in incidents.messages(self._changed, place, served, log, over):
            alerts.tell(ledger, message, to, by.alerts)
        trouble = [failure for _, failure in (*self._changed.opened, *self._changed.again)]
        said = trouble[0].message if trouble else "Nothing new is the matter."
        ledger.write(FINISH, message=said, details={"outcome": RED if trouble else GREEN, "is_whole": False})

    def retire(self, by: Settings) -> None:
        """Let what is old go, if it is a book of one's own, as far as nothing needs it."""
        if self.is_own and is_ours(self.folder, self.is_own):
            retirement.retire(self.folder, by.kept_ledger_days, by.kept_ledger_megabytes)

    @property
    def is_writable(self) -> bool:
        """Whether it may be written; a folder of one's own is made where it is not there."""
        return made_ours(self.folder) if self.is_own else is_ours(self.folder, self.is_own)

    def _begun(self) -> Ledger:
        if self._ledger is None:
            self._ledger = Ledger(self.folder, self._command)
            self._ledger.write(START, details={"branch": self._branch, "command": [self._command]})
        return self._ledger


def may_be_told(one: Incident, environment: Mapping[str, str], now: datetime) -> bool:
    """Whether an incident may be told of again: nobody is just being told, and somebody could be."""
    return not one.was_tried_within(PAUSE, now) and alerts.may_arrive(one.contact, environment)


def own_places(command: str, project: Path, environment: Mapping[str, str], branch: str | None) -> list[Path]:
    """Where books are that no other command and no other machine writes: the project's, and one for when that cannot be written.

    The latter's name says nothing that has to be asked: it is found again when all else was.

    Args:
        branch: None where it could not be asked: then the project's are those of no branch.
    """
    root, user = environment.get("WAREHOUSE_PATH") or "warehouse", os.geteuid()
    places = []
    if branch is not None and (project / "dbt_project.yml").is_file():
        places.append(project / LOGS / command / f"{git.slug(branch)}-{digest(root)[:8]}")
    with suppress(OSError):  # no folder for temporary files that can be written
        name = digest("\n".join([str(project), root, environment.get("SCOREHOUSE_BRANCH") or ""]))[:8]
        places.append(Path(tempfile.gettempdir(), f"scorehouse-{command}-{user}-{name}"))
    return places


@contextmanager
def alone(places: Iterable[Path]) -> Iterator[str | None]:
    """Hold the right to write books at one's own places; gives the process id of whoever else holds it, unless that hangs."""
    descriptor = holder = None
    for folder in places:
        with suppress(OSError):  # where none can be written there is nothing to keep apart
            if descriptor is None and made_ours(folder):
                descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    with suppress(OSError):  # a file system without locks, or without room
        holder = hold(descriptor) if descriptor is not None else None
        if holder and time.time() - os.fstat(descriptor).st_mtime > HANGS_SECONDS:
            holder = None
    try:
        yield holder
    finally:
        if descriptor is not None:
            os.close(descriptor)


def made_ours(folder: Path) -> bool:
    """Whether a folder of one's own is there; made where it is not."""
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return is_ours(folder, is_own=True)


def is_ours(folder: Path, is_own: bool) -> bool:
    """Whether a folder is there and this user's: nobody else has put anything into it, and nobody else's files are made in it."""
    with suppress(OSError):
        found = os.stat(folder, follow_symlinks=not is_own)
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return False
