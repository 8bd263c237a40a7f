"""The SQL that scores and explains the feature columns in scope with a version, whichever way its plan says."""

import pyarrow as pa

from scorehouse.scoring import plan, udf
from scorehouse.scoring.formula import printed
from scorehouse.scoring.loaded import MEASURED
from scorehouse.scoring.scorer import load


def with_sql(row: pa.Table) -> pa.Table:
    """A version's row with three more columns, score_sql, measured_sql and reasons_sql: DuckDB SQL over the feature columns.

    They are NULL unless the status is 'ready'; measured_sql also where it was not fitted again after it was measured, and
    reasons_sql where the model cannot be taken apart. Raises ScorehouseError for a version that is ready and to be scored by the
    function, but has no weights.

    Args:
        row: one row of `learning.version_row.SCHEMA`.
    """
    score, reasons = _sql(row)
    for name, text in {"score_sql": score, "measured_sql": _measured_sql(row), "reasons_sql": reasons}.items():
        row = row.append_column(name, pa.array([text], pa.string()))
    return row


def _measured_sql(row: pa.Table) -> str | None:
    version, status, until = (row.column(name)[0].as_py() for name in ("model_version", "status", "measured_until"))
    if status != "ready" or until is None:
        return None
    formula = load(row, "measured_weights").formula
    chosen = next(one.plan for one in plan.plans(formula) if one.is_chosen)
    return printed(formula.expression()) if chosen == "sql" else udf.call_sql(formula, version + MEASURED)


def _sql(row: pa.Table) -> tuple[str | None, str | None]:
    names = ("model_version", "status", "plan", "sql_expression", "reasons_expression")
    version, status, chosen, expression, reasons_expression = (row.column(name)[0].as_py() for name in names)
    if status != "ready":
        return None, None
    if chosen == "sql" and (reasons_expression or not expression):  # recommenders have weights, and no formula of a row
        return expression, reasons_expression
    scorer = load(row)
    reasons = udf.reasons_sql(scorer.formula, version) if scorer.explanation else None
    return expression if chosen == "sql" else udf.call_sql(scorer.formula, version), reasons
