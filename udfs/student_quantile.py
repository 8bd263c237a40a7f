"""Quantiles of Student's t distribution: a pure function."""

import pyarrow as pa
from scipy.special import stdtrit


def main(share: pa.ChunkedArray, degrees: pa.ChunkedArray) -> pa.Array:
    """One batch of rows: the value below which a t variable with `degrees` lies with probability `share`; NULL gives NULL."""
    values = stdtrit(*(column.cast(pa.float64()).to_numpy() for column in (degrees, share)))
    return pa.array(values, from_pandas=True)
