"""Training: the declared estimator, fitted on the training rows; everything random is seeded, every sum is ordered."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import silhouette_score
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import InvalidParameterError
from threadpoolctl import threadpool_limits

from scorehouse.errors import ScorehouseError
from scorehouse.learning import spec as declaration
from scorehouse.learning import split
from scorehouse.learning.examples import Examples
from scorehouse.learning.matrix import Encoding
from scorehouse.learning.preprocessing import category_fills, column_transformer, transformers
from scorehouse.learning.spec import Spec
from scorehouse.scoring.columns import CATEGORICAL, Column

CALIBRATION_FOLDS = 5
SILHOUETTE_SAMPLE = 5_000
TASKS = {
    "classifier": "classification",
    "regressor": "regression",
    "clusterer": "clustering",
    "density_estimator": "clustering",
    "outlier_detector": "outliers",
}
"""Tasks by scikit-learn's name for the type of an estimator; every other estimator is a decomposition."""
DEFAULT_METRICS = {"classification": "roc_auc", "regression": "neg_root_mean_squared_error", "clustering": "silhouette"}


def task_of(estimator: object) -> str:
    """What an estimator does: classification, regression, clustering, outliers or decomposition."""
    return TASKS.get(getattr(_tags(estimator), "estimator_type", None), "decomposition")


def _tags(estimator: object) -> object | None:
    """What scikit-learn says about an estimator; None when it cannot say."""
    try:
        return estimator.__sklearn_tags__()
    except AttributeError:
        return None


@dataclass(frozen=True, eq=False)
class Trained:
    """A fitted scikit-learn pipeline with what is needed to feed it.

    Attributes:
        pipeline: preprocessing, declared steps, estimator.
        encoding: from columns to its matrix.
        task: see `task_of`.
        classes: label values as texts in the order of the estimator's classes; empty unless it classifies.
        parameters: those that a search chose.
    """

    pipeline: Pipeline
    encoding: Encoding
    task: str
    classes: tuple[str, ...]
    parameters: dict[str, object]

    @property
    def estimator(self) -> BaseEstimator:
        """The last step."""
        return self.pipeline[-1]

    def prepared(self, features: dict[str, Column]) -> np.ndarray:
        """What the estimator itself sees: float64 [rows, columns]."""
        return self.pipeline[:-1].transform(self.encoding.matrix(features))

    def score(self, features: dict[str, Column]) -> np.ndarray:
        """The estimator's own scores: float64 [rows], or [rows, parts] where a score has several parts.

        A classifier gives the probability of its second class, or of each class if there are more than two; without
        probabilities, its decision function. A clusterer gives the cluster, a decomposition its components.
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
        return np.asarray(self.pipeline.predict(matrix), np.float64).ravel()


def _squeezed(scores: np.ndarray) -> np.ndarray:
    return scores[:, 0] if scores.shape[1] == 1 else scores


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels as an estimator takes them: the place of the class, or the number.

    Attributes:
        values: float64 or int64 [rows].
        classes: class names as texts.
    """

    values: np.ndarray
    classes: tuple[str, ...]

    @classmethod
    def of(cls, label: np.ndarray, task: str, known: tuple[str, ...] | None = None) -> Self:
        """Labels of a task; `known` are the classes of the training rows, a class that is not among them is -1."""
        if task != "classification":
            return cls(label, ())
        distinct, places = np.unique(label, return_inverse=True)
        names = [class_name(value) for value in distinct]
        classes = tuple(names) if known is None else known
        codes = np.array([classes.index(name) if name in classes else -1 for name in names], np.int64)
        return cls(codes[places] if len(codes) else places, classes)


def class_name(value: object) -> str:
    """A label's value as text.

    >>> class_name(np.float64(1.0)), class_name(np.str_("yes"))
    ('1', 'yes')
    """
    if isinstance(value, str):
        return str(value)
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def train(examples: Examples, rows: np.ndarray) -> Trained:
    """Fit the declared estimator on the rows `rows` (bool [examples]).

    Raises ScorehouseError when the declaration does not suit the examples.
    """
    spec, where, chosen = examples.spec, examples.where, examples.take(rows)
    estimator = declared_estimator(spec, where)
    task = task_of(estimator)
    encoding = Encoding.of(chosen.columns, chosen.kinds, category_fills(chosen.spec, chosen.features))
    matrix = encoding.matrix(examples.columns)
    labels = Labels.of(chosen.label, task) if spec.label else Labels(None, ())
    pipeline = _assemble(estimator, examples, encoding, matrix[rows], labels)
    with threadpool_limits(1):
        pipeline, parameters = _searched(pipeline, task, examples, rows, matrix, labels)
        calibrated = _calibrated(pipeline, spec, task, chosen, labels, where)
        _fit(calibrated, matrix[rows], labels.values, chosen.weight, where)
    return Trained(calibrated, encoding, task, labels.classes, parameters)


def declared_estimator(spec: Spec, where: str) -> BaseEstimator:
    """The declared estimator, not yet fitted."""
    estimator = declaration.make(where, "estimator", spec.estimator, spec.parameters, spec.seed)
    if not hasattr(estimator, "fit") or not hasattr(estimator, "get_params"):
        raise ScorehouseError(
            f"{where}: meta.estimator: expected a scikit-learn estimator, found {spec.estimator}, which cannot be fitted; "
            f"name a class such as sklearn.linear_model.LogisticRegression."
        )
    quiet = {"verbosity": 0} if spec.estimator.startswith("xgboost.") else {"verbose": -1, "n_jobs": 1, "deterministic": True}
    if spec.estimator.startswith(("lightgbm.", "xgboost.")):
        estimator.set_params(**{"n_jobs": 1, **quiet, **spec.parameters})
    return estimator


def _assemble(estimator: BaseEstimator, examples: Examples, encoding: Encoding, matrix: np.ndarray, labels: Labels) -> Pipeline:
    spec, where = examples.spec, examples.where
    takes_categories = _category_parameter(estimator) is not None
    no_values = np.isnan(matrix).all(axis=0)
    empty = [
        name for name, is_empty in zip(encoding.kinds, no_values, strict=True) if is_empty and name not in encoding.categories
    ]
    prepared = column_transformer(
        spec,
        examples.features,
        encoding,
        _takes_missing(estimator) and not spec.steps,
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


def _takes_missing(estimator: BaseEstimator) -> bool:
    tags = _tags(estimator)
    return tags is not None and tags.input_tags.allow_nan


def _category_parameter(estimator: BaseEstimator) -> str | None:
    if type(estimator).__name__.startswith("HistGradientBoosting"):
        return "categorical_features"
    return "categorical_feature" if type(estimator).__name__.startswith("LGBM") else None


def _column_names(
    prepared: object, encoding: Encoding, matrix: np.ndarray, labels: np.ndarray, where: str
) -> list[tuple[str, bool]]:
    """Which feature each prepared column comes from, and whether it is still the feature itself."""
    with _refusals(Pipeline([("columns", prepared)]), where):
        fitted = clone(prepared).fit(matrix, labels)
    names = list(encoding.kinds)
    found: list[tuple[str, bool]] = []
    for name, transformer, places in fitted.transformers_:
        width = fitted.output_indices_[name].stop - fitted.output_indices_[name].start
        is_same = width == len(places) and transformer is not None
        found += [(names[place], is_same) for place in places] if is_same else [(names[places[0]], False)] * width
    return found


def _set_categories(estimator: BaseEstimator, names: list[tuple[str, bool]], examples: Examples) -> None:
    parameter = _category_parameter(estimator)
    declared = examples.spec.preprocessing
    if parameter is None or parameter in examples.spec.parameters:
        return
    native = {f.name for f in examples.features if f.kind == CATEGORICAL and _is_native(declared.get(f.group, {}))}
    places = [place for place, (name, _) in enumerate(names) if name in native]
    if parameter == "categorical_features":
        estimator.set_params(categorical_features=places or None)
    elif places:
        estimator.set_params(categorical_feature=places)


def _is_native(declared: object) -> bool:
    """Whether a group's categories reach the estimator as codes."""
    return isinstance(declared, Mapping) and declared.get("encode", "native") == "native"


def _set_monotonic(estimator: BaseEstimator, names: list[tuple[str, bool]], spec: Spec, where: str) -> None:
    if not spec.monotonic:
        return
    allowed = estimator.get_params()
    parameter = next((p for p in ("monotonic_cst", "monotone_constraints") if p in allowed), None)
    if parameter is None and not type(estimator).__name__.startswith("LGBM"):
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
    signs = [int(spec.monotonic.get(name, 0)) for name, _ in names]
    value = tuple(signs) if spec.estimator.startswith("xgboost.") else signs
    estimator.set_params(**{parameter or "monotone_constraints": value})


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


def _searched(
    pipeline: Pipeline, task: str, examples: Examples, rows: np.ndarray, matrix: np.ndarray, labels: Labels
) -> tuple[Pipeline, dict[str, object]]:
    """The pipeline with the parameters that were best on the time-ordered folds."""
    spec, where = examples.spec, examples.where
    if spec.search is None:
        return pipeline, {}
    allowed = set(pipeline[-1].get_params())
    unknown = [name for name in spec.search.parameters if name not in allowed]
    if unknown:
        raise ScorehouseError(
            f"{where}: meta.search.parameters: expected parameters of {spec.estimator}, found '{unknown[0]}'; correct it."
        )
    grid = {
        f"estimator__{name}": [declaration.nested(where, "search", value, spec.seed) for value in values]
        for name, values in spec.search.parameters.items()
    }
    used, found = _folds(examples, rows, task)
    label = None if labels.values is None else Labels.of(examples.label[used], task, labels.classes or None).values
    settings = {"scoring": _metric(spec, task, labels), "cv": found, "refit": False, "error_score": "raise"}
    if spec.search.candidates:
        search = RandomizedSearchCV(pipeline, grid, n_iter=spec.search.candidates, random_state=spec.seed, **settings)
    else:
        search = GridSearchCV(pipeline, grid, **settings)
    with _refusals(pipeline, where):
        search.fit(matrix[used], label, **_weights(None if examples.weight is None else examples.weight[used]))
    best = search.best_params_
    return clone(pipeline).set_params(**best), {name.removeprefix("estimator__"): value for name, value in best.items()}


def _folds(examples: Examples, rows: np.ndarray, task: str) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Rows that the search sees, and its folds as positions among them."""
    spec, where = examples.spec, examples.where
    if spec.split is None:
        if task != "clustering":
            raise ScorehouseError(
                f"{where}: meta.search: expected meta.split with the examples' time, found none; "
                f"a search needs times to predict later from earlier."
            )
        used = np.flatnonzero(rows)
        return used, [(np.arange(len(used)), np.arange(len(used)))]
    times, train_times = examples.times, np.unique(examples.times[rows])
    if task == "clustering":
        used = np.flatnonzero(rows)
        return used, [(np.arange(len(used)), np.arange(len(used)))]
    cuts = split.folds(times, train_times, spec.split, spec.search.folds)
    if not cuts:
        raise ScorehouseError(
            f"{where}: meta.search: expected an earlier time to train on for at least one of the last {spec.search.folds} "
            f"training times, found none; give more history, or leave the search out."
        )
    used = np.flatnonzero(times <= train_times[-1])
    places = times[used]
    return used, [(np.flatnonzero(np.isin(places, fold.train)), np.flatnonzero(np.isin(places, fold.test))) for fold in cuts]


def _metric(spec: Spec, task: str, labels: Labels) -> object:
    default = "neg_log_loss" if len(labels.classes) > 2 else DEFAULT_METRICS.get(task)
    metric = spec.search.metric or default
    return _silhouette if metric == "silhouette" else metric


def _silhouette(pipeline: Pipeline, matrix: np.ndarray, _: object = None) -> float:
    prepared, clusters = pipeline[:-1].transform(matrix), pipeline.predict(matrix)
    if not 1 < len(np.unique(clusters)) < len(clusters):
        return -1.0
    return float(silhouette_score(prepared, clusters, sample_size=min(len(prepared), SILHOUETTE_SAMPLE), random_state=0))


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
    with _refusals(pipeline, where):
        pipeline.fit(matrix, labels, **_weights(weight))


def _weights(weight: np.ndarray | None) -> dict[str, np.ndarray]:
    return {} if weight is None else {"estimator__sample_weight": weight}


@contextmanager
def _refusals(pipeline: Pipeline, where: str) -> Iterator[None]:
    """What an estimator refuses, whatever it raises, becomes one sentence."""
    try:
        yield
    except Exception as error:
        name, words = type(pipeline[-1]).__name__, " ".join(str(error).split("Stack trace")[0].split()).removesuffix(".")
        if isinstance(error, InvalidParameterError):
            raise ScorehouseError(
                f"{where}: meta: expected parameters that scikit-learn takes, found: {words}; correct it."
            ) from error
        raise ScorehouseError(
            f"{where}: expected examples that {name} can be fitted on, found what it refuses: {words[:300]}; "
            f"correct the examples or the declaration."
        ) from error
