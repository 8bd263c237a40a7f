"""What main served before, for tables that say what moved."""

from scorehouse.build.run import Run
from scorehouse.names.git import PRODUCTION
from scorehouse.names.quoting import plain, quoted
from scorehouse.operations.register import operation
from scorehouse.store.files import read_sql
from scorehouse.store.records import NodeRecords


@operation
def served_before(run: Run, served: str, unlike: str, columns: list[str]) -> str | None:
    """Name of a relation with what main served before: the newest release made from another `unlike`; None without one.

    Its name carries its content's fingerprint, so that a query that reads it is another query when it changes. It is there
    for this run only.

    Args:
        served: relation of a served table.
        unlike: relation that says whether there is something new: releases with the same one as now do not count.
        columns: that the served table must have had.
    """
    own = run.record_of(unlike)
    production = run.warehouse.on(PRODUCTION)
    for number in reversed(production.release_numbers() if own else []):
        records = NodeRecords.readable(production, number)
        other, before = records.of(plain(unlike)), records.of(plain(served))
        if other is None or before is None or other.fingerprint.whole == own.fingerprint.whole:
            continue
        query = read_sql([run.store.path(file) for file in before.files])
        cursor = run.connection.cursor()
        if not set(columns) <= {row[0] for row in cursor.execute(f"describe {query}").fetchall()}:
            return None
        name = f"history.{before.relation.split('.')[1]}@{before.fingerprint.whole[:12]}"
        cursor.execute(f"create or replace view {quoted(name)} as {query}")
        return quoted(name)
    return None


def forget_served_before(run: Run) -> None:
    """Drop what `served_before` made: a release's catalog refers to no file that its own records do not name."""
    cursor = run.connection.cursor()
    names = cursor.execute(
        "select view_name from duckdb_views() where schema_name = 'history' and contains(view_name, '@')"
    ).fetchall()
    for (name,) in names:
        cursor.execute(f"drop view {quoted(f'history.{name}')}")
