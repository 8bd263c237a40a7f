"""Training: the declared estimator, fitted on the training rows; everything random is seeded, every sum is ordered."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.labels import Labels, class_name
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.train.estimators import refusals, sample_weight
from scorehouse.learning.train.matrix import Encoding
from scorehouse.learning.train.preprocessing import category_fills, column_transformer, transformers
from scorehouse.learning.train.search import searched
from scorehouse.learning.translate.conventions import conventions_of, takes_missing, task_of
from scorehouse.scoring.columns import CATEGORICAL, Column

CALIBRATION_FOLDS = 5
"""Folds at most; fewer where a class or the keys are fewer."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A fitted scikit-learn pipeline with what is needed to feed it.

    Attributes:
        pipeline: preprocessing, declared steps, estimator.
        encoding: from columns to its matrix.
        task: classification, regression, clustering, outliers or decomposition.
        classes: label values as texts in the order of the estimator's classes; empty unless it classifies.
        parameters: those that a search chose, by name.
    """

    pipeline: Pipeline
    encoding: Encoding
    task: str
    classes: tuple[str, ...]
    parameters: dict[str, object]

    @property
    def estimator(self) -> BaseEstimator:
        """The last step, fitted; calibrated where that is declared."""
        return self.pipeline[-1]

    def prepared(self, features: dict[str, Column]) -> np.ndarray:
        """What the estimator itself sees: float64 [rows, columns], from feature columns by name."""
        return self.pipeline[:-1].transform(self.encoding.matrix(features))

    def score(self, features: dict[str, Column]) -> np.ndarray:
        """The estimator's own scores of feature columns by name: float64 [rows], or [rows, parts] where there are several parts.

        A classifier gives the probability of its second class, or of each class if there are more than two; without
        probabilities, its decision function. A clusterer gives the cluster, counted from 0, an outlier detector its
        score_samples (lower is stranger), a decomposition its components.
        """
        matrix = self.encoding.matrix(features)
        if self.task == "classification":
            method = "predict_proba" if hasattr(self.estimator, "predict_proba") else "decision_function"
            scores = getattr(self.pipeline, method)(matrix)
            return scores[:, 1] if method == "predict_proba" and len(self.classes) == 2 else scores
        if self.task == "decomposition":
            return _squeezed(np.asarray(self.pipeline.transform(matrix), np.float64).reshape(len(matrix), -1))
        if self.task == "outliers":
            return self.pipeline.score_samples(matrix)
        return _squeezed(np.asarray(self.pipeline.predict(matrix), np.float64).reshape(len(matrix), -1))


def _squeezed(scores: np.ndarray) -> np.ndarray:
    return scores[:, 0] if scores.shape[1] == 1 else scores


def train(
    estimator: BaseEstimator, examples: Examples, rows: np.ndarray, parameters: Mapping[str, object] | None = None
) -> Trained:
    """Fit the declared estimator, with its preprocessing, on some of the examples.

    Parameters are searched, class weights, categories and monotonic constraints set, and probabilities calibrated as declared.
    Raises ScorehouseError when the declaration does not suit the examples, and for what the estimator itself refuses.

    Args:
        estimator: what `declared_estimator` gave; it is changed.
        examples: all of them, training rows and others.
        rows: bool [examples], the training rows.
        parameters: what an earlier search chose; None to search where it is declared.
    """
    spec, where, chosen = examples.spec, examples.where, examples.take(rows)
    task = task_of(estimator)
    encoding = Encoding.of(chosen.columns, chosen.kinds, category_fills(chosen.spec, chosen.features))
    matrix = encoding.matrix(examples.columns)
    labels = Labels.of(chosen.label, task) if spec.label else Labels(None, ())
    pipeline = _assemble(estimator, examples, encoding, matrix[rows], labels)
    with threadpool_limits(1):
        if parameters is None:
            pipeline, parameters = searched(pipeline, task, examples, rows, matrix, labels)
        else:
            pipeline = clone(pipeline).set_params(**{f"estimator__{name}": value for name, value in parameters.items()})
        calibrated = _calibrated(pipeline, spec, task, chosen, labels, where)
        _fit(calibrated, matrix[rows], labels.values, chosen.weight, where)
    return Trained(calibrated, encoding, task, labels.classes, dict(parameters))


def _assemble(estimator: BaseEstimator, examples: Examples, encoding: Encoding, matrix: np.ndarray, labels: Labels) -> Pipeline:
    spec, where = examples.spec, examples.where
    takes_categories = conventions_of(type(estimator)).category_parameter is not None
    no_values = np.isnan(matrix).all(axis=0)
    empty = [
        name for name, is_empty in zip(encoding.kinds, no_values, strict=True) if is_empty and name not in encoding.categories
    ]
    prepared = column_transformer(
        spec,
        examples.features,
        encoding,
        takes_missing(estimator) and not spec.steps,
        takes_categories and not spec.steps,
        empty,
        where,
    )
    steps = transformers(spec, spec.steps, "steps", where)
    if spec.class_weight is not None:
        _set_class_weight(estimator, spec.class_weight, labels.classes, where)
    if takes_categories or spec.monotonic:
        names = _column_names(prepared, encoding, matrix, labels.values, where)
        _set_categories(estimator, names, examples)
        _set_monotonic(estimator, names, spec, where)
    return Pipeline([("columns", prepared), *((f"step {n}", s) for n, s in enumerate(steps)), ("estimator", estimator)])


def _column_names(
    prepared: object, encoding: Encoding, matrix: np.ndarray, labels: np.ndarray, where: str
) -> list[tuple[str, bool]]:
    """Which feature each prepared column comes from, and whether it is still the feature itself."""
    with refusals(Pipeline([("columns", prepared)]), where):
        fitted = clone(prepared).fit(matrix, labels)
    names = list(encoding.kinds)
    found: list[tuple[str, bool]] = []
    for name, transformer, places in fitted.transformers_:
        width = fitted.output_indices_[name].stop - fitted.output_indices_[name].start
        is_same = width == len(places) and transformer is not None
        found += [(names[place], is_same) for place in places] if is_same else [(names[places[0]], False)] * width
    return found


def _set_categories(estimator: BaseEstimator, names: list[tuple[str, bool]], examples: Examples) -> None:
    parameter = conventions_of(type(estimator)).category_parameter
    declared = examples.spec.preprocessing
    if parameter is None or parameter in examples.spec.parameters:
        return
    native = {f.name for f in examples.features if f.kind == CATEGORICAL and _is_native(declared.get(f.group, {}))}
    places = [place for place, (name, _) in enumerate(names) if name in native]
    if places:
        estimator.set_params(**{parameter: places})


def _is_native(declared: object) -> bool:
    """Whether a group's categories reach the estimator as codes."""
    return isinstance(declared, Mapping) and declared.get("encode", "native") == "native"


def _set_monotonic(estimator: BaseEstimator, names: list[tuple[str, bool]], spec: Spec, where: str) -> None:
    if not spec.monotonic:
        return
    parameter = conventions_of(type(estimator)).monotonic_parameter
    parameter = parameter or ("monotonic_cst" if "monotonic_cst" in estimator.get_params() else None)
    if parameter is None:
        raise ScorehouseError(
            f"{where}: meta.monotonic: expected an estimator with monotonic constraints, found {spec.estimator}; "
            f"use one, for example sklearn.ensemble.HistGradientBoostingClassifier."
        )
    single = {name for name, is_same in names if is_same}
    lost = [name for name in spec.monotonic if name not in single]
    if lost:
        raise ScorehouseError(
            f"{where}: meta.monotonic: expected features that stay one number, found {lost[0]}; "
            f"leave it out, or take away its encoding or bins."
        )
    estimator.set_params(**{parameter: tuple(int(spec.monotonic.get(name, 0)) for name, _ in names)})


def _set_class_weight(estimator: BaseEstimator, class_weight: object, classes: tuple[str, ...], where: str) -> None:
    if not classes or "class_weight" not in estimator.get_params():
        raise ScorehouseError(
            f"{where}: meta.class_weight: expected a classifier with class weights, found {type(estimator).__name__}; "
            f"leave class_weight out, or give example weights with meta.weight."
        )
    if class_weight != "balanced":
        by_name = {class_name(key) if not isinstance(key, bool) else str(int(key)): v for key, v in class_weight.items()}
        unknown = [name for name in by_name if name not in classes]
        if unknown:
            raise ScorehouseError(
                f"{where}: meta.class_weight: expected classes among {', '.join(classes)}, found {unknown[0]}; correct it."
            )
        class_weight = {place: float(by_name.get(name, 1.0)) for place, name in enumerate(classes)}
    estimator.set_params(class_weight=class_weight)


def _calibrated(pipeline: Pipeline, spec: Spec, task: str, chosen: Examples, labels: Labels, where: str) -> Pipeline:
    """The pipeline with its last step calibrated on predictions for examples that it was not fitted on.

    Rows about the same key never stand on both sides of a fold.
    """
    if spec.calibration is None:
        return pipeline
    if task != "classification":
        raise ScorehouseError(f"{where}: meta.calibration: expected a classifier, found {spec.estimator}; leave calibration out.")
    smallest = int(np.bincount(labels.values).min())
    count = max(2, min(CALIBRATION_FOLDS, smallest, len(np.unique(chosen.groups))))
    folds = list(StratifiedGroupKFold(count).split(np.zeros(len(chosen)), labels.values, chosen.groups))
    calibrated = CalibratedClassifierCV(pipeline[-1], method=spec.calibration, cv=folds, ensemble=False)
    return Pipeline([*pipeline.steps[:-1], ("estimator", calibrated)])


def _fit(pipeline: Pipeline, matrix: np.ndarray, labels: np.ndarray | None, weight: np.ndarray | None, where: str) -> None:
    with refusals(pipeline, where):
        pipeline.fit(matrix, labels, **sample_weight(weight))
