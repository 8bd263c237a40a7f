"""What a score is compared with when it is explained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from typing_extensions import override

from scorehouse.scoring import weights
from scorehouse.scoring.columns import Column
from scorehouse.scoring.sql_builders import Expression
from scorehouse.scoring.steps.operation import Operation


@dataclass(frozen=True, eq=False)
class Baseline(Operation):
    """What each raw feature adds to the explained sum on average over the training rows; makes no column, reasons read it.

    >>> Baseline.from_rows(Baseline.of({"recency": 0.5, "visits*amount": -2.0}).rows()).by_feature
    {'recency': 0.5, 'visits*amount': -2.0}

    Attributes:
        features: names; several raw features that act together are joined by `*`.
        values: float64 [features], in the sum's unit (log-odds for a probability made by a sigmoid).
    """

    name = "baseline"
    features: tuple[str, ...]
    values: np.ndarray

    @classmethod
    def of(cls, by_feature: dict[str, float]) -> Self:
        """The baseline of means by feature."""
        return cls((), (), tuple(by_feature), np.array(list(by_feature.values()), np.float64))

    @property
    def by_feature(self) -> dict[str, float]:
        """Means by feature."""
        return dict(zip(self.features, self.values.tolist(), strict=True))

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        return []

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        return []

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        return []

    @override
    def rows(self) -> pa.Table:
        return weights.rows("mean", category=self.features, value=self.values)

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        return cls((), (), tuple(weights.texts(table, "category")), weights.numbers(table))
