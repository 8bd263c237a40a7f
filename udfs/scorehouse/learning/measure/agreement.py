"""How far two sets of scores say the same."""

import numpy as np
from scipy.stats import spearmanr


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """The rank correlation of two scores of the same rows: 1 where they order them alike, -1 where they order them the other way.

    Rows where either has none are left out. Where all of `one` are equal there is nothing to contradict, and it is 1; where all
    of `other` are, it says nothing of what `one` says, and it is 0.
    Source: Spearman (1904), The proof and measurement of association between two things.

    >>> agreement(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, np.nan]))
    1.0
    >>> agreement(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0]))
    -1.0
    >>> agreement(np.array([1.0, 2.0, 3.0]), np.array([3.0, 3.0, 3.0]))
    0.0

    Args:
        one, other: float64 [rows].
    """
    is_known = np.isfinite(one) & np.isfinite(other)
    one, other = one[is_known], other[is_known]
    if len(one) < 2 or np.ptp(one) == 0:
        return 1.0
    if np.ptp(other) == 0:
        return 0.0
    return round(float(spearmanr(one, other).statistic), 12)
