"""Tree ensembles scored by bit vectors: every split of every tree is asked of a whole block of rows at once.

Method: QuickScorer (Lucchese, Nardini, Orlando, Perego, Tonellotto, Venturini, SIGIR 2015) in the form of RapidScorer (Ye,
Zhou, Zou, Gao, Zhang, KDD 2018). A value becomes its rank among its feature's thresholds, one byte. A tree's leaves are the
bits of a vector, cut into bytes; a split that a row fails clears the bits of its left subtree; the lowest bit that is left
is the row's leaf. Leaves are added in the trees' order, so that rounding is that of a walk from root to leaf.

The loops are small functions over slices of one integer width each: only so they become vector instructions.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numba
import numpy as np

from scorehouse.scoring.trees.ensemble import TreeEnsemble

BLOCK = 2_048
"""Rows at a time, as DuckDB hands them out: their ranks and bit vectors stay in the second cache."""

MOST_LEAVES = 256
"""Leaves of one tree; a tree with more is walked."""

MISSING_CODE, OTHER_CODE = 254, 255
"""A code is one byte: one means missing, one every code that is not known."""

RANKS = 254
"""Thresholds told apart by one column of ranks; a feature with more has several columns."""
LOWEST_RANK = -128
MISSING_RANK = -1

BITS_OF_PLANE, ALL_BITS = 8, 255
PLANES_OF_WORD = 4
BITS_OF_WORD = BITS_OF_PLANE * PLANES_OF_WORD
DE_BRUIJN = 0x077CB531
"""Multiplied by a power of two, its five highest bits tell which one (Leiserson, Prokop, Randall, MIT 1998)."""

FEWEST_BUCKETS, MOST_BUCKETS = 256, 65_536
BUCKETS_OF_EDGE = 8
BENDS = (0, 4, 8, 12, 16, 20)


class Thresholds(NamedTuple):
    """How numbers become ranks: how many of a feature's distinct thresholds lie below them.

    A number's bucket is found by shifting the bits of (number - low + offset), which never fall as the number rises: a large
    offset makes buckets of equal width, a small one makes them wider and wider. The bucket says where to look.

    Attributes:
        feature: int64 [features that are split], the place of the feature's column.
        edge_start, bucket_start: int64 [features + 1], where each feature's edges and buckets begin.
        edges: float64, each feature's distinct thresholds, rising, with infinities behind them.
        buckets: int32, how many edges lie in the buckets before, with the number of all behind them.
        low, offset: float64 [features].
        base, shift: int64 [features], the bits of offset, and how far to shift.
        reach: int32 [features], the first step of a binary search in any bucket, a power of two.
    """

    feature: np.ndarray
    edge_start: np.ndarray
    edges: np.ndarray
    bucket_start: np.ndarray
    buckets: np.ndarray
    low: np.ndarray
    offset: np.ndarray
    base: np.ndarray
    shift: np.ndarray
    reach: np.ndarray


class Columns(NamedTuple):
    """The one-byte columns that splits read: ranks of numbers, and codes of categories.

    Attributes:
        source: int64 [rank columns], place in `Thresholds`, rising.
        first: int32 [rank columns], how many thresholds lie before those of the column.
        missing: int32 [rank columns], the rank of NaN: 0 goes left at every split, 255 right.
        coded: int64 [code columns], the place of the feature whose values are category codes.
    """

    source: np.ndarray
    first: np.ndarray
    missing: np.ndarray
    coded: np.ndarray


class Splits(NamedTuple):
    """What splits do to the bit vectors, tree by tree and byte by byte.

    Attributes:
        tree_start: int64 [trees + 1], where each tree's entries begin.
        column: int64 [entries], the rank column, or the code column of a categorical split.
        threshold: int8 [entries], a higher rank goes right.
        plane: int64 [entries], which byte of the vector.
        keep: uint8 [entries], the bits that are left for a row that goes right.
        table: int64 [entries], row of `tables`; -1 for a split of numbers.
        tables: uint8 [categorical entries, 256], the bits that are left for each code.
    """

    tree_start: np.ndarray
    column: np.ndarray
    threshold: np.ndarray
    plane: np.ndarray
    keep: np.ndarray
    table: np.ndarray
    tables: np.ndarray


class Leaves(NamedTuple):
    """What the leaves are worth.

    Attributes:
        planes: int64 [trees], bytes of the tree's vector.
        start: int64 [trees + 1], where each tree's values begin.
        value: float64; for a tree of one byte by that byte, else by word and place of the lowest bit.
    """

    planes: np.ndarray
    start: np.ndarray
    value: np.ndarray


class BitVectors(NamedTuple):
    """An ensemble in this form.

    Attributes:
        thresholds: how numbers become ranks.
        columns: what splits read.
        splits: which leaves they take away.
        leaves: what the leaves are worth.
        baseline: what the sum of the leaves starts from.
    """

    thresholds: Thresholds
    columns: Columns
    splits: Splits
    leaves: Leaves
    baseline: float

    def raw_scores(self, matrix: np.ndarray, kind: type = np.float64) -> np.ndarray:
        """float64 [rows]: the baseline plus one leaf of each tree, added in the trees' order.

        Args:
            matrix: float64 [columns, rows], NaN for missing.
            kind: what sums are kept in; adding to float32 rounds each of them.
        """
        scores = np.empty(matrix.shape[1], kind)
        _score(*self, matrix, scores)
        return scores.astype(np.float64, copy=False)


# ---------------------------------------------------------------- preparation


def holds(ensemble: TreeEnsemble) -> bool:
    """True when bit vectors can hold an ensemble.

    No tree may have more than `MOST_LEAVES` leaves, and no split a category with a code of `MISSING_CODE` or more.
    """
    trees = np.searchsorted(ensemble.roots, np.flatnonzero(ensemble.feature < 0), side="right")
    codes = max((code for listed in ensemble.categories for code in listed), default=0)
    return max(np.bincount(trees), default=0) <= MOST_LEAVES and codes < MISSING_CODE


def of_ensemble(ensemble: TreeEnsemble) -> BitVectors:
    """The bit vectors of an ensemble for which `holds` is true.

    >>> stump = TreeEnsemble.of_tree([0, -1, -1], [2.0, 0, 0], [1, -1, -1], [2, -1, -1], [0, 10, 20], [0, 0, 0], [4, 3, 1], {})
    >>> holds(stump)
    True
    >>> of_ensemble(stump).raw_scores(np.array([[2.0, 2.5, np.nan]]))
    array([10., 20., 20.])
    """
    is_numeric = (ensemble.feature >= 0) & ~ensemble.is_categorical
    features = np.unique(ensemble.feature[is_numeric]).astype(np.int64)
    edges = [np.unique(ensemble.threshold[is_numeric & (ensemble.feature == feature)]) for feature in features]
    maker = _Maker(ensemble, {int(feature): (place, edges[place]) for place, feature in enumerate(features)})
    for root in ensemble.roots:
        maker.add_tree(int(root))
    return BitVectors(_thresholds(features, edges), *maker.made(), ensemble.baseline)


class _Maker:
    """Collects the columns, splits and leaves of an ensemble's trees."""

    def __init__(self, ensemble: TreeEnsemble, edges: dict[int, tuple[int, np.ndarray]]) -> None:
        self._ensemble, self._edges = ensemble, edges
        self._ranked: dict[tuple[int, int, int], int] = {}
        self._coded: dict[int, int] = {}
        self._entries: list[tuple[int, int, int, int, int]] = []
        self._tables: list[np.ndarray] = []
        self._tree_start, self._planes, self._values = [0], [], []

    def add_tree(self, root: int) -> None:
        """Add the tree below a root."""
        e = self._ensemble
        order = _preorder(e, root)
        leaves = [node for node in order if e.feature[node] < 0]
        before = dict(zip(order, np.cumsum([0, *(e.feature[node] < 0 for node in order)]).tolist(), strict=False))
        entries = [
            entry
            for node in order
            if e.feature[node] >= 0
            for entry in self._of_split(node, before[int(e.left[node])], before[int(e.right[node])])
        ]
        self._entries += sorted(entries, key=lambda entry: entry[2])
        self._tree_start.append(len(self._entries))
        self._planes.append(-(-len(leaves) // BITS_OF_PLANE))
        self._values.append(_placed(e.value[leaves]))

    def _of_split(self, node: int, first: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
        """(column, threshold, plane, keep, table) for each byte that holds some of the leaves first..end."""
        column, threshold = self._compared(node)
        for plane, keep in _kept(first, end):
            table = -1
            if self._ensemble.is_categorical[node]:
                table = len(self._tables)
                self._tables.append(self._by_code(node, keep))
            yield column, threshold, plane, keep, table

    def _compared(self, node: int) -> tuple[int, int]:
        """The column that a split reads, and the highest rank that goes left."""
        e, feature = self._ensemble, int(self._ensemble.feature[node])
        if e.is_categorical[node]:
            return self._coded.setdefault(feature, len(self._coded)), 0
        source, edges = self._edges[feature]
        place = int(np.searchsorted(edges, e.threshold[node]))
        key = (source, place // RANKS * RANKS, 0 if e.missing_left[node] else RANKS + 1)
        return self._ranked.setdefault(key, len(self._ranked)), place % RANKS + LOWEST_RANK

    def _by_code(self, node: int, keep: int) -> np.ndarray:
        """The bits that are left for each code."""
        table = np.full(OTHER_CODE + 1, keep, np.uint8)
        table[list(self._ensemble.categories[node])] = ALL_BITS
        if self._ensemble.missing_left[node]:
            table[MISSING_CODE] = ALL_BITS
        return table

    def made(self) -> tuple[Columns, Splits, Leaves]:
        """Everything collected; rank columns in the order of their features."""
        ranked = sorted(self._ranked)
        moved = {self._ranked[key]: place for place, key in enumerate(ranked)}
        source, first, missing = np.array(ranked, np.int64).reshape(-1, 3).T
        column, threshold, plane, keep, table = np.array(self._entries, np.int64).reshape(-1, 5).T
        column = np.array([moved[c] if t < 0 else c for c, t in zip(column, table, strict=True)], np.int64)
        tables = np.array(self._tables, np.uint8).reshape(-1, OTHER_CODE + 1)
        starts = np.cumsum([0, *(len(values) for values in self._values)])
        return (
            Columns(source.copy(), first.astype(np.int32), missing.astype(np.int32), np.array(list(self._coded), np.int64)),
            Splits(
                np.array(self._tree_start),
                column,
                threshold.astype(np.int8),
                plane.copy(),
                keep.astype(np.uint8),
                table.copy(),
                tables,
            ),
            Leaves(np.array(self._planes, np.int64), starts, np.concatenate([np.zeros(0), *self._values])),
        )


def _preorder(ensemble: TreeEnsemble, root: int) -> list[int]:
    """Nodes of a tree, each before its children, what is left before what is right."""
    order, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        order.append(node)
        if ensemble.feature[node] >= 0:
            waiting += [int(ensemble.right[node]), int(ensemble.left[node])]
    return order


def _kept(first: int, end: int) -> Iterator[tuple[int, int]]:
    """(plane, the bits of it that are not among first..end), for each plane that they touch.

    >>> list(_kept(6, 9))
    [(0, 63), (1, 254)]
    """
    cleared = (1 << end) - (1 << first)
    for plane in range(first // BITS_OF_PLANE, -(-end // BITS_OF_PLANE)):
        yield plane, ALL_BITS & ~(cleared >> plane * BITS_OF_PLANE)


def _placed(leaves: np.ndarray) -> np.ndarray:
    """Leaf values where the lowest bit of a vector is looked up."""
    if len(leaves) <= BITS_OF_PLANE:
        lowest = [(byte & -byte).bit_length() - 1 for byte in range(ALL_BITS + 1)]
        return np.append(leaves, np.zeros(BITS_OF_PLANE + 1 - len(leaves)))[lowest]
    values = np.zeros(-(-len(leaves) // BITS_OF_WORD) * BITS_OF_WORD)
    bits = np.arange(len(leaves))
    hashed = (np.uint64(DE_BRUIJN) << (bits % BITS_OF_WORD).astype(np.uint64) & np.uint64(0xFFFFFFFF)) >> np.uint64(27)
    values[bits // BITS_OF_WORD * BITS_OF_WORD + hashed.astype(np.int64)] = leaves
    return values


def _thresholds(features: np.ndarray, edges: list[np.ndarray]) -> Thresholds:
    made = [_buckets(found) for found in edges]
    reach = [1 << int(np.diff(buckets).max(initial=1)).bit_length() - 1 for buckets, *_ in made]
    padded = [np.append(found, np.full(2 * more, np.inf)) for found, more in zip(edges, reach, strict=True)]
    low, offset, base, shift = np.array([rest for _, *rest in made], object).reshape(-1, 4).T
    return Thresholds(
        features,
        np.cumsum([0, *map(len, padded)]),
        np.concatenate([np.zeros(0), *padded]),
        np.cumsum([0, *(len(buckets) for buckets, *_ in made)]),
        np.concatenate([np.zeros(0, np.int32), *(buckets for buckets, *_ in made)]),
        low.astype(np.float64),
        offset.astype(np.float64),
        base.astype(np.int64),
        shift.astype(np.int64),
        np.array(reach, np.int32),
    )


def _buckets(edges: np.ndarray) -> tuple[np.ndarray, float, float, int, int]:
    """buckets, low, offset, base and shift with which the edges crowd least."""
    finite = edges[np.isfinite(edges)]
    low = float(finite[0]) if len(finite) else 0.0
    with np.errstate(over="ignore"):
        reach = float(np.nan_to_num(finite[-1] - low)) if len(finite) else 0.0
    count = min(max(FEWEST_BUCKETS, 1 << int(BUCKETS_OF_EDGE * len(edges)).bit_length()), MOST_BUCKETS)
    found = [_bent(edges, low, reach, reach * 2.0**-bend, count) for bend in BENDS]
    return min(found, key=lambda made: int(np.sum(np.diff(made[0]).astype(np.int64) ** 2)))


def _bent(edges: np.ndarray, low: float, reach: float, offset: float, count: int) -> tuple[np.ndarray, float, float, int, int]:
    base, top = np.array([offset, reach + offset]).view(np.int64).tolist()
    shift = max((top - base).bit_length() - (count.bit_length() - 1), 0)
    distance, places = np.empty(len(edges)), np.empty(len(edges), np.int64)
    _distances(edges, low, offset, distance)
    _places(distance.view(np.int64), base, shift, count - 1, places)
    buckets = np.searchsorted(places, np.arange(count + 1)).astype(np.int32)
    return buckets, low, offset, base, shift


# ---------------------------------------------------------------- scoring


@numba.njit(cache=True, nogil=True)
def _distances(x, low, offset, distance):
    for i in range(len(x)):
        distance[i] = (x[i] - low if x[i] > low else 0.0) + offset


@numba.njit(cache=True, nogil=True)
def _places(bits, base, shift, last, places):
    for i in range(len(bits)):
        places[i] = min((bits[i] - base) >> shift, last)


@numba.njit(cache=True, nogil=True)
def _first_step(x, edges, buckets, places, reach, ranks):
    """ranks: int32 [rows], the edges before x's bucket, and `reach` more where so many of the next lie below x."""
    ahead = edges[reach - 1 :]
    for i in range(len(x)):
        found = buckets[np.uint64(places[i])]
        ranks[i] = found + (reach if ahead[np.uint64(found)] < x[i] else np.int32(0))


@numba.njit(cache=True, nogil=True)
def _step(x, edges, reach, ranks):
    ahead = edges[reach - 1 :]
    for i in range(len(x)):
        ranks[i] += reach if ahead[np.uint64(ranks[i])] < x[i] else np.int32(0)


@numba.njit(cache=True, nogil=True)
def _mark_missing(x, ranks):
    for i in range(len(x)):
        ranks[i] = ranks[i] if x[i] == x[i] else np.int32(MISSING_RANK)


@numba.njit(cache=True, nogil=True)
def _ranks(x, edges, buckets, places, reach, ranks):
    """ranks: int32 [rows], how many edges lie below x; `MISSING_RANK` for NaN. A binary search of all rows in step."""
    _first_step(x, edges, buckets, places, reach, ranks)
    while reach > 1:
        reach = np.int32(reach >> 1)
        _step(x, edges, reach, ranks)
    _mark_missing(x, ranks)


@numba.njit(cache=True, nogil=True)
def _narrow(ranks, first, missing, column):
    """column: int8 [rows], the ranks that count from `first`."""
    for i in range(len(ranks)):
        inside = min(max(ranks[i] - first, 0), RANKS)
        column[i] = np.int8((inside if ranks[i] >= 0 else missing) + LOWEST_RANK)


@numba.njit(cache=True, nogil=True)
def _codes(x, column):
    for i in range(len(x)):
        value = x[i]
        is_code = 0 <= value < MISSING_CODE and value == np.floor(value)
        column[i] = np.uint8(value) if is_code else np.uint8(OTHER_CODE if value == value else MISSING_CODE)


@numba.njit(cache=True, nogil=True)
def _clear(plane, column, threshold, keep):
    for i in range(len(plane)):
        plane[i] &= keep if column[i] > threshold else np.uint8(ALL_BITS)


@numba.njit(cache=True, nogil=True)
def _clear_coded(plane, column, table):
    for i in range(len(plane)):
        plane[i] &= table[column[i]]


@numba.njit(cache=True, nogil=True)
def _lowest(plane_0, plane_1, plane_2, plane_3, base, leaf):
    """leaf: uint32 [rows], where the lowest bit of these planes is looked up; stays where they have none."""
    for i in range(len(leaf)):
        low = np.uint32(plane_0[i]) | (np.uint32(plane_1[i]) << np.uint32(8))
        bits = low | (np.uint32(plane_2[i]) << np.uint32(16)) | (np.uint32(plane_3[i]) << np.uint32(24))
        lowest = bits & (~bits + np.uint32(1))
        found = np.uint32(lowest * np.uint32(DE_BRUIJN)) >> np.uint32(27)
        leaf[i] = np.uint32(base + found) if bits else leaf[i]


@numba.njit(cache=True, nogil=True)
def _add_values(leaf, value, scores):
    for i in range(len(scores)):
        scores[i] += value[leaf[i]]


@numba.njit(cache=True, nogil=True)
def _score(thresholds, columns, splits, leaves, baseline, matrix, scores):
    """Fill scores [rows], block by block; matrix is float64 [features, rows]."""
    distance, places, ranks = np.empty(BLOCK), np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int32)
    ranked = np.empty((len(columns.source), BLOCK), np.int8)
    coded = np.empty((len(columns.coded), BLOCK), np.uint8)
    planes, leaf = np.empty((MOST_LEAVES // BITS_OF_PLANE, BLOCK), np.uint8), np.empty(BLOCK, np.uint32)
    for begin in range(0, len(scores), BLOCK):
        size = min(BLOCK, len(scores) - begin)
        scores[begin : begin + size] = baseline
        rows = matrix[:, begin : begin + size]
        known = -1
        for c in range(len(columns.source)):
            source = columns.source[c]
            if source != known:
                x = rows[thresholds.feature[source]]
                edges = thresholds.edges[thresholds.edge_start[source] : thresholds.edge_start[source + 1]]
                buckets = thresholds.buckets[thresholds.bucket_start[source] : thresholds.bucket_start[source + 1]]
                _distances(x, thresholds.low[source], thresholds.offset[source], distance[:size])
                bits = distance.view(np.int64)[:size]
                _places(bits, thresholds.base[source], thresholds.shift[source], len(buckets) - 2, places[:size])
                _ranks(x, edges, buckets, places[:size], thresholds.reach[source], ranks[:size])
                known = source
            _narrow(ranks[:size], columns.first[c], columns.missing[c], ranked[c, :size])
        for c in range(len(columns.coded)):
            _codes(rows[columns.coded[c]], coded[c, :size])
        for tree in range(len(leaves.planes)):
            planes[: leaves.planes[tree]] = ALL_BITS
            for s in range(splits.tree_start[tree], splits.tree_start[tree + 1]):
                plane = planes[splits.plane[s], :size]
                if splits.table[s] < 0:
                    _clear(plane, ranked[splits.column[s], :size], splits.threshold[s], splits.keep[s])
                else:
                    _clear_coded(plane, coded[splits.column[s], :size], splits.tables[splits.table[s]])
            value = leaves.value[leaves.start[tree] : leaves.start[tree + 1]]
            if leaves.planes[tree] == 1:
                _add_values(planes[0, :size], value, scores[begin : begin + size])
                continue
            for word in range((leaves.planes[tree] - 1) // PLANES_OF_WORD, -1, -1):
                p = word * PLANES_OF_WORD
                four = planes[p, :size], planes[p + 1, :size], planes[p + 2, :size], planes[p + 3, :size]
                _lowest(*four, np.uint32(word * BITS_OF_WORD), leaf[:size])
            _add_values(leaf[:size], value, scores[begin : begin + size])
