"""Columns that say when a row was computed, and nothing else: a row that differs in these alone is the same row."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from scorehouse.plans.operators import JOINS, PASSING, SETS, Expression, Operator, name_of, place, places


@dataclass(frozen=True)
class Stamps:
    """Places of an operator's columns.

    Attributes:
        old: passed on from columns that are such stamps in the relations that were read, as they are, or the latest of several.
        new: the time of this build, as it is.
    """

    old: frozenset[int] = frozenset()
    new: frozenset[int] = frozenset()

    def moved(self, places_below: Collection[int | None]) -> "Stamps":
        """Those of an operator whose columns stand for these places of the operator below."""
        own = list(enumerate(places_below))
        return Stamps(frozenset(p for p, one in own if one in self.old), frozenset(p for p, one in own if one in self.new))


TIME_OF_BUILD = datetime(1903, 7, 11, 5, 43, 21, 918273)
"""What stands for the time of the build in a plan, where it is a constant."""

_MICROSECONDS = (TIME_OF_BUILD - datetime(1970, 1, 1)) // timedelta(microseconds=1)


class ComputesWithTimeError(Exception):
    """A query that does more with the time of the build than to pass it on, as a column of its own."""


def stamps(plan: Operator, known: Mapping[str, Collection[str]]) -> frozenset[int]:
    """Places of the plan's columns that are stamps.

    Args:
        known: names of the stamps among a relation's columns, by relation.

    Raises ComputesWithTimeError for a query that computes with the time of the build: its result would be another one each time.
    """
    found = _Walk(known).of(plan)
    return found.old | found.new


class _Walk:
    """One walk up a plan."""

    def __init__(self, known: Mapping[str, Collection[str]]) -> None:
        self._known = known
        self._shared: dict[int, Stamps] = {}

    def of(self, operator: Operator) -> Stamps:
        """The stamps among an operator's columns."""
        kind, below = operator.kind, operator.below
        if kind == "LOGICAL_MATERIALIZED_CTE":
            self._shared[operator.said["table_index"]] = self.of(below[0])
            return self.of(below[1])
        if kind == "LOGICAL_CTE_REF":
            return self._shared.get(operator.said["cte_index"], Stamps())
        found = [self.of(one) for one in below]
        self._expect_no_use(operator, found)
        if kind == "LOGICAL_GET" and operator.below:
            if found[0].new & set(operator.arguments):
                raise ComputesWithTimeError
            return found[0].moved([*(None for _ in operator.columns), *operator.beside])
        if kind == "LOGICAL_GET":
            names = self._known.get(operator.relation or "", ())
            return Stamps(frozenset(p for p, name in enumerate(operator.columns) if name in names)) if names else Stamps()
        if kind == "LOGICAL_PROJECTION":
            passed = found[0].moved([place(expression) for expression in operator.expressions])
            latest = {p for p, e in enumerate(operator.expressions) if _is_latest(e, found[0].old)}
            new = {p for p, e in enumerate(operator.expressions) if _is_time_of_build(e)}
            return Stamps(passed.old | latest, passed.new | new)
        if kind in PASSING:
            return found[0].moved(operator.passed)
        if kind in ("LOGICAL_WINDOW", "LOGICAL_UNNEST"):
            return found[0]
        if kind in JOINS or kind == "LOGICAL_CROSS_PRODUCT":
            return _both(found[0], found[1], below[0].width).moved(operator.joined if kind in JOINS else range(operator.width))
        if kind in SETS and found[0].new == found[1].new:
            return Stamps(found[0].old & found[1].old, found[0].new)
        if any(one.new for one in found):  # among other values it is no longer told from them
            raise ComputesWithTimeError
        return Stamps()

    def _expect_no_use(self, operator: Operator, below: list[Stamps]) -> None:
        new = (
            _both(below[0], below[1], operator.below[0].width).new if len(below) == 2 else below[0].new if below else frozenset()
        )
        for expression in _computed(operator):
            if _reads_time_of_build(expression) or places(expression) & new:
                raise ComputesWithTimeError


def _both(left: Stamps, right: Stamps, width: int) -> Stamps:
    return Stamps(left.old | {p + width for p in right.old}, left.new | {p + width for p in right.new})


def _computed(operator: Operator) -> Iterator[Expression]:
    """The expressions of an operator that do more than to pass on a column."""
    for expression in [*operator.expressions, *operator.groups, *(operator.compared if operator.kind in JOINS else [])]:
        is_passed = operator.kind == "LOGICAL_PROJECTION" and (place(expression) is not None or _is_time_of_build(expression))
        if not is_passed:
            yield expression


def _is_latest(expression: Expression, stamps: Collection[int]) -> bool:
    """Whether it is `greatest` of stamps alone."""
    return name_of(expression) == "greatest" and all(place(argument) in stamps for argument in expression["children"])


def _is_time_of_build(expression: object) -> bool:
    return isinstance(expression, Mapping) and (expression.get("value") or {}).get("value") == _MICROSECONDS


def _reads_time_of_build(part: object) -> bool:
    if isinstance(part, Mapping):
        return part.get("value") == _MICROSECONDS or any(map(_reads_time_of_build, part.values()))
    return isinstance(part, list) and any(map(_reads_time_of_build, part))
