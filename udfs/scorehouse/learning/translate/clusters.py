"""Formulas of clusterers."""

import numpy as np

from scorehouse.learning.translate.draft import Draft, formula_of
from scorehouse.scoring.operations import Bins, Function, Smallest, SquaredDistance


def _squared_distances(inputs: list[str], centres: np.ndarray, draft: Draft) -> list[str]:
    names = [draft.fresh(f"squared distance {place}") for place in range(len(centres))]
    return draft.add(SquaredDistance.of(draft.numbers(inputs), names, centres))


def _nearest(inputs: list[str], centres: np.ndarray, draft: Draft) -> list[str]:
    """The nearest centre and the Euclidean distance to it."""
    distances = _squared_distances(inputs, centres, draft)
    nearest, squared = draft.add(Smallest(tuple(distances), (draft.fresh("cluster"), draft.fresh("squared distance"))))
    return [nearest, draft.step(Function.of, squared, "distance", formula="square_root")]


@formula_of("cluster", "sklearn.KMeans", "sklearn.MiniBatchKMeans", "sklearn.MeanShift", "sklearn.AffinityPropagation")
def nearest_centre(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The nearest centre and the distance to it."""
    return _nearest(inputs, np.asarray(model.cluster_centers_, np.float64), draft)


@formula_of("cluster", "sklearn.Birch")
def nearest_subcluster(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The cluster of the nearest subcluster, and the distance to that."""
    place, distance = _nearest(inputs, np.asarray(model.subcluster_centers_, np.float64), draft)
    labels = np.asarray(model.subcluster_labels_, np.float64)[:, None]
    edges = np.arange(1.0, len(labels))
    return [*draft.add(Bins((place,), (draft.fresh("cluster"),), edges, labels, np.array([np.nan]))), distance]


@formula_of("transform", "sklearn.KMeans", "sklearn.MiniBatchKMeans", "sklearn.Birch")
def distances(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The distance to each centre."""
    centres = model.subcluster_centers_ if type(model).__name__ == "Birch" else model.cluster_centers_
    squared = _squared_distances(inputs, np.asarray(centres, np.float64), draft)
    return [draft.step(Function.of, name, f"distance {i}", formula="square_root") for i, name in enumerate(squared)]
