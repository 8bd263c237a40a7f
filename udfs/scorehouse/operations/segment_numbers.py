"""Segments keep their numbers over time."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from scorehouse.build.run import Run
from scorehouse.names.git import PRODUCTION
from scorehouse.names.quoting import plain
from scorehouse.operations.register import operation
from scorehouse.scoring.matched_centres import Centres, matched
from scorehouse.store.files import read_sql
from scorehouse.store.records import NodeRecords


@operation
def segment_numbers(run: Run, centres: str, segments: str, coordinates: list[str]) -> dict[int, int]:
    """The number of each cluster's segment (see `matched`), given what main's current release calls its segments.

    Args:
        centres: relation of the clusters as they are now: model_version, cluster and the coordinates.
        segments: relation of the segments, which has segment_number beside.
        coordinates: columns that place a centre; compared by their logarithms, in units of their middle values.
    """
    if not run.has(centres):
        return {}
    now = _centres(run, f"select * from {centres}", "cluster", coordinates)
    record = NodeRecords.readable(run.warehouse.on(PRODUCTION)).of(plain(segments))
    before = None
    if record is not None:
        before = _centres(run, read_sql([run.store.path(file) for file in record.files]), "segment_number", coordinates)
    if not now.keys:
        return {}
    from scorehouse.scoring.steps.univariate import symmetric_log  # compiled code loads only where segments are numbered

    known = [now, *([before] if before else [])]
    sizes = np.median(np.abs(np.vstack([one.places for one in known])), axis=0)
    now, *others = (replace(one, places=symmetric_log(one.places / np.where(sizes > 0, sizes, 1))) for one in known)
    return matched(now, next(iter(others), None))


def _centres(run: Run, query: str, key: str, coordinates: list[str]) -> Centres | None:
    """Centres at their coordinates as they are; None where the query lacks a column."""
    cursor = run.connection.cursor()
    present = {row[0] for row in cursor.execute(f"describe {query}").fetchall()}
    if not {key, "cluster", "model_version", *coordinates} <= present:
        return None
    found = cursor.sql(f"select model_version, {key} as key, cluster, {', '.join(coordinates)} from ({query}) order by key")
    table = found.to_arrow_table()
    places = np.column_stack([table[name].cast(pa.float64()).to_numpy() for name in coordinates])
    version = table["model_version"][0].as_py() if len(table) else ""
    return Centres(version, table["key"].to_pylist(), table["cluster"].to_pylist(), places)
