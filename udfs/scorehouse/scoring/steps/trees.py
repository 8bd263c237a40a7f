"""Sums of decision trees."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Self

import numpy as np
import pyarrow as pa
from sqlglot import exp
from typing_extensions import override

from scorehouse.cached import cached_property
from scorehouse.scoring import sql_builders as sql
from scorehouse.scoring import weights
from scorehouse.scoring.columns import Column
from scorehouse.scoring.sql_builders import Expression
from scorehouse.scoring.steps.operation import Operation
from scorehouse.scoring.trees.ensemble import TreeEnsemble
from scorehouse.scoring.trees.walking import compile_ensemble

FLOAT32 = "float32"
LONGEST_ROUNDED_SUM = 200
"""Trees; a sum that is rounded after each of them cannot be balanced, and DuckDB limits how deep an expression is."""

TOO_LARGE = 10**9


@dataclass(frozen=True, eq=False)
class Trees(Operation):
    """baseline + the sum of one leaf of each tree; one ensemble for each output.

    In NumPy the leaves are added in the trees' order; in SQL pairwise, so that only rounding differs.

    >>> nodes = {"feature": [0, -1, -1], "threshold": [2.0, 0.0, 0.0], "left": [1, -1, -1], "right": [2, -1, -1]}
    >>> worth = {"value": [0.0, 10.0, 20.0], "cover": [4.0, 3.0, 1.0], "missing_left": [False] * 3, "categories": {}}
    >>> trees = Trees(("x",), ("sum",), (TreeEnsemble.of_tree(**nodes, **worth),))
    >>> trees.apply([np.array([2.0, 2.5, np.nan])])
    [array([10., 20., 20.])]
    >>> trees.expressions([exp.column("x")])[0].sql("duckdb")
    'CASE WHEN x <= 2.0000000000000000e+00 THEN 1.0000000000000000e+01 ELSE 2.0000000000000000e+01 END'

    Attributes:
        ensembles: one for each output; their features are positions among `inputs`.
    """

    name = "trees"
    ensembles: tuple[TreeEnsemble, ...]

    @cached_property
    def _compiled(self) -> list:
        return [compile_ensemble(ensemble) for ensemble in self.ensembles]

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        matrix = np.asarray(columns)
        return [compiled.raw_scores(matrix) for compiled in self._compiled]

    @override
    def expressions(self, columns: Sequence[Expression]) -> list[Expression]:
        return [_ensemble_expression(ensemble, columns) for ensemble in self.ensembles]

    @override
    def sizes(self, sizes: Sequence[int]) -> list[int]:
        is_long = any(ensemble.is_float32 and len(ensemble.roots) > LONGEST_ROUNDED_SUM for ensemble in self.ensembles)
        return [TOO_LARGE if is_long else _ensemble_size(ensemble, sizes) for ensemble in self.ensembles]

    @property
    def leaf_count(self) -> int:
        """Leaves of all trees of all outputs."""
        return sum(int((ensemble.feature < 0).sum()) for ensemble in self.ensembles)

    @override
    def rows(self) -> pa.Table:
        nodes = [self._node_rows(i) for i in range(len(self.outputs))]
        baselines = [ensemble.baseline for ensemble in self.ensembles]
        kinds = [FLOAT32 if ensemble.is_float32 else None for ensemble in self.ensembles]
        inputs = weights.rows("input", input=self.inputs)
        return pa.concat_tables([inputs, weights.rows("baseline", output=self.outputs, value=baselines, category=kinds), *nodes])

    def _node_rows(self, index: int) -> pa.Table:
        ensemble = self.ensembles[index]
        count = len(ensemble.feature)
        tree = np.searchsorted(ensemble.roots, np.arange(count), side="right") - 1
        start = ensemble.roots[tree]
        is_leaf = ensemble.feature < 0
        return weights.rows(
            "node",
            count,
            input=np.where(is_leaf, None, np.array([*self.inputs, None], object)[ensemble.feature]),
            output=[self.outputs[index]] * count,
            position=tree,
            node=np.arange(count) - start,
            left_node=pa.array(ensemble.left - start, pa.int32(), mask=is_leaf),
            right_node=pa.array(ensemble.right - start, pa.int32(), mask=is_leaf),
            threshold=pa.array(ensemble.threshold, pa.float64(), mask=is_leaf | ensemble.is_categorical),
            is_missing_left=pa.array(ensemble.missing_left, pa.bool_(), mask=is_leaf),
            categories=[
                sorted(categories) if is_categorical else None
                for categories, is_categorical in zip(ensemble.categories, ensemble.is_categorical, strict=True)
            ],
            cover=ensemble.cover,
            value=pa.array(ensemble.value, pa.float64(), mask=~is_leaf),
        )

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        baselines = weights.part(table, "baseline")
        outputs = tuple(weights.texts(baselines, "output"))
        inputs = tuple(weights.texts(weights.part(table, "input"), "input"))
        nodes = weights.part(table, "node")
        names = np.array(weights.texts(nodes, "output"))
        kinds = weights.texts(baselines, "category")
        ensembles = (
            _read_ensemble(nodes.filter(pa.array(names == output)), inputs, baseline, kind == FLOAT32)
            for output, baseline, kind in zip(outputs, weights.numbers(baselines), kinds, strict=True)
        )
        return cls(inputs, outputs, tuple(ensembles))


def _read_ensemble(nodes: pa.Table, inputs: tuple[str, ...], baseline: float, is_float32: bool) -> TreeEnsemble:
    tree = weights.integers(nodes, "position")
    roots = np.flatnonzero(np.diff(tree, prepend=-1)).astype(np.int32)
    start = roots[tree]
    places = {name: place for place, name in enumerate(inputs)} | {None: -1}
    feature = np.array([places[name] for name in weights.texts(nodes, "input")], np.int32)
    categories = weights.texts(nodes, "categories")
    return TreeEnsemble(
        roots=roots,
        feature=feature,
        threshold=weights.numbers(nodes, "threshold"),
        is_categorical=np.array([values is not None for values in categories], bool),
        categories=[frozenset(values or ()) for values in categories],
        missing_left=np.array([bool(value) for value in weights.texts(nodes, "is_missing_left")], bool),
        left=np.where(feature < 0, -1, nodes["left_node"].fill_null(-1).to_numpy() + start).astype(np.int32),
        right=np.where(feature < 0, -1, nodes["right_node"].fill_null(-1).to_numpy() + start).astype(np.int32),
        value=np.where(feature < 0, weights.numbers(nodes), 0.0),
        cover=weights.numbers(nodes, "cover"),
        baseline=float(baseline),
        is_float32=is_float32,
    )


def _ensemble_expression(ensemble: TreeEnsemble, columns: Sequence[Expression]) -> Expression:
    leaves = [_node_expression(ensemble, columns, root) for root in ensemble.roots]
    if not ensemble.is_float32:
        return sql.total(leaves, ensemble.baseline)
    rounded = [exp.cast(term, "float") for term in (sql.number(ensemble.baseline), *leaves)]
    return exp.cast(reduce(sql.add, rounded), "double")


def _node_expression(ensemble: TreeEnsemble, columns: Sequence[Expression], node: int) -> Expression:
    if ensemble.feature[node] < 0:
        return sql.number(ensemble.value[node])
    x = columns[ensemble.feature[node]]
    left = _node_expression(ensemble, columns, ensemble.left[node])
    right = _node_expression(ensemble, columns, ensemble.right[node])
    if ensemble.is_categorical[node]:
        return _categorical_split(x, sorted(ensemble.categories[node]), ensemble.missing_left[node], left, right)
    threshold = sql.number(ensemble.threshold[node])
    if ensemble.missing_left[node]:
        return sql.when([(sql.both(sql.greater(x, threshold), sql.is_present(x)), right)], left)
    return sql.when([(sql.at_most(x, threshold), left)], right)


def _categorical_split(
    x: Expression, categories: list[int], is_missing_left: bool, left: Expression, right: Expression
) -> Expression:
    """A categorical split; codes are whole numbers, and a code that is not among them goes right."""
    listed = exp.In(this=sql.wrap(x), expressions=[sql.number(category) for category in categories])
    is_known = listed if categories else exp.false()
    if not is_missing_left:
        return sql.when([(is_known, left)], right)
    return sql.when([(is_known, left), (sql.is_present(x), right)], left)


def _ensemble_size(ensemble: TreeEnsemble, sizes: Sequence[int]) -> int:
    is_split = ensemble.feature >= 0
    per_feature = np.asarray(sizes)[ensemble.feature[is_split]] * (1 + ensemble.missing_left[is_split])
    listed = sum(len(categories) for categories in ensemble.categories)
    rounded = 4 * len(ensemble.roots) + 8 if ensemble.is_float32 else 0
    return int(per_feature.sum() + 8 * is_split.sum() + 3 * (~is_split).sum() + 2 * listed + rounded)
