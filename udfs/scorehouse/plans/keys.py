"""Which columns identify a row: keys of a plan's operators, from the declared keys of the relations that it scans."""

from collections.abc import Collection, Mapping

from scorehouse.plans.operators import JOINS, PASSING, Expression, Operator, place, places

Key = frozenset[int]
"""Places of columns that no two rows share; the empty one where there is at most one row."""

MOST = 8
"""Keys kept of an operator: joins multiply them."""


class Keys:
    """Keys of the operators of one plan.

    Args:
        declared: keys of the relations (schema.name), each a tuple of column names.
        plan: where shared parts (common table expressions) are looked up.
    """

    def __init__(self, plan: Operator, declared: Mapping[str, Collection[tuple[str, ...]]]) -> None:
        self._declared = declared
        self._shared: dict[int, Operator] = {}
        self._known: dict[int, list[Key]] = {}
        self._collect(plan)

    def _collect(self, operator: Operator) -> None:
        if operator.kind == "LOGICAL_MATERIALIZED_CTE":
            self._shared[operator.said["table_index"]] = operator.below[0]
        for below in operator.below:
            self._collect(below)

    def of(self, operator: Operator) -> list[Key]:
        """Keys of an operator's rows; none where none is known."""
        if id(operator) not in self._known:
            self._known[id(operator)] = []  # a recursion knows nothing of itself
            self._known[id(operator)] = sorted(set(self._of(operator)), key=lambda key: (len(key), sorted(key)))[:MOST]
        return self._known[id(operator)]

    def identify(self, operator: Operator, columns: Collection[int]) -> bool:
        """Whether no two rows of an operator share the columns at these places."""
        return any(key <= set(columns) for key in self.of(operator))

    def _of(self, operator: Operator) -> list[Key]:
        kind, below = operator.kind, operator.below
        if kind == "LOGICAL_GET":
            return self._of_scan(operator)
        if kind == "LOGICAL_PROJECTION":
            return _renamed(self.of(below[0]), list(map(place, operator.expressions)))
        if kind in PASSING:
            own = [frozenset(map(place, operator.said["distinct_targets"]))] if kind == "LOGICAL_DISTINCT" else []
            return _renamed([*self.of(below[0]), *(key for key in own if None not in key)], operator.passed)
        if kind in ("LOGICAL_WINDOW", "LOGICAL_MATERIALIZED_CTE"):
            return self.of(below[kind == "LOGICAL_MATERIALIZED_CTE"])
        if kind == "LOGICAL_AGGREGATE_AND_GROUP_BY":
            return self._of_groups(operator)
        if kind == "LOGICAL_CTE_REF":
            shared = self._shared.get(operator.said["cte_index"])
            return self.of(shared) if shared else []
        if kind in JOINS or kind == "LOGICAL_CROSS_PRODUCT":
            return self._of_join(operator)
        return [frozenset()] if kind == "LOGICAL_DUMMY_SCAN" else []

    def _of_scan(self, operator: Operator) -> list[Key]:
        names = {name.lower(): place for place, name in enumerate(operator.columns) if name} if operator.relation else {}
        keys = self._declared.get(operator.relation, ()) if operator.relation else ()
        return [frozenset(names[c.lower()] for c in key) for key in keys if all(c.lower() in names for c in key)]

    def _of_groups(self, operator: Operator) -> list[Key]:
        if len(operator.said.get("grouping_sets", ())) > 1:
            return []
        whole = frozenset(range(len(operator.groups)))
        return [whole, *_renamed(self.of(operator.below[0]), list(map(place, operator.groups)))]

    def _of_join(self, operator: Operator) -> list[Key]:
        left, right = operator.below
        if operator.kind == "LOGICAL_CROSS_PRODUCT":
            equal: list[tuple[int, int]] = []
            places_of, kind = list(range(left.width + right.width)), "INNER"
        else:
            equal, places_of, kind = _equalities(operator), operator.joined, operator.said["join_type"]
        moved = [frozenset(place + left.width for place in key) for key in self.of(right)]
        one_right = self.identify(right, [place for _, place in equal]) or operator.kind == "LOGICAL_ASOF_JOIN"
        one_left = self.identify(left, [place for place, _ in equal])
        keys: list[Key] = []
        if kind in ("SEMI", "ANTI", "MARK", "SINGLE") or (kind in ("INNER", "LEFT") and one_right):
            keys += self.of(left)
        if kind == "INNER" and one_left:
            keys += moved
        if kind in ("INNER", "LEFT"):
            keys += [a | b for a in self.of(left) for b in moved]
        return _renamed(keys, places_of)


def _equalities(operator: Operator) -> list[tuple[int, int]]:
    """Pairs of places, left and right, that a join's conditions hold equal."""
    found = []
    for condition in operator.conditions:
        if condition.get("comparison") in ("COMPARE_EQUAL", "COMPARE_NOT_DISTINCT_FROM"):
            pair = place(condition["left"]), place(condition["right"])
            if None not in pair:
                found.append(pair)
    return found


def _renamed(keys: Collection[Key], places_below: list[int | None]) -> list[Key]:
    """Keys in terms of an operator's own columns, of those below that it still has."""
    own = {below: own for own, below in reversed(list(enumerate(places_below))) if below is not None}
    return [frozenset(own[below] for below in key) for key in keys if key <= own.keys()]


def plain(expressions: Collection[Expression]) -> set[int]:
    """Places of the columns among some expressions; what is computed of a column does not say which row it was."""
    return {found for found in map(place, expressions) if found is not None}


__all__ = ["Key", "Keys", "places", "plain"]
