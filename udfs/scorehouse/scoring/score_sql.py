"""The SQL that scores and explains the feature columns in scope with a version, whichever way its plan says."""

import pyarrow as pa

from scorehouse.scoring import udf
from scorehouse.scoring.scorer import load


def with_sql(row: pa.Table) -> pa.Table:
    """A version's row with two more columns, score_sql and reasons_sql: texts of DuckDB SQL over the feature columns.

    Both are NULL unless the status is 'ready'; reasons_sql also where the model cannot be taken apart. Raises ScorehouseError
    for a version that is ready and to be scored by the function, but has no weights.

    Args:
        row: one row of `learning.version_row.SCHEMA`.
    """
    score, reasons = _sql(row)
    return row.append_column("score_sql", pa.array([score], pa.string())).append_column(
        "reasons_sql", pa.array([reasons], pa.string())
    )


def _sql(row: pa.Table) -> tuple[str | None, str | None]:
    names = ("model_version", "status", "plan", "sql_expression", "reasons_expression")
    version, status, plan, expression, reasons_expression = (row.column(name)[0].as_py() for name in names)
    if status != "ready":
        return None, None
    if plan == "sql" and (reasons_expression or not expression):  # recommenders have weights, and no formula of a row
        return expression, reasons_expression
    scorer = load(row)
    reasons = udf.reasons_sql(scorer.formula, version) if scorer.explanation else None
    return expression if plan == "sql" else udf.call_sql(scorer.formula, version), reasons
