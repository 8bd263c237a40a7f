"""Rules that a seed holds as text: SQL conditions, which pass the sandbox gate before they become part of a query."""

from collections.abc import Collection

import duckdb
from sqlglot import exp

from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError, first_line
from scorehouse.names.canonical import parse
from scorehouse.operations.register import operation
from scorehouse.sandbox import queries
from scorehouse.sandbox.limits import time_limit


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
    with time_limit(cursor, run.timeout_seconds, f"Seed {seed}"):
        _expect_computable(cursor, over, checked, f"Seed {seed}")
    return checked


def _expect_computable(cursor: duckdb.DuckDBPyConnection, over: str, checked: list[tuple[str, str]], where: str) -> None:
    """Ask all conditions of every row at once; which of them fails is looked for only where one does."""
    if not _failure(cursor, over, [text for _, text in checked]):
        return
    for rule, text in checked:
        found = _failure(cursor, over, [text])
        if found:
            raise ScorehouseError(
                f"{where}, {rule}: expected a condition that can be asked of every row of {over}, found {text}: {found}; "
                f"correct it."
            )


def _failure(cursor: duckdb.DuckDBPyConnection, over: str, conditions: list[str]) -> str | None:
    """What DuckDB says of conditions that it cannot compute; None for others."""
    counts = ["count(*)", *(f"count(*) filter (where {condition})" for condition in conditions)]
    try:
        cursor.execute(f"select {', '.join(counts)} from {over}")
    except duckdb.InterruptException:  # the time limit's
        raise
    except duckdb.Error as error:
        return first_line(error)
    return None


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
    queries.check_expression(text, where, queries.Reach())
    unknown = sorted({column.name.lower() for column in tree.find_all(exp.Column)} - set(columns))
    if unknown:
        raise ScorehouseError(
            f"{where}: expected columns among {', '.join(sorted(columns))}, found '{unknown[0]}'; correct the condition."
        )
    return tree.sql(dialect="duckdb", comments=False)


def _parts(query: exp.Select) -> list[str]:
    return [name for name, value in query.args.items() if value]
