"""DuckDB's bound, unoptimised plan as a tree of operators, whose columns are known by their places.

Source: DuckDB's `json_serialize_plan`. In it a column reference is a place among the columns of the operator below (of both
operators below, the left one's first, where there are two), so a plan can be read without knowing names.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Expression = Mapping[str, Any]
"""A bound expression, as DuckDB prints it."""

LEFT_ONLY = frozenset({"SEMI", "ANTI"})
JOINS = frozenset({"LOGICAL_COMPARISON_JOIN", "LOGICAL_ANY_JOIN", "LOGICAL_ASOF_JOIN"})
PASSING = frozenset({"LOGICAL_FILTER", "LOGICAL_ORDER_BY", "LOGICAL_LIMIT", "LOGICAL_DISTINCT"})
"""Operators whose columns are those of the operator below."""
SETS = frozenset({"LOGICAL_UNION", "LOGICAL_EXCEPT", "LOGICAL_INTERSECT"})

_ELSEWHERE = frozenset({"lambda_expr", "function_data"})
"""Parts of an expression whose references are not to the operator's columns (what a lambda captures stands beside it)."""


class UnknownPlanError(Exception):
    """A plan that cannot be read: the message names the operator."""


@dataclass(frozen=True, eq=False)
class Operator:
    """One operator: its kind, the operators that it reads, and what DuckDB says of it."""

    kind: str
    below: tuple["Operator", ...]
    said: Mapping[str, Any]

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Operator":
        """The operator that DuckDB printed, and all below it."""
        return cls(said["type"], tuple(map(cls.of, said["children"])), said)

    @property
    def expressions(self) -> Sequence[Expression]:
        """What it computes, or filters by."""
        return self.said.get("expressions", ())

    @property
    def groups(self) -> Sequence[Expression]:
        """What an aggregation groups by."""
        return self.said.get("groups", ())

    @property
    def conditions(self) -> Sequence[Mapping[str, Any]]:
        """A join's comparisons: left and right expression, and how they are compared."""
        return self.said.get("conditions", ())

    @property
    def relation(self) -> str | None:
        """schema.name of the relation that a scan reads, or None for another operator."""
        data = self.said.get("function_data") or {}
        return f"{data['schema']}.{data['table']}" if self.kind == "LOGICAL_GET" and "table" in data else None

    @property
    def columns(self) -> list[str | None]:
        """Names of the columns that a scan reads, by place; None for the bare row."""
        names = self.said["names"]
        indexes = [column["index"] for column in self.said["column_indexes"]]
        read = [names[index] if index < len(names) else None for index in indexes]
        return [read[place] for place in self.said["projection_ids"]] if self.said.get("projection_ids") else read

    @cached_property
    def width(self) -> int:
        """Number of its columns. Raises UnknownPlanError for an operator that is not known."""
        kind, said = self.kind, self.said
        if kind == "LOGICAL_GET":
            return len(self.columns) if self.relation else len(self.said["returned_types"])
        if kind in PASSING:
            return len(self.passed)
        if kind in ("LOGICAL_PROJECTION",):
            return len(self.expressions)
        if kind == "LOGICAL_AGGREGATE_AND_GROUP_BY":
            return len(self.groups) + len(self.expressions) + len(said.get("grouping_functions", ()))
        if kind in ("LOGICAL_WINDOW", "LOGICAL_UNNEST"):
            return self.below[0].width + len(self.expressions)
        if kind in JOINS:
            return len(self.joined)
        if kind in ("LOGICAL_CROSS_PRODUCT", "LOGICAL_POSITIONAL_JOIN"):
            return self.below[0].width + self.below[1].width
        if kind in SETS or kind == "LOGICAL_RECURSIVE_CTE":
            return said["column_count"]
        if kind == "LOGICAL_MATERIALIZED_CTE":
            return self.below[1].width
        if kind == "LOGICAL_CTE_REF":
            return len(said["chunk_types"])
        if kind == "LOGICAL_EXPRESSION_GET":
            return len(said["expr_types"])
        if kind == "LOGICAL_DUMMY_SCAN":
            return 1
        raise UnknownPlanError(kind)

    @cached_property
    def passed(self) -> list[int]:
        """For an operator that passes columns: the place below of each of its columns."""
        return list(self.said.get("projection_map") or range(self.below[0].width))

    @cached_property
    def joined(self) -> list[int | None]:
        """For a join: the place of each of its columns among those of the left and then the right side; None for a mark."""
        kind, (left, right) = self.said["join_type"], (side.width for side in self.below)
        found: list[int | None] = list(self.said.get("left_projection_map") or range(left))
        if kind == "MARK":
            return [*found, None]
        if kind in LEFT_ONLY:
            return found
        return [*found, *(left + place for place in self.said.get("right_projection_map") or range(right))]

    @property
    def compared(self) -> list[Expression]:
        """A join's conditions over the columns of both sides, the left ones first."""
        left = self.below[0].width
        found = [self.said["condition"]] if self.said.get("condition") else []
        for condition in self.conditions:
            found += [condition["left"], _moved(condition["right"], left)] if "left" in condition else [condition]
        return found


def places(expression: object) -> set[int]:
    """The places of the columns that an expression reads."""
    if isinstance(expression, list):
        return set().union(*map(places, expression))
    if not isinstance(expression, Mapping):
        return set()
    if expression.get("expression_class") == "BOUND_REF":
        return {expression["index"]}
    return set().union(*(places(part) for name, part in expression.items() if name not in _ELSEWHERE))


def place(expression: Expression) -> int | None:
    """The place of the column that an expression is; None for one that computes."""
    return expression["index"] if expression.get("expression_class") == "BOUND_REF" else None


def name_of(expression: Expression) -> str:
    """The name of the function that an expression calls, without its schema; empty for another expression."""
    return expression["qname"]["path"][-1].lower() if "qname" in expression else ""


def walk(operator: Operator) -> Iterator[Operator]:
    """An operator and all below it, the lowest first."""
    for below in operator.below:
        yield from walk(below)
    yield operator


def _moved(expression: Any, by: int) -> Any:
    """The expression over columns that stand `by` places later."""
    if isinstance(expression, list):
        return [_moved(part, by) for part in expression]
    if not isinstance(expression, Mapping):
        return expression
    if expression.get("expression_class") == "BOUND_REF":
        return {**expression, "index": expression["index"] + by}
    return {name: part if name in _ELSEWHERE else _moved(part, by) for name, part in expression.items()}
