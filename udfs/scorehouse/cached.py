"""A property that is computed once for an object, and takes no lock."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class cached_property(Generic[Value]):  # noqa: N801, it stands for that of functools
    """As `functools.cached_property` since Python 3.12: threads that ask at once may compute it twice.

    That of Python 3.11 has one lock for all objects of a class while it computes. Two properties that ask each other, of other
    objects, then wait for each other in two threads for ever.

    Args:
        compute: gives the value, from the object.
    """

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, _owner: type | None = None) -> Value:
        if instance is None:
            return self  # type: ignore[return-value]
        value = vars(instance)[self._name] = self._compute(instance)
        return value
