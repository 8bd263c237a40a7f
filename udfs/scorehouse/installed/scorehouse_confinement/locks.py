"""Locks of multiprocessing become locks of threads."""

import threading
from multiprocessing import synchronize


def within_this_process() -> None:
    """Let locks be made without named semaphores, which would lie where every process can reach them.

    dbt and its thread pool ask multiprocessing for locks, and use them among threads alone.
    """
    synchronize.Lock = lambda ctx=None: threading.Lock()
    synchronize.RLock = lambda ctx=None: threading.RLock()
