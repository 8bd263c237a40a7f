"""Features as the one float64 matrix that scikit-learn sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow.compute as pc

from scorehouse.scoring import columns
from scorehouse.scoring.columns import CATEGORICAL, Column

UNKNOWN_CODE = -1.0
"""Stands for a category that is not known."""
LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
"""Estimators that calculate in float32, as scikit-learn's trees do, refuse what is larger."""


@dataclass(frozen=True)
class Encoding:
    """How raw columns become a matrix: numbers as they are, a category as its place among the known ones.

    >>> import pyarrow as pa
    >>> encoding = Encoding.of({"country": pa.array(["uk", None, "fr"])}, {"country": "categorical"}, fills={})
    >>> encoding.categories
    {'country': ['fr', 'uk']}
    >>> encoding.matrix({"country": pa.array(["uk", "de", None])}).T
    array([[ 1., -1., nan]])

    Attributes:
        kinds: numeric or categorical, by feature, in the matrix's order.
        categories: the known categories of each categorical feature, sorted; a code is a place in this list.
    """

    kinds: Mapping[str, str]
    categories: Mapping[str, list[str]]

    @classmethod
    def of(cls, features: Mapping[str, Column], kinds: Mapping[str, str], fills: Mapping[str, str]) -> Self:
        """The encoding that knows every category of some rows.

        Args:
            features: the training rows: float64 [rows], or Arrow texts [rows], by feature.
            kinds: numeric or categorical, by feature, in the matrix's order.
            fills: the category that stands for NULL, by feature that has one; it is known as well.
        """
        known = {
            name: sorted({*pc.unique(features[name]).drop_null().to_pylist(), *([fills[name]] if name in fills else [])})
            for name, kind in kinds.items()
            if kind == CATEGORICAL
        }
        return cls(dict(kinds), known)

    def matrix(self, features: Mapping[str, Column]) -> np.ndarray:
        """float64 [rows, features]: NaN for NULL, `UNKNOWN_CODE` for a category that is not known."""
        return np.column_stack([self._column(name, features[name]) for name in self.kinds])

    def _column(self, name: str, values: Column) -> np.ndarray:
        if name not in self.categories:
            return values
        known = self.categories[name]
        codes = columns.category_codes(values, [*known, None]).astype(np.float64)
        return np.select([codes < len(known), codes == len(known)], [codes, np.nan], UNKNOWN_CODE)
