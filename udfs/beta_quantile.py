"""Quantiles of the beta distribution: a pure function."""

import pyarrow as pa
from scipy.special import betaincinv


def main(share: pa.ChunkedArray, alpha: pa.ChunkedArray, beta: pa.ChunkedArray) -> pa.Array:
    """One batch of rows: the value below which a beta(alpha, beta) variable lies with probability `share`; NULL gives NULL."""
    values = betaincinv(*(column.cast(pa.float64()).to_numpy() for column in (alpha, beta, share)))
    return pa.array(values, from_pandas=True)
