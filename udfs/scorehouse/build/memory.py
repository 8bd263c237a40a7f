"""Memory that the computations of a run share: what needs much of it takes turns, so that one limit holds for all together."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

from scorehouse.errors import ScorehouseError

NEGLIGIBLE = 1 / 64
"""The share of all memory that is not worth waiting for."""


class Memory:
    """So many bytes that threads share; who finds too few free waits, and all are served in the order in which they asked.

    Args:
        total: bytes; who asks for more gets them all, alone.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._free = total
        self._waiting: deque[int] = deque()
        self._changed = threading.Condition()
        self._held = threading.local()
        self._is_over = False
        _known.add(self)

    @contextmanager
    def part(self, wanted: int) -> Iterator[None]:
        """Hold some bytes; nothing more within a part that the thread holds already, as it could wait for itself."""
        if wanted < NEGLIGIBLE * self.total or getattr(self._held, "bytes", 0):
            yield
            return
        self._held.bytes = min(wanted, self.total)
        try:
            self._take(self._held.bytes)
            try:
                yield
            finally:
                self._give(self._held.bytes)
        finally:
            self._held.bytes = 0

    def _take(self, wanted: int) -> None:
        own = threading.get_ident()
        with self._changed:
            self._waiting.append(own)
            try:
                self._changed.wait_for(lambda: self._is_over or (self._waiting[0] == own and self._free >= wanted))
                if self._is_over:
                    raise ScorehouseError("Stopped by the user, before memory was free.")
                self._free -= wanted
            finally:
                self._waiting.remove(own)
                self._changed.notify_all()

    def end(self) -> None:
        """Let nobody begin who waits."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _give(self, held: int) -> None:
        with self._changed:
            self._free += held
            self._changed.notify_all()


_known: WeakSet[Memory] = WeakSet()


def let_nobody_begin() -> None:
    """End all waiting in this process, for good: its runs are stopped."""
    for memory in list(_known):
        memory.end()
