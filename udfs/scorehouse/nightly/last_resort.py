"""Tells that a command that nobody watches could not go on: once, as far as its own books can be written."""

import os
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scorehouse.errors import ScorehouseError
from scorehouse.names import git
from scorehouse.names.warehouse import NIGHTLY_LOGS
from scorehouse.nightly import alerts, books, heartbeat, incidents
from scorehouse.nightly.books import Book
from scorehouse.nightly.console import say
from scorehouse.nightly.heartbeat import Heartbeat
from scorehouse.nightly.incidents import Change, Failure, Shown
from scorehouse.nightly.settings import Settings
from scorehouse.nightly.triage import Triage

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
    triage, _ = Triage.read(project)
    failure = Failure.said(triage, sentence)
    if not _is_remembered(failure, project, command):
        changed = Change(opened=((incidents.incident_of(failure, 0), failure),))
        for message in incidents.messages(changed, incidents.place_of(project.name), STANDING, str(NIGHTLY_LOGS)):
            alerts.send(message, os.environ)
    if beats:
        sign = Heartbeat(os.environ, str(uuid.uuid4()))
        sign.beat(heartbeat.FAIL, sentence)
        sign.wait()
    say(f"RED: {sentence}")
    return FAILED


def _is_remembered(failure: Failure, project: Path, command: str) -> bool:
    """Tell it by the command's own books where that is due; whether one of them knows of it now."""
    with suppress(Exception):  # whatever is the matter with them, it is told
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
