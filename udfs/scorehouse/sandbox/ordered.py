"""Sets that keep the order in which their members came, where Python's have one that each process makes up."""

from collections.abc import ItemsView, Iterable, Iterator, KeysView, MutableSet
from types import GenericAlias
from typing import Any


class Ordered(MutableSet):
    """`set`, in order of insertion.

    >>> [*(Ordered("cab") | Ordered("xa")), *Ordered("cab").difference("a")]
    ['c', 'a', 'b', 'x', 'c', 'b']
    """

    __class_getitem__ = classmethod(GenericAlias)

    def __init__(self, members: Iterable[Any] = ()) -> None:
        self._members = dict.fromkeys(members)

    def __contains__(self, member: object) -> bool:
        return member in self._members

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self._members))}}}" if self._members else "set()"

    def add(self, member: Any) -> None:
        """Put it last, unless it is there."""
        self._members[member] = None

    def discard(self, member: Any) -> None:
        """Take it away, if it is there."""
        self._members.pop(member, None)

    def pop(self) -> Any:
        """Take the first away."""
        first = next(iter(self._members))
        del self._members[first]
        return first

    def copy(self) -> "Ordered":
        """Another one with the same members."""
        return self._from_iterable(self)

    def union(self, *others: Iterable[Any]) -> "Ordered":
        """Its members, then those of others."""
        return self._from_iterable(member for members in (self, *others) for member in members)

    def intersection(self, *others: Iterable[Any]) -> "Ordered":
        """Its members that all others have."""
        known = [dict.fromkeys(other) for other in others]
        return self._from_iterable(member for member in self if all(member in other for other in known))

    def difference(self, *others: Iterable[Any]) -> "Ordered":
        """Its members that no other has."""
        known = dict.fromkeys(member for other in others for member in other)
        return self._from_iterable(member for member in self if member not in known)

    def symmetric_difference(self, other: Iterable[Any]) -> "Ordered":
        """Members that one of both has."""
        return self ^ Ordered(other)

    def update(self, *others: Iterable[Any]) -> None:
        """Add the members of others."""
        self._members = self.union(*others)._members

    def intersection_update(self, *others: Iterable[Any]) -> None:
        """Keep the members that all others have."""
        self._members = self.intersection(*others)._members

    def difference_update(self, *others: Iterable[Any]) -> None:
        """Take away the members of others."""
        self._members = self.difference(*others)._members

    def symmetric_difference_update(self, other: Iterable[Any]) -> None:
        """Keep the members that one of both has."""
        self._members = self.symmetric_difference(other)._members

    def issubset(self, other: Iterable[Any]) -> bool:
        """Whether the other has all of its members."""
        return self <= Ordered(other)

    def issuperset(self, other: Iterable[Any]) -> bool:
        """Whether it has all members of the other."""
        return self >= Ordered(other)


class OrderedAndFrozen(Ordered):
    """`frozenset`, in order of insertion: equal ones are the same key, whatever their orders."""

    def __hash__(self) -> int:
        return self._hash()

    def __repr__(self) -> str:
        return f"frozenset({super().__repr__() if len(self) else ''})"

    def _unchanging(self, *_: Any) -> None:
        raise TypeError("a frozenset does not change")

    add = discard = pop = remove = clear = _unchanging
    update = intersection_update = difference_update = symmetric_difference_update = _unchanging

    def __ior__(self, other: Any) -> "OrderedAndFrozen":
        return self | other

    def __iand__(self, other: Any) -> "OrderedAndFrozen":
        return self & other

    def __ixor__(self, other: Any) -> "OrderedAndFrozen":
        return self ^ other

    def __isub__(self, other: Any) -> "OrderedAndFrozen":
        return self - other


class Keys(KeysView):
    """`dict.keys()`, whose algebra keeps the order."""

    _from_iterable = Ordered


class Items(ItemsView):
    """`dict.items()`, whose algebra keeps the order."""

    _from_iterable = Ordered


VIEWS: dict[str, type] = {"keys": Keys, "items": Items}
"""The views of a dict, by the names of its methods."""


Ordered.register(set)
OrderedAndFrozen.register(frozenset)
