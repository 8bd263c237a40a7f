"""What in a query depends on the order in which rows meet: with several threads that order is another one each time."""

from collections.abc import Collection, Iterator, Mapping

from scorehouse.plans.keys import Keys, plain
from scorehouse.plans.operators import Expression, Operator, name_of, walk

ORDERLESS = frozenset(
    "count count_star count_if countif min max bool_and bool_or bit_and bit_or bit_xor bitstring_agg histogram histogram_exact"
    " median quantile quantile_cont quantile_disc mad approx_count_distinct regr_count".split()
)
"""Aggregates whose result is the same whatever the order of rows."""

EXACT = frozenset("sum sum_no_overflow avg mean".split())
"""Aggregates whose result is the same whatever the order of rows, unless they add floating-point numbers."""

FLOATING = frozenset({"FLOAT", "DOUBLE"})

PEERS = frozenset("WINDOW_RANK WINDOW_RANK_DENSE WINDOW_DENSE_RANK WINDOW_PERCENT_RANK WINDOW_CUME_DIST".split())
"""Window functions that give rows which stand at the same place the same value."""


def order_dependent(plan: Operator, declared: Mapping[str, Collection[tuple[str, ...]]]) -> list[str]:
    """What depends on the order of rows, in words; empty for a query whose result is the same in any order.

    Args:
        declared: keys of the relations, by name: an order by what identifies a row leaves nothing open.
    """
    return list(dict.fromkeys(_found(plan, Keys(plan, declared))))


def _found(plan: Operator, keys: Keys) -> Iterator[str]:
    for operator in walk(plan):
        if operator.kind == "LOGICAL_AGGREGATE_AND_GROUP_BY":
            grouped = plain(operator.groups)
            for aggregate in operator.expressions:
                if _aggregate_depends(aggregate, operator.below[0], grouped, keys):
                    yield f"{name_of(aggregate)}()"
        elif operator.kind == "LOGICAL_WINDOW":
            for window in operator.expressions:
                if _window_depends(window, operator.below[0], keys):
                    yield f"{name_of(window) or window['type'].removeprefix('WINDOW_').lower()}() over (...)"
        elif operator.kind == "LOGICAL_LIMIT" and not _is_settled(operator.below[0], keys):
            yield "limit"
        elif operator.kind == "LOGICAL_DISTINCT" and operator.said["distinct_type"] == "DISTINCT_ON":
            ordered = plain(_orders(operator.said.get("order_by") or {}))
            if not keys.identify(operator.below[0], ordered | plain(operator.said["distinct_targets"])):
                yield "distinct on"
        elif operator.kind == "LOGICAL_ASOF_JOIN" and not _matches_once(operator, keys):
            yield "asof join"
        elif operator.kind == "LOGICAL_POSITIONAL_JOIN":
            yield "positional join"


def _aggregate_depends(aggregate: Expression, below: Operator, grouped: set[int], keys: Keys) -> bool:
    name, arguments = name_of(aggregate), aggregate.get("children", [])
    if name in ORDERLESS or (name in EXACT and not any(_is_floating(argument) for argument in arguments)):
        return False
    orders = _orders(aggregate.get("order_bys") or {})
    if name.startswith(("arg_m", "argm", "max_by", "min_by")) and not orders:
        orders = arguments[1:2]
        if arguments[0] in _parts(orders[0]):  # a tie is between rows that give the same value
            return False
    if keys.identify(below, plain(orders) | grouped):
        return False
    return not orders or not all(argument in orders for argument in arguments)


def _window_depends(window: Expression, below: Operator, keys: Keys) -> bool:
    orders = [*_orders({"orders": window.get("orders", [])}), *_orders({"orders": window.get("arg_orders", [])})]
    if window["type"] in PEERS or keys.identify(below, plain(orders) | plain(window.get("partitions", []))):
        return False
    if window["type"] != "WINDOW_AGGREGATE":
        return True
    is_by_rows = any(str(window.get(end, "")).endswith("_ROWS") for end in ("start", "end"))
    name, arguments = name_of(window), window.get("children", [])
    is_orderless = name in ORDERLESS or (name in EXACT and not any(_is_floating(argument) for argument in arguments))
    return is_by_rows or not is_orderless


def _is_settled(below: Operator, keys: Keys) -> bool:
    """Whether the rows that a limit takes are ordered by what identifies them."""
    return below.kind == "LOGICAL_ORDER_BY" and keys.identify(below.below[0], plain(_orders(below.said)))


def _matches_once(join: Operator, keys: Keys) -> bool:
    return keys.identify(join.below[1], plain([condition["right"] for condition in join.conditions]))


def _orders(said: Mapping[str, object]) -> list[Expression]:
    return [order["expression"] for order in said.get("orders", [])]


def _parts(expression: Expression) -> list[Expression]:
    """An expression, and the fields of the tuple or struct that it makes."""
    return [expression, *(expression.get("children", []) if name_of(expression) in ("row", "struct_pack") else [])]


def _is_floating(expression: Expression) -> bool:
    return expression.get("return_type", {}).get("id") in FLOATING
