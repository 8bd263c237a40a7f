"""How large a feature's values usually are, so that no unit matters."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class SizeScaler(TransformerMixin, BaseEstimator):
    """Divides each column by the median size of its training values other than 0, so that no unit matters.

    A logarithm of 1 + |x| bends where |x| is about 1, which is another place in pence than in pounds; after this it bends where
    the column's values are. A column of zeros is divided by 1.

    >>> SizeScaler().fit(np.array([[300.0], [0.0], [500.0]])).transform(np.array([[600.0]])).tolist()
    [[2.0]]

    Attributes:
        scale_: float64 [columns], above 0.
    """

    def fit(self, x: np.ndarray, y: object = None) -> Self:
        """Find the sizes of float64 [rows, columns]; NaN is no value."""
        self.scale_ = np.array([_size(np.abs(column)) for column in np.asarray(x, np.float64).T])
        return self

    def transform(self, x: np.ndarray) -> np.ndarray:
        """float64 [rows, columns] in units of the sizes."""
        return np.asarray(x, np.float64) / self.scale_


def _size(magnitudes: np.ndarray) -> float:
    found = magnitudes[np.isfinite(magnitudes) & (magnitudes > 0)]
    return float(np.quantile(found, 0.5, method="lower")) if len(found) else 1.0
