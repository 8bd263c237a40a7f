"""The weighted median of several predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from typing_extensions import override

from scorehouse.scoring import weights
from scorehouse.scoring.columns import Column
from scorehouse.scoring.steps.operation import WithoutSql


@dataclass(frozen=True, eq=False)
class WeightedMedian(WithoutSql):
    """The smallest input up to which, itself included, at least half of the weight stands; NaN where an input is missing.

    Source: Drucker, Improving regressors using boosting techniques, ICML 1997 (AdaBoost.R2).

    >>> columns = [np.array([1.0, np.nan]), np.array([9.0, 9.0]), np.array([5.0, 5.0])]
    >>> WeightedMedian(("a", "b", "c"), ("median",), np.array([1.0, 1.0, 1.0])).apply(columns)
    [array([ 5., nan])]
    >>> WeightedMedian(("a", "b", "c"), ("median",), np.array([1.0, 3.0, 1.0])).apply(columns)
    [array([ 9., nan])]

    Attributes:
        shares: float64 [inputs], the weight of each; their sum need not be 1.
    """

    name = "weighted_median"
    shares: np.ndarray

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        stacked = np.vstack(columns)
        order = np.argsort(stacked, axis=0)
        reached = np.cumsum(self.shares[order], axis=0)
        middle = (reached >= 0.5 * reached[-1]).argmax(axis=0)
        rows = np.arange(stacked.shape[1])
        return [np.where(np.isnan(stacked).any(axis=0), np.nan, stacked[order[middle, rows], rows])]

    @override
    def rows(self) -> pa.Table:
        return weights.rows("share", input=self.inputs, output=self.outputs * len(self.inputs), value=self.shares)

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        return cls(tuple(weights.texts(table, "input")), (table["output"][0].as_py(),), weights.numbers(table))
