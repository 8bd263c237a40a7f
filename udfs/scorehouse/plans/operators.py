"""DuckDB's bound, unoptimised plan as a tree of operators, whose columns are known by their places.

Source: DuckDB's `json_serialize_plan`. In it a column reference is a place among the columns of the operator below (of both
operators below, the left one's first, where there are two), so a plan can be read without knowing names.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scorehouse.cached import cached_property

Expression = Mapping[str, Any]
"""A bound expression, as DuckDB prints it."""

LEFT_ONLY = frozenset({"SEMI", "ANTI"})
JOINS = frozenset({"LOGICAL_COMPARISON_JOIN", "LOGICAL_ANY_JOIN", "LOGICAL_ASOF_JOIN"})
PASSING = frozenset({"LOGICAL_FILTER", "LOGICAL_ORDER_BY", "LOGICAL_LIMIT", "LOGICAL_DISTINCT"})
"""Operators whose columns are those of the operator below."""
SETS = frozenset({"LOGICAL_UNION", "LOGICAL_EXCEPT", "LOGICAL_INTERSECT"})

_LISTED = {"LOGICAL_CTE_REF": "chunk_types", "LOGICAL_EXPRESSION_GET": "expr_types"}
"""Operators that list their types, and how the list is called."""

_SHARING = ("LOGICAL_MATERIALIZED_CTE", "LOGICAL_RECURSIVE_CTE")
"""Operators whose first side others refer to."""

_OWN_PARTS = ("expressions", "groups", "orders", "distinct_targets", "order_by", "limit_val", "offset_val")
"""Parts of what an operator says that hold expressions over the columns below; a join's are `compared`."""

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
        """The operator that DuckDB printed, and all below it.

        What goes into a table function DuckDB prints by the number of the operator below: here it is a place like all others.
        """
        children = said["children"]
        if said["type"] == "LOGICAL_GET" and children and children[0]["type"] == "LOGICAL_PROJECTION":
            children = [{**children[0], "expressions": _placed(children[0]["expressions"], children[0]["children"][0])}]
        return cls(said["type"], tuple(map(cls.of, children)), said)

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
        """Names of a scan's own columns, by place; None for the bare row."""
        return [self.said["names"][index] if index is not None else None for index in self._scanned]

    @property
    def _scanned(self) -> list[int | None]:
        """For each of a scan's own columns its number among all that it could read; None for the bare row."""
        indexes = [column["index"] for column in self.said["column_indexes"]]
        read = [index if index < len(self.said["names"]) else None for index in indexes] or [None]
        return [read[place] for place in self.said["projection_ids"]] if self.said.get("projection_ids") else read

    @property
    def arguments(self) -> range:
        """For a table function over the rows below: the places below that go into it."""
        return range(len(self.said["input_table_types"]))

    @property
    def beside(self) -> Sequence[int]:
        """For a table function over the rows below: the places below of what it passes on behind its own columns."""
        return self.said["projected_input"]

    @property
    def width(self) -> int:
        """Number of its columns. Raises UnknownPlanError for an operator that is not known."""
        return len(self.types)

    @cached_property
    def types(self) -> list[str | None]:
        """Its columns' types, None where DuckDB does not say. Raises UnknownPlanError for an operator that is not known."""
        kind, said = self.kind, self.said
        if kind == "LOGICAL_GET":
            own = [None if index is None else said["returned_types"][index]["id"] for index in self._scanned]
            return own + [self.below[0].types[place] for place in self.beside]
        if kind in PASSING:
            return [self.below[0].types[place] for place in self.passed]
        if kind == "LOGICAL_PROJECTION":
            return list(map(_type_of, self.expressions))
        if kind == "LOGICAL_AGGREGATE_AND_GROUP_BY":
            return [*map(_type_of, [*self.groups, *self.expressions]), *("BIGINT" for _ in said.get("grouping_functions", ()))]
        if kind in ("LOGICAL_WINDOW", "LOGICAL_UNNEST"):
            return [*self.below[0].types, *map(_type_of, self.expressions)]
        if kind in JOINS:
            return ["BOOLEAN" if place is None else self.read[place] for place in self.joined]
        if kind in ("LOGICAL_CROSS_PRODUCT", "LOGICAL_POSITIONAL_JOIN"):
            return self.read
        if kind in SETS or kind == "LOGICAL_RECURSIVE_CTE":
            return self.below[0].types
        if kind == "LOGICAL_MATERIALIZED_CTE":
            return self.below[1].types
        if kind in _LISTED:
            return [one["id"] for one in said[_LISTED[kind]]]
        if kind == "LOGICAL_DUMMY_SCAN":
            return [None]
        raise UnknownPlanError(kind)

    @property
    def read(self) -> list[str | None]:
        """The types of the columns that its expressions refer to."""
        return [one for below in self.below for one in below.types]

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


def expect_sound(plan: Operator) -> None:
    """Hold every operator against what those above it say: the place and the type of each column that they read.

    Raises UnknownPlanError where they disagree: the plan says something else than is read from it.
    """
    operators = list(walk(plan))
    shared = {one.said["table_index"]: one.below[0] for one in operators if one.kind in _SHARING}
    for operator in operators:
        kind, said = operator.kind, operator.said
        for side in operator.below if kind in SETS or kind == "LOGICAL_RECURSIVE_CTE" else ():
            _expect_same(operator, [None] * said["column_count"], side.types)
        if kind == "LOGICAL_CTE_REF" and said["cte_index"] in shared:
            _expect_same(operator, operator.types, shared[said["cte_index"]].types)
        parts = operator.compared if kind in JOINS else [said.get(name) for name in _OWN_PARTS]
        for reference in _references(parts):
            place = reference["index"]
            _expect_same(operator, [_type_of(reference)], operator.read[place : place + 1])


def _expect_same(operator: Operator, said: Sequence[str | None], found: Sequence[str | None]) -> None:
    if len(said) != len(found) or any(one and other and one != other for one, other in zip(said, found, strict=True)):
        raise UnknownPlanError(f"{operator.kind} over {', '.join(map(str, found))}")


def places(expression: object) -> set[int]:
    """The places of the columns that an expression reads. Raises UnknownPlanError for a column that is said by no place."""
    return {reference["index"] for reference in _references(expression)}


def _references(part: object) -> Iterator[Expression]:
    """The references to columns in an expression."""
    if isinstance(part, list):
        for one in part:
            yield from _references(one)
    elif isinstance(part, Mapping):
        said = part.get("expression_class")
        if said == "BOUND_REF":
            yield part
        elif said == "BOUND_COLUMN_REF":
            raise UnknownPlanError(f"a column {part['alias']} without a place")
        else:
            for name, one in part.items():
                if name not in _ELSEWHERE:
                    yield from _references(one)


def _placed(part: Any, below: Mapping[str, Any]) -> Any:
    """The expression with places for what it says by the number of the operator below."""
    if isinstance(part, list):
        return [_placed(one, below) for one in part]
    if not isinstance(part, Mapping):
        return part
    binding = part.get("binding") if part.get("expression_class") == "BOUND_COLUMN_REF" else None
    if binding and binding["table_index"] == below.get("table_index"):
        return {**part, "expression_class": "BOUND_REF", "type": "BOUND_REF", "index": binding["column_index"]}
    return {name: _placed(one, below) for name, one in part.items()}


def _type_of(expression: Expression) -> str | None:
    """The type of what an expression gives; None where DuckDB does not say."""
    return (expression.get("return_type") or {}).get("id")


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
