"""Tells that a command that nobody watches could not go on: once, as far as anything can be remembered.

Its own books remember it; where they are what fails, a mark among temporary files does.
"""

import os
import stat
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scorehouse.errors import ScorehouseError
from scorehouse.names import git
from scorehouse.names.fingerprint import digest
from scorehouse.names.warehouse import NIGHTLY_LOGS
from scorehouse.nightly import alerts, books, heartbeat, incidents
from scorehouse.nightly.books import Book
from scorehouse.nightly.console import say
from scorehouse.nightly.heartbeat import Heartbeat
from scorehouse.nightly.incidents import FAILURE, RECOVERY, SLACK, Change, Failure, Message, Shown
from scorehouse.nightly.settings import Settings
from scorehouse.nightly.triage import OF_THE_MACHINE, Triage

FAILED = 1
"""Exit status."""
STANDING = "See what readers are served."


def tell(project: Path, error: Exception, command: str, beats: bool = True) -> int:
    """Send, and print, what ended a command; gives its exit status.

    Args:
        command: whose books remember it; its next call that goes on says that it is over.
        beats: whether the command gives heartbeats, so that this one is a failure.
    """
    sentence = said(error)
    if not _is_remembered(sentence, project, command):
        _tell_once(sentence, project, command)
    if beats:
        sign = Heartbeat(os.environ, str(uuid.uuid4()))
        sign.beat(heartbeat.FAIL, sentence)
        sign.wait()
    say(f"RED: {sentence}")
    return FAILED


def over(project: Path, command: str) -> None:
    """A command went on to its end: say so to whoever was told, by a mark, that it could not."""
    with suppress(Exception):
        for mark in _marks(project, command).parent.glob(f"{_marks(project, command).name}*"):
            if _is_ours(mark):
                title = f"[{incidents.place_of(project.name)}] recovered: {command}"
                alerts.send(Message(OF_THE_MACHINE, RECOVERY, title, "Mended, nothing to do: it goes on."), os.environ)
                mark.unlink()


def _is_remembered(sentence: str, project: Path, command: str) -> bool:
    """Tell it by the command's own books where that is due; whether one of them knows of it now."""
    with suppress(Exception):  # whatever is the matter with them, it is told
        failure = Failure.said(Triage.read(project)[0], sentence)
        branch = _branch(project)
        places = books.own_places(command, project, os.environ, branch)
        with books.alone(places) as holder:
            own = [Book(place, command, branch or project.name, is_own=True) for place in places]
            return bool(holder) or _is_taken(failure, own, incidents.place_of(branch or project.name), _settings(project))
    return False


def _is_taken(failure: Failure, own: list[Book], place: str, settings: Settings) -> bool:
    now, known = datetime.now(UTC), {key: one for book in own for key, one in book.standing.open.items()}
    news = incidents.change(known, [failure], Shown(False, False), 0, now, timedelta(hours=settings.reminder_hours))
    news = Change(news.opened, tuple(pair for pair in news.again if books.may_be_told(pair[0], os.environ, now)))
    if not news.opened and not news.again:
        return True
    if not any(book.takes(news) for book in own):
        return False
    for book in own:
        book.tell(place, STANDING, str(NIGHTLY_LOGS), (), os.environ, settings)
    return True


def _tell_once(sentence: str, project: Path, command: str) -> None:
    """Tell it, unless a mark says that this was done a short time ago."""
    mark = None
    with suppress(Exception):
        mark = _marks(project, command)
        mark = mark.with_name(f"{mark.name}{digest(incidents.essence(sentence))[:8]}")
        if _is_ours(mark) and abs(time.time() - mark.stat().st_mtime) < SLACK * _settings(project).reminder_hours * 3600:
            return
    sent = [alerts.send(message, os.environ) for message in _messages(sentence, project)]
    with suppress(Exception):  # where nothing can be remembered it is told all the same
        if mark and any(one.is_sent for one in sent):
            mark.unlink(missing_ok=True)
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _messages(sentence: str, project: Path) -> Iterator[Message]:
    """What is told, in the words of the triage where they can be read."""
    place = incidents.place_of(project.name)
    try:
        failure = Failure.said(Triage.read(project)[0], sentence)
        changed = Change(opened=((incidents.incident_of(failure, 0), failure),))
        yield from list(incidents.messages(changed, place, STANDING, str(NIGHTLY_LOGS)))
    except Exception:
        yield Message(OF_THE_MACHINE, FAILURE, f"[{place}] error: it could not go on", sentence)


def _marks(project: Path, command: str) -> Path:
    """What the paths of a command's marks begin with."""
    return Path(tempfile.gettempdir(), f"scorehouse-{command}-{os.geteuid()}-{digest(str(project))[:8]}-told-")


def _is_ours(mark: Path) -> bool:
    """Whether a mark is there, and this user's: nobody else can silence a message."""
    with suppress(OSError):
        found = mark.lstat()
        return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
    return False


def _branch(project: Path) -> str | None:
    with suppress(OSError, UnicodeError):
        return git.current(project, os.environ)
    return None


def _settings(project: Path) -> Settings:
    with suppress(ScorehouseError):
        return Settings.read(project)
    return Settings()


def said(error: Exception) -> str:
    """An error as a sentence: a place that cannot be reached, what the project says wrong, or a fault of this program.

    >>> said(PermissionError(13, "Permission denied", "/w/main"))
    '/w/main: expected a place that this build may read and write, found: Permission denied; give it to the user who builds.'
    """
    if isinstance(error, ScorehouseError):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        why = f"expected a place that this build may read and write, found: {error.strerror}; give it to the user who builds."
        return f"{error.filename}: {why}"
    return f"the supervisor itself failed: {type(error).__name__}: {error}"
