"""An ensemble of decision trees as flat arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np


@dataclass(frozen=True, eq=False)
class TreeEnsemble:
    """Trees as flat arrays over the nodes of all trees, tree after tree.

    Attributes:
        roots: int32 [trees], each tree's root among the nodes, rising.
        feature: int32 [nodes], the place of the column that a split reads; -1 for a leaf.
        threshold: float64 [nodes]; x <= threshold goes left. Not read at a leaf or a categorical split.
        is_categorical: bool [nodes], splits that ask for a category's code instead.
        categories: [nodes], a set of codes each; a code in it goes left, any other number right.
        missing_left: bool [nodes], True where NaN goes left.
        left, right: int32 [nodes], the children among all nodes; -1 for a leaf.
        value: float64 [nodes], what a leaf adds to the sum; not read at a split.
        cover: float64 [nodes], how much training weight reached each node; what Shapley values are weighed by.
        baseline: what the sum of the leaves starts from.
        is_float32: whether every sum on the way is rounded to float32, as a library that adds in float32 does.
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
    cover: np.ndarray
    baseline: float = 0.0
    is_float32: bool = False

    @classmethod
    def of_tree(
        cls,
        feature: np.ndarray,
        threshold: np.ndarray,
        left: np.ndarray,
        right: np.ndarray,
        value: np.ndarray,
        missing_left: np.ndarray,
        cover: np.ndarray,
        categories: Mapping[int, frozenset[int]],
    ) -> Self:
        """One tree whose root is node 0, with baseline 0.

        >>> nodes = {"feature": [0, -1, -1], "threshold": [2.0, 0.0, 0.0], "left": [1, -1, -1], "right": [2, -1, -1]}
        >>> worth = {"value": [0.0, 10.0, 20.0], "missing_left": [False] * 3, "cover": [4.0, 3.0, 1.0], "categories": {}}
        >>> TreeEnsemble.of_tree(**nodes, **worth).weighted(0.5).value
        array([ 0.,  5., 10.])

        Args:
            feature, threshold, left, right, value, missing_left, cover: [nodes], as the attributes of these names.
            categories: codes that go left, by node; a node that is not listed is numeric.
        """
        is_leaf = np.asarray(feature) < 0
        return cls(
            roots=np.zeros(1, np.int32),
            feature=np.asarray(feature, np.int32),
            threshold=np.asarray(threshold, np.float64),
            is_categorical=np.isin(np.arange(len(is_leaf)), list(categories)),
            categories=[categories.get(node, frozenset()) for node in range(len(is_leaf))],
            missing_left=np.asarray(missing_left, bool),
            left=np.where(is_leaf, -1, left).astype(np.int32),
            right=np.where(is_leaf, -1, right).astype(np.int32),
            value=np.asarray(value, np.float64),
            cover=np.asarray(cover, np.float64),
        )

    def weighted(self, weight: float) -> Self:
        """The ensemble with its leaves multiplied by a weight; its baseline stays as it is."""
        return replace(self, value=self.value * weight)


_INDICES, _PER_NODE = ("roots", "left", "right"), ("feature", "threshold", "is_categorical", "missing_left", "value", "cover")
_EMPTY = TreeEnsemble(
    *(np.zeros(0, kind) for kind in (np.int32, np.int32, np.float64, bool)),
    [],
    *(np.zeros(0, kind) for kind in (bool, np.int32, np.int32, np.float64, np.float64)),
)


def joined(ensembles: Sequence[TreeEnsemble], baseline: float = 0.0, is_float32: bool = False) -> TreeEnsemble:
    """One ensemble of the trees of several, in their order, over the same columns; its baseline takes the place of theirs.

    >>> stump = TreeEnsemble.of_tree([0, -1, -1], [2.0, 0, 0], [1, -1, -1], [2, -1, -1], [0, 10, 20], [0, 0, 0], [4, 3, 1], {})
    >>> both = joined([stump, stump], baseline=0.5)
    >>> both.roots, both.left, both.baseline
    (array([0, 3], dtype=int32), array([ 1, -1, -1,  4, -1, -1], dtype=int32), 0.5)
    """
    parts = [_EMPTY, *ensembles]
    starts = np.cumsum([0, *(len(part.feature) for part in parts)])[:-1]
    placed = list(zip(parts, starts, strict=True))
    moved = {
        name: np.concatenate([np.where(getattr(part, name) < 0, -1, getattr(part, name) + start) for part, start in placed])
        for name in _INDICES
    }
    return TreeEnsemble(
        **{name: places.astype(np.int32) for name, places in moved.items()},
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _PER_NODE},
        categories=[codes for part in parts for codes in part.categories],
        baseline=float(baseline),
        is_float32=is_float32,
    )
