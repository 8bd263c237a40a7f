"""Ensembles of binary decision trees, walked for a block of rows at a time by compiled code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class TreeEnsemble:
    """Binary trees over float64 columns, all nodes in flat arrays, tree after tree.

    Attributes:
        roots: int32 (n_trees,), index of each tree's root.
        feature: int32 (n_nodes,), the column that a node looks at; -1 for a leaf.
        threshold: float64 (n_nodes,); a value at most the threshold goes left.
        missing_left: bool (n_nodes,); where NaN goes.
        left, right: int32 (n_nodes,), children.
        value: float64 (n_nodes,), what a leaf adds.
        baseline: where the sum starts.
    """

    roots: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    baseline: float = 0.0
    _arrays: tuple[np.ndarray, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kinds = (np.int32, np.int32, np.float64, np.bool_, np.int32, np.int32, np.float64)
        arrays = (self.roots, self.feature, self.threshold, self.missing_left, self.left, self.right, self.value)
        object.__setattr__(
            self, "_arrays", tuple(np.ascontiguousarray(a, dtype=k) for a, k in zip(arrays, kinds, strict=True))
        )

    def evaluate(self, columns: Sequence[np.ndarray]) -> np.ndarray:
        """Sum of leaf values.

        Args:
            columns: float64 arrays of shape (n,), NaN for missing.

        Returns: float64 (n,), bit-identical to adding the leaves in tree order.
        """
        if not columns:
            return np.full(0, self.baseline)
        from scorehouse.formulas.kernel import walk  # compiled code: loaded when the first tree is scored

        rows = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
        return walk(rows, self.baseline, *self._arrays)

    @classmethod
    def of_rows(cls, nodes: Sequence[Mapping[str, object]], baseline: float) -> "TreeEnsemble":
        """An ensemble from its weights rows, in node order."""
        trees = np.array([row["tree"] for row in nodes])
        is_leaf = np.array([row["component"] == "leaf" for row in nodes])
        value = np.array([row["value"] for row in nodes], dtype=np.float64)
        return cls(
            roots=np.flatnonzero(np.diff(trees, prepend=-1)),
            feature=np.array([-1 if row["position"] is None else row["position"] for row in nodes]),
            threshold=np.where(is_leaf, 0.0, value),
            missing_left=np.array([bool(row["is_missing_left"]) for row in nodes]),
            left=np.array([row["left"] or 0 for row in nodes]),
            right=np.array([row["right"] or 0 for row in nodes]),
            value=np.where(is_leaf, value, 0.0),
            baseline=baseline,
        )
