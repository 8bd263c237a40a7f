"""Draws of a linear model's weights from their posterior: a pure function."""

import numpy as np
import pyarrow as pa


def main(
    gram: pa.ChunkedArray,
    target: pa.ChunkedArray,
    penalty: pa.ChunkedArray,
    noise: pa.ChunkedArray,
    seed: pa.ChunkedArray,
    count: pa.ChunkedArray,
) -> pa.Array:
    """One batch of rows: draws of weights w, given prior N(0, noise^2 / penalty I) and outcomes x w + noise.

    Args:
        gram: sum of x x' over examples, row by row in one list of d * d.
        target: sum of x y, a list of d.
        penalty: of the squared weights, above 0.
        noise: standard deviation of the outcomes, and so of the draws; 0 gives the ridge estimate itself.
        seed: names the random numbers; equal seeds give equal draws.
        count: of draws.

    Returns: lists of `count` lists of d float64.
    Source: Agrawal, Goyal (2013), Thompson sampling for contextual bandits with linear payoffs.
    """
    columns = (column.to_pylist() for column in (gram, target, penalty, noise, seed, count))
    return pa.array([_draws(*row) for row in zip(*columns, strict=True)], pa.list_(pa.list_(pa.float64())))


def _draws(gram: list[float], target: list[float], penalty: float, noise: float, seed: int, count: int) -> list[list[float]]:
    size = len(target)
    precision = np.reshape(gram, (size, size)) + penalty * np.eye(size)
    # precision = L L', so L'^-1 z has covariance precision^-1
    deviations = np.linalg.solve(np.linalg.cholesky(precision).T, np.random.default_rng(seed).standard_normal((size, count)))
    return (np.linalg.solve(precision, target) + noise * deviations.T).tolist()
