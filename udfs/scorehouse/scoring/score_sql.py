"""The SQL that scores and explains the feature columns in scope with a version, whichever way its plan says."""

import pyarrow as pa
from sqlglot import exp

from scorehouse.scoring import plan, udf
from scorehouse.scoring import sql_builders as sql
from scorehouse.scoring.columns import CATEGORICAL
from scorehouse.scoring.formula import printed
from scorehouse.scoring.loaded import MEASURED
from scorehouse.scoring.scorer import load

WHOLE = tuple(f"{sign}{size}" for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT") for sign in ("", "U"))
"""Types of whole numbers, which have one text in all of them."""

NO_TYPE = '"NULL"'
"""What DuckDB calls the type of a bare NULL."""


def with_sql(row: pa.Table) -> pa.Table:
    """A version's row with three more columns, score_sql, measured_sql and reasons_sql: DuckDB SQL over the feature columns.

    They are NULL unless the status is 'ready'; measured_sql also where it was not fitted again after it was measured, and
    reasons_sql where the model cannot be taken apart. They refuse a category whose column has another type than the examples had:
    a category is found by its text, and 205 has another one as DOUBLE.

    Raises ScorehouseError for a version that is ready and to be scored by the function, but has no weights.

    Args:
        row: one row of `learning.version_row.SCHEMA`.
    """
    score, reasons = _sql(row)
    for name, text in {"score_sql": score, "measured_sql": _measured_sql(row), "reasons_sql": reasons}.items():
        row = row.append_column(name, pa.array([text and _of_types(text, row)], pa.string()))
    return row


def _of_types(expression: str, row: pa.Table) -> str:
    """The expression, refused where a category's column has another type than it was proved with."""
    for feature in row.column("features")[0].as_py():
        if feature["kind"] == CATEGORICAL:
            expression = _of_type(expression, feature["name"], feature["type"])
    return expression


def _of_type(expression: str, name: str, kind: str) -> str:
    """The same for one column; DuckDB decides it when it binds the query.

    >>> print(_of_type("score", "city", "BOOLEAN").partition(" else ")[0])
    case when typeof("city") in ('BOOLEAN', '"NULL"') then score
    """
    found = f"typeof({printed(exp.to_identifier(name, quoted=True))})"
    same = (*(WHOLE if kind in WHOLE else [kind]), NO_TYPE)
    is_same = f"{found} in ({', '.join(printed(sql.text(one)) for one in same)})"
    if kind == "VARCHAR":
        is_same += f" or {found} = 'UUID' or {found} like 'ENUM(%'"
    said = printed(sql.text(f"score(): feature {name}: expected {kind}, as in the examples, found "))
    return f"case when {is_same} then {expression} else error({said} || {found} || '; cast it to {kind} in both.') end"


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
