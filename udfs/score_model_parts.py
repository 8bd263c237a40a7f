"""Parts of one row's score (classes, clusters, components) by any version of a fitted model: a pure function."""

import pyarrow as pa


def main(model_version: pa.ChunkedArray, features: pa.ChunkedArray) -> pa.Array:
    """One batch of rows: lists of float64.

    Args:
        model_version: names of versions, usually the same in every row; NULL gives NULL.
        features: structs with a field for each of the version's features; more fields are ignored.
    """
    from scorehouse.scoring import udf  # compiled code loads only where something is scored

    return udf.score_model_parts(model_version, features)
