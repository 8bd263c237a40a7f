"""Of which columns of which relations the values in each of a query's columns are made."""

from collections.abc import Iterable, Sequence
from itertools import chain

from scorehouse.plans.operators import JOINS, PASSING, SETS, Expression, Operator, UnknownPlanError, name_of, places

Origin = frozenset[tuple[str, str]]
"""Columns: relation (schema.name) and name."""

NOTHING: Origin = frozenset()

_ON_ROWS = frozenset("filter filters order_bys partitions orders start_expr end_expr".split())
"""Parts of an aggregate or a window function that say on which rows it works, in which order."""

_PICKING = frozenset("arg_max arg_min max_by min_by argmax argmin arg_max_null arg_min_null".split())
"""Aggregates that take the first argument's value where the second is greatest or least."""


def made_of(plan: Operator) -> list[Origin]:
    """For each of the plan's columns, the columns whose values its values are made of.

    What only decides which rows there are (conditions, what is joined on or grouped by) does not count. Raises UnknownPlanError.
    """
    return _Origins().of(plan)


class _Origins:
    """One walk up a plan."""

    def __init__(self) -> None:
        self._shared: dict[int, list[Origin]] = {}

    def of(self, operator: Operator) -> list[Origin]:
        """The origins of an operator's columns, by place."""
        kind = operator.kind
        if kind == "LOGICAL_CTE_REF" and operator.said["cte_index"] in self._shared:
            return self._shared[operator.said["cte_index"]]
        if kind == "LOGICAL_MATERIALIZED_CTE":
            self._shared[operator.said["table_index"]] = self.of(operator.below[0])
            return self.of(operator.below[1])
        if kind == "LOGICAL_RECURSIVE_CTE":
            return self._recursive(operator)
        below = [self.of(one) for one in operator.below]
        columns = list(chain(*below))
        if kind == "LOGICAL_GET":
            return self._scan(operator, columns)
        if kind == "LOGICAL_PROJECTION":
            return _computed(operator.expressions, columns)
        if kind in PASSING:
            return [columns[place] for place in operator.passed]
        if kind == "LOGICAL_AGGREGATE_AND_GROUP_BY":
            found = _computed([*operator.groups, *map(_counted, operator.expressions)], columns)
            return found + [NOTHING] * (operator.width - len(found))
        if kind in ("LOGICAL_WINDOW", "LOGICAL_UNNEST"):
            return columns + _computed(map(_counted, operator.expressions), columns)
        if kind in JOINS:  # a mark says whether the comparison held
            mark = _union(columns, places(list(operator.compared)))
            return [mark if place is None else columns[place] for place in operator.joined]
        if kind in ("LOGICAL_CROSS_PRODUCT", "LOGICAL_POSITIONAL_JOIN"):
            return columns
        if kind in SETS:
            return [frozenset().union(*origins) for origins in zip(*below, strict=True)]
        if kind in ("LOGICAL_EXPRESSION_GET", "LOGICAL_DUMMY_SCAN"):
            return [frozenset().union(*columns)] * operator.width
        raise UnknownPlanError(kind)

    def _scan(self, operator: Operator, columns: list[Origin]) -> list[Origin]:
        relation = operator.relation
        if relation:
            return [frozenset({(relation, name)}) if name is not None else NOTHING for name in operator.columns]
        made = frozenset().union(*(columns[place] for place in operator.arguments if operator.below))
        return [made] * len(operator.columns) + [columns[place] for place in operator.beside]

    def _recursive(self, operator: Operator) -> list[Origin]:
        """Every column of a recursion is made of all that goes into it."""
        start = self.of(operator.below[0])
        self._shared[operator.said["table_index"]] = start
        return [frozenset().union(*start, *self.of(operator.below[1]))] * operator.width


def _computed(expressions: Iterable[Expression], columns: Sequence[Origin]) -> list[Origin]:
    return [_union(columns, places(expression)) for expression in expressions]


def _union(columns: Sequence[Origin], chosen: Iterable[int]) -> Origin:
    return frozenset().union(*(columns[place] for place in chosen))


def _counted(expression: Expression) -> Expression:
    """What counts of an aggregate or a window function: what only says which rows, in which order, is no part of a value."""
    parts = {name: part for name, part in expression.items() if name not in _ON_ROWS}
    return parts | {"children": parts["children"][:1]} if name_of(expression) in _PICKING else parts
