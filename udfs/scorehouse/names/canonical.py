"""The canonical form of a query: what it computes, without how it was typed."""

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.simplify import simplify_parens

from scorehouse.errors import ScorehouseError


def parse(sql: str, where: str) -> list[exp.Expression]:
    """Statements of a DuckDB text as sqlglot trees; `where` names the file in the error.

    Raises ScorehouseError when the text cannot be read: what cannot be read cannot be checked.

    >>> [statement.key for statement in parse("select 1; drop table t;", "models/a.sql")]
    ['select', 'drop']
    """
    try:
        return [statement for statement in sqlglot.parse(sql, dialect="duckdb") if statement is not None]
    except sqlglot.errors.SqlglotError as error:
        detail = error.errors[0] if getattr(error, "errors", None) else {}
        near = f" near '{detail['highlight']}'" if detail.get("highlight") else ""
        raise ScorehouseError(
            f"{where}: expected one SQL query, found text that cannot be read{near}; "
            f"correct it (`dbt show` runs a query by itself)."
        ) from None


def canonical_sql(tree: exp.Expression) -> str:
    r"""One text for all spellings of a query: comments, white space, letter case and redundant parentheses are gone.

    Method: sqlglot's parser and generator (dialect duckdb) and its `simplify_parens`; nothing that reasons about
    values is applied, so two queries that could differ in any row never share a text.

    >>> import sqlglot
    >>> one = sqlglot.parse_one("SELECT a, /* key */ ((b)) FROM T where (a > 1)", dialect="duckdb")
    >>> two = sqlglot.parse_one("select A, b from t WHERE a > 1", dialect="duckdb")
    >>> canonical_sql(one) == canonical_sql(two)
    True
    """
    bare = exp.Tuple(expressions=[tree.copy()])  # a parent, so that a query in parentheses can be replaced as well
    for parentheses in reversed(list(bare.find_all(exp.Paren))):
        parentheses.replace(simplify_parens(parentheses, dialect="duckdb"))
    return bare.expressions[0].sql(dialect="duckdb", comments=False, normalize=True, normalize_functions="upper")
