"""A fitted model before it is measured, wherever it comes from."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from scorehouse.scoring.columns import Column
from scorehouse.scoring.formula import Formula

Score = Callable[[dict[str, Column]], np.ndarray]
"""From feature columns by name to float64 [rows], or [rows, parts]."""


class RefusedRowsError(ValueError):
    """What an estimator says when it knows which of several rows it refuses.

    Attributes:
        rows: bool [rows].
    """

    def __init__(self, words: str, rows: np.ndarray) -> None:
        super().__init__(words)
        self.rows = rows


@dataclass(frozen=True, eq=False)
class Fitted:
    """A formula with what is known about it.

    Attributes:
        formula: from raw features to the score.
        task: classification, regression, clustering, outliers or decomposition.
        classes: label values as texts in the order of the score's parts; empty unless it classifies.
        is_probability: whether a classifier's score is a probability.
        score: the estimator's own scores, to compare with; None for a scorecard, which is its own definition.
        prepare: the matrix, float64 [rows, columns], that the estimator itself sees, in which clusters are measured; None for a
            model that came without its estimator.
        is_float32: whether the estimator itself calculates in float32.
        parameters: those that a search chose, by name.
        library: the package whose predictions prove a brought model; None for one that is trained here.
        remark: what is to be said of a brought model.
    """

    formula: Formula
    task: str
    classes: tuple[str, ...] = ()
    is_probability: bool = False
    score: Score | None = None
    prepare: Score | None = None
    is_float32: bool = False
    parameters: dict[str, object] = field(default_factory=dict)
    library: str | None = None
    remark: str | None = None
