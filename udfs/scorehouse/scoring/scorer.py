"""A version ready to score."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from scorehouse.errors import ScorehouseError
from scorehouse.scoring import weights
from scorehouse.scoring.columns import Features
from scorehouse.scoring.formula import Formula
from scorehouse.scoring.reasons import Explanation
from scorehouse.scoring.simplify import simplify


@dataclass(frozen=True, eq=False)
class Scorer:
    """A pure function of (weights, features).

    >>> from scorehouse.scoring.steps import Inputs, Linear, Result
    >>> steps = Inputs.of({"a": "numeric"}), Linear.of(["a"], ["score"], [[2.0]], [1.0])
    >>> scorer = Scorer.of(Formula((*steps, Result(("score",), ("score",), ("DOUBLE",)))))
    >>> scorer.score({"a": np.array([3.0, np.nan])})
    array([ 7., nan])
    >>> scorer.reasons({"a": np.array([3.0])}).to_pylist()
    [[{'feature': 'a', 'contribution': 6.0}]]
    >>> load({"weights": scorer.formula.weights()}).score({"a": np.array([3.0])})
    array([7.])

    Attributes:
        formula: simplified.
        explanation: how its score is taken apart, or None when it cannot be.
    """

    formula: Formula
    explanation: Explanation | None

    @classmethod
    def of(cls, formula: Formula) -> Self:
        """The scorer of a formula, simplified or not."""
        simplified = simplify(formula)
        return cls(simplified, Explanation.of(simplified))

    def score(self, features: Features) -> np.ndarray:
        """Scores as float64 [rows], or [rows, parts] for a score of several parts; NaN where there is none.

        Raises ScorehouseError naming the columns that are missing, or the one that cannot be read as its kind.
        """
        return self.formula.score(features)

    def reasons(self, features: Features) -> pa.Array:
        """The largest contributions of each row: list<struct<feature, contribution>> [rows].

        NULL in every row of a model whose score cannot be taken apart. Raises ScorehouseError as `score` does.
        """
        if self.explanation is None:
            rows = len(self.formula.score(features))
            return pa.nulls(rows, pa.list_(pa.struct([("feature", pa.string()), ("contribution", pa.float64())])))
        return self.explanation.top(features)


def load(row: Mapping[str, object] | pa.Table, column: str = "weights") -> Scorer:
    """The scorer of a version's row: a mapping with `weights`, or a table of one row; nothing else of it is scored with.

    Raises ScorehouseError when the version has no weights.

    Args:
        column: whose weights: what serves, or `measured_weights`.
    """
    kept = row[column].combine_chunks().flatten() if isinstance(row, pa.Table) else row[column]
    table = weights.as_table(kept)
    if not table.num_rows:
        raise ScorehouseError(
            f"load(): expected a version with weights, found status "
            f"'{row['status'][0] if isinstance(row, pa.Table) else row.get('status')}'; score with a version that is ready."
        )
    return Scorer.of(Formula.from_weights(table))
