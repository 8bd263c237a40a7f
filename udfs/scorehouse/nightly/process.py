"""How a process that nobody watches begins and ends, whatever it was given, and whatever its libraries leave behind."""

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

ending = threading.Event()
"""Set once somebody asks this process to end."""
ENDING_SECONDS = 2.0
"""Then nobody's answer is waited for longer."""


def run(main: Callable[[], int]) -> NoReturn:
    """Run a command, and end the process with its exit status."""
    _open_streams()
    status = 1
    try:
        status = main()
    except SystemExit as ending:  # how argparse ends
        status = (ending.code or 0) if isinstance(ending.code, int | None) else 1
        if isinstance(ending.code, str):
            print(ending.code, file=sys.stderr)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)  # a library's thread that waits for an answer from outside ends with it


def wait_for(thread: threading.Thread, seconds: float) -> None:
    """Wait for a thread that waits for an answer from outside; only a moment more once this process is to end."""
    deadline = time.monotonic() + seconds
    while thread.is_alive() and not ending.is_set() and time.monotonic() < deadline:
        thread.join(0.1)
    if ending.is_set():
        thread.join(ENDING_SECONDS)


def _open_streams() -> None:
    """What was closed leads nowhere: else the first file that is opened would stand in its place, and take what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: SIM115 - for the process's life
