"""Which columns of a row follow from others: rows that agree in these agree in those too.

Where an order leaves rows at the same place open, and they agree in all that anything reads of them, it leaves nothing open.
"""

from collections.abc import Collection, Mapping

from scorehouse.plans.equals import has_equals
from scorehouse.plans.operators import JOINS, PASSING, Expression, Operator, place, places

ROW = -1
"""Stands among places for the row itself: what it follows from, no two rows share."""

_KEEPS_LEFT, _KEEPS_RIGHT = frozenset({"INNER", "LEFT", "SEMI", "ANTI", "MARK", "SINGLE"}), frozenset({"INNER", "RIGHT"})
"""Joins of which every row has a row of that side."""


class Dependencies:
    """What follows from what in the operators of one plan.

    Args:
        plan: where shared parts (common table expressions) are looked up.
        keys: of the relations (schema.name), each a tuple of column names that no two rows share.
    """

    def __init__(self, plan: Operator, keys: Mapping[str, Collection[tuple[str, ...]]]) -> None:
        self._keys = {name: [{column.lower() for column in key} for key in of_one] for name, of_one in keys.items()}
        self._shared: dict[int, Operator] = {}
        self._known: dict[tuple[int, frozenset[int]], frozenset[int]] = {}
        self._collect(plan)

    def _collect(self, operator: Operator) -> None:
        if operator.kind == "LOGICAL_MATERIALIZED_CTE":
            self._shared[operator.said["table_index"]] = operator.below[0]
        for below in operator.below:
            self._collect(below)

    def closure(self, operator: Operator, given: Collection[int]) -> frozenset[int]:
        """The places of all columns that follow from those at some places, these included, and `ROW` where the row does."""
        key = id(operator), frozenset(given) - {ROW}
        if key not in self._known:
            self._known[key] = frozenset(self._closure(operator, set(key[1])))
        return self._known[key]

    def _closure(self, operator: Operator, given: set[int]) -> Collection[int]:
        kind, below = operator.kind, operator.below
        if kind == "LOGICAL_GET":
            return self._of_scan(operator, given)
        if kind == "LOGICAL_PROJECTION":
            known = self.closure(below[0], _plain(operator.expressions, given))
            return given | _computed(operator.expressions, known) | (known & {ROW})
        if kind in PASSING:
            return self._of_passing(operator, given)
        if kind == "LOGICAL_WINDOW":
            return self._of_window(operator, given)
        if kind == "LOGICAL_AGGREGATE_AND_GROUP_BY":
            return self._of_groups(operator, given)
        if kind in JOINS or kind == "LOGICAL_CROSS_PRODUCT":
            return self._of_join(operator, given)
        if kind == "LOGICAL_UNNEST":
            return given | self.closure(below[0], {g for g in given if g < below[0].width}) - {ROW}
        if kind == "LOGICAL_MATERIALIZED_CTE":
            return self.closure(below[1], given)
        if kind == "LOGICAL_CTE_REF" and operator.said["cte_index"] in self._shared:
            return self.closure(self._shared[operator.said["cte_index"]], given)
        return {*range(operator.width), ROW} if kind == "LOGICAL_DUMMY_SCAN" else given

    def _of_scan(self, operator: Operator, given: set[int]) -> set[int]:
        if not operator.relation:
            return given
        names = [name.lower() if name else None for name in operator.columns]
        known = {names[g] for g in given}
        is_whole = any(key <= known for key in self._keys.get(operator.relation, ()))
        return {*range(len(names)), ROW} if is_whole else {p for p, name in enumerate(names) if name in known}

    def _of_passing(self, operator: Operator, given: set[int]) -> set[int]:
        held = fixed(operator.expressions) if operator.kind == "LOGICAL_FILTER" else set()
        known = self.closure(operator.below[0], {operator.passed[g] for g in given} | held)
        if operator.kind == "LOGICAL_DISTINCT" and places(list(operator.said["distinct_targets"])) <= known:
            return {*range(operator.width), ROW}
        return {own for own, p in enumerate(operator.passed) if p in known} | (known & {ROW})

    def _of_window(self, operator: Operator, given: set[int]) -> set[int]:
        width = operator.below[0].width
        known = given | self.closure(operator.below[0], {g for g in given if g < width})
        for own, window in enumerate(operator.expressions, width):
            is_of_all = window["type"] == "WINDOW_AGGREGATE" and not window.get("orders")
            if ROW in known or (is_of_all and places(list(window.get("partitions", []))) <= known):
                known.add(own)
        return known

    def _of_groups(self, operator: Operator, given: set[int]) -> set[int]:
        groups = operator.groups
        if len(operator.said.get("grouping_sets", ())) > 1:
            return given
        known = self.closure(operator.below[0], _plain(groups, {g for g in given if g < len(groups)}))
        found = given | _computed(groups, known)
        return {*range(operator.width), ROW} if found >= set(range(len(groups))) else found

    def _of_join(self, operator: Operator, given: set[int]) -> set[int]:
        is_product = operator.kind == "LOGICAL_CROSS_PRODUCT"
        here = list(range(operator.width)) if is_product else operator.joined
        join = _Join(operator, "INNER" if is_product else operator.said["join_type"])
        known = {here[g] for g in given if here[g] is not None}
        rows: tuple[bool, bool] = (False, False)
        while True:
            before = len(known)
            rows = self._follow_sides(join, known)
            known |= join.matched(known)
            if len(known) == before:
                break
        found = given | {own for own, p in enumerate(here) if p in known}
        is_row = rows[0] and (rows[1] or join.is_of_left_rows) and join.kind in _KEEPS_LEFT
        if join.kind == "MARK" and join.compared_on_left <= known:
            found.add(len(here) - 1)
        return found | ({ROW} if is_row else set())

    def _follow_sides(self, join: "_Join", known: set[int]) -> tuple[bool, bool]:
        """Add what follows on each side; returns whether the sides' rows do."""
        rows = []
        for side, first, is_kept in join.sides(known):
            of_side = {p - first for p in known if first <= p < first + side.width}
            found = self.closure(side, of_side) if is_kept else frozenset(of_side)
            known |= {p + first for p in found if p != ROW}
            rows.append(ROW in found)
        return rows[0], rows[1]


class _Join:
    """A join as pairs of columns: places are those of the left side, then the right side."""

    def __init__(self, operator: Operator, kind: str) -> None:
        self.kind, self._operator = kind, operator
        self._left, self._right = operator.below
        compared = operator.compared if operator.kind in JOINS else []
        self.compared_on_left = {p for p in places(list(compared)) if p < self._left.width}
        self.is_of_left_rows = kind in ("SEMI", "ANTI", "MARK", "SINGLE") or operator.kind == "LOGICAL_ASOF_JOIN"

    def sides(self, known: set[int]) -> list[tuple[Operator, int, bool]]:
        """Both sides, each with its first place and whether its rows all have a row of it, so that its own rules hold.

        Rows that agree in what a left join compares either all have a row of the right side, or none.
        """
        is_settled = self.kind in ("LEFT", "SINGLE") and self.compared_on_left <= known
        left, right = self.kind in _KEEPS_LEFT, self.kind in _KEEPS_RIGHT or is_settled
        return [(self._left, 0, left), (self._right, self._left.width, right)]

    def matched(self, known: set[int]) -> set[int]:
        """Columns of one side that follow from the other side's by the join's conditions."""
        width = self._left.width
        is_settled = self.compared_on_left <= known
        if self.is_of_left_rows and self.kind in ("SINGLE", "INNER", "LEFT"):
            return set(range(width, width + self._right.width)) if is_settled else set()
        if self.kind != "INNER" and not (self.kind == "LEFT" and is_settled):
            return set()
        found: set[int] = set()
        for condition in self._operator.conditions:
            if condition.get("comparison") in ("COMPARE_EQUAL", "COMPARE_NOT_DISTINCT_FROM"):
                one, other = _exact_place(condition["left"]), _exact_place(condition["right"])
                if other is not None and places(condition["left"]) <= known:
                    found.add(other + width)
                if self.kind == "INNER" and one is not None and {p + width for p in places(condition["right"])} <= known:
                    found.add(one)
        return found


def fixed(conditions: Collection[Expression]) -> set[int]:
    """The places of columns that conditions hold equal to a constant."""
    found: set[int | None] = set()
    for condition in conditions:
        if condition.get("type") == "CONJUNCTION_AND":
            found |= fixed(condition["children"])
        elif condition.get("type") == "COMPARE_EQUAL":
            one, other = condition["children"]
            found |= {_exact_place(side) for side, opposite in ((one, other), (other, one)) if not places(opposite)}
        else:  # a truth value that is a column
            found.add(place(condition))
    return {p for p in found if p is not None}


def _exact_place(expression: Expression) -> int | None:
    """The place of a column whose value is the very one that it equals."""
    return None if has_equals(expression) else place(expression)


def _plain(expressions: Collection[Expression], given: Collection[int]) -> set[int]:
    """The places below of those given expressions that are columns as they are."""
    listed = list(expressions)
    return {p for p in (place(listed[g]) for g in given) if p is not None}


def _computed(expressions: Collection[Expression], known: Collection[int]) -> set[int]:
    return {own for own, expression in enumerate(expressions) if places(expression) <= set(known)}
