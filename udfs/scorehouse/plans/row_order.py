"""What in a query depends on the order in which rows meet: with several threads that order is another one each time."""

import json
from collections.abc import Collection, Iterator, Mapping

from scorehouse.plans.dependencies import ROW, Dependencies, fixed
from scorehouse.plans.equals import has_equals, is_floating, is_with_equals
from scorehouse.plans.operators import Expression, Operator, name_of, place, places, walk
from scorehouse.plans.reads import wanted

ORDERLESS = frozenset(
    "count count_star count_if countif min max bool_and bool_or bit_and bit_or bit_xor bitstring_agg histogram histogram_exact"
    " median quantile quantile_cont quantile_disc mad approx_count_distinct regr_count".split()
)
"""Aggregates whose result is the same whatever the order of rows."""

EXACT = frozenset("sum sum_no_overflow avg mean".split())
"""Aggregates whose result is the same whatever the order of rows, unless they add floating-point numbers."""

ANY_OF = frozenset("any_value first last arbitrary".split())
"""Aggregates that give one of the values."""

ONE_BY_ONE = frozenset("list array_agg string_agg group_concat listagg first last any_value arbitrary".split())
"""Aggregates that take values one after the other, whatever their number."""

BINNED = frozenset("histogram histogram_exact".split())
"""Aggregates that, given ends of bins, give these and how many values lie there; one group must have one list of ends."""

PICKING = frozenset("min max median quantile quantile_disc mad histogram histogram_exact".split())
"""Orderless aggregates that give values as they met them."""

PEERS = frozenset("WINDOW_RANK WINDOW_RANK_DENSE WINDOW_DENSE_RANK WINDOW_PERCENT_RANK WINDOW_CUME_DIST".split())
"""Window functions that give rows which stand at the same place the same value."""


def order_dependent(plan: Operator, keys: Mapping[str, Collection[tuple[str, ...]]]) -> list[str]:
    """What depends on the order of rows, in words; empty for a query whose result is the same in any order.

    Args:
        keys: of the relations, by name: columns that no two rows share.
    """
    return list(dict.fromkeys(_RowOrder(plan, keys).found()))


class _RowOrder:
    """One walk over a plan."""

    def __init__(self, plan: Operator, keys: Mapping[str, Collection[tuple[str, ...]]]) -> None:
        self._plan = plan
        self._wanted = wanted(plan)
        self._dependencies = Dependencies(plan, keys)

    def found(self) -> Iterator[str]:
        """What depends on the order of rows, in words."""
        for operator in walk(self._plan):
            kind = operator.kind
            if kind == "LOGICAL_AGGREGATE_AND_GROUP_BY":
                yield from ("group by" for one in operator.groups if has_equals(one))
                yield from (f"{name_of(one)}()" for one in self._read(operator) if self._aggregate_depends(one, operator))
            elif kind == "LOGICAL_WINDOW":
                yield from self._windows(operator)
            elif kind == "LOGICAL_LIMIT" and not self._limit_is_settled(operator.below[0]):
                yield "limit"
            elif kind == "LOGICAL_DISTINCT" and operator.said["distinct_type"] == "DISTINCT_ON":
                ordered = _orders(operator.said.get("order_by") or {})
                if not self._are_settled(operator.below[0], [*ordered, *operator.said["distinct_targets"]]):
                    yield "distinct on"
            elif kind == "LOGICAL_DISTINCT" and any(map(_is_of_equals, operator.said["distinct_targets"])):
                yield "distinct"
            elif kind == "LOGICAL_RECURSIVE_CTE" and not operator.said["union_all"]:
                yield from ("recursive union" for one in operator.said["internal_types"] if is_with_equals(one))
            elif kind == "LOGICAL_ASOF_JOIN" and not self._matches_once(operator):
                yield "asof join"
            elif kind == "LOGICAL_POSITIONAL_JOIN":
                yield "positional join"

    def _read(self, operator: Operator) -> list[Expression]:
        """What an aggregation or a window operator computes and something above it reads: it stands behind its other columns."""
        first = operator.width - len(operator.expressions) - len(operator.said.get("grouping_functions", ()))
        wanted = self._wanted.get(id(operator), set())
        return [expression for place, expression in enumerate(operator.expressions, first) if place in wanted]

    def _closure(self, operator: Operator, expressions: Collection[Expression], held: Collection[int] = ()) -> frozenset[int]:
        """What follows from the values of some expressions; one that stands for several equal values says none of them.

        Args:
            held: places of columns that have one value.
        """
        exact = (expression for expression in expressions if not has_equals(expression))
        return self._dependencies.closure(operator, {p for p in map(place, exact) if p is not None} | set(held))

    def _are_settled(self, operator: Operator, order: Collection[Expression]) -> bool:
        """Whether rows at the same place of an order agree in all that anything reads of them."""
        return self._wanted.get(id(operator), set()) <= self._closure(operator, order)

    def _limit_is_settled(self, below: Operator) -> bool:
        """Whether any rows would do, as where nothing reads a column of them, or which they are is settled by an order."""
        is_ordered = below.kind == "LOGICAL_ORDER_BY" and self._are_settled(below.below[0], _orders(below.said))
        return is_ordered or self._are_settled(below, [])

    def _matches_once(self, join: Operator) -> bool:
        """Whether the rows of the right side that are at the same time agree in all that anything reads of them."""
        return self._are_settled(join.below[1], [condition["right"] for condition in join.conditions])

    def _aggregate_depends(self, aggregate: Expression, operator: Operator) -> bool:
        below, grouped = operator.below[0], list(operator.groups)
        arguments = list(aggregate.get("children", []))
        held = fixed([aggregate["filter"]] if aggregate.get("filter") else [])
        of_group = self._closure(below, grouped, held)
        if is_orderless(aggregate) or ROW in of_group:
            return False
        if _is_binned(aggregate):
            return not places(arguments[1]) <= of_group
        orders = _orders(aggregate.get("order_bys") or {})
        if name_of(aggregate).startswith(("arg_m", "argm", "max_by", "min_by")) and not orders:
            orders, arguments = _parts(arguments[1]), arguments[:1]
        elif not orders and name_of(aggregate) not in ANY_OF:
            return True
        known = self._closure(below, [*orders, *grouped], held)
        exact = [order for order in orders if not has_equals(order)]
        return not all(argument in exact or places(argument) <= known for argument in arguments)

    def _windows(self, operator: Operator) -> Iterator[str]:
        below = operator.below[0]
        read = self._read(operator)
        depending = [window for window in read if _depends_on_ties(window)]
        specs = {json.dumps([window.get("partitions"), window.get("orders")], sort_keys=True) for window in depending}
        for window in read:
            name = f"{name_of(window) or window['type'].removeprefix('WINDOW_').lower()}() over (...)"
            order = [*_orders(window), *_orders({"orders": window.get("arg_orders", [])}), *window.get("partitions", [])]
            known = self._closure(below, order)
            is_settled = self._wanted.get(id(below), set()) <= known and (len(specs) == 1 or ROW in known)
            if _adds_floats(window) or (_depends_on_ties(window) and not is_settled):
                yield name


def is_orderless(aggregate: Expression) -> bool:
    """Whether an aggregate gives the same whatever the order of rows."""
    name = name_of(aggregate)
    arguments = aggregate.get("children", [])
    if name in EXACT:
        return not any(map(is_floating, arguments))
    varying = [argument for argument in arguments if places(argument)]
    return name in ORDERLESS and not _is_binned(aggregate) and not (name in PICKING and any(map(has_equals, varying)))


def _is_binned(aggregate: Expression) -> bool:
    return name_of(aggregate) in BINNED and len(aggregate.get("children", [])) > 1


def _depends_on_ties(window: Expression) -> bool:
    """Whether rows at the same place of a window's order can get different values."""
    if window["type"] in PEERS:
        return False
    is_by_rows = any(str(window.get(end, "")).endswith("_ROWS") for end in ("start", "end"))
    return window["type"] != "WINDOW_AGGREGATE" or is_by_rows or not is_orderless(window)


def _adds_floats(window: Expression) -> bool:
    """Whether a window adds floating-point numbers, whose sums depend on how rows lie in memory, whatever their order."""
    return window["type"] == "WINDOW_AGGREGATE" and not is_orderless(window) and name_of(window) not in ONE_BY_ONE


def _orders(said: Mapping[str, object]) -> list[Expression]:
    return [order["expression"] for order in said.get("orders") or []]


def _parts(expression: Expression) -> list[Expression]:
    """An expression, and the fields of the tuple or struct that it makes."""
    return [expression, *(expression.get("children", []) if name_of(expression) in ("row", "struct_pack") else [])]


def _is_of_equals(expression: Expression) -> bool:
    """Whether what is made distinct stands for several values: of such a type, or the common form of collated texts."""
    return has_equals(expression) or expression["expression_class"] == "BOUND_FUNCTION"
