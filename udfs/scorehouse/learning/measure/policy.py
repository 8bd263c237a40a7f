"""When a model is trained again: as one row of the seed retrain_policy says."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.declare.split import cut, is_matured
from scorehouse.learning.measure import evaluation
from scorehouse.learning.measure.limits import ALARM, ALL, KEEP, TRAIN, Policy, by_slice, worse_by
from scorehouse.scoring.columns import Column
from scorehouse.scoring.scorer import load

SMALLEST_SHARE = 1e-4
"""Stands for a share of 0 in the stability index, whose logarithm would be infinite."""


@dataclass(frozen=True)
class Finding:
    """What is decided of a version in use, why, and the measurements behind it.

    Attributes:
        decision: train, keep, or alarm (keep, and somebody should look).
        reason: in words, with its numbers and limits.
        metrics: of the version in use on the newest later-in-time test: rows of `version_row.METRIC`.
        test_until: the newest time of that test, ISO 8601.
    """

    decision: str
    reason: str
    metrics: tuple[Mapping[str, object], ...] = ()
    test_until: str | None = None


def on_upgrade(policy: Policy, changed: str) -> Finding:
    """What is decided when nothing but libraries changed.

    >>> on_upgrade(Policy(), "scikit-learn changed").decision
    'keep'
    """
    if policy.retrains_on_upgrade:
        return Finding(TRAIN, changed)
    return Finding(KEEP, f"{changed}, the examples are the same (retrains_on_upgrade is not set)")


def decide(
    policy: Policy,
    version: pa.Table,
    table: pa.Table,
    spec: Spec,
    where: str,
    asked: str | None = None,
    total: int | None = None,
) -> Finding:
    """Whether examples that a version was not trained on are reason enough to train again.

    Too few new examples come first: with them it is kept, with an alarm where it performs poorly. Then performance, what
    monitoring asks for, age and drift come in this order. Raises ScorehouseError for examples that do not suit the declaration.

    Args:
        policy: the model's limits.
        version: the row of the version in use, status ready.
        table: the examples as they are now.
        spec: the declaration.
        where: the model's file, for messages.
        asked: why monitoring asks for training, if it does.
        total: how many examples there are, where the table is a sample of them.
    """
    examples = Examples.read(table, spec, where)
    scale = (total or len(examples)) / max(len(examples), 1)
    new = _new_examples(version, examples, scale)
    count = round(new.sum() * scale)
    metrics, test_until = measure(version, examples)
    name = policy.metric_of(version)
    value = by_slice(metrics).get((ALL, name))
    is_poor = value is not None and policy.performance_limit is not None and worse_by(name, value, policy.performance_limit) > 0

    def decision(word: str, reason: str) -> Finding:
        return Finding(word, reason, tuple(metrics), test_until)

    poor = f"{name} {value:.4f} on the newest test is worse than the limit {policy.performance_limit:g}" if is_poor else ""
    if policy.minimum_new_examples is not None and count < policy.minimum_new_examples:
        few = f"{count:,} new examples, fewer than the minimum {policy.minimum_new_examples:,}"
        return decision(ALARM, f"{poor}, but there are only {few}") if is_poor else decision(KEEP, few)
    if is_poor:
        return decision(TRAIN, poor)
    if asked:
        return decision(TRAIN, asked)
    age = _age_days(version, examples)
    if policy.maximum_age_days is not None and age is not None and age >= policy.maximum_age_days:
        return decision(TRAIN, f"examples are {age:.0f} days newer than those it knows, the limit is {policy.maximum_age_days:g}")
    feature, index = drift(version, examples.take(new))
    if policy.drift_limit is not None and index > policy.drift_limit:
        return decision(TRAIN, f"{feature} drifted: stability index {index:.2f} above the limit {policy.drift_limit:g}")
    return decision(KEEP, f"{count:,} new examples, and age, drift and performance are within their limits")


def measure(version: pa.Table, examples: Examples) -> tuple[list[dict[str, object]], str | None]:
    """Metrics of a trained version on the newest later-in-time test of examples, and the test's last time.

    Rows of `version_row.METRIC`, and ISO 8601. A version that was fitted again since it was measured is measured with what it was
    then: the outcomes of what it learned from last reach into the test. Without a split or a test there are none, nor where
    it was never without the test; nor for clusters: what their distances are measured in is known only in training.
    """
    if examples.spec.split is None or not len(examples) or version["task"][0].as_py() == "clustering":
        return [], None
    times = cut(examples.times, examples.spec.split).test
    if not times.size:
        return [], None
    train_until, measured_until = (version[name][0].as_py() for name in ("train_until", "measured_until"))
    until = measured_until or train_until
    if until is not None and not is_matured(np.datetime64(until, "us"), times[0], examples.spec.split):
        return [], None
    scorer = load(version, "weights" if measured_until is None else "measured_weights")
    fitted = Fitted(
        scorer.formula,
        task=version["task"][0].as_py(),
        classes=tuple(version["classes"][0].as_py()),
        is_probability=any(row["metric"] == "log_loss" for row in version["metrics"][0].as_py()),
    )
    rows = evaluation.metrics_of_split(fitted, scorer, examples, "test", np.isin(examples.times, times))
    return rows, str(times[-1].astype("datetime64[us]").item())


def drift(version: pa.Table, recent: Examples) -> tuple[str | None, float]:
    """The feature with the largest population stability index against the training rows, and the index.

    sum((p - q) * ln(p / q)) over the shares p now and q in training of the deciles of numbers, or of the listed categories and
    all others together, and of the missing (Siddiqi, Credit Risk Scorecards, 2006). No feature and 0 without recent examples.
    """
    if not len(recent):
        return None, 0.0
    indexes = {
        row["feature"]: _stability(row, recent.columns[row["feature"]])
        for row in version["feature_statistics"][0].as_py()
        if row["feature"] in recent.columns
    }
    worst = max(indexes, key=lambda feature: (indexes[feature], feature), default=None)
    return worst, indexes.get(worst, 0.0)


def _known_until(version: pa.Table) -> np.datetime64 | None:
    until = version["test_until"][0].as_py() or version["train_until"][0].as_py()
    return None if until is None else np.datetime64(until, "us")


def _new_examples(version: pa.Table, examples: Examples, scale: float) -> np.ndarray:
    """Which examples the version did not know: bool [examples]; without times, the surplus at the end.

    Args:
        scale: for how many each example stands.
    """
    until = _known_until(version)
    if examples.spec.split is None or until is None:
        return np.arange(len(examples)) * scale >= version["example_count"][0].as_py()
    return examples.times > until


def _age_days(version: pa.Table, examples: Examples) -> float | None:
    until = _known_until(version)
    if examples.spec.split is None or until is None or not len(examples):
        return None
    return (examples.times.max() - until) / np.timedelta64(1, "D")


def _stability(trained: Mapping[str, object], values: Column) -> float:
    shares = _numeric_shares if isinstance(values, np.ndarray) else _category_shares
    expected, observed = shares(trained, values)
    expected, observed = np.maximum(expected, SMALLEST_SHARE), np.maximum(observed, SMALLEST_SHARE)
    return float(np.sum((observed - expected) * np.log(observed / expected)))


def _numeric_shares(trained: Mapping[str, object], values: Column) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the training's bins, then and now, and of the missing."""
    known = values[~np.isnan(values)]
    if not trained.get("quantiles"):  # all were missing
        return np.array([0.0, 1.0]), np.array([len(known), len(values) - len(known)]) / len(values)
    ends, until = _bins(np.asarray(trained["quantiles"]), np.asarray(trained["shares"]))
    places = np.minimum(np.searchsorted(ends, known), len(ends) - 1)
    present = 1 - trained["missing_share"]
    observed = np.bincount(places, minlength=len(ends)) / len(values)
    return (
        np.append(np.diff(until, prepend=0.0) * present, trained["missing_share"]),
        np.append(observed, 1 - len(known) / len(values)),
    )


def _bins(quantiles: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a number's bins end, and the training's share up to there, as `monitoring.trained_features` says.

    At its deciles and maximum, equal ones taken together. Where many rows equal the minimum it is a bin of its own; where an
    outer bin holds much of the training, what lies beyond it is one, or nothing would show that all rows went there.
    """
    ends, until = [*quantiles[1:]], [*shares[1:]]
    if shares[0] >= 0.01:
        ends, until = [quantiles[0], *ends], [shares[0], *until]
    if shares[0] >= 0.2:
        ends, until = [np.nextafter(quantiles[0], -np.inf), *ends], [0.0, *until]
    if 1 - max(shares[shares < 1], default=0.0) >= 0.2:
        ends, until = [*ends, np.inf], [*until, 1.0]
    distinct, places = np.unique(ends, return_index=True)
    return distinct, np.asarray(until)[places]


def _category_shares(trained: Mapping[str, object], values: Column) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the listed categories, the missing, and everything else."""
    expected = {row["category"]: row["share"] for row in trained["categories"] or [] if row["category"] is not None}
    found = [None if value is None else str(value) for value in values.to_pylist()]
    counted = {category: found.count(category) / len(found) for category in expected}
    missing = found.count(None) / len(found)
    before = [*expected.values(), trained["missing_share"] or 0.0]
    after = [*counted.values(), missing]
    return np.array([*before, max(0.0, 1 - sum(before))]), np.array([*after, max(0.0, 1 - sum(after))])
