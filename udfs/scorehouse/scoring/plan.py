"""Which way to score is cheaper: SQL or the user-defined function.

Costs are nanoseconds for a row, measured on two cores; only their ratios matter. What the function costs includes that one
thread waits while another one runs Python.
"""

from dataclasses import dataclass

from scorehouse.scoring.columns import NUMERIC
from scorehouse.scoring.formula import Formula
from scorehouse.scoring.steps import Interpolate, Kernel, Linear, Lookup, Nearest, SquaredDistance, Trees

SQL_SIZE_LIMIT = 16_000
"""Nodes of an expression, as estimated."""

SQL_NODE = 0.17
"""For a node of the expression."""
SQL_LEAF = 0.3
"""For a leaf of a tree, beside its node."""
SQL_COORDINATE = 3.3
"""For a coordinate of a centre whose distance is computed."""
UDF_CALL = 230.0
"""For a row, whatever the formula."""
UDF_COLUMN = 13.0
"""For a feature that is passed."""
UDF_CATEGORY = 250.0
"""For a feature that is a category, beside its passing."""
UDF_NUMBER = 12.0
"""For a number that NumPy computes."""
UDF_LEAF = 0.1
"""For a leaf of a tree."""
UDF_PART = 60.0
"""For a part of a score of several parts."""


@dataclass(frozen=True)
class Plan:
    """One way to score, as a row of `learning.version_row.PLAN`.

    Attributes:
        plan: sql or udf.
        is_chosen: whether it is the one to score with.
        is_possible: whether its expression is short enough; the function always is.
        size: nodes of the expression, as estimated; None for the function.
        nanoseconds_per_row: its estimated cost.
        reason: the costs of both ways, or why this one is not possible.
    """

    plan: str
    is_chosen: bool
    is_possible: bool
    size: int | None
    nanoseconds_per_row: float
    reason: str


def plans(formula: Formula) -> list[Plan]:
    """Both ways with their estimated cost, SQL first; exactly one is chosen. `formula` is simplified.

    >>> from scorehouse.scoring.steps import Inputs, Result
    >>> ends = Inputs.of({"x": "numeric"}), Result(("score",), ("score",), ("DOUBLE",))
    >>> formula = Formula((ends[0], Linear.of(["x"], ["score"], [[2.0]], [1.0]), ends[1]))
    >>> [(way.plan, way.is_chosen) for way in plans(formula)]
    [('sql', True), ('udf', False)]
    >>> udf_cost(formula), UDF_CALL + UDF_COLUMN + UDF_NUMBER
    (255.0, 255.0)
    """
    size = formula.size()
    is_possible = size <= SQL_SIZE_LIMIT
    sql, udf = sql_cost(formula, size), udf_cost(formula)
    chooses_sql = is_possible and sql <= udf
    why = f"{sql:.0f} ns a row in SQL, {udf:.0f} ns in the function"
    reason = why if is_possible else f"the expression would have {size} nodes; {SQL_SIZE_LIMIT} is the limit"
    return [
        Plan("sql", chooses_sql, is_possible, size, sql, reason),
        Plan("udf", not chooses_sql, True, None, udf, why),
    ]


def sql_cost(formula: Formula, size: int) -> float:
    """Nanoseconds for a row in SQL, by an expression of `size` nodes.

    Where the nearest centre is asked for, the expression is little else than 3 * centres + 2 distances, of which DuckDB computes
    each centre's once: what counts is the nodes of one distance, and the coordinates of all centres.
    """
    centres = [operation.centres for operation in formula.operations if isinstance(operation, Nearest)]
    written = sum(3 * len(found) + 2 for found in centres) or 1
    return SQL_NODE * size / written + SQL_LEAF * _leaves(formula) + SQL_COORDINATE * sum(found.size for found in centres)


def udf_cost(formula: Formula) -> float:
    """Nanoseconds for a row in the user-defined function: the call, the features passed, the numbers computed."""
    categories = sum(kind != NUMERIC for kind in formula.inputs.kinds)
    passed = UDF_COLUMN * len(formula.inputs.kinds) + UDF_CATEGORY * categories
    parts = len(formula.result.outputs) if len(formula.result.outputs) > 1 else 0
    return UDF_CALL + passed + UDF_NUMBER * _numbers(formula) + UDF_LEAF * _leaves(formula) + UDF_PART * parts


def _leaves(formula: Formula) -> int:
    return sum(operation.leaf_count for operation in formula.operations if isinstance(operation, Trees))


def _numbers(formula: Formula) -> int:
    """How many numbers NumPy computes for a row."""
    count = 0
    for operation in formula.operations[1:-1]:
        if isinstance(operation, Linear | SquaredDistance | Kernel):
            count += len(operation.inputs) * len(operation.outputs)
        elif isinstance(operation, Nearest):
            count += operation.centres.size
        elif isinstance(operation, Lookup | Interpolate):
            count += 4 * len(operation.outputs)
        elif not isinstance(operation, Trees):
            count += len(operation.outputs)
    return count
