"""dbt as a child process: what it says, line by line, and how it ended, whatever ended it."""

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
ERROR_LEVELS = frozenset({"error", "critical"})
_MEMORY_EVENTS = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))
"""Where the kernel counts processes that it killed for want of memory: of this control group, of the machine."""


@dataclass(frozen=True)
class Said:
    """One thing that dbt said.

    Attributes:
        text: as a reader sees it.
        level: debug, info, warn or error; error too for what is no message of dbt's (a crash, a library).
        name: dbt's name of the event; empty for what is none.
        total: of a node's event, of how many it is one.
        node: dbt's unique id, of a node's event.
    """

    text: str
    level: str = "error"
    name: str = ""
    total: int | None = None
    node: str | None = None

    @classmethod
    def read(cls, line: str) -> "Said":
        """What a line of dbt's JSON log says; a line that is none is its own text."""
        with suppress(Exception):  # a line that is no event of dbt's is its own text
            event = json.loads(line)
            info, data = event["info"], event.get("data") or {}
            node = (data.get("node_info") or {}).get("unique_id")
            total = data.get("total") or data.get("num_models")
            return cls(info["msg"], info["level"], info["name"], total, node)
        return cls(_COLOURS.sub("", line.rstrip("\n")), "error" if line.strip() and not line.startswith("nanobind:") else "info")


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: its exit status; below 0 the signal that killed it.
        why: what no log says of it, in a sentence; empty where it ended by itself.
        errors: what it said of errors, in order.
        seconds: how long it took.
        is_stopped: whether we ended it, so that its own errors are no cause.
    """

    code: int
    why: str
    errors: tuple[str, ...]
    seconds: float
    is_stopped: bool = False


class Child:
    """Runs a command to its end, or to the end of its time.

    Args:
        heard: called with each thing said.
        limit_seconds: then it is ended.
        grace_seconds: from one way to end it to the next harder one.
    """

    def __init__(self, heard: Callable[[Said], None], limit_seconds: float, grace_seconds: float) -> None:
        self._heard = heard
        self._limit = limit_seconds
        self._grace = grace_seconds
        self._process: subprocess.Popen[str] | None = None
        self._stopped_by = ""

    def run(self, command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> Ended:
        """Start the command, hand on what it says, and wait for it."""
        began, killed = time.monotonic(), _kills_for_memory()
        try:
            self._process = subprocess.Popen(
                [*command],
                cwd=folder,
                env=dict(environment),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                errors="replace",
                start_new_session=True,
                preexec_fn=partial(_die_with, os.getpid()) if _prctl else None,
            )
        except OSError as error:
            return Ended(127, f"{command[0]} cannot be started: {error.strerror}", (), 0.0)
        if self._stopped_by:  # somebody asked while it was being started
            threading.Thread(target=self.stop, args=[self._stopped_by], daemon=True).start()
        timer = threading.Timer(self._limit, self.stop, [f"the time limit of {self._limit / 60:,.0f} minutes passed"])
        timer.daemon = True
        timer.start()
        errors = []
        for line in self._process.stdout or ():
            said = Said.read(line)
            if said.level in ERROR_LEVELS and said.text.strip():
                errors.append(said.text)
            self._heard(said)
        code = self._process.wait()
        self._process = None  # its number is somebody else's from now on
        timer.cancel()
        seconds = time.monotonic() - began
        why = self._stopped_by or _why(code, _kills_for_memory() > killed)
        return Ended(code, why, tuple(errors), seconds, bool(self._stopped_by))

    def stop(self, why: str) -> None:
        """End it: as Ctrl-C does, then harder."""
        self._stopped_by = self._stopped_by or why
        process = self._process
        if process is None:
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            if process.poll() is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(self._grace)
        with suppress(ProcessLookupError, PermissionError):  # what it started may live on, and hold its output open
            os.killpg(process.pid, signal.SIGKILL)


def _die_with(parent: int) -> None:
    """In the child: whoever kills the supervisor alone leaves no build that nobody watches, and that publishes."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was killed just now
        os._exit(1)


def dbt() -> Path:
    """The dbt of this environment."""
    return Path(sys.executable).with_name("dbt")


def _why(code: int, is_memory: bool) -> str:
    if code >= 0:
        return ""
    name = signal.Signals(-code).name
    return f"the kernel killed it for want of memory ({name})" if is_memory else f"it was ended from outside by {name}"


def _kills_for_memory() -> int:
    """How many processes the kernel has killed for want of memory."""
    found = 0
    for place in _MEMORY_EVENTS:
        with suppress(OSError, ValueError):
            said = dict(line.split() for line in place.read_text().splitlines())
            found += int(said.get("oom_kill", 0))
    return found
