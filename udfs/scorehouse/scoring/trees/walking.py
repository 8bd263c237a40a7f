"""Ensembles scored: walked from root to leaf at first, by bit vectors once that is worth its compilation."""

from dataclasses import dataclass

import numba
import numpy as np

from scorehouse.cached import cached_property
from scorehouse.scoring.trees import bit_vectors
from scorehouse.scoring.trees.bit_vectors import BitVectors
from scorehouse.scoring.trees.ensemble import TreeEnsemble

WALKED = 5_000_000
"""Leaves; walking to so many takes about half a second."""


@dataclass(eq=False)
class CompiledTrees:
    """An ensemble ready to score.

    >>> stump = TreeEnsemble.of_tree([0, -1, -1], [2.0, 0, 0], [1, -1, -1], [2, -1, -1], [0, 10, 20], [0, 0, 0], [4, 3, 1], {})
    >>> compile_ensemble(stump).raw_scores(np.array([[2.0, 2.5, np.nan]]))
    array([10., 20., 20.])

    Trees are walked until `WALKED` leaves were found; then bit vectors, whose compilation takes seconds once, are worth it.
    Both ways find the same leaves and add them in the same order, so that scores are the same to the last bit.

    Attributes:
        ensemble: the trees.
        table_row: int32 [nodes], row in `is_listed` of a categorical node, else -1.
        is_listed: bool [categorical nodes, codes], True for a code that goes left.
        walked: how many leaves were found by walking.
    """

    ensemble: TreeEnsemble
    table_row: np.ndarray
    is_listed: np.ndarray
    walked: int = 0

    def raw_scores(self, matrix: np.ndarray) -> np.ndarray:
        """float64 [rows]: the baseline plus one leaf of each tree, added in the trees' order.

        Args:
            matrix: float64 [columns, rows], NaN for missing.
        """
        if self.walked >= WALKED and self._bit_vectors is not None:
            return self._bit_vectors.raw_scores(matrix, self._kind)
        self.walked += matrix.shape[1] * len(self.ensemble.roots)
        return self.walk(matrix)

    def walk(self, matrix: np.ndarray) -> np.ndarray:
        """`raw_scores` by walking each tree from root to leaf: float64 [rows] from float64 [columns, rows]."""
        e = self.ensemble
        scores = np.full(matrix.shape[1], e.baseline, self._kind)
        nodes = (e.feature, e.threshold, e.missing_left, e.left, e.right, e.value)
        _add_leaves(np.ascontiguousarray(matrix.T), e.roots, *nodes, self.table_row, self.is_listed, scores)
        return scores.astype(np.float64, copy=False)

    @property
    def _kind(self) -> type:
        """What sums are kept in: adding to float32 rounds each of them."""
        return np.float32 if self.ensemble.is_float32 else np.float64

    @cached_property
    def _bit_vectors(self) -> BitVectors | None:
        return bit_vectors.of_ensemble(self.ensemble) if bit_vectors.holds(self.ensemble) else None


@numba.njit(cache=True, nogil=True)
def _add_leaves(matrix, roots, feature, threshold, missing_left, left, right, value, table_row, is_listed, scores):
    """Add every tree's leaf to scores [rows]."""
    for root in roots:
        for row in range(len(scores)):
            node = root
            while feature[node] >= 0:
                x = matrix[row, feature[node]]
                if np.isnan(x):
                    goes_left = missing_left[node]
                elif table_row[node] < 0:
                    goes_left = x <= threshold[node]
                elif 0 <= x < is_listed.shape[1]:
                    goes_left = x == np.floor(x) and is_listed[table_row[node], int(x)]
                else:
                    goes_left = False
                node = left[node] if goes_left else right[node]
            scores[row] += value[node]


def compile_ensemble(ensemble: TreeEnsemble) -> CompiledTrees:
    """The ensemble with the tables that walking its categorical splits needs."""
    places = np.flatnonzero(ensemble.is_categorical)
    table_row = np.full(len(ensemble.feature), -1, np.int32)
    table_row[places] = np.arange(len(places))
    width = 1 + max((code for place in places for code in ensemble.categories[place]), default=-1)
    is_listed = np.zeros((len(places), width), np.bool_)
    for row, place in enumerate(places):
        is_listed[row, list(ensemble.categories[place])] = True
    return CompiledTrees(ensemble, table_row, is_listed)
