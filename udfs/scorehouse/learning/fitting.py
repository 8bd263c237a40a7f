"""Fit: a table of examples and a declaration become the one row of a version."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from scorehouse.learning import version_row
from scorehouse.learning.declare.examples import Examples, Feature, plain
from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.judged import Judged, judged, split_of
from scorehouse.learning.learner import Learner
from scorehouse.learning.measure import evaluation
from scorehouse.learning.measure.evaluation import scores_of
from scorehouse.learning.measure.policy import Finding, decide
from scorehouse.learning.prove import parity
from scorehouse.learning.train.estimators import declared_estimator
from scorehouse.learning.translate.brought import bring
from scorehouse.learning.translate.conventions import task_of
from scorehouse.scoring import plan
from scorehouse.scoring.columns import CATEGORICAL, NUMERIC, Column, kind_of, select
from scorehouse.scoring.formula import Formula, printed
from scorehouse.scoring.reasons import Explanation
from scorehouse.scoring.scorer import Scorer, load
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
    return own(table, spec, version, where) if own else _trained(table, task_of(estimator), spec, version, where)


def decider(spec: Spec, where: str) -> Callable[..., Finding]:
    """What decides whether a version is trained again: the estimator's own `decide`, else `measure.policy.decide`."""
    return getattr(declared_estimator(spec, where), "decide", decide)


def _brought(fitted: Fitted, examples: Examples, version: str) -> pa.Table:
    train, test, _ = split_of(examples)
    head = _head(examples, train, test, version)
    if fitted.library and not len(examples):
        reason = f"Expected at least one row to prove the model on by {fitted.library}'s own predictions, found none."
        return version_row.row(**head, task=fitted.task, status=INSUFFICIENT, status_reason=reason)
    served = _explained(fitted, {})
    scores = scores_of(Scorer.of(served.formula), examples, train | test)
    return version_row.row(
        **head, **_measured(Judged(served, train, served, scores, train, test, remark=served.remark), examples)
    )


def _trained(table: pa.Table, task: str, spec: Spec, version: str, where: str) -> pa.Table:
    examples = Examples.read(table, spec, where)
    found = judged(examples, Learner(examples, task))
    if isinstance(found, str):
        train, test, _ = split_of(examples)
        return version_row.row(**_head(examples, train, test, version), task=task, status=INSUFFICIENT, status_reason=found)
    explained = replace(found, served=_explained(found.served, examples.take(found.rows).columns))
    again = {}
    if found.is_fitted_again:
        again = {"measured_until": _ends(examples, found.train)[1], "measured_weights": found.measured.formula.weights()}
    head = _head(examples, found.rows, found.later, version) | {"test_count": int(found.test.sum())}
    return version_row.row(**head, **again, **_measured(explained, examples))


def _head(examples: Examples, train: np.ndarray, test: np.ndarray, version: str) -> dict[str, Any]:
    (train_from, train_until), (test_from, test_until) = _ends(examples, train), _ends(examples, test)
    return {
        "model_version": version,
        "estimator": examples.spec.estimator,
        "spec": examples.spec.text(),
        "features": [asdict(feature) for feature in examples.features],
        "example_count": len(examples),
        "train_count": int(train.sum()),
        "test_count": int(test.sum()),
        "library_versions": version_row.libraries(),
        "train_from": train_from,
        "train_until": train_until,
        "test_from": test_from,
        "test_until": test_until,
    }


def _ends(examples: Examples, rows: np.ndarray) -> tuple[datetime | None, datetime | None]:
    """The first and last time of some examples; None without a split, or without rows."""
    if examples.spec.split is None or not rows.any():
        return None, None
    times = examples.times[rows]
    return tuple(end.astype("datetime64[us]").item() for end in (times.min(), times.max()))


def _explained(fitted: Fitted, training: dict[str, Column]) -> Fitted:
    """With the means of the training rows, which reasons compare with; a model that came without rows has none."""
    explanation = Explanation.of(simplify(fitted.formula)) if training else None
    baseline = explanation.baseline_of(training) if explanation else None
    if baseline is None:
        return fitted
    operations = fitted.formula.operations
    return replace(fitted, formula=Formula((*operations[:-1], baseline, operations[-1])))


def _measured(found: Judged, examples: Examples) -> dict[str, Any]:
    """Everything a version's row says about a fitted model."""
    fitted = found.served
    weights = fitted.formula.weights()
    scorer = Scorer.of(Formula.from_weights(weights))
    plans = plan.plans(scorer.formula)
    expression = printed(scorer.formula.expression()) if plans[0].is_possible else None
    explanation = scorer.explanation
    has_sql_reasons = explanation is not None and explanation.has_sql
    checked = _checked(fitted, scorer, expression, examples)
    failed = [check for check in [*checked, *_checked_measured(found, examples)] if not check.has_passed]
    half_width = evaluation.half_width(found.measured, found.scores, examples, found.test)
    judged_on = found.test if found.test.any() else found.train
    alone = evaluation.aucs_of_features(found.measured, examples.take(judged_on))
    statistics = evaluation.statistics(scorer, examples.take(found.rows), alone)
    return {
        "status": PARITY_FAILED if failed else READY,
        "status_reason": _parity_reason(failed, fitted) or _reason(found, checked, statistics),
        "task": fitted.task,
        "score_type": fitted.formula.result.score_type,
        "classes": list(fitted.classes),
        "chosen_parameters": json.dumps(fitted.parameters, sort_keys=True, default=str) if fitted.parameters else None,
        "interval_coverage": examples.spec.coverage if half_width is not None else None,
        "interval_half_width": half_width,
        "plan": next(p.plan for p in plans if p.is_chosen),
        "sql_expression": expression,
        "reasons_expression": printed(explanation.expression()) if has_sql_reasons else None,
        "weights": weights,
        "feature_statistics": statistics,
        "metrics": evaluation.evaluate(found.measured, found.scores, examples, found.train, found.test, alone, found.earlier),
        "parity": [check.row() for check in checked],
        "scoring_plans": [asdict(p) for p in plans],
    }


def proved_again(row: pa.Table, table: pa.Table, spec: Spec, where: str) -> str | None:
    """See `scorehouse.learning.prove_again`; a recommender has weights, and no formula of a row that could be proved."""
    status, task, expression, until, checks, declared, named = (
        row[name][0].as_py() for name in ("status", "task", "sql_expression", "measured_until", "parity", "spec", "features")
    )
    if status != READY or not checks:
        return None
    is_float32 = max(check["tolerance"] for check in checks) > parity.TOLERANCE
    scorer = load(row)
    fitted, features = Fitted(scorer.formula, task, is_float32=is_float32), tuple(Feature(**feature) for feature in named)
    if spec.is_brought and all(json.loads(declared).get(name) == getattr(spec, name) for name in ("model_hash", "model_text")):
        fitted, examples = bring(table, spec, where)
        real = examples.columns
    else:
        real = _real(table, features)
    checked = _compared(fitted, scorer, expression, features, real)
    if until is not None:
        measured = load(row, "measured_weights")
        sql = printed(measured.formula.expression()) if plan.plans(measured.formula)[0].is_possible else None
        checked += _compared(Fitted(measured.formula, task, is_float32=is_float32), measured, sql, features, real)
    return _parity_reason([check for check in checked if not check.has_passed], fitted)


def _real(table: pa.Table, features: tuple[Feature, ...]) -> dict[str, Column]:
    """The features of examples as a version was fitted on them; no rows where the examples have other ones by now."""
    table, kinds = plain(table), {feature.name: feature.kind for feature in features}
    if {name: kind_of(table[name].type) for name in kinds if name in table.column_names} != kinds:
        empty = {NUMERIC: pa.array([], pa.float64()), CATEGORICAL: pa.array([], pa.string())}
        table = pa.table({name: empty[kind] for name, kind in kinds.items()})
    return select(table, kinds)


def _checked(fitted: Fitted, scorer: Scorer, expression: str | None, examples: Examples) -> list[parity.Check]:
    return _compared(fitted, scorer, expression, examples.features, examples.columns)


def _compared(
    fitted: Fitted, scorer: Scorer, expression: str | None, features: tuple[Feature, ...], real: dict[str, Column]
) -> list[parity.Check]:
    tolerance = parity.FLOAT32_TOLERANCE if fitted.is_float32 else parity.TOLERANCE
    return parity.checks(scorer, expression, fitted.score, features, real, tolerance, fitted.library is not None)


def _checked_measured(found: Judged, examples: Examples) -> list[parity.Check]:
    """What evaluations score with is proved as what serves is, where it is something else."""
    if not found.is_fitted_again:
        return []
    scorer = Scorer.of(Formula.from_weights(found.measured.formula.weights()))
    is_possible = plan.plans(scorer.formula)[0].is_possible
    return _checked(found.measured, scorer, printed(scorer.formula.expression()) if is_possible else None, examples)


def _parity_reason(failed: list[parity.Check], fitted: Fitted) -> str | None:
    if not failed:
        return None
    worst = max(failed, key=lambda check: (check.is_empty, check.scored_count > 0, check.largest_difference))
    path = fitted.library if fitted.library and worst.path == parity.ESTIMATOR else worst.path
    if worst.is_empty:
        found = f"refuses them all: {worst.refusal}" if worst.refused_count else "gives none of them a score"
        rows = f"the {worst.row_count} real rows"
        return f"Expected {path} to score {rows}, found that it {found}; this version cannot be scored with."
    if worst.scored_count:
        return (
            f"Expected no score for the {worst.refused_count} {worst.rows_of} rows that {path} refuses, found one for "
            f"{worst.scored_count} ({worst.refusal}); this version cannot be scored with."
        )
    return (
        f"Expected {path} and formula to agree within {worst.tolerance:g} on {worst.rows_of} rows, "
        f"found a difference of {worst.largest_difference:.3g}; this version cannot be scored with."
    )


def _reason(found: Judged, checked: list[parity.Check], statistics: list[dict[str, Any]]) -> str | None:
    """What there is to say of a version that is ready."""
    said = [found.remark, *_refused_reasons(found.served, checked), _constant_reason(statistics)]
    return " ".join(reason for reason in said if reason) or None


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
