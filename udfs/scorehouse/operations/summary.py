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


@dataclass(frozen=True)
class Product:
    """What is served of one product: its tables and their rows, the models behind them, the time of its newest features."""

    name: str
    tables: int
    rows: int
    models: list[str]
    as_of: datetime | None
    empty: list[str]

    def cells(self) -> list[object]:
        """As a row of the summary's table."""
        attention = "no data for it" if not self.rows else (f"empty: {text.listed(self.empty, 2)}" if self.empty else None)
        return [self.name, self.tables, self.rows, text.listed(self.models, 2) if self.models else None, self.as_of, attention]


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
        header = ["product", "tables", "rows", "models", "features of (UTC)", "attention"]
        told += text.table(header, [product.cells() for product in products]).splitlines()
    return told


def _products(run: Run) -> Iterator[Product]:
    """What the current release serves; nothing where its file cannot be read."""
    number = run.warehouse.current_release()
    if number is None:
        return
    query = (
        "select product, count(*), sum(row_count)::bigint, flatten(list(implementations order by name)), max(as_of),"
        " list(name order by name) filter (row_count = 0) from endpoints group by product order by product"
    )
    with suppress(duckdb.Error), read(run.warehouse.release(number) / SERVING) as serving:
        for name, tables, rows, implementations, as_of, empty in serving.execute(query).fetchall():
            models = dict.fromkeys(_model(one) for one in implementations or [])
            yield Product(name, tables, rows or 0, [model for model in models if model], as_of, empty or [])


def _model(implementation: object) -> str:
    return str(implementation.get("implementation") or "") if isinstance(implementation, dict) else str(implementation)
