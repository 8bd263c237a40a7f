"""Compiled code for trees."""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def walk(rows, baseline, roots, feature, threshold, missing_left, left, right, value):  # noqa: ANN001, ANN202
    """Scores of a block of rows, one node after the other (see TreeEnsemble for the arrays)."""
    scores = np.full(rows.shape[0], baseline)
    for row in range(rows.shape[0]):
        for root in roots:
            node = root
            while feature[node] >= 0:
                x = rows[row, feature[node]]
                goes_left = missing_left[node] if np.isnan(x) else x <= threshold[node]
                node = left[node] if goes_left else right[node]
            scores[row] += value[node]
    return scores
