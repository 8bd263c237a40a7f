"""Rules that a seed holds as text: SQL conditions, which pass the sandbox gate before they become part of a query."""

from collections.abc import Collection

import duckdb
from sqlglot import exp

from scorehouse import gate
from scorehouse.canonical import parse
from scorehouse.errors import ScorehouseError, first_line
from scorehouse.operation import operation
from scorehouse.run import Run


@operation
def conditions(run: Run, rules: str, name: str, over: str) -> list[tuple[str, str]]:
    """(name, condition) of every rule of a seed, in the order of its column `place`; none before the seed is built.

    Args:
        rules: relation of the seed, with the columns place, condition and `name`.
        name: the column that names a rule.
        over: relation whose columns a condition may read.
    """
    if not (run.has(rules) and run.has(over)):
        return []
    cursor = run.connection.cursor()
    columns = {row[0].lower() for row in cursor.execute(f"describe {over}").fetchall()}
    found = cursor.execute(f"select {name}, condition from {rules} order by place, {name}").fetchall()
    seed = rules.rpartition(".")[2].strip('"')
    checked = [(rule, condition(text, columns, f"Seed {seed}, {rule}")) for rule, text in found]
    for rule, text in checked:
        _expect_computable(cursor, over, text, f"Seed {seed}, {rule}")
    return checked


def _expect_computable(cursor: duckdb.DuckDBPyConnection, over: str, condition: str, where: str) -> None:
    try:
        cursor.execute(f"select count(*) filter (where {condition}) from {over}")
    except duckdb.Error as error:
        raise ScorehouseError(
            f"{where}: expected a condition that can be asked of every row of {over}, found {condition}: {first_line(error)}; "
            f"correct it."
        ) from None


def condition(text: str | None, columns: Collection[str], where: str) -> str:
    """A condition over the columns of one row, as SQL in parentheses.

    Raises ScorehouseError for anything that is not one expression, reads beyond its row, or does not pass the gate.

    >>> condition("recency_days < 30 AND net_amount > 100 -- recent", {"recency_days", "net_amount"}, "Seed rules, recent")
    '(recency_days < 30 AND net_amount > 100)'
    """
    trees = parse(f"select ({text or ''}\n) as holds", where)
    query = trees[0] if len(trees) == 1 else None
    is_single = isinstance(query, exp.Select) and len(query.expressions) == 1 and set(_parts(query)) <= {"expressions", "kind"}
    tree = query.expressions[0].unalias() if is_single else None
    if not isinstance(tree, exp.Paren) or tree.find(exp.Query, exp.AggFunc, exp.Window, exp.Star):
        raise ScorehouseError(
            f"{where}: expected one condition over the columns of a row, found '{text or ''}'; "
            f"write for example recency_days < 30 and net_amount > 100."
        )
    gate.check_expression(text, where, gate.Reach())
    unknown = sorted({column.name.lower() for column in tree.find_all(exp.Column)} - set(columns))
    if unknown:
        raise ScorehouseError(
            f"{where}: expected columns among {', '.join(sorted(columns))}, found '{unknown[0]}'; correct the condition."
        )
    return tree.sql(dialect="duckdb", comments=False)


def _parts(query: exp.Select) -> list[str]:
    return [name for name, value in query.args.items() if value]
