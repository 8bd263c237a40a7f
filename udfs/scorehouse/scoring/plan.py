"""Which way to score is cheaper: SQL or the user-defined function.

Costs are nanoseconds of one core for one row; they were measured with `make bench` and only their ratios matter.
"""

from dataclasses import dataclass

from scorehouse.scoring.formula import Formula
from scorehouse.scoring.operations import Interpolate, Kernel, Linear, Lookup, SquaredDistance, Trees

SQL_SIZE_LIMIT = 8_000
"""Nodes of an expression. DuckDB parses, binds and optimizes that many in about a second."""

SQL_NODE = 0.7
SQL_TREE_NODE = 4.0
UDF_CALL = 180.0
UDF_COLUMN = 6.0
UDF_NUMBER = 1.5
UDF_CATEGORY = 40.0
UDF_LEAF = 0.1


@dataclass(frozen=True)
class Plan:
    """One way to score, as a row of `version.PLAN`."""

    plan: str
    is_chosen: bool
    is_possible: bool
    size: int | None
    nanoseconds_per_row: float
    reason: str


def plans(formula: Formula) -> list[Plan]:
    """Both ways with their estimated cost; exactly one is chosen. `formula` is simplified."""
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
    """Nanoseconds for a row in SQL; equal subexpressions are computed once, so operations count once."""
    leaves = sum(operation.leaf_count for operation in formula.operations if isinstance(operation, Trees))
    return SQL_NODE * (min(size, 8 * _numbers(formula)) + 20) + SQL_TREE_NODE * leaves


def udf_cost(formula: Formula) -> float:
    """Nanoseconds for a row in the user-defined function."""
    inputs = formula.inputs
    categories = sum(kind != "numeric" for kind in inputs.kinds)
    leaves = sum(operation.leaf_count for operation in formula.operations if isinstance(operation, Trees))
    passed = UDF_COLUMN * len(inputs.kinds) + UDF_CATEGORY * categories
    return UDF_CALL + passed + UDF_NUMBER * _numbers(formula) + UDF_LEAF * leaves


def _numbers(formula: Formula) -> int:
    """How many numbers the operations compute for a row, trees aside."""
    count = 0
    for operation in formula.operations:
        if isinstance(operation, Linear | SquaredDistance | Kernel):
            count += len(operation.inputs) * len(operation.outputs)
        elif isinstance(operation, Lookup | Interpolate):
            count += 4 * len(operation.outputs)
        else:
            count += len(operation.outputs)
    return count
