"""Trees scored by walking and by bit vectors give the same score to the last bit."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from scorehouse.scoring.trees import bit_vectors, walking
from scorehouse.scoring.trees.ensemble import TreeEnsemble
from scorehouse.scoring.trees.walking import compile_ensemble

NUMBERS, CATEGORIES = 5, 2
SPREADS = {
    "even": lambda random, count: random.uniform(-1, 1, count),
    "skewed": lambda random, count: np.exp(random.normal(0, 4, count)),
    "skewed both ways": lambda random, count: random.choice([-1, 1], count) * np.exp(random.normal(0, 4, count)),
    "far from zero": lambda random, count: 1.7e9 + random.normal(0, 1, count),
    "as wide as numbers go": lambda random, count: random.choice([-1.7e308, -1e-308, 0.0, 5e-324, 1.7e308], count),
    "all the same": lambda random, count: np.full(count, 3.0),
    "whole": lambda random, count: random.integers(-3, 4, count).astype(float),
}
HOSTILE = np.array([0.0, -0.0, 5e-324, -5e-324, 1.7e308, -1.7e308, np.inf, -np.inf, np.nan])
NOT_CODES = np.array([-1.0, 0.5, 253.0, 254.0, 255.0, 256.0, 1e300, np.inf, -np.inf, np.nan, -0.0])


def ensemble(random: np.random.Generator, leaves: int, count: int, spread: str, is_categorical: float = 0.2) -> TreeEnsemble:
    """Random trees of so many leaves, over numbers and codes; some thresholds are infinite."""
    nodes, roots = [], []
    for _ in range(count):
        roots.append(len(nodes))
        nodes.append(None)
        open_leaves = [roots[-1]]
        for _ in range(leaves - 1):
            split = open_leaves.pop(random.integers(len(open_leaves)))
            left, right = len(nodes), len(nodes) + 1
            nodes[split] = (left, right)
            nodes += [None, None]
            open_leaves += [left, right]
    total = len(nodes)
    is_leaf = np.array([node is None for node in nodes])
    categorical = ~is_leaf & (random.random(total) < is_categorical)
    feature = np.where(categorical, NUMBERS + random.integers(0, CATEGORIES, total), random.integers(0, NUMBERS, total))
    threshold = np.where(random.random(total) < 0.02, np.inf, SPREADS[spread](random, total))
    return TreeEnsemble(
        roots=np.array(roots, np.int32),
        feature=np.where(is_leaf, -1, feature).astype(np.int32),
        threshold=threshold,
        is_categorical=categorical,
        categories=[
            frozenset(random.integers(0, 254, random.integers(0, 9)).tolist()) if c else frozenset() for c in categorical
        ],
        missing_left=random.random(total) < 0.5,
        left=np.array([node[0] if node else -1 for node in nodes], np.int32),
        right=np.array([node[1] if node else -1 for node in nodes], np.int32),
        value=random.normal(0, 1, total),
        cover=np.ones(total),
        baseline=0.1,
    )


def rows(random: np.random.Generator, found: TreeEnsemble, count: int, spread: str) -> np.ndarray:
    """Values of the spread, hostile ones, and thresholds with their neighbours: float64 [features, rows]."""
    near = np.unique(found.threshold)
    pool = np.concatenate([SPREADS[spread](random, 100), HOSTILE, near, np.nextafter(near, np.inf), np.nextafter(near, -np.inf)])
    codes = np.concatenate([np.arange(254.0), NOT_CODES])
    return np.vstack([random.choice(pool, (NUMBERS, count)), random.choice(codes, (CATEGORIES, count))])


def both_ways(found: TreeEnsemble, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return compile_ensemble(found).walk(matrix), bit_vectors.of_ensemble(found).raw_scores(matrix)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("leaves", [1, 2, 8, 9, 31, 33, 256])
def test_bit_vectors_find_the_leaves_that_walking_finds(spread, leaves):
    random = np.random.default_rng(leaves)
    found = ensemble(random, leaves, 12, spread)
    assert bit_vectors.holds(found)
    assert_array_equal(*both_ways(found, rows(random, found, 3_000, spread)))


def test_a_feature_may_have_more_thresholds_than_a_byte_has_values():
    random = np.random.default_rng(0)
    found = ensemble(random, 200, 40, "skewed", is_categorical=0)
    assert np.unique(found.threshold[found.feature == 0]).size > 4 * bit_vectors.RANKS
    assert_array_equal(*both_ways(found, rows(random, found, 5_000, "skewed")))


@pytest.mark.parametrize("count", [0, 1, bit_vectors.BLOCK, bit_vectors.BLOCK + 1])
def test_any_number_of_rows_is_scored(count):
    random = np.random.default_rng(0)
    found = ensemble(random, 12, 5, "even")
    walked, quick = both_ways(found, rows(random, found, count, "even"))
    assert quick.shape == (count,)
    assert_array_equal(walked, quick)


def test_trees_that_bit_vectors_cannot_hold_are_walked(monkeypatch):
    monkeypatch.setattr(walking, "WALKED", 0)
    random = np.random.default_rng(0)
    too_many_leaves = ensemble(random, bit_vectors.MOST_LEAVES + 1, 2, "even")
    large_code = ensemble(random, 4, 3, "even", is_categorical=1)
    large_code.categories[0] = frozenset({bit_vectors.MISSING_CODE})
    for found in (too_many_leaves, large_code):
        assert not bit_vectors.holds(found)
        matrix = rows(random, found, 100, "even")
        assert_array_equal(compile_ensemble(found).raw_scores(matrix), compile_ensemble(found).walk(matrix))


def test_the_score_stays_the_same_when_many_rows_turn_walking_into_bit_vectors(monkeypatch):
    monkeypatch.setattr(walking, "WALKED", 1)
    random = np.random.default_rng(0)
    found = ensemble(random, 20, 30, "even")
    matrix = rows(random, found, 500, "even")
    compiled = compile_ensemble(found)
    first, second = compiled.raw_scores(matrix), compiled.raw_scores(matrix)
    assert "_bit_vectors" in vars(compiled)
    assert_array_equal(first, second)


def test_sums_in_float32_are_rounded_after_every_tree(monkeypatch):
    random = np.random.default_rng(5)
    exact = ensemble(random, 8, 40, "even")
    rounded = replace(exact, value=exact.value.astype(np.float32).astype(np.float64), is_float32=True)
    matrix = rows(random, rounded, 500, "even")
    compiled = compile_ensemble(rounded)
    one_by_one = np.full(500, np.float32(rounded.baseline))
    for start, end in zip(rounded.roots, [*rounded.roots[1:], len(rounded.feature)], strict=True):
        one_by_one = one_by_one + compile_ensemble(_tree(rounded, start, end)).walk(matrix).astype(np.float32)
    assert_array_equal(compiled.walk(matrix), one_by_one.astype(np.float64))
    monkeypatch.setattr(walking, "WALKED", 0)
    assert_array_equal(compiled.raw_scores(matrix), one_by_one.astype(np.float64))


def _tree(found: TreeEnsemble, start: int, end: int) -> TreeEnsemble:
    """One tree of several, as an ensemble of its own."""
    names = ("feature", "threshold", "is_categorical", "categories", "missing_left", "value", "cover")
    part = {name: getattr(found, name)[start:end] for name in names}
    moved = {
        side: np.where(getattr(found, side)[start:end] < 0, -1, getattr(found, side)[start:end] - start)
        for side in ("left", "right")
    }
    return TreeEnsemble(roots=np.zeros(1, np.int32), **part, **{side: at.astype(np.int32) for side, at in moved.items()})
