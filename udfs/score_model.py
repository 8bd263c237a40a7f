"""Score of one row by any version of a fitted model: a pure function of (version, features)."""

import pyarrow as pa


def main(model_version: pa.ChunkedArray, features: pa.ChunkedArray) -> pa.Array:
    """One batch of rows: float64 scores, NULL where there is none.

    Args:
        model_version: names of versions, usually the same in every row; NULL gives NULL.
        features: structs with a field for each of the version's features; more fields are ignored.
    """
    from scorehouse.scoring import udf  # compiled code loads only where something is scored

    return udf.score_model(model_version, features)
