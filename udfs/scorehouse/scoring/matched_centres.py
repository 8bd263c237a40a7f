"""Cluster centres of two versions, matched one to one, so that a segment keeps its number while versions come and go."""

from dataclasses import dataclass

import numpy as np


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


def matched(now: Centres, before: Centres | None) -> dict[int, int]:
    """Segment numbers by cluster: those of the matched centres before, new clusters numbered after the largest known.

    Centres are matched one to one so that their squared distances, in units of each coordinate's standard deviation over all
    centres, have the least sum (the assignment problem: Kuhn, Naval Research Logistics Quarterly 2, 1955; solved by scipy's
    linear_sum_assignment). A version's own clusters keep their numbers. Without centres before, the clusters are numbered
    by their coordinates, the largest last coordinate first. Raises ValueError when the versions have other coordinates.

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
        from scipy.optimize import linear_sum_assignment  # loads only where another version clusters

        rows, columns = linear_sum_assignment(distances)
        found = {now.keys[column]: before.keys[row] for row, column in zip(rows, columns, strict=True)}
    fresh = [cluster for cluster in now.keys if cluster not in found]
    return found | {cluster: max(before.keys) + place for place, cluster in enumerate(fresh, start=1)}
