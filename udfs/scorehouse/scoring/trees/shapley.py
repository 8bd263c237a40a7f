"""Shapley values of tree ensembles, path by path.

Method: path-dependent TreeSHAP (Lundberg, Erion, Chen et al., Nature Machine Intelligence 2, 2020) in the form that
treats each leaf's path by itself (Mitchell, Frank, Holmes: GPUTreeShap, PeerJ Computer Science 8, 2022).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

from scorehouse.scoring.trees.ensemble import TreeEnsemble

BLOCK_DECISIONS = 32_000_000
"""Decisions (nodes times rows) that are held at once."""


@dataclass(frozen=True, eq=False)
class Paths:
    """Every leaf's path, its conditions merged by feature.

    Attributes:
        leaf_starts: int32 [leaves + 1], first element of each leaf's path.
        leaf_values: float64 [leaves].
        feature: int32 [elements], the place of the feature's column; a path names no feature twice.
        zero_fraction: float64 [elements], share of training weight that follows the path when the feature is unknown.
        split_starts: int32 [elements + 1], first split of each element.
        split_node, split_is_left: int32 and bool [splits], the nodes whose conditions are merged, and the side taken.
    """

    leaf_starts: np.ndarray
    leaf_values: np.ndarray
    feature: np.ndarray
    zero_fraction: np.ndarray
    split_starts: np.ndarray
    split_node: np.ndarray
    split_is_left: np.ndarray


def contributions(ensemble: TreeEnsemble, paths: Paths, columns: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What each column adds to the sum of leaves, against the mean over the training weight.

    Here three of four training rows go left, to 10, and one right, to 20: the mean is 12.5.

    >>> stump = TreeEnsemble.of_tree([0, -1, -1], [2.0, 0, 0], [1, -1, -1], [2, -1, -1], [0, 10, 20], [0, 0, 0], [4, 3, 1], {})
    >>> contributions(stump, paths_of(stump), [np.array([2.0, 2.5])])
    [array([-2.5,  7.5])]

    Args:
        ensemble: the trees.
        paths: what `paths_of` made of the ensemble.
        columns: float64 [rows] each, NaN for missing.

    Returns:
        float64 [rows] for each column; with the mean, which holds the baseline, they sum to the ensemble's raw score.
    """
    count, block = len(columns[0]), max(1, BLOCK_DECISIONS // max(len(ensemble.feature), 1))
    found = np.zeros((count, len(columns)))
    for start in range(0, count, block):
        rows = slice(start, start + block)
        _add(ensemble, paths, [column[rows] for column in columns], found[rows])
    return list(found.T)


def _add(ensemble: TreeEnsemble, paths: Paths, columns: Sequence[np.ndarray], found: np.ndarray) -> None:
    longest = int(np.diff(paths.leaf_starts).max(initial=0))
    _add_paths(
        paths.leaf_starts,
        paths.leaf_values,
        paths.feature,
        paths.zero_fraction,
        paths.split_starts,
        paths.split_node,
        paths.split_is_left,
        _decisions(ensemble, columns),
        found,
        np.zeros(longest + 1),
        np.zeros(longest, np.bool_),
    )


def cost(ensemble: TreeEnsemble) -> int:
    """About how many steps explaining one row takes.

    The sum over leaves of the squared length of their paths; a path is no longer than the ensemble has features.

    >>> stump = TreeEnsemble.of_tree([0, -1, -1], [2.0, 0, 0], [1, -1, -1], [2, -1, -1], [0, 10, 20], [0, 0, 0], [4, 3, 1], {})
    >>> cost(stump)
    2
    """
    features = len(np.unique(ensemble.feature[ensemble.feature >= 0]))
    total, nodes, depth = 0, ensemble.roots, 0
    while len(nodes):
        is_leaf = ensemble.feature[nodes] < 0
        total += int(is_leaf.sum()) * min(depth, features) ** 2
        inner = nodes[~is_leaf]
        nodes, depth = np.concatenate([ensemble.left[inner], ensemble.right[inner]]), depth + 1
    return total


def paths_of(ensemble: TreeEnsemble) -> Paths:
    """All paths of an ensemble; a path without any split adds the same to every row and is left out.

    >>> stump = TreeEnsemble.of_tree([0, -1, -1], [2.0, 0, 0], [1, -1, -1], [2, -1, -1], [0, 10, 20], [0, 0, 0], [4, 3, 1], {})
    >>> paths_of(stump).leaf_values, paths_of(stump).zero_fraction
    (array([10., 20.]), array([0.75, 0.25]))
    """
    leaf_sizes, leaf_values, features, zeros, split_sizes, nodes, sides = [], [], [], [], [], [], []
    waiting = [(int(root), {}) for root in ensemble.roots[::-1]]
    while waiting:
        node, path = waiting.pop()
        if ensemble.feature[node] >= 0:
            for child, is_left in ((ensemble.right[node], False), (ensemble.left[node], True)):
                waiting.append((int(child), _extended(path, ensemble, node, int(child), is_left)))
        elif path:
            leaf_sizes.append(len(path))
            leaf_values.append(ensemble.value[node])
            features.extend(path)
            zeros.extend(zero for zero, _ in path.values())
            split_sizes.extend(len(splits) for _, splits in path.values())
            nodes.extend(split[0] for _, splits in path.values() for split in splits)
            sides.extend(split[1] for _, splits in path.values() for split in splits)
    return Paths(
        np.cumsum([0, *leaf_sizes]).astype(np.int32),
        np.array(leaf_values, np.float64),
        np.array(features, np.int32),
        np.array(zeros, np.float64),
        np.cumsum([0, *split_sizes]).astype(np.int32),
        np.array(nodes, np.int32),
        np.array(sides, np.bool_),
    )


def _extended(path: dict, ensemble: TreeEnsemble, node: int, child: int, is_left: bool) -> dict:
    feature = int(ensemble.feature[node])
    zero, splits = path.get(feature, (1.0, ()))
    weight = ensemble.cover[node]
    share = ensemble.cover[child] / weight if weight else 0.0
    return {**path, feature: (zero * share, (*splits, (node, is_left)))}


def _decisions(ensemble: TreeEnsemble, columns: Sequence[np.ndarray]) -> np.ndarray:
    """True where a row goes left at a node: bool [nodes, rows]."""
    goes_left = np.zeros((len(ensemble.feature), len(columns[0])), np.bool_)
    for node in np.flatnonzero(ensemble.feature >= 0):
        x = columns[ensemble.feature[node]]
        is_in = ensemble.is_categorical[node]
        left = np.isin(x, sorted(ensemble.categories[node])) if is_in else x <= ensemble.threshold[node]
        goes_left[node] = np.where(np.isnan(x), ensemble.missing_left[node], left)
    return goes_left


@numba.njit(cache=True, nogil=True)
def _add_paths(leaf_starts, leaf_values, feature, zero, split_starts, split_node, split_is_left, goes_left, found, weight, one):
    """Add every path's Shapley values to found [rows, columns]; weight and one are scratch space."""
    for row in range(found.shape[0]):
        for leaf in range(len(leaf_values)):
            start = leaf_starts[leaf]
            size = leaf_starts[leaf + 1] - start
            for i in range(size):
                one[i] = True
                for split in range(split_starts[start + i], split_starts[start + i + 1]):
                    if goes_left[split_node[split], row] != split_is_left[split]:
                        one[i] = False
                        break
            _permutation_weights(zero[start : start + size], one, size, weight)
            for i in range(size):
                share = _without(zero[start + i], one[i], size, weight)
                found[row, feature[start + i]] += share * (one[i] - zero[start + i]) * leaf_values[leaf]


@numba.njit(cache=True, nogil=True)
def _permutation_weights(zero, one, size, weight):
    """EXTEND of TreeSHAP for all elements: weight[k] is the weight of the subsets of size k."""
    weight[0] = 1.0
    for depth in range(1, size + 1):
        weight[depth] = 0.0
        for i in range(depth - 1, -1, -1):
            if one[depth - 1]:
                weight[i + 1] += weight[i] * (i + 1) / (depth + 1)
            weight[i] *= zero[depth - 1] * (depth - i) / (depth + 1)


@numba.njit(cache=True, nogil=True)
def _without(zero, one, size, weight):
    """UNWOUND_SUM of TreeSHAP: the total weight once one element is taken out."""
    total = 0.0
    if one:
        after = weight[size]
        for i in range(size - 1, -1, -1):
            share = after / (i + 1)
            total += share
            after = weight[i] - share * zero * (size - i)
    elif zero > 0:
        for i in range(size - 1, -1, -1):
            total += weight[i] / (zero * (size - i))
    return total * (size + 1)
