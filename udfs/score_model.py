"""Scores of a model version: a pure function of (version, features)."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def main(model_version: pa.ChunkedArray, features: pa.ChunkedArray) -> pa.Array:
    """Scores of one batch.

    Args:
        model_version: names of versions, usually the same in every row; NULL gives NULL.
        features: a struct with a field for each of the version's features (more are allowed).

    Returns: float64 scores. Raises ScorehouseError for an unknown version.
    """
    from scorehouse.formulas.registry import formula

    versions = pc.unique(model_version).to_pylist()
    rows = features.combine_chunks()
    if versions == [versions[0]] and versions[0] is not None:
        return pa.array(formula(versions[0]).score_arrow(rows))
    scores = np.full(len(rows), np.nan)
    for version in filter(None, versions):
        members = np.flatnonzero(pc.equal(model_version, version).to_numpy())
        scores[members] = formula(version).score_arrow(rows.take(pa.array(members)))
    return pa.array(scores, mask=pc.is_null(model_version).combine_chunks().to_numpy(zero_copy_only=False))
