"""Which columns of which relations a query's result is made of: what it only passes along and drops does not count."""

from collections.abc import Collection

from scorehouse.plans.operators import JOINS, PASSING, SETS, Operator, UnknownPlanError, places


def columns_read(plan: Operator, but: Collection[int] = ()) -> dict[str, set[str]]:
    """Names of the columns that the plan's rows depend on, by relation (schema.name).

    A relation of which only the number of rows counts has no columns. Raises UnknownPlanError for an operator that is not known.

    Args:
        but: places of the plan's own columns that do not count.
    """
    reading = _Reading()
    reading.need(plan, set(range(plan.width)) - set(but))
    return reading.found


def wanted(plan: Operator) -> dict[int, set[int]]:
    """By the id() of each operator, the places of its columns that something above needs."""
    reading = _Reading()
    reading.need(plan, range(plan.width))
    return reading.wanted


class _Reading:
    """One walk down a plan: every operator is asked for the places of its columns that something above needs."""

    def __init__(self) -> None:
        self.found: dict[str, set[str]] = {}
        self.wanted: dict[int, set[int]] = {}
        self._of_shared: dict[int, set[int]] = {}

    def need(self, operator: Operator, wanted: Collection[int]) -> None:
        """Note what an operator reads so that its columns at the places `wanted`, and its number of rows, are right."""
        kind, below = operator.kind, operator.below
        self.wanted.setdefault(id(operator), set()).update(wanted)
        if kind == "LOGICAL_GET":
            self._scan(operator, wanted)
        elif kind == "LOGICAL_PROJECTION":
            self.need(below[0], _of(operator, wanted))
        elif kind in PASSING:
            self._passing(operator, wanted)
        elif kind == "LOGICAL_AGGREGATE_AND_GROUP_BY":
            first = len(operator.groups)
            used = [e for place, e in enumerate(operator.expressions, first) if place in wanted]
            self.need(below[0], places([*operator.groups, *used]))
        elif kind == "LOGICAL_WINDOW":
            first = below[0].width
            used = [e for place, e in enumerate(operator.expressions, first) if place in wanted]
            self.need(below[0], {place for place in wanted if place < first} | places(used))
        elif kind == "LOGICAL_UNNEST":  # how many rows it makes depends on all that it unnests
            first = below[0].width
            self.need(below[0], {place for place in wanted if place < first} | places(list(operator.expressions)))
        elif kind in JOINS or kind in ("LOGICAL_CROSS_PRODUCT", "LOGICAL_POSITIONAL_JOIN"):
            self._sides(operator, wanted)
        elif kind in SETS:
            is_plain = kind == "LOGICAL_UNION" and operator.said["setop_all"]
            for side in below:
                self.need(side, wanted if is_plain else range(side.width))
        elif kind == "LOGICAL_RECURSIVE_CTE":
            for side in below:
                self.need(side, range(side.width))
        elif kind == "LOGICAL_MATERIALIZED_CTE":
            self.need(below[1], wanted)
            shared = self._of_shared.get(operator.said["table_index"])
            if shared is not None:
                self.need(below[0], shared)
        elif kind == "LOGICAL_CTE_REF":
            self._of_shared.setdefault(operator.said["cte_index"], set()).update(wanted)
        elif kind == "LOGICAL_EXPRESSION_GET":
            self.need(below[0], range(below[0].width))
        elif kind != "LOGICAL_DUMMY_SCAN":
            raise UnknownPlanError(kind)

    def _scan(self, operator: Operator, wanted: Collection[int]) -> None:
        own = operator.columns
        if operator.relation:
            self.found.setdefault(operator.relation, set()).update(own[p] for p in wanted if own[p] is not None)
        elif operator.below:  # a table function over the rows below
            beside = {operator.beside[p - len(own)] for p in wanted if p >= len(own)}
            self.need(operator.below[0], {*operator.arguments, *beside})

    def _passing(self, operator: Operator, wanted: Collection[int]) -> None:
        said = operator.said
        used = [*operator.expressions, *said.get("orders", ()), *said.get("distinct_targets", ())]
        used += [(said.get(name) or {}) for name in ("order_by", "limit_val", "offset_val")]
        self.need(operator.below[0], {operator.passed[place] for place in wanted} | places(used))

    def _sides(self, operator: Operator, wanted: Collection[int]) -> None:
        left = operator.below[0].width
        if operator.kind in JOINS:
            here = {operator.joined[place] for place in wanted} - {None} | places(operator.compared)
        else:
            here = set(wanted)
        self.need(operator.below[0], {p for p in here if p < left})
        self.need(operator.below[1], {p - left for p in here if p >= left})


def _of(operator: Operator, wanted: Collection[int]) -> set[int]:
    return places([operator.expressions[place] for place in wanted])
