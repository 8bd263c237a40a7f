"""Formulas of clusterers."""

import numpy as np

from scorehouse.learning.translate.draft import Draft, formula_of
from scorehouse.scoring.operations import Bins, Function, Nearest, SquaredDistance


def _nearest(inputs: list[str], centres: np.ndarray, draft: Draft) -> list[str]:
    outputs = (draft.fresh("cluster"), draft.fresh("distance"))
    return draft.add(Nearest.of(draft.numbers(inputs), outputs, centres))


@formula_of("cluster", "sklearn.KMeans", "sklearn.MiniBatchKMeans", "sklearn.MeanShift", "sklearn.AffinityPropagation")
def nearest_centre(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The nearest centre and the distance to it."""
    return _nearest(inputs, model.cluster_centers_, draft)


@formula_of("cluster", "sklearn.Birch")
def nearest_subcluster(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The cluster of the nearest subcluster, and the distance to that."""
    place, distance = _nearest(inputs, model.subcluster_centers_, draft)
    labels = np.asarray(model.subcluster_labels_, np.float64)[:, None]
    edges = np.arange(1.0, len(labels))
    return [*draft.add(Bins((place,), (draft.fresh("cluster"),), edges, labels, np.array([np.nan]))), distance]


@formula_of("transform", "sklearn.KMeans", "sklearn.MiniBatchKMeans", "sklearn.Birch")
def distances(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The distance to each centre."""
    centres = model.subcluster_centers_ if type(model).__name__ == "Birch" else model.cluster_centers_
    names = [draft.fresh(f"squared distance {place}") for place in range(len(centres))]
    squared = draft.add(SquaredDistance.of(draft.numbers(inputs), names, centres))
    return [draft.step(Function.of, name, f"distance {i}", formula="square_root") for i, name in enumerate(squared)]
