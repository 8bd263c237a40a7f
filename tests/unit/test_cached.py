"""Properties that are computed once."""

import threading
from concurrent.futures import ThreadPoolExecutor

from scorehouse.cached import cached_property


class Node:
    """Its left and right ask the other one of another object, when both threads are within."""

    def __init__(self, other: "Node | None" = None, meeting: threading.Barrier | None = None) -> None:
        self._other, self._meeting, self.count = other, meeting, 0

    @cached_property
    def left(self) -> int:
        """One more than the other's right."""
        return self._asked(lambda other: other.right)

    @cached_property
    def right(self) -> int:
        """One more than the other's left."""
        return self._asked(lambda other: other.left)

    def _asked(self, of_other: object) -> int:
        self.count += 1
        if self._meeting:
            self._meeting.wait(10)
        return 1 + of_other(self._other) if self._other else 0


def test_properties_of_several_objects_that_ask_each_other_never_wait_for_each_other() -> None:
    meeting = threading.Barrier(2)
    first, second = Node(Node(), meeting), Node(Node(), meeting)
    threads = ThreadPoolExecutor(2)
    found = threads.submit(lambda: first.left), threads.submit(lambda: second.right)
    assert [one.result(10) for one in found] == [1, 1]
    threads.shutdown()


def test_a_property_is_computed_once_for_an_object_and_is_told_of_by_its_class() -> None:
    node = Node(Node())
    assert [node.left, node.left, node.count] == [1, 1, 1]
    assert Node.left.__doc__ == "One more than the other's right."
