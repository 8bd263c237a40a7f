"""Time work, interleaved, and print medians."""

import statistics
import time
from collections.abc import Callable, Mapping

from scorehouse.operations import text


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each, run in turn `rounds` times after one warm-up, so that noise meets all alike."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            spent = seconds(work)
            if number:
                taken[name].append(spent)
    return {name: statistics.median(times) for name, times in taken.items()}


def show(header: list[str], rows: list[list[object]]) -> None:
    """Print a table."""
    print(text.table(header, rows), flush=True)
