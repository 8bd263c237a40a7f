"""What a nightly run shows while it runs: a bar on a terminal, plain lines elsewhere."""

import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

with suppress(ImportError):  # an environment without its packages is told of, not died of
    from tqdm import tqdm

from scorehouse.nightly.child import Said

OURS = frozenset({"JinjaLogInfo", "PrintEvent", "Print"})
"""dbt's names for what macros say: the lines of our own hooks."""
START = "LogStartLine"
BUILT = ("model.", "seed.", "function.")
"""How the ids begin of what the ledger has a line for when it is done."""
_EVERY_SECONDS = 30.0


def readable(text: str) -> str:
    r"""A text without the lines of a traceback, which are for the log.

    >>> readable("It broke\nTraceback (most recent call last):\n  File 'a.py', line 1\nOSError: no room")
    'It broke: OSError: no room'
    """
    head, mark, tail = text.partition("Traceback (most recent call last):")
    return ": ".join(filter(None, [head.strip(), tail.strip().splitlines()[-1]])) if mark and tail.strip() else text


def say(line: str) -> None:
    """Print a line; a disk or terminal that does not take it is no reason to end."""
    with suppress(OSError, ValueError):
        print(line, flush=True)


class Console:
    """Shows progress and what matters of the log."""

    def __init__(self) -> None:
        self._courses: list[Sequence[float]] = []
        self._is_terminal = sys.stdout.isatty() and "tqdm" in globals()
        self._bar: tqdm | None = None
        self._began = time.monotonic()
        self._told_at = 0.0
        self._done = 0
        self._built = 0
        self._at_work: dict[str, str] = {}

    def compare(self, courses: Iterable[Sequence[float]]) -> None:
        """Estimate by earlier whole runs: seconds from their beginning until each further node was done, and until the end."""
        self._courses = [course for course in courses if len(course) > 1]

    def say(self, line: str) -> None:
        """Print a line, above the bar where there is one."""
        with suppress(OSError, ValueError):  # a terminal that is gone, a full disk behind it
            if self._bar is not None:
                self._bar.write(line, file=sys.stdout)
            else:
                print(line, flush=True)

    def hear(self, said: Said) -> None:
        """Show what dbt said, if it concerns the reader, and how far it is."""
        if said.total and said.node and not said.node.startswith("operation."):
            self._count(said)
        elif said.name in OURS or (said.name and said.level in ("error", "warn") and said.text.strip()):
            self.say(readable(said.text.strip()))

    def close(self) -> None:
        """Take the bar away."""
        bar, self._bar = self._bar, None
        with suppress(OSError, ValueError):
            if bar is not None:
                bar.close()

    def _count(self, said: Said) -> None:
        name = str(said.node).split(".")[2]
        if said.name == START:
            self._at_work[str(said.node)] = name
        else:
            self._at_work.pop(str(said.node), None)
            self._done += 1
            self._built += str(said.node).startswith(BUILT)
        self._show(int(said.total or 0))

    def _show(self, total: int) -> None:
        at_work = next(iter(self._at_work.values()), "")
        if self._is_terminal:
            with suppress(OSError, ValueError):
                self._draw(total, at_work)
            return
        now = time.monotonic()
        if now - self._told_at >= _EVERY_SECONDS or self._done == total:
            self._told_at = now
            self.say(
                f"{self._done} of {total} nodes and tests after {now - self._began:,.0f} s; {self._remaining()} {at_work}".rstrip(
                    "; "
                )
            )

    def _draw(self, total: int, at_work: str) -> None:
        if self._bar is None:
            self._bar = tqdm(
                total=total, bar_format="{n_fmt}/{total_fmt} {bar} {elapsed} {postfix}", file=sys.stdout, leave=False
            )
        self._bar.n = min(self._done, total)
        self._bar.set_postfix_str(f"{self._remaining()} {at_work}".strip())

    def _remaining(self) -> str:
        """What earlier runs took from here to their end: the median of the last ones."""
        left = [course[-1] - course[min(self._built, len(course) - 1)] for course in self._courses]
        return f"about {statistics.median(left):,.0f} s left;" if left else ""
