"""The SQL that scores and explains the feature columns in scope with a version, whichever way its plan says."""

import pyarrow as pa

from scorehouse.scoring import registry, udf
from scorehouse.scoring.scorer import load


def of_version(row: pa.Table) -> dict[str, object]:
    """Name, status and SQL of a version.

    Args:
        row: the version's one row.

    Returns: model_version, status, score_sql, reasons_sql; the SQL is None unless the status is 'ready', reasons_sql also
    where the model cannot be taken apart.
    """
    columns = ("model_version", "status", "plan", "sql_expression", "reasons_expression")
    version = {name: row.column(name)[0].as_py() for name in columns}
    found = {"model_version": version["model_version"], "status": version["status"], "score_sql": None, "reasons_sql": None}
    if version["status"] != "ready":
        return found
    if version["plan"] == "sql":
        return {**found, "score_sql": version["sql_expression"], "reasons_sql": version["reasons_expression"]}
    registry.put(version["model_version"], row)
    scorer = load(row)
    reasons = udf.reasons_sql(scorer.formula, version["model_version"]) if scorer.explanation else None
    return {**found, "score_sql": udf.call_sql(scorer.formula, version["model_version"]), "reasons_sql": reasons}
