"""What monitoring says of a version in use: it may ask for training, and decides nothing else."""

import duckdb

from scorehouse.scratch import scratch
from scorehouse.store.files import Store, read_sql
from scorehouse.store.records import NodeRecord

SIGNALS = "monitoring.signals"
"""The relation that says what is beyond a limit of the seed monitoring_thresholds."""


def training_asked_for(record: NodeRecord | None, store: Store, version: str) -> str | None:
    """What asks for another version than this one, in words with its numbers; None where nothing does, or nobody looked.

    Args:
        record: of `SIGNALS`, as published last.
        version: name of the version in use.
    """
    files = [store.path(file) for file in record.files] if record else []
    if not files or not all(file.exists() for file in files):
        return None
    query = f"select distinct finding from ({read_sql(files)}) where asks_for_training and model_version = ? order by 1"
    try:
        found = scratch("monitoring").execute(query, [version]).fetchall()
    except duckdb.BinderException:  # signals of another shape, which an earlier project wrote
        return None
    return f"monitoring: {'; '.join(finding for (finding,) in found)}" if found else None
