"""How a build went, in a few lines: the end of every `dbt build` on a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import duckdb

from scorehouse.build.run import Run
from scorehouse.ledger.lines import GREEN
from scorehouse.names.warehouse import SERVING
from scorehouse.operations import text
from scorehouse.operations.causes import Cause
from scorehouse.serving.reader import read

MOST_CAUSES = 5
PERFORMANCE = "monitoring.performance"


@dataclass(frozen=True)
class Product:
    """What is served of one product.

    Attributes:
        tables, rows: how many of each.
        models: implementations behind them.
        quality: of these, on the newest labels that have matured, with half of its 95% interval, beside their baseline's or that
            of what they stand for, on the same rows.
        as_of: the time of its newest features.
        empty: tables without rows.
        in_place: which baselines serve in place of models, and why.
    """

    name: str
    tables: int
    rows: int
    models: list[str]
    quality: list[str]
    as_of: datetime | None
    empty: list[str]
    in_place: list[str]

    def cells(self) -> list[object]:
        """As a row of the summary's table."""
        empty = [f"empty: {text.listed(self.empty, 2)}"] if self.empty else []
        told = "; ".join([*(said.split(":")[0] for said in self.in_place), *empty])
        attention = (told or None) if self.rows else "no data for it"
        models, quality = (text.listed(some, 2) if some else None for some in (self.models, self.quality))
        return [self.name, self.tables, self.rows, models, quality, self.as_of, attention]


def lines(run: Run, ending: Mapping[str, object], causes: Sequence[Cause]) -> list[str]:
    """What was built, what went wrong first, and what is served now."""
    counts = ", ".join(f"{ending[name]:,} {name}" for name in ("built", "reused", "failed", "skipped", "warned") if ending[name])
    told = [f"Of {ending['nodes']:,} nodes and tests: {counts or 'none built'}."]
    for cause in causes[:MOST_CAUSES]:
        after = f" After it: {text.listed(list(cause.effects))}." if cause.effects else ""
        told.append(f"First failed: {cause.name}{f' ({cause.owner})' if cause.owner else ''}.{after}")
    if len(causes) > MOST_CAUSES:
        told.append(f"{len(causes) - MOST_CAUSES} more failed, each by itself.")
    products = list(_products(run)) if ending["outcome"] == GREEN else []
    if products:
        header = ["product", "tables", "rows", "models", "quality (beside)", "features of (UTC)", "attention"]
        told += text.table(header, [product.cells() for product in products]).splitlines()
    return told


def _products(run: Run) -> Iterator[Product]:
    """What the current release serves; nothing where its file cannot be read."""
    number = run.warehouse.current_release()
    if number is None:
        return
    query = (
        "select product, count(*), sum(row_count)::bigint, flatten(list(implementations order by name)), max(as_of),"
        " list(name order by name) filter (row_count = 0),"
        " flatten(list(string_split(in_place, '; ') order by name) filter (in_place is not null))"
        " from endpoints group by product order by product"
    )
    measured = _measured(run)
    with suppress(duckdb.Error), read(run.warehouse.release(number) / SERVING) as serving:
        for name, tables, rows, implementations, as_of, empty, in_place in serving.execute(query).fetchall():
            named = (one["implementation"] for one in implementations or [])
            models = [model for model in dict.fromkeys(named) if model]  # a table without rows has none
            quality = [measured[model] for model in models if model in measured]
            yield Product(name, tables, rows or 0, models, quality, as_of, empty or [], in_place or [])


def _measured(run: Run) -> dict[str, str]:
    """How good each implementation is on the newest labels, as `monitoring.performance` says; none where it was not built.

    A baseline, which may serve in place of what is watched, is as good as it was beside that.
    """
    if run.records.of(PERFORMANCE) is None:
        return {}
    query = (
        f"select implementation, metric, value, upper_bound - value, baseline, baseline_value from {PERFORMANCE}"
        " where value is not null and metric in ('ndcg_at_10', 'auc', 'mae')"
        " qualify row_number() over ("
        "partition by implementation order by is_trained_on, metric <> 'ndcg_at_10', period_at desc, metric) = 1"
    )
    found = [_Beside(*row) for row in run.connection.cursor().execute(query).fetchall()]
    compared = [one for one in found if one.baseline is not None and one.baseline_value is not None]
    return {one.baseline: one.of_baseline for one in compared} | {one.name: one.of_implementation for one in compared}


@dataclass(frozen=True)
class _Beside:
    """An implementation's metric, and its baseline's on the same rows.

    >>> one = _Beside("churn_risk__logistic", "auc", 0.74559, 0.01723, "churn_risk__recency", 0.68377)
    >>> one.of_implementation
    'auc 0.746 ± 0.017 (churn_risk__recency 0.684)'
    >>> one.of_baseline
    'auc 0.684 (churn_risk__logistic 0.746 ± 0.017)'

    Attributes:
        half_width: of the value's 95% interval; None where it has none.
    """

    name: str
    metric: str
    value: float
    half_width: float | None
    baseline: str | None
    baseline_value: float | None

    @property
    def of_implementation(self) -> str:
        return f"{self.metric} {self._own} ({self.baseline} {self.baseline_value:.3g})"

    @property
    def of_baseline(self) -> str:
        return f"{self.metric} {self.baseline_value:.3g} ({self.name} {self._own})"

    @property
    def _own(self) -> str:
        if self.half_width is None:
            return f"{self.value:.3g}"
        return f"{self.value:.3g} ± {float(f'{self.half_width:.2g}'):g}"
