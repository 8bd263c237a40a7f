"""Formulas of clusterers."""

import numpy as np

from scorehouse.learning.translate.draft import Draft, UnknownFormulaError, formula_of
from scorehouse.learning.translate.trees import add_trees
from scorehouse.scoring.steps import Bins, Function, Nearest, SquaredDistance
from scorehouse.scoring.trees.ensemble import TreeEnsemble


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


@formula_of("cluster", "sklearn.BisectingKMeans")
def bisected(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """Down the tree of halves: left where the left centre is at most as far as the right one."""
    nodes = [model._bisecting_tree]
    if nodes[0].left is None:
        raise UnknownFormulaError("BisectingKMeans with one cluster")
    for node in nodes:
        nodes += [node.left, node.right] if node.left is not None else []
    places = {id(node): place for place, node in enumerate(nodes)}
    split = [place for place, node in enumerate(nodes) if node.left is not None]
    ends = [(np.asarray(nodes[p].left.center), np.asarray(nodes[p].right.center)) for p in split]
    centres = [tuple(centre + getattr(model, "_X_mean", 0.0) for centre in pair) for pair in ends]
    directions = np.array([2 * (right - left) for left, right in centres])
    constants = np.array([left @ left - right @ right for left, right in centres])
    margins = draft.linear(inputs, [f"half {place}" for place in split], directions, constants)
    count, feature = len(nodes), np.full(len(nodes), -1)
    feature[split] = np.arange(len(split))
    labels = np.array([float(node.label if node.left is None else 0) for node in nodes])
    left, right = (np.array([places.get(id(getattr(node, side)), -1) for node in nodes]) for side in ("left", "right"))
    tree = TreeEnsemble.of_tree(feature, np.zeros(count), left, right, labels, np.zeros(count, bool), np.zeros(count), {})
    return add_trees(draft, margins, ["cluster"], [[tree]], [0.0])


@formula_of("transform", "sklearn.KMeans", "sklearn.MiniBatchKMeans", "sklearn.Birch")
def distances(model: object, inputs: list[str], draft: Draft) -> list[str]:
    """The distance to each centre."""
    centres = model.subcluster_centers_ if type(model).__name__ == "Birch" else model.cluster_centers_
    names = [draft.fresh(f"squared distance {place}") for place in range(len(centres))]
    squared = draft.add(SquaredDistance.of(draft.numbers(inputs), names, centres))
    return [draft.step(Function.of, name, f"distance {i}", formula="square_root") for i, name in enumerate(squared)]
