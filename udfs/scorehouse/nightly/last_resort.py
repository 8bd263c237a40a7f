"""Tells that a command that nobody watches could not go on, and that no ledger could remember it."""

import os
import uuid
from pathlib import Path

from scorehouse.errors import ScorehouseError
from scorehouse.names.warehouse import NIGHTLY_LOGS
from scorehouse.nightly import alerts, heartbeat, incidents
from scorehouse.nightly.console import say
from scorehouse.nightly.heartbeat import Heartbeat
from scorehouse.nightly.incidents import Change, Failure
from scorehouse.nightly.triage import Triage

FAILED = 1
"""Exit status."""


def tell(project: Path, error: Exception, beats: bool = True) -> int:
    """Send, and print, what ended a command; gives its exit status.

    Args:
        beats: whether the command gives heartbeats, so that this one is a failure.
    """
    sentence = said(error)
    triage, _ = Triage.read(project)
    failure = Failure.said(triage, sentence)
    changed = Change(opened=((incidents.incident_of(failure, 0), failure),))
    for message in incidents.messages(
        changed, incidents.place_of(project.name), "See what readers are served.", str(NIGHTLY_LOGS)
    ):
        alerts.send(message, os.environ)
    if beats:
        sign = Heartbeat(os.environ, str(uuid.uuid4()))
        sign.beat(heartbeat.FAIL, sentence)
        sign.wait()
    say(f"RED: {sentence}")
    return FAILED


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
