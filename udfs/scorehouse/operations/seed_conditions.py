"""Rules that a seed holds as text: SQL conditions, which pass the sandbox gate before they become part of a query."""

from collections.abc import Collection

import duckdb

from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError, first_line
from scorehouse.operations.register import operation
from scorehouse.sandbox import queries
from scorehouse.sandbox.duckdb_functions import aggregates
from scorehouse.sandbox.limits import time_limit
from scorehouse.sandbox.parse import Tree, nodes


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
    r"""A condition over the columns of one row, as it is written, in parentheses.

    Raises ScorehouseError for anything that is not one expression, reads beyond its row, or does not pass the gate.

    >>> condition("recency_days < 30 and net_amount > 100 -- recent", {"recency_days", "net_amount"}, "Seed rules, recent")
    '(recency_days < 30 and net_amount > 100 -- recent\n)'
    """
    try:
        parts = list(nodes(queries.expression(text or "", where)))
    except ScorehouseError:
        raise _no_condition(text, where) from None
    if any(_reads_beyond_its_row(part) for part in parts):
        raise _no_condition(text, where)
    queries.check_expression(text, where, queries.Reach())
    known = {column.lower() for column in columns}
    unknown = sorted({part["column_names"][0].lower() for part in parts if part.get("class") == "COLUMN_REF"} - known)
    if unknown:
        raise ScorehouseError(
            f"{where}: expected columns among {', '.join(sorted(columns))}, found '{unknown[0]}'; correct the condition."
        )
    return f"({text}\n)"


def _reads_beyond_its_row(part: Tree) -> bool:
    is_aggregate = "function_name" in part and aggregates(part["function_name"])
    return is_aggregate or part.get("class") in ("SUBQUERY", "WINDOW", "STAR")


def _no_condition(text: str | None, where: str) -> ScorehouseError:
    return ScorehouseError(
        f"{where}: expected one condition over the columns of a row, found '{text or ''}'; "
        f"write for example recency_days < 30 and net_amount > 100."
    )
