"""How far two sets of scores say the same."""

import numpy as np


def concordance(one: np.ndarray, other: np.ndarray) -> float:
    """Lin's concordance correlation coefficient of two scores of the same rows: 1 where they are equal, 0 where unrelated.

    2 cov / (var + var + (mean - mean)^2); rows where either has none are left out, and without any it is 0.
    Source: Lin (1989), A concordance correlation coefficient to evaluate reproducibility, Biometrics 45.

    >>> concordance(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    >>> round(concordance(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])), 3)
    0.571

    Args:
        one, other: float64 [rows].
    """
    is_known = np.isfinite(one) & np.isfinite(other)
    one, other = one[is_known], other[is_known]
    if not len(one):
        return 0.0
    apart = np.mean((one - other) ** 2)  # = var + var + (mean - mean)^2 - 2 cov
    spread = np.var(one) + np.var(other) + (np.mean(one) - np.mean(other)) ** 2
    return 1.0 if apart == 0 else float(1 - apart / spread)
