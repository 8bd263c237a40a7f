"""Segments over time: numbers that clusters keep from version to version, and what main served before."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from scorehouse import release
from scorehouse.branch import PRODUCTION
from scorehouse.operation import operation
from scorehouse.quoting import quoted
from scorehouse.run import Run
from scorehouse.store import read_sql


@dataclass(frozen=True)
class Centres:
    """Centres of a version's clusters.

    Attributes:
        version: of the fitted model.
        keys: each centre's cluster, or its segment's number where it is known.
        clusters: each centre's cluster.
        places: float64 [centres, coordinates], on the scale that distances are measured on.
    """

    version: str
    keys: list[int]
    clusters: list[int]
    places: np.ndarray


@operation
def segment_numbers(run: Run, centres: str, segments: str, coordinates: list[str]) -> dict[int, int]:
    """The number of each cluster's segment (see `matched`), given what main's current release calls its segments.

    Args:
        centres: relation of the clusters as they are now: model_version, cluster and the coordinates.
        segments: relation of the segments, which has segment_number beside.
        coordinates: columns that place a centre; compared by their logarithms.
    """
    if not run.has(centres):
        return {}
    now = _centres(run, f"select * from {centres}", "cluster", coordinates)
    record = _released(run).get(_named(segments))
    before = None
    if record is not None:
        before = _centres(run, read_sql([run.store.folder / file for file in record.files]), "segment_number", coordinates)
    return matched(now, before) if now.keys else {}


def matched(now: Centres, before: Centres | None) -> dict[int, int]:
    """Segment numbers by cluster: those of the matched centres before, new clusters numbered after the largest known.

    Centres are matched one to one with the least total distance (Kuhn 1955, as scipy's linear_sum_assignment), in units
    of the coordinates' spread. A version's own clusters keep their numbers. Without centres before, the clusters are
    numbered by their coordinates, the largest last coordinate first.

    >>> one = Centres("a", [0, 1], [0, 1], np.array([[1.0], [9.0]]))
    >>> matched(one, None)
    {1: 1, 0: 2}
    >>> matched(Centres("b", [0, 1, 2], [0, 1, 2], np.array([[8.0], [5.0], [2.0]])), Centres("a", [2, 1], [0, 1], one.places))
    {2: 2, 0: 1, 1: 3}
    """
    if before is None or not before.keys:
        order = np.lexsort((now.clusters, *(-now.places.T)))
        return {now.keys[place]: number for number, place in enumerate(order, start=1)}
    if now.version == before.version:
        known = dict(zip(before.clusters, before.keys, strict=True))
        found = {cluster: known[cluster] for cluster in now.keys if cluster in known}
    else:
        spread = np.std(np.vstack([now.places, before.places]), axis=0)
        scaled = [places / np.where(spread > 0, spread, 1) for places in (before.places, now.places)]
        distances = ((scaled[0][:, None, :] - scaled[1][None, :, :]) ** 2).sum(axis=2)
        rows, columns = linear_sum_assignment(distances)
        found = {now.keys[column]: before.keys[row] for row, column in zip(rows, columns, strict=True)}
    fresh = [cluster for cluster in now.keys if cluster not in found]
    return found | {cluster: max(before.keys) + place for place, cluster in enumerate(fresh, start=1)}


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
    own = next((record for record in run.records.nodes.values() if record.relation == _named(unlike)), None)
    production = run.warehouse.on(PRODUCTION)
    for number in reversed(production.release_numbers() if own else []):
        records = {record.relation: record for record in release.records_of(production, number).values()}
        other, before = records.get(_named(unlike)), records.get(_named(served))
        if other is None or before is None or other.fingerprint.whole == own.fingerprint.whole:
            continue
        query = read_sql([run.store.folder / file for file in before.files])
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


def _released(run: Run) -> dict[str, Any]:
    """Records of main's current release, by relation."""
    return {record.relation: record for record in release.records_of(run.warehouse.on(PRODUCTION)).values()}


def _centres(run: Run, query: str, key: str, coordinates: list[str]) -> Centres | None:
    """None where the query lacks a column."""
    cursor = run.connection.cursor()
    present = {row[0] for row in cursor.execute(f"describe {query}").fetchall()}
    if not {key, "cluster", "model_version", *coordinates} <= present:
        return None
    rows = cursor.execute(f"select model_version, {key}, cluster, {', '.join(coordinates)} from ({query}) order by 2").fetchall()
    places = np.array([row[3:] for row in rows], np.float64).reshape(len(rows), len(coordinates))
    return Centres(
        rows[0][0] if rows else "",
        [row[1] for row in rows],
        [row[2] for row in rows],
        np.sign(places) * np.log1p(np.abs(places)),
    )


def _named(relation: str) -> str:
    """schema.name of a relation as SQL writes it."""
    return ".".join(part.strip('"') for part in relation.split(".")[-2:])
