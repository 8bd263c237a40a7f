"""What a version's row says about how good it is and what it learned from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.declare.labels import Labels
from scorehouse.learning.measure import metrics
from scorehouse.learning.measure.intervals import Measure, intervals, of_classification, of_regression, of_several_classes
from scorehouse.learning.measure.limits import ALL
from scorehouse.learning.measure.single_features import aucs_alone
from scorehouse.learning.measure.statistics import statistic
from scorehouse.scoring.columns import Column
from scorehouse.scoring.scorer import Scorer

IMPORTANCE_ROWS = 1_000
"""Training rows at most that importances are means over."""
IMPORTANCE_STEPS = 500_000_000
"""Steps at most that importances take; fewer rows where each takes many."""
LARGEST_SLICE_COUNT = 50
"""Values at most of a slice column that have their own metrics, the most frequent ones."""


@dataclass(frozen=True, eq=False)
class _Rows:
    """What rows are measured by.

    Attributes:
        labels: places of classes, or numbers [rows]; None for a model without a label.
        scores: float64 [rows] or [rows, parts].
        weights: float64 [rows]; None where all count alike.
        groups: whom each row is about, whole numbers [rows].
    """

    labels: np.ndarray | None
    scores: np.ndarray
    weights: np.ndarray | None
    groups: np.ndarray

    def take(self, members: np.ndarray) -> Self:
        """Some of the rows, bool [rows]."""
        return type(self)(*(None if values is None else values[members] for values in vars(self).values()))

    def are_measured(self, has_classes: bool) -> np.ndarray:
        """Which have a score, a weight and, if there are classes, a known one: bool [rows]."""
        found = np.isfinite(self.scores.reshape(len(self.scores), -1)).all(axis=1)
        if has_classes:
            found &= self.labels >= 0
        return found if self.weights is None else found & (self.weights > 0)


@dataclass(eq=False)
class _Evaluator:
    fitted: Fitted
    scores: np.ndarray
    examples: Examples
    found: list[dict[str, object]] = field(default_factory=list)

    def split(self, name: str, rows: np.ndarray) -> None:
        """Metrics of one split, over all its rows and slice by slice.

        Rows without a score or a weight, and rows of a class that was not trained on, are left out; `count` says how many stay.
        """
        if not rows.any() or not self._has_what_it_predicts:
            return
        chosen, known = self.examples.take(rows), self.rows(rows)
        measured = known.are_measured(self.fitted.task == "classification")
        for slice_name, members in [(ALL, measured), *((s, measured & of_slice) for s, of_slice in _slices(chosen))]:
            if members.any():
                self._measure(name, slice_name, known.take(members), chosen, members)

    @property
    def _has_what_it_predicts(self) -> bool:
        return bool(self.examples.spec.label) or self.fitted.task not in ("classification", "regression")

    def rows(self, rows: np.ndarray) -> _Rows:
        """What some examples, bool [examples], are measured by."""
        chosen = self.examples.take(rows)
        labels = Labels.of(chosen.label, self.fitted.task, self.fitted.classes).values if chosen.spec.label else None
        return _Rows(labels, self.scores[rows], chosen.weight, chosen.groups)

    def bound(self, test: np.ndarray) -> None:
        """Give the metrics of the whole test, bool [examples], their intervals; of what predicts a label.

        Rows of `version_row.METRIC` that have none lack its ends. The test's calibration error gets what it is of noise alone.
        """
        if not test.any() or not self._has_what_it_predicts:
            return
        known = self.rows(test)
        rows = known.take(known.are_measured(self.fitted.task == "classification"))
        measure = self._measure_of(rows) if len(rows.scores) else None
        if measure is None:
            return
        found = intervals(measure, rows.groups, rows.weights)
        for row in self.found:
            interval = found.get(row["metric"])
            if interval and (row["split"], row["slice"], row["bin"]) == ("test", ALL, None):
                row |= {"lower_bound": interval.lower, "upper_bound": interval.upper}
        if self.fitted.task == "classification" and rows.scores.ndim == 1 and self.fitted.is_probability:
            self._add("test", ALL, {"calibration_noise": metrics.calibration_noise(rows.scores, rows.weights)})

    def _measure_of(self, rows: _Rows) -> Measure | None:
        if self.fitted.task == "classification" and rows.scores.ndim == 2:
            return of_several_classes(rows.labels, rows.scores)
        if self.fitted.task == "classification":
            return of_classification(rows.labels, rows.scores, self.fitted.is_probability, rows.weights)
        return of_regression(rows.labels, rows.scores) if self.fitted.task == "regression" and rows.scores.ndim == 1 else None

    def _measure(self, split: str, slice_name: str, rows: _Rows, chosen: Examples, members: np.ndarray) -> None:
        task, scores = self.fitted.task, rows.scores
        if task == "clustering":
            prepared = self.fitted.prepare(chosen.columns)[members]
            clusters = scores[:, 0] if scores.ndim == 2 else scores
            self._add(split, slice_name, metrics.clustering(prepared, clusters))
        elif task == "regression" and scores.ndim == 1:
            self._add(split, slice_name, metrics.regression(rows.labels, scores, rows.weights))
        elif task == "classification" and scores.ndim == 2:
            self._add(split, slice_name, metrics.several_classes(rows.labels, scores, rows.weights))
        elif task == "classification":
            self._binary(split, slice_name, rows)

    def _binary(self, split: str, slice_name: str, rows: _Rows) -> None:
        is_probability = self.fitted.is_probability
        self._add(split, slice_name, metrics.classification(rows.labels, rows.scores, is_probability, rows.weights))
        found = list(metrics.lift(rows.labels, rows.scores, rows.weights)) if slice_name == ALL else []
        if is_probability:
            calibrated = list(metrics.calibration(rows.labels, rows.scores, rows.weights))
            found += calibrated if slice_name == ALL else calibrated[-1:]
        for metric, number, value in found:
            self.found.append(_row(split, slice_name, metric, value, number or None))

    def _add(self, split: str, slice_name: str, values: dict[str, float]) -> None:
        self.found += [_row(split, slice_name, metric, value) for metric, value in values.items()]


def scores_of(scorer: Scorer, examples: Examples, rows: np.ndarray) -> np.ndarray:
    """Scores of some examples, as `evaluate` takes them: float64 [examples] or [examples, parts], NaN for the others.

    Args:
        rows: bool [examples], those to score.
    """
    found = scorer.score(examples.take(rows).columns)
    scores = np.full((len(examples), *found.shape[1:]), np.nan)
    scores[rows] = found
    return scores


def evaluate(
    fitted: Fitted,
    scores: np.ndarray,
    examples: Examples,
    train: np.ndarray,
    test: np.ndarray,
    alone: Mapping[str, float],
    earlier: np.ndarray | None = None,
) -> list[dict[str, object]]:
    """Metrics on both splits, as rows of `version_row.METRIC`, with an interval of each that is of the whole test.

    Outliers and decompositions have none. The best feature by itself is a row of its own: auc, in the slice "<feature> alone".

    Args:
        fitted: the model that is measured.
        scores: its scores, float64 [examples] or [examples, parts]; rows that are NaN are not measured.
        examples: all of them.
        train, test: bool [examples], rows that it knew, and rows that it did not.
        alone: of `aucs_of_features`, on the test, or on the rows that it knew where there is none.
        earlier: a regressor's scores of times before the test by what was fitted before them, NaN for other rows; None without.
    """
    evaluator = _Evaluator(fitted, scores, examples)
    evaluator.split("train", train)
    evaluator.split("test", test)
    evaluator.bound(test)
    if alone:
        best = max(alone, key=lambda name: (alone[name], name))
        evaluator.found.append(_row("test" if test.any() else "train", f"{best} alone", "auc", alone[best]))
    before = metrics.NO_ERRORS if earlier is None else _errors(fitted, earlier, examples, np.isfinite(earlier))
    bins = metrics.interval_bins(_errors(fitted, scores, examples, test), before, examples.spec.coverage)
    return [*evaluator.found, *(_row("test", ALL, metric, value, number or None) for metric, number, value in bins)]


def half_width(fitted: Fitted, scores: np.ndarray, examples: Examples, test: np.ndarray) -> float | None:
    """Score plus and minus this, in the label's unit, covers the declared share of a regressor's test outcomes.

    None for other models, or where the test is too small to say. Arguments are those of `evaluate`.
    """
    return metrics.interval_half_width(_errors(fitted, scores, examples, test).errors, examples.spec.coverage)


def statistics(scorer: Scorer, training: Examples, alone: Mapping[str, float]) -> list[dict[str, object]]:
    """What the features looked like in training, how much each moves the score, and what it tells alone: `version_row.STATISTIC`.

    Args:
        scorer: of the model that serves.
        training: the rows that it was fitted on.
        alone: of `aucs_of_features`.
    """
    importances = _importances(scorer, training.columns)
    return [
        statistic(name, kind, training.columns[name]) | {"importance": importances.get(name), "auc_alone": alone.get(name)}
        for name, kind in training.kinds.items()
    ]


def metrics_of_split(fitted: Fitted, scorer: Scorer, examples: Examples, name: str, rows: np.ndarray) -> list[dict[str, object]]:
    """Metrics of a fitted model on some examples, as rows of `version_row.METRIC`.

    Args:
        fitted: the model.
        scorer: of the same model, which gives the scores that are measured.
        examples: all of them.
        name: the split that the rows say.
        rows: bool [examples], those to measure on.
    """
    evaluator = _Evaluator(fitted, scores_of(scorer, examples, rows), examples)
    evaluator.split(name, rows)
    return evaluator.found


def _row(split: str, slice_name: str, metric: str, value: float, number: int | None = None) -> dict[str, object]:
    return {"split": split, "slice": slice_name, "metric": metric, "bin": number, "value": float(value)}


def _slices(chosen: Examples) -> Iterator[tuple[str, np.ndarray]]:
    """(name, rows) of each value of each declared slice column, the most frequent values first."""
    for column in chosen.spec.slices:
        values = chosen.table[column].to_pylist()
        names = np.array(["NULL" if value is None else str(value) for value in values], object)
        distinct, counts = np.unique(names.astype(str), return_counts=True)
        for place in np.lexsort((distinct, -counts))[:LARGEST_SLICE_COUNT]:
            yield f"{column}={distinct[place]}", names == distinct[place]


def aucs_of_features(fitted: Fitted, judged: Examples) -> dict[str, float]:
    """The AUC of each feature alone on the rows that a model is judged on; none unless it tells two classes apart."""
    if len(fitted.classes) != 2 or not judged.spec.label:
        return {}
    labels = Labels.of(judged.label, fitted.task, fitted.classes).values
    is_known = labels >= 0 if judged.weight is None else (labels >= 0) & (judged.weight > 0)
    if len(np.unique(labels[is_known])) < 2:
        return {}
    known = judged.take(is_known)
    return aucs_alone(known.columns, known.kinds, labels[is_known], known.weight)


def _importances(scorer: Scorer, training: dict[str, Column]) -> dict[str, float]:
    """The mean absolute contribution of each feature.

    Where scores cannot be taken apart: the mean absolute change of the score when the feature's values are shuffled. Without
    rows there are none.
    """
    count = len(next(iter(training.values())))
    if not count:
        return {}
    affordable = IMPORTANCE_ROWS if scorer.explanation is None else IMPORTANCE_STEPS // max(scorer.explanation.cost, 1)
    wanted = min(count, IMPORTANCE_ROWS, affordable)
    places = np.unique(np.linspace(0, count - 1, wanted).astype(np.int64))
    sample = {name: _take(values, places) for name, values in training.items()}
    if scorer.explanation is not None:
        return {name: float(np.nanmean(np.abs(v))) for name, v in scorer.explanation.contributions(sample).items()}
    scores = scorer.score(sample)
    order = np.random.default_rng(0).permutation(len(places))
    return {
        name: float(np.nanmean(np.abs(scorer.score({**sample, name: _take(values, order)}) - scores)))
        for name, values in sample.items()
    }


def _take(values: Column, places: np.ndarray) -> Column:
    return values[places] if isinstance(values, np.ndarray) else values.take(places)


def _errors(fitted: Fitted, scores: np.ndarray, examples: Examples, rows: np.ndarray) -> metrics.Errors:
    """A regressor's errors on some examples, bool [examples]; none of other models."""
    if fitted.task != "regression" or not examples.spec.label or not rows.any():
        return metrics.NO_ERRORS
    if scores.ndim == 2:  # several targets or quantiles, of which the label is none
        return metrics.NO_ERRORS
    errors = examples.label[rows] - scores[rows]
    is_known = np.isfinite(errors)
    return metrics.Errors(errors[is_known], scores[rows][is_known])
