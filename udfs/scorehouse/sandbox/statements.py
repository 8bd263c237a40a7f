"""What dbt may send to DuckDB: queries that only read, and the few statements that dbt itself needs.

Everything an analyst can make dbt execute (tests, hooks, macros that call run_query) passes here. The store's own work uses
cursors of its own and does not.
"""

import re

from scorehouse.errors import ScorehouseError
from scorehouse.sandbox import queries
from scorehouse.sandbox.parse import statement_kinds

CATALOG_FUNCTIONS = frozenset("duckdb_databases duckdb_constraints duckdb_tables duckdb_views duckdb_columns".split())
"""Functions by which dbt asks what is in the database."""

_AUDIT = r'"[^"]+"\."[^"]*dbt_test__audit"\."[^"]+"'
_TEMPORARY = r'"[^"]*__dbt_tmp[^"]*"'
_OF_DBT = re.compile(
    r'create schema if not exists "[^"]+"\."[^"]+"'
    rf"|create\s+temporary\s+table\s+{_TEMPORARY}\s+as \((?P<fixture>.*)\)"
    rf"|create\s+table\s+{_AUDIT}\s+as \((?P<failures>.*)\)"
    rf"|drop table if exists ({_TEMPORARY}|{_AUDIT}) cascade",
    re.IGNORECASE | re.DOTALL,
)
"""What dbt itself sends beside queries: schemas, fixtures of unit tests, stored failures of tests."""

_COMMENT = re.compile(r"^\s*/\*.*?\*/", re.DOTALL)


def check_statement(sql: str, own: frozenset[str] = frozenset()) -> None:
    """Refuse a text that is neither one query that only reads nor one of the statements that dbt needs.

    Args:
        own: names of the project's Python functions, which a query may call beside DuckDB's.

    Raises ScorehouseError naming the statement. Text that DuckDB cannot parse passes: DuckDB refuses it itself.
    """
    try:
        kinds = statement_kinds(sql, "Query")
    except ScorehouseError:
        return
    if kinds in ([], ["transaction"]):
        return
    if kinds == ["select"]:
        queries.check_names(sql, "Query", CATALOG_FUNCTIONS | own)
        return
    text = _COMMENT.sub("", sql, count=1).strip().rstrip(";").rstrip()
    of_dbt = _OF_DBT.fullmatch(text)
    if of_dbt is None or len(kinds) > 1:
        kind = next((kind for kind in kinds if kind != "select"), "second select")
        raise ScorehouseError(
            f"Refused: expected one query, found {kind} statement `{' '.join(text.split())[:60]}`; "
            f"a build may only read through ref() and source() and write through its own models."
        )
    query = of_dbt["fixture"] or of_dbt["failures"]
    if query:
        queries.check_names(query, "Query", CATALOG_FUNCTIONS | own)
