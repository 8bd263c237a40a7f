"""A declaration that learns from examples, as often as it is asked."""

import numpy as np

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.declare.labels import Labels
from scorehouse.learning.prove import leak
from scorehouse.learning.train.estimators import declared_estimator
from scorehouse.learning.train.formula import fitted_of_trained
from scorehouse.learning.train.pipeline import Trained, train
from scorehouse.learning.translate import onnx
from scorehouse.learning.translate.draft import UnknownFormulaError


class Learner:
    """A declared estimator and its examples.

    Args:
        task: of the estimator.
    """

    def __init__(self, examples: Examples, task: str) -> None:
        self._examples = examples
        self._spec, self._where = examples.spec, examples.where
        self.task = task
        if self.predicts_labels and not self._spec.label:
            raise ScorehouseError(
                f"{self._where}: expected meta.label for {self._spec.estimator}, found none; "
                f"name the column that is to be predicted."
            )

    @property
    def predicts_labels(self) -> bool:
        """Whether it learns a class or a number."""
        return self.task in ("classification", "regression")

    def shortage(self, rows: np.ndarray) -> str | None:
        """Why nothing can be learned from so few examples, bool [examples]; None when something can."""
        spec, count = self._spec, int(rows.sum())
        if count < spec.minimum_examples:
            found = f"found {count} of {len(self._examples)}" if spec.split else f"found {count}"
            return f"Expected at least {spec.minimum_examples} examples to train on, {found}."
        if self.task == "classification" and len(self.classes(rows)) < 2:
            return f"Expected two classes or more in {spec.label}, found only {self.classes(rows)[0]}."
        return None

    def classes(self, rows: np.ndarray) -> tuple[str, ...]:
        """The classes among some examples, bool [examples]; none unless it classifies."""
        return Labels.of(self._examples.label[rows], self.task).classes

    def fit(self, rows: np.ndarray, parameters: dict[str, object] | None = None) -> Fitted:
        """The formula that is learned from some examples.

        Raises ScorehouseError for a feature that gives the label away, classes that DuckDB cannot tell apart, an estimator whose
        formula is not known, and what the estimator refuses.

        Args:
            rows: bool [examples].
            parameters: what an earlier search chose; None to search where it is declared.
        """
        training = self._examples.take(rows)
        labels = Labels.of(training.label, self.task) if self._spec.label else None
        if labels and len(labels.classes) > 2:
            _expect_distinct(labels.classes, self._spec.label, self._where)
        if labels and self.predicts_labels:
            leak.refuse_leaks(training, labels.values, labels.classes)
        estimator = declared_estimator(self._spec, self._where)
        return _formula(train(estimator, self._examples, rows, parameters), self._where)


def _expect_distinct(classes: tuple[str, ...], label: str, where: str) -> None:
    """Each class becomes a field of the score, and DuckDB tells fields apart by their letters alone, not by their case."""
    known: dict[str, str] = {}
    for name in classes:
        other = known.setdefault(name.lower(), name)
        if not name or other != name:
            found = f"'{other}' and '{name}'" if name else "an empty text"
            raise ScorehouseError(
                f"{where}: column {label}: expected classes with names that differ in more than case, found {found}; "
                f"rename one in the select."
            )


def _formula(trained: Trained, where: str) -> Fitted:
    try:
        return fitted_of_trained(trained)
    except UnknownFormulaError as error:
        if trained.task == "clustering" and not hasattr(trained.estimator, "predict"):
            raise ScorehouseError(
                f"{where}: expected a clusterer that can place rows it was not fitted on, found "
                f"{type(trained.estimator).__name__}; use one with centres, for example sklearn.cluster.KMeans."
            ) from None
        instead = "" if onnx.can_convert() else ", or install scorehouse[onnx] to run a classifier or regressor as ONNX"
        raise ScorehouseError(
            f"{where}: expected an estimator whose formula is known (linear and generalised linear models, naive Bayes, "
            f"discriminant analysis, trees and their ensembles, support vectors, nearest neighbours, small networks, clusters "
            f"with centres, linear and kernel decompositions), found {error}; choose one of these{instead}."
        ) from None
