"""Parts of a memory that threads share."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from scorehouse.build.memory import Memory, let_nobody_begin
from scorehouse.errors import ScorehouseError


def test_no_more_is_held_at_once_than_there_is() -> None:
    rng = random.Random(1)
    memory, lock, held, most = Memory(1000), threading.Lock(), [0], [0]

    def work(wanted: int) -> None:
        with memory.part(wanted):
            with lock:
                held[0] += min(wanted, 1000)
                most[0] = max(most[0], held[0])
            threading.Event().wait(0.001)
            with lock:
                held[0] -= min(wanted, 1000)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, [rng.randint(16, 1500) for _ in range(100)]))
    assert 500 < most[0] <= 1000


def test_who_needs_much_is_not_overtaken_for_good() -> None:
    memory, order, entered, free = Memory(100), [], threading.Event(), threading.Event()

    def hold() -> None:
        with memory.part(60):
            entered.set()
            free.wait(10)

    def take(wanted: int) -> None:
        with memory.part(wanted):
            order.append(wanted)

    with ThreadPoolExecutor(3) as threads:
        threads.submit(hold)
        entered.wait(10)
        large = threads.submit(take, 100)
        while not memory._waiting:  # it asked first
            threading.Event().wait(0.001)
        small = threads.submit(take, 30)
        free.set()
        large.result(10), small.result(10)
    assert order == [100, 30]


def test_what_is_negligible_or_within_a_part_never_waits() -> None:
    memory = Memory(100)
    with memory.part(1000), memory.part(100), ThreadPoolExecutor(1) as threads:

        def small() -> bool:
            with memory.part(1):
                return True

        assert threads.submit(small).result(10)


def test_a_part_is_given_back_by_what_fails() -> None:
    memory = Memory(100)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), memory.part(80):
            raise ZeroDivisionError
    with memory.part(100):
        pass


def test_who_waits_when_the_run_is_stopped_does_not_begin() -> None:
    memory, entered, free = Memory(100), threading.Event(), threading.Event()

    def hold() -> None:
        with memory.part(100):
            entered.set()
            free.wait(10)

    def take() -> None:
        with memory.part(50):
            raise AssertionError

    with ThreadPoolExecutor(2) as threads:
        threads.submit(hold)
        entered.wait(10)
        waiting = threads.submit(take)
        let_nobody_begin()
        with pytest.raises(ScorehouseError, match="Stopped by the user"):
            waiting.result(10)
        free.set()
