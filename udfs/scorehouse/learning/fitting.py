"""Fit: a table of examples and a declaration become the one row of a version."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pyarrow as pa
from sklearn.base import BaseEstimator

from scorehouse.errors import ScorehouseError
from scorehouse.learning import version_row
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.declare.labels import Labels
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.declare.split import Cut, cut
from scorehouse.learning.measure import evaluation
from scorehouse.learning.prove import leak, parity
from scorehouse.learning.train.estimators import declared_estimator
from scorehouse.learning.train.formula import fitted_of_trained
from scorehouse.learning.train.pipeline import Trained, train
from scorehouse.learning.translate import onnx
from scorehouse.learning.translate.brought import bring
from scorehouse.learning.translate.conventions import task_of
from scorehouse.learning.translate.draft import UnknownFormulaError
from scorehouse.scoring import plan
from scorehouse.scoring.columns import Column
from scorehouse.scoring.formula import Formula, printed
from scorehouse.scoring.reasons import Explanation
from scorehouse.scoring.scorer import Scorer
from scorehouse.scoring.simplify import simplify

READY = "ready"
INSUFFICIENT = "insufficient_examples"
PARITY_FAILED = "parity_failed"


def fit_declared(table: pa.Table, spec: Spec, version: str, where: str) -> pa.Table:
    """See `scorehouse.learning.fit`: a brought model is read, an estimator with `fit_version` fits itself, others are trained."""
    if spec.is_brought:
        return _brought(*bring(table, spec, where), version)
    estimator = declared_estimator(spec, where)
    own = getattr(estimator, "fit_version", None)
    return own(table, spec, version, where) if own else _trained(table, estimator, spec, version, where)


def _brought(fitted: Fitted, examples: Examples, version: str) -> pa.Table:
    parts = _Parts.of(examples)
    row = _head(examples, parts, version)
    if fitted.library and not len(examples):
        reason = f"Expected at least one row to prove the model on by {fitted.library}'s own predictions, found none."
        return version_row.row(**row, task=fitted.task, status=INSUFFICIENT, status_reason=reason)
    return version_row.row(**row, **_measured(_explained(fitted, {}), examples, parts))


def _trained(table: pa.Table, estimator: BaseEstimator, spec: Spec, version: str, where: str) -> pa.Table:
    examples, task = Examples.read(table, spec, where), task_of(estimator)
    _expect_label(task, spec, where)
    parts = _Parts.of(examples)
    row = _head(examples, parts, version)
    shortage = _shortage(examples, parts, task)
    if shortage:
        return version_row.row(**row, task=task, status=INSUFFICIENT, status_reason=shortage)
    training = examples.take(parts.train)
    labels = Labels.of(training.label, task) if spec.label else None
    if labels and len(labels.classes) > 2:
        _expect_distinct(labels.classes, spec, where)
    if labels and task in ("classification", "regression"):
        leak.refuse_leaks(training, labels.values, labels.classes)
    fitted = _fitted(train(estimator, examples, parts.train), where)
    return version_row.row(**row, **_measured(_explained(fitted, training.columns), examples, parts))


class _Parts:
    """Which rows train and which test: bool [examples] each, with the times at their ends."""

    def __init__(self, train: np.ndarray, test: np.ndarray, times: Cut | None) -> None:
        self.train, self.test, self.times = train, test, times

    @classmethod
    def of(cls, examples: Examples) -> "_Parts":
        if examples.spec.split is None or not len(examples):
            return cls(np.ones(len(examples), bool), np.zeros(len(examples), bool), None)
        found = cut(examples.times, examples.spec.split)
        return cls(np.isin(examples.times, found.train), np.isin(examples.times, found.test), found)

    def ends(self) -> dict[str, object]:
        """train_from, train_until, test_from, test_until as datetimes."""
        if self.times is None:
            return {}
        named = {"train": self.times.train, "test": self.times.test}
        return {
            f"{name}_{end}": times[place].astype("datetime64[us]").item()
            for name, times in named.items()
            for end, place in (("from", 0), ("until", -1))
            if times.size
        }


def _expect_label(task: str, spec: Spec, where: str) -> None:
    if task in ("classification", "regression") and not spec.label:
        raise ScorehouseError(
            f"{where}: expected meta.label for {spec.estimator}, found none; name the column that is to be predicted."
        )


def _expect_distinct(classes: tuple[str, ...], spec: Spec, where: str) -> None:
    """Each class becomes a field of the score, and DuckDB tells fields apart by their letters alone, not by their case."""
    known: dict[str, str] = {}
    for name in classes:
        other = known.setdefault(name.lower(), name)
        if not name or other != name:
            found = f"'{other}' and '{name}'" if name else "an empty text"
            raise ScorehouseError(
                f"{where}: column {spec.label}: expected classes with names that differ in more than case, found {found}; "
                f"rename one in the select."
            )


def _head(examples: Examples, parts: _Parts, version: str) -> dict[str, Any]:
    return {
        "model_version": version,
        "estimator": examples.spec.estimator,
        "spec": examples.spec.text(),
        "features": [asdict(feature) for feature in examples.features],
        "example_count": len(examples),
        "train_count": int(parts.train.sum()),
        "test_count": int(parts.test.sum()),
        "library_versions": version_row.libraries(),
        **parts.ends(),
    }


def _shortage(examples: Examples, parts: _Parts, task: str) -> str | None:
    """Why nothing can be learned from so few examples; None when something can."""
    spec, count = examples.spec, int(parts.train.sum())
    if count < spec.minimum_examples:
        found = f"found {count} of {len(examples)}" if spec.split else f"found {count}"
        return f"Expected at least {spec.minimum_examples} examples to train on, {found}."
    if task == "classification":
        classes = Labels.of(examples.label[parts.train], task).classes
        if len(classes) < 2:
            return f"Expected two classes or more in {spec.label}, found only {classes[0]}."
    return None


def _fitted(trained: Trained, where: str) -> Fitted:
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


def _explained(fitted: Fitted, training: dict[str, Column]) -> Fitted:
    """With the means of the training rows, which reasons compare with; a model that came without rows has none."""
    explanation = Explanation.of(simplify(fitted.formula)) if training else None
    baseline = explanation.baseline_of(training) if explanation else None
    if baseline is None:
        return fitted
    operations = fitted.formula.operations
    return replace(fitted, formula=Formula((*operations[:-1], baseline, operations[-1])))


def _measured(fitted: Fitted, examples: Examples, parts: _Parts) -> dict[str, Any]:
    """Everything a version's row says about a fitted model."""
    weights = fitted.formula.weights()
    scorer = Scorer.of(Formula.from_weights(weights))
    plans = plan.plans(scorer.formula)
    expression = printed(scorer.formula.expression()) if plans[0].is_possible else None
    explanation = scorer.explanation
    has_sql_reasons = explanation is not None and explanation.has_sql
    tolerance = parity.FLOAT32_TOLERANCE if fitted.is_float32 else parity.TOLERANCE
    is_brought = fitted.library is not None
    checked = parity.checks(scorer, expression, fitted.score, examples.features, examples.columns, tolerance, is_brought)
    failed = [check for check in checked if not check.has_passed]
    evaluated = evaluation.evaluate(fitted, scorer, examples, parts.train, parts.test)
    return {
        "status": PARITY_FAILED if failed else READY,
        "status_reason": _parity_reason(failed, fitted) or _reason(fitted, checked, evaluated.statistics),
        "task": fitted.task,
        "score_type": fitted.formula.result.score_type,
        "classes": list(fitted.classes),
        "chosen_parameters": json.dumps(fitted.parameters, sort_keys=True, default=str) if fitted.parameters else None,
        "interval_coverage": examples.spec.coverage if evaluated.half_width is not None else None,
        "interval_half_width": evaluated.half_width,
        "plan": next(p.plan for p in plans if p.is_chosen),
        "sql_expression": expression,
        "reasons_expression": printed(explanation.expression()) if has_sql_reasons else None,
        "weights": weights,
        "feature_statistics": evaluated.statistics,
        "metrics": evaluated.metrics,
        "parity": [check.row() for check in checked],
        "scoring_plans": [asdict(p) for p in plans],
    }


def _parity_reason(failed: list[parity.Check], fitted: Fitted) -> str | None:
    if not failed:
        return None
    worst = max(failed, key=lambda check: (check.is_empty, check.scored_count > 0, check.largest_difference))
    path = fitted.library if fitted.library and worst.path == parity.ESTIMATOR else worst.path
    if worst.is_empty:
        return (
            f"Expected {path} to score the {worst.row_count} real rows, found that it refuses them all: {worst.refusal}; "
            f"this version cannot be scored with."
        )
    if worst.scored_count:
        return (
            f"Expected no score for the {worst.refused_count} {worst.rows_of} rows that {path} refuses, found one for "
            f"{worst.scored_count} ({worst.refusal}); this version cannot be scored with."
        )
    return (
        f"Expected {path} and formula to agree within {worst.tolerance:g} on {worst.rows_of} rows, "
        f"found a difference of {worst.largest_difference:.3g}; this version cannot be scored with."
    )


def _reason(fitted: Fitted, checked: list[parity.Check], statistics: list[dict[str, Any]]) -> str | None:
    """What there is to say of a version that is ready."""
    said = [*_refused_reasons(fitted, checked), *(reason for reason in [_constant_reason(statistics)] if reason)]
    return " ".join(said) or None


def _refused_reasons(fitted: Fitted, checked: list[parity.Check]) -> list[str]:
    """Real rows that a brought model's library gives no score for, so that they have none."""
    return [
        f"{fitted.library} refuses {check.refused_count} of {check.row_count} real rows, which have no score: {check.refusal}."
        for check in checked
        if fitted.library and check.rows_of == parity.REAL and check.refused_count
    ]


def _constant_reason(statistics: list[dict[str, Any]]) -> str | None:
    constant = [statistic["feature"] for statistic in statistics if statistic["is_constant"]]
    if not constant:
        return None
    return f"Constant in training, so without effect: {', '.join(constant)}."
