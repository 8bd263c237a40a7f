"""Ctrl-C ends dbt with one sentence, wherever it is: raised anywhere, it becomes whatever the code around makes of it.

While nodes run dbt knows what to do: it cancels their queries. Before and after, nothing needs an end: what a process leaves that
dies at once is cleared up by the next build, and what is served is one whole release at every moment.
"""

import os
import signal
import threading

SENTENCE = "Interrupted: readers have a whole release; run it again."
CODE = 130
"""The exit status of a program that somebody interrupted."""
PATIENCE_SECONDS = 20.0
"""A query that began just then was not cancelled; nor is one that cannot be."""


class Running:
    """While it is entered, the first interrupt is raised, for dbt to cancel what runs."""

    count = 0
    is_cancelled = False

    def __enter__(self) -> None:
        Running.count += 1

    def __exit__(self, *_: object) -> None:
        Running.count -= 1


def begin() -> None:
    """Hear interrupts from now on, where nobody else said what to do with them."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _heard)


def _heard(number: int, frame: object) -> None:
    if Running.count and not Running.is_cancelled:
        Running.is_cancelled = True
        late = threading.Timer(PATIENCE_SECONDS, _end)
        late.daemon = True
        late.start()
        signal.default_int_handler(number, frame)
    _end()


def _end() -> None:
    try:
        os.write(1, f"{SENTENCE}\n".encode())
    finally:  # also where nobody reads any more
        os._exit(CODE)
