"""How old the sources' newest rows are, against what the sources say."""

from datetime import UTC, datetime, timedelta

import duckdb

from scorehouse.build.manifest import Node
from scorehouse.build.run import Run
from scorehouse.ledger.lines import ATTENTION
from scorehouse.names.quoting import quoted


def note_stale(run: Run) -> None:
    """Keep for the end of the run, and write into the ledger, which sources are older than their `freshness` allows."""
    now = datetime.now(UTC).replace(tzinfo=None)
    for node in (source for source in run.manifest.sources() if source.freshness):
        sentence = _sentence(node, _newest(run.connection.cursor(), node), now)
        if sentence:
            run.stale.append(sentence)
            run.ledger.write(ATTENTION, node=node.id, message=sentence)


def _newest(cursor: duckdb.DuckDBPyConnection, node: Node) -> datetime | None:
    query = f"select cast(max({node.freshness.column}) as timestamp) from {quoted(node.relation)}"
    return cursor.execute(query).fetchone()[0]


def _sentence(node: Node, newest: datetime | None, now: datetime) -> str | None:
    """What is wrong; None where the newest row is new enough."""
    limits = [limit for limit in (node.freshness.warn_after, node.freshness.error_after) if limit is not None]
    allowed = min(limits, default=None)
    if allowed is None or (newest is not None and now - newest <= allowed):
        return None
    found = "no row" if newest is None else f"the newest of {newest:%Y-%m-%d %H:%M}, {_words(now - newest)} old"
    return (
        f"{node.path}: source {node.relation} is stale: expected a row of the last {_words(allowed)} (freshness), found {found} "
        f"(UTC); ask whoever sends the files."
    )


def _words(age: timedelta) -> str:
    """An age in its largest unit.

    >>> _words(timedelta(hours=36)), _words(timedelta(days=1)), _words(timedelta(minutes=5))
    ('36 hours', '24 hours', '5 minutes')
    >>> _words(timedelta(days=40))
    '40 days'
    """
    minutes = int(age.total_seconds() // 60)
    if minutes >= 3 * 24 * 60:
        return f"{minutes // (24 * 60):,} days"
    return f"{minutes // 60} hours" if minutes >= 120 else f"{minutes} minutes"
