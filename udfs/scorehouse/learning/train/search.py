"""The search over an estimator's parameters, on folds that predict later from earlier."""

import numpy as np
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.model_selection import GridSearchCV, GroupKFold, RandomizedSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare import split
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.labels import Labels
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.train.estimators import nested, refusals, sample_weight

SILHOUETTE_SAMPLE = 5_000
"""Rows at most that the silhouette is measured on, and that clusters are found on again."""
STABILITY_DRAWS = 5
"""Halves of the rows that clusters are found on again."""
DEFAULT_METRICS = {"classification": "roc_auc", "regression": "neg_root_mean_squared_error", "clustering": "silhouette"}
"""By task, what the best candidate is best in; of more than two classes, it is neg_log_loss."""


def searched(
    pipeline: Pipeline, task: str, examples: Examples, rows: np.ndarray, matrix: np.ndarray, labels: Labels
) -> tuple[Pipeline, dict[str, object]]:
    """The pipeline with the parameters that were best on average over the folds, not yet fitted, and these by name.

    Each fold predicts one training time from the times before it, as the split says, or, where none has enough before it, some
    customers (`Examples.groups`) from the others; clusters are judged by the silhouette
    (Rousseeuw, Journal of Computational and Applied Mathematics 20, 1987) of the training rows themselves. Without a declared
    search, or where customers are too few, it is the pipeline as it came.
    Raises ScorehouseError for a parameter that the estimator does not have, where there is no split, and for what the estimator
    refuses.

    Args:
        pipeline: with the estimator as its last step; not yet fitted.
        task: classification, regression, clustering, outliers or decomposition.
        examples: all of them.
        rows: bool [examples], the training rows.
        matrix: float64 [examples, features].
        labels: of the training rows; their classes are those that the folds know.
    """
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
        f"estimator__{name}": [nested(where, "search", value, spec.seed) for value in values]
        for name, values in spec.search.parameters.items()
    }
    used, found = _folds(examples, rows, task)
    if not found:
        return pipeline, {}
    label = None if labels.values is None else Labels.of(examples.label[used], task, labels.classes or None).values
    settings = {"scoring": _metric(spec, task, labels), "cv": found, "refit": False, "error_score": "raise"}
    if spec.search.candidates:
        search = RandomizedSearchCV(pipeline, grid, n_iter=spec.search.candidates, random_state=spec.seed, **settings)
    else:
        search = GridSearchCV(pipeline, grid, **settings)
    with refusals(pipeline, where):
        search.fit(matrix[used], label, **sample_weight(None if examples.weight is None else examples.weight[used]))
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
        used = np.flatnonzero(rows)
        return used, group_folds(Labels.of(examples.label[used], task), examples.groups[used], max(spec.search.folds, 2))
    used = np.flatnonzero(times <= train_times[-1])
    places = times[used]
    return used, [(np.flatnonzero(np.isin(places, fold.train)), np.flatnonzero(np.isin(places, fold.test))) for fold in cuts]


def group_folds(labels: Labels, groups: np.ndarray, most: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds that nobody stands in two of, as places that train and places that test; none where a class has one owner or less.

    Args:
        groups: whom each row is about [rows].
        most: folds; fewer where there are fewer groups with a class.
    """
    owners = [len(np.unique(groups[labels.values == place])) for place in range(len(labels.classes))]
    count = min(most, len(np.unique(groups)), *owners)
    if count < 2:
        return []
    splitter = StratifiedGroupKFold(count) if labels.classes else GroupKFold(count)
    return list(splitter.split(np.zeros(len(groups)), labels.values, groups))


def _metric(spec: Spec, task: str, labels: Labels) -> object:
    default = "neg_log_loss" if len(labels.classes) > 2 else DEFAULT_METRICS.get(task)
    metric = spec.search.metric or default
    return CLUSTER_METRICS.get(metric, metric)


def _silhouette(pipeline: Pipeline, matrix: np.ndarray, _: object = None) -> float:
    prepared, clusters = pipeline[:-1].transform(matrix), pipeline.predict(matrix)
    if not 1 < len(np.unique(clusters)) < len(clusters):
        return -1.0
    return float(silhouette_score(prepared, clusters, sample_size=min(len(prepared), SILHOUETTE_SAMPLE), random_state=0))


def _stable_silhouette(pipeline: Pipeline, matrix: np.ndarray, _: object = None) -> float:
    """The silhouette, times how much of the clusters comes back: 1 where halves of the rows give the same ones, 0 as by chance.

    That is the mean adjusted Rand index (Hubert, Arabie, Journal of Classification 2, 1985) of the clusters of all rows and those
    of random halves (Lange, Roth, Braun, Buhmann, Neural Computation 16, 2004, with overlapping halves).
    """
    silhouette = _silhouette(pipeline, matrix)
    if silhouette <= 0:
        return silhouette
    draws, clusters, half = np.random.default_rng(0), pipeline.predict(matrix), min(len(matrix) // 2, SILHOUETTE_SAMPLE)
    halves = [matrix[draws.permutation(len(matrix))[:half]] for _ in range(STABILITY_DRAWS)]
    found = [adjusted_rand_score(clusters, clone(pipeline).fit(rows).predict(matrix)) for rows in halves]
    return silhouette * max(float(np.mean(found)), 0.0)


CLUSTER_METRICS = {"silhouette": _silhouette, "stable_silhouette": _stable_silhouette}
"""Metrics of a search that are no scikit-learn scorers, by name."""
