"""What a version must show to serve: the limits of one row of the seed retrain_policy, and measurements held against them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Self

import pyarrow as pa

TRAIN, KEEP, ALARM = "train", "keep", "alarm"
"""What is decided of a version in use; an alarm keeps it, and somebody should look."""
ALL = "all"
"""The slice of a test that is the whole of it."""
DEFAULT_METRIC = {"classification": "auc", "regression": "r2"}
"""The metric that counts, by task, where a policy names none."""
LOWER_IS_BETTER = ("rmse", "mae", "log_loss", "brier", "calibration_error")
"""Of every other metric, higher is better."""

Metrics = Mapping[tuple[str, str], float]
"""Values on the later-in-time test by (slice, metric)."""


@dataclass(frozen=True)
class Policy:
    """Limits of one model; None is no limit.

    Attributes:
        maximum_age_days: train when the newest examples are so much later than those the version knew, or later still.
        minimum_new_examples: never train for fewer examples that the version did not know.
        maximum_new_share: train a recommender when so large a share of the interactions is new, 0 to 1.
        drift_limit: train when a feature's population stability index is above it (0.2 is the usual alarm).
        performance_limit: train when the metric on the newest test is worse, in the metric's own unit.
        metric: a name of `learning.measure.metrics`; None for auc or r2, by task.
        margin: a challenger's metric must be so much better than the champion's; negative: may be so much worse.
        baseline_margin: its metric must be so much better than its baseline's, or the baseline serves in its place.
        calibration_limit: largest expected calibration error of a challenger, from 0 to 1.
        slice_limit: how much worse than the champion a challenger may be on any slice of meta.slices.
        retrains_on_upgrade: train on the same examples when a library is another version.
    """

    maximum_age_days: float | None = None
    minimum_new_examples: int | None = None
    maximum_new_share: float | None = None
    drift_limit: float | None = None
    performance_limit: float | None = None
    metric: str | None = None
    margin: float | None = None
    baseline_margin: float | None = None
    calibration_limit: float | None = None
    slice_limit: float | None = None
    retrains_on_upgrade: bool | None = None

    @classmethod
    def of(cls, row: Mapping[str, object]) -> Self:
        """The policy of a seed's row; columns that it does not have are no limits, others are not read.

        >>> policy = Policy.of({"model": "churn__logistic", "drift_limit": 0.2})
        >>> policy.drift_limit, policy.margin
        (0.2, None)
        """
        return cls(**{field.name: row.get(field.name) for field in fields(cls)})

    def metric_of(self, version: pa.Table) -> str | None:
        """The metric that counts for a version's task; None for a task without one."""
        return self.metric or DEFAULT_METRIC.get(version["task"][0].as_py())


def refusal(policy: Policy, challenger: pa.Table, champion: pa.Table, measured: Metrics) -> str | None:
    """Why a challenger may not take the champion's place, in words; None when it may.

    A version that is not ready is refused; a limit whose metric was not measured refuses nothing.

    Args:
        policy: the model's limits.
        challenger, champion: rows of two versions.
        measured: the champion on the challenger's test.
    """
    status, reason = (challenger[column][0].as_py() for column in ("status", "status_reason"))
    if status != "ready":
        return f"it is {status.replace('_', ' ')}: {reason}"
    name = policy.metric_of(challenger)
    own = metrics_of(challenger)
    value, reference = own.get((ALL, name)), measured.get((ALL, name))
    short = shortfall(name, value, reference, policy.margin, champion["model_version"][0].as_py())
    if short:
        return short
    error = own.get((ALL, "calibration_error"))
    if policy.calibration_limit is not None and error is not None and error > policy.calibration_limit:
        return f"its calibration error {error:.4f} is above the limit {policy.calibration_limit:g}"
    if policy.slice_limit is None:
        return None
    for (part, metric), reference in sorted(measured.items()):
        if metric == name and part != ALL and (part, name) in own:
            loss = worse_by(name, own[part, name], reference)
            if loss > policy.slice_limit:
                return f"on {part} its {name} {own[part, name]:.4f} is {loss:.4f} worse than the champion's {reference:.4f}"
    return None


def shortfall(name: str | None, value: float | None, reference: float | None, margin: float | None, of: str) -> str | None:
    """What a metric lacks to lead another version's by a margin, in words; None where it does, or one of them is not known.

    >>> shortfall("auc", 0.7, 0.71, 0.0, "churn__recency@0123456789ab")
    "its auc 0.7000 leads churn__recency@0123456789ab's 0.7100 by -0.0100, expected 0"
    >>> shortfall("rmse", 2.0, 3.0, 0.5, "spend__last@0123456789ab")

    Args:
        name: of the metric.
        of: name of the other version.
    """
    if value is None or reference is None or margin is None:
        return None
    lead = -worse_by(name, value, reference)
    return None if lead >= margin else f"its {name} {value:.4f} leads {of}'s {reference:.4f} by {lead:.4f}, expected {margin:g}"


def metrics_of(version: pa.Table) -> Metrics:
    """A version's own measurements on its own test."""
    return by_slice(version["metrics"][0].as_py())


def by_slice(rows: Iterable[Mapping[str, object]]) -> Metrics:
    """Measurements on the test by (slice, metric), without those of bins.

    >>> by_slice([{"split": "test", "slice": "all", "metric": "auc", "bin": None, "value": 0.8}])
    {('all', 'auc'): 0.8}

    Args:
        rows: of `version_row.METRIC`.
    """
    return {(row["slice"], row["metric"]): row["value"] for row in rows if row["split"] == "test" and row["bin"] is None}


def worse_by(metric: str, value: float, reference: float) -> float:
    """By how much a value is worse than a reference, in the metric's unit; negative where it is better."""
    return value - reference if metric in LOWER_IS_BETTER else reference - value
