"""Which expressions may give different values that are equal to DuckDB: one that stands for them says nothing of which it was."""

from collections.abc import Mapping

from scorehouse.plans.operators import Expression, name_of

FLOATING = frozenset({"FLOAT", "DOUBLE"})

WITH_EQUALS = FLOATING | {"INTERVAL", "MAP", "UNION", "VARIANT"}
"""Types with different values that are equal to DuckDB: -0.0 and 0.0, one month and thirty days."""

HOLDING = frozenset("LIST STRUCT TUPLE ARRAY".split())
"""Types whose values are equal where all that they hold is."""

EXACT_NUMBERS = frozenset("DECIMAL INTEGER".split())
"""Types of constants that have one zero."""


def is_floating(expression: Expression) -> bool:
    """Whether it gives floating-point numbers."""
    return expression.get("return_type", {}).get("id") in FLOATING


def has_equals(expression: Expression) -> bool:
    """Whether it may give different values that are equal."""
    return is_with_equals(expression.get("return_type", {})) and not _adds_zero(expression)


def is_with_equals(kind: Mapping[str, object]) -> bool:
    """Whether a type has different values that are equal, as texts with a collation have too, or holds such."""
    said = kind.get("type_info") or {}
    if kind.get("id") in HOLDING:
        held = [child["second"] for child in said.get("child_types", [])]
        held += [said["child_type"]] if "child_type" in said else []
        return not held or any(map(is_with_equals, held))
    return kind.get("id") in WITH_EQUALS or bool(said.get("collation"))


def _adds_zero(expression: Expression) -> bool:
    """Whether it is `x + 0.0` over floating-point numbers, which is never -0.0."""
    return name_of(expression) == "+" and is_floating(expression) and any(map(_is_zero, expression["children"]))


def _is_zero(expression: Expression) -> bool:
    said = (expression["children"][0] if name_of(expression) == "__cast" else expression).get("value") or {}
    return said.get("value") == 0 and said["type"]["id"] in EXACT_NUMBERS
