"""Ensembles of decision trees."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class TreeEnsemble:
    """Trees as flat arrays over the nodes of all trees, tree after tree.

    Attributes:
        roots: int32 [trees], index of each tree's root.
        feature: int32 [nodes], -1 for a leaf.
        threshold: float64 [nodes]; x <= threshold goes left.
        is_categorical: bool [nodes].
        categories: one set of codes a node; a code in it goes left.
        missing_left: bool [nodes], where NaN goes.
        left, right: int32 [nodes].
        value: float64 [nodes], of a leaf.
        baseline: what the sum of the leaves starts from.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    is_categorical: np.ndarray
    categories: Sequence[frozenset[int]]
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    baseline: float


@dataclass(frozen=True, eq=False)
class CompiledTrees:
    """An ensemble ready to score."""

    ensemble: TreeEnsemble

    def raw_scores(self, columns: Sequence[np.ndarray]) -> np.ndarray:
        """float64 [rows]: the baseline plus one leaf of each tree, added in the trees' order."""
        scores = np.full(len(columns[0]), self.ensemble.baseline)
        matrix = np.column_stack(columns)
        for root in self.ensemble.roots:
            scores += self.ensemble.value[self._leaves(matrix, root)]
        return scores

    def _leaves(self, matrix: np.ndarray, root: int) -> np.ndarray:
        e, rows = self.ensemble, np.arange(len(matrix))
        node = np.full(len(matrix), root)
        while (e.feature[node] >= 0).any():
            x = matrix[rows, e.feature[node]]
            listed = [v in e.categories[n] if e.is_categorical[n] else False for v, n in zip(x, node, strict=True)]
            goes_left = np.where(e.is_categorical[node], listed, x <= e.threshold[node])
            goes_left = np.where(np.isnan(x), e.missing_left[node], goes_left)
            node = np.where(e.feature[node] < 0, node, np.where(goes_left, e.left[node], e.right[node]))
        return node


def compile_ensemble(ensemble: TreeEnsemble, n_features: int) -> CompiledTrees:
    """Prepare an ensemble over `n_features` columns for scoring."""
    return CompiledTrees(ensemble)
