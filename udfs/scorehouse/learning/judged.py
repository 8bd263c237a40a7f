"""What serves and how it was measured: on rows that what was measured had not seen, and then fitted again with them."""

from dataclasses import dataclass, replace

import numpy as np

from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.declare.labels import Labels
from scorehouse.learning.declare.split import cut, known
from scorehouse.learning.learner import Learner
from scorehouse.learning.measure.agreement import agreement
from scorehouse.learning.measure.evaluation import scores_of
from scorehouse.learning.train.search import group_folds
from scorehouse.scoring.scorer import Scorer

FOLDS = 5
"""Of a cross-validation, at most; fewer where a class has fewer customers."""
SMALLEST_AGREEMENT = 0.5
"""Of what was measured and what was fitted again, on rows that both know; below it, what was measured serves."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A model, and the scores that say how good it is.

    Attributes:
        served: what scores customers.
        rows: bool [examples], what it was fitted on.
        measured: what the metrics are of: itself, or the same declaration fitted on earlier times.
        scores: the measured scores, float64 [examples] or [examples, parts]; NaN where there is none.
        train, test: bool [examples], what it knew where it was measured, and what it did not.
        earlier: float64 [examples], a regressor's scores of the times that would have been the test one time before, by the same
            declaration fitted as it would have been then; NaN where there is none.
        remark: what is to be said of it.
    """

    served: Fitted
    rows: np.ndarray
    measured: Fitted
    scores: np.ndarray
    train: np.ndarray
    test: np.ndarray
    earlier: np.ndarray | None = None
    remark: str | None = None

    @property
    def is_fitted_again(self) -> bool:
        """Whether it serves with more than it was measured with, so that a test on what it knows needs the measured weights."""
        return bool(self.train.any()) and not np.array_equal(self.rows, self.train)

    @property
    def later(self) -> np.ndarray:
        """Rows of the test that are later than what was measured knew: bool [examples]; none where it was cross-validated."""
        return self.test & self.train.any()


def judged(examples: Examples, learner: Learner) -> Judged | str:
    """Fit what is declared, measure it on later times, and fit it again on all; or say what there is too little of.

    What is fitted again must order the rows that the measured one learned from much as that does, or that serves. Where earlier
    times are too few, it is measured by cross-validation over customers (`Examples.groups`; Stone (1974), Cross-validatory
    choice and assessment of statistical predictions).
    Raises ScorehouseError for examples that do not suit the declaration.
    """
    train, test, everything = split_of(examples)
    fits_again = examples.spec.refit and examples.spec.split is not None and learner.predicts_labels
    shortage = learner.shortage(train)
    if shortage and fits_again and test.any():
        return _cross_validated(examples, learner, everything) or shortage
    if shortage:
        return shortage
    measured = learner.fit(train)
    scores = scores_of(Scorer.of(measured.formula), examples, train | test)
    found = Judged(measured, train, measured, scores, train, test, _earlier(measured, examples, learner))
    return _again(found, learner, everything, examples) if fits_again and test.any() else found


def split_of(examples: Examples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows that train, rows that test, and rows to fit again on: bool [examples] each."""
    split = examples.spec.split
    if split is None or not len(examples):
        return np.ones(len(examples), bool), np.zeros(len(examples), bool), np.ones(len(examples), bool)
    found = cut(examples.times, split)
    return tuple(np.isin(examples.times, times) for times in (found.train, found.test, known(examples.times, split)))


def _earlier(measured: Fitted, examples: Examples, learner: Learner) -> np.ndarray | None:
    """Scores of the test that there would have been one time before, of a regressor; None where nothing was learned by then."""
    split = examples.spec.split
    if split is None or learner.task != "regression":
        return None
    times = examples.times
    found = cut(times[times < times.max()], split)
    train, test = (np.isin(times, chosen) for chosen in (found.train, found.test))
    if learner.shortage(train) or not test.any():
        return None
    return scores_of(Scorer.of(learner.fit(train, measured.parameters).formula), examples, test)


def _again(found: Judged, learner: Learner, rows: np.ndarray, examples: Examples) -> Judged:
    shortage = learner.shortage(rows)
    if shortage:
        return replace(found, remark=f"Not fitted again with the newest labels: {shortage[0].lower()}{shortage[1:]}")
    served = learner.fit(rows, found.measured.parameters)
    if served.classes != found.measured.classes:
        named = ", ".join(sorted(set(served.classes) ^ set(found.measured.classes)))
        return replace(found, remark=f"Not fitted again with the newest labels: its classes would be others ({named}).")
    again = scores_of(Scorer.of(served.formula), examples, found.train)
    alike = _least_agreement(found.scores[found.train], again[found.train])
    if alike >= SMALLEST_AGREEMENT:
        return replace(found, served=served, rows=rows)
    remark = (
        f"Expected the model fitted again with the newest labels to order as the measured one does, found a rank correlation of "
        f"{alike:.2f} (at least {SMALLEST_AGREEMENT:g}); the measured one serves, look at the newest labels."
    )
    return replace(found, remark=remark)


def _least_agreement(scores: np.ndarray, others: np.ndarray) -> float:
    """The agreement of the part of the score that agrees least."""
    return min(agreement(*parts) for parts in zip(_parts(scores), _parts(others), strict=True))


def _parts(scores: np.ndarray) -> np.ndarray:
    return scores.reshape(len(scores), -1).T


def _cross_validated(examples: Examples, learner: Learner, rows: np.ndarray) -> Judged | None:
    """Fitted on all rows, measured on customers that the fit did not know; None where that cannot be done either."""
    if learner.shortage(rows):
        return None
    folds = _folds(examples, learner, rows)
    if not folds or len({learner.classes(part) for part in (rows, *(rows & ~fold for fold in folds))}) > 1:
        return None
    served, parts = learner.fit(rows), [learner.fit(rows & ~fold) for fold in folds]
    of_folds = [scores_of(Scorer.of(part.formula), examples, fold) for part, fold in zip(parts, folds, strict=True)]
    scores = np.full_like(of_folds[0], np.nan)
    for fold, found in zip(folds, of_folds, strict=True):
        scores[fold] = found[fold]
    times = examples.times[rows]
    remark = (
        f"Measured by cross-validation over customers ({len(folds)} folds), as no earlier time has enough examples whose labels "
        f"were known one horizon before the newest ({str(times.max())[:10]}); later times may differ more than its metrics say."
    )
    return Judged(served, rows, served, scores, np.zeros(len(rows), bool), rows, remark=remark)


def _folds(examples: Examples, learner: Learner, rows: np.ndarray) -> list[np.ndarray]:
    """Folds that no customer stands in two of: bool [examples] each; none where customers are too few."""
    chosen, places = examples.take(rows), np.flatnonzero(rows)
    found = []
    for _, held_out in group_folds(Labels.of(chosen.label, learner.task), chosen.groups, FOLDS):
        fold = np.zeros(len(rows), bool)
        fold[places[held_out]] = True
        found.append(fold)
    return found
