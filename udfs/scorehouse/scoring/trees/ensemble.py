"""An ensemble of decision trees as flat arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

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
        left, right: int32 [nodes], -1 for a leaf.
        value: float64 [nodes], of a leaf.
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
        """One tree whose root is node 0; `categories` by node, a node that is not listed is numeric."""
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
        """The ensemble with its leaves multiplied by a weight."""
        return replace(self, value=self.value * weight)


_INDICES, _PER_NODE = ("roots", "left", "right"), ("feature", "threshold", "is_categorical", "missing_left", "value", "cover")
_EMPTY = TreeEnsemble(
    *(np.zeros(0, kind) for kind in (np.int32, np.int32, np.float64, bool)),
    [],
    *(np.zeros(0, kind) for kind in (bool, np.int32, np.int32, np.float64, np.float64)),
)


def joined(ensembles: Sequence[TreeEnsemble], baseline: float = 0.0, is_float32: bool = False) -> TreeEnsemble:
    """One ensemble of the trees of several, in their order, over the same columns, with a baseline of its own."""
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
