"""Fit: examples and a declaration become one row."""

import json
from dataclasses import asdict
from importlib.metadata import version as version_of

import numpy as np
import pyarrow as pa
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from scorehouse.errors import ScorehouseError
from scorehouse.fitting import metrics, parity
from scorehouse.fitting.examples import Examples, label_values, prepare
from scorehouse.fitting.pipeline import make_pipeline, matrix, to_formula
from scorehouse.fitting.spec import Spec
from scorehouse.formulas.columns import Features
from scorehouse.formulas.formula import Formula, features_of

WEIGHT = pa.struct(
    [
        ("component", pa.string()), ("position", pa.int32()), ("feature", pa.string()), ("category", pa.string()),
        ("tree", pa.int32()), ("node", pa.int32()), ("left", pa.int32()), ("right", pa.int32()),
        ("is_missing_left", pa.bool_()), ("value", pa.float64()),
    ]
)  # fmt: skip
STATISTIC = pa.struct(
    [
        ("feature", pa.string()), ("count", pa.int64()), ("null_count", pa.int64()), ("mean", pa.float64()),
        ("standard_deviation", pa.float64()), ("minimum", pa.float64()), ("median", pa.float64()), ("maximum", pa.float64()),
    ]
)  # fmt: skip
METRIC = pa.struct([("split", pa.string()), ("slice", pa.string()), ("metric", pa.string()), ("value", pa.float64())])
PARITY = pa.struct(
    [
        ("rows_of", pa.string()), ("path", pa.string()), ("row_count", pa.int64()), ("max_difference", pa.float64()),
        ("has_passed", pa.bool_()),
    ]
)  # fmt: skip
VERSION = pa.schema(
    [
        ("model_version", pa.string()),
        ("status", pa.string()),
        ("status_reason", pa.string()),
        ("estimator", pa.string()),
        ("spec", pa.string()),
        ("link", pa.string()),
        ("features", pa.list_(pa.struct([("name", pa.string()), ("group", pa.string())]))),
        ("train_count", pa.int64()),
        ("test_count", pa.int64()),
        ("train_times", pa.list_(pa.timestamp("us"))),
        ("test_times", pa.list_(pa.timestamp("us"))),
        ("sql_expression", pa.string()),
        ("reasons_expression", pa.string()),
        ("struct_expression", pa.string()),
        ("weights", pa.list_(WEIGHT)),
        ("feature_statistics", pa.list_(STATISTIC)),
        ("metrics", pa.list_(METRIC)),
        ("parity", pa.list_(PARITY)),
        ("library_versions", pa.string()),
    ]
)
"""Columns of a fitted model's one row."""


def fit(table: pa.Table, spec: Spec, version: str, where: str) -> pa.Table:
    """Train on the earlier examples, measure on the later ones, prove that all ways to score agree.

    Args:
        table: examples: key, time, label and features.
        version: name of the version.
        where: the model's file, named in errors.

    Returns: one row with the columns of `VERSION`; status 'ready', or 'insufficient_examples' with a reason when there
    are too few examples, too few times for a later-in-time test, or one class only: scores are then empty, not wrong.
    Raises ScorehouseError for a declaration that does not fit the examples, and when the parity check fails.
    """
    examples = prepare(table, spec, where)
    row = _head_row(examples, spec, version)
    problem = _insufficiency(examples, spec, where)
    if problem:
        return _as_row({**row, "status": "insufficient_examples", "status_reason": problem})
    pipeline = make_pipeline(spec, examples.features, where)
    features = features_of(examples.train, examples.features)
    pipeline.fit(matrix(features, examples.features), label_values(examples.train, spec.label))
    design_means = np.mean(pipeline["columns"].transform(matrix(features, examples.features)), axis=0)
    formula = to_formula(pipeline, examples.features, design_means, where)
    checks = parity.check(formula, lambda raw: predict(pipeline, raw, formula), table)
    _require_parity(checks, where)
    return _as_row(
        {
            **row,
            "status": "ready",
            "link": formula.head.link,
            "sql_expression": formula.sql_expression(),
            "reasons_expression": formula.reasons_expression(),
            "struct_expression": formula.struct_sql(),
            "weights": formula.weights(),
            "feature_statistics": _statistics(features, formula),
            "metrics": _metrics(pipeline, examples, spec, formula),
            "parity": checks,
        }
    )


def predict(pipeline: Pipeline, features: Features, formula: Formula) -> np.ndarray:
    """The estimator's own scores, shape (n,): the probability of class 1, or the predicted value."""
    raw = matrix(features, formula.features)
    return pipeline.predict_proba(raw)[:, 1] if is_classifier(pipeline) else pipeline.predict(raw)


def _insufficiency(examples: Examples, spec: Spec, where: str) -> str | None:
    if not examples.test_times:
        return "expected matured examples, found none"
    if not examples.train_times:
        return (
            f"expected times at least {spec.split.horizon_days} days before the test at {examples.test_times[0]:%Y-%m-%d}, "
            f"found none"
        )
    if examples.train.num_rows < spec.minimum_examples:
        return f"expected at least {spec.minimum_examples} training examples, found {examples.train.num_rows}"
    if is_classifier(spec.make_estimator(where)):
        classes = np.unique(label_values(examples.train, spec.label))
        if len(classes) < 2:
            return f"expected both classes in label {spec.label}, found only {classes[0]:g}"
        if set(classes) != {0.0, 1.0}:
            listed = ", ".join(f"{value:g}" for value in classes[:5])
            raise ScorehouseError(
                f"{where}: label {spec.label}: expected 0 and 1, found {listed}; write a condition instead."
            )
    return None


def _head_row(examples: Examples, spec: Spec, version: str) -> dict[str, object]:
    libraries = {name: version_of(name) for name in ("scikit-learn", "numpy", "duckdb", "sqlglot")}
    return {
        "model_version": version,
        "estimator": spec.estimator,
        "spec": json.dumps(asdict(spec), sort_keys=True, default=str),
        "features": [asdict(feature) for feature in examples.features],
        "train_count": examples.train.num_rows,
        "test_count": examples.test.num_rows,
        "train_times": examples.train_times,
        "test_times": examples.test_times,
        "library_versions": json.dumps(libraries, sort_keys=True),
    }


def _metrics(pipeline: Pipeline, examples: Examples, spec: Spec, formula: Formula) -> list[dict[str, object]]:
    rows = []
    for split, table in (("train", examples.train), ("test", examples.test)):
        features = features_of(table, examples.features)
        labels, scores = label_values(table, spec.label), formula.score(features)
        if not is_classifier(pipeline):
            rows += metrics.regression(split, labels, scores)
            continue
        rows += metrics.classification(split, labels, scores)
        rows += metrics.calibration(split, labels, scores)
        numeric = {f.name: features[f.name] for f in examples.features if f.group == "numeric"}
        rows += metrics.single_features(split, labels, numeric)
    return rows


def _statistics(features: Features, formula: Formula) -> list[dict[str, object]]:
    return [_statistic(feature.name, features[feature.name], feature.group) for feature in formula.features]


def _statistic(name: str, values: np.ndarray, group: str) -> dict[str, object]:
    if group == "categorical":
        return {"feature": name, "count": len(values), "null_count": sum(value is None for value in values)}
    finite = values[np.isfinite(values)]
    row: dict[str, object] = {"feature": name, "count": len(values), "null_count": len(values) - len(finite)}
    if len(finite):
        row |= {"mean": finite.mean(), "standard_deviation": finite.std(), "minimum": finite.min()}
        row |= {"median": np.median(finite), "maximum": finite.max()}
    return row


def _require_parity(checks: list[dict[str, object]], where: str) -> None:
    for check in checks:
        if not check["has_passed"]:
            raise ScorehouseError(
                f"{where}: expected {check['path']} and formula to agree within {parity.TOLERANCE:g} on {check['rows_of']} rows, "
                f"found a difference of {check['max_difference']:.3g}; this version cannot be scored with."
            )


def _as_row(row: dict[str, object]) -> pa.Table:
    lists = {name: [] for name in ("weights", "feature_statistics", "metrics", "parity")}
    return pa.Table.from_pylist([{**lists, **row}], schema=VERSION)
