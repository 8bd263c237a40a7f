"""How a build grows with its interactions: made in SQL from a seed, built whole, then day after day; plain DuckDB beside it.

Customers and items have long tails, some rows arrive late and some twice, as logs have it; each day brings some of earlier days.
After the last day a clean build of the same files says whether all days together made what it makes. Every figure is of a process
of its own, under one memory limit.
"""

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import duckdb

from bench.alike import said_of
from bench.measure import show
from project.harness import Project, copy_of_the_project

BEGAN, DAYS = date(2024, 1, 1), 730
MEMORY_LIMIT = "4GB"
SIZES = [1_000_000, 4_000_000, 16_000_000]
FIRST = "first build"


@dataclass(frozen=True)
class _Cost:
    """What one process took.

    Attributes:
        seconds: wall clock.
        gigabytes: the most that was resident at once.
    """

    seconds: float
    gigabytes: float


def run() -> None:
    """Print seconds, memory and bytes of builds and of plain DuckDB, by number of interactions, and how seconds grow with it.

    The environment variable GROWTH names other sizes, in millions: `GROWTH=1,4,16,64`; GROWTH_DAYS how many days follow the first
    build, each with a build of its own.
    """
    asked = os.environ.get("GROWTH")
    sizes = [int(float(one) * 1_000_000) for one in asked.split(",")] if asked else SIZES
    days = int(os.environ.get("GROWTH_DAYS", "30"))
    rows = [row for size in sizes for row in _grown(size, days)]
    show(["interactions", "work", "seconds", "of a first build", "gigabytes resident", "warehouse, gigabytes"], rows)
    seconds = {row[0]: row[2] for row in rows if row[1] == FIRST}
    for first, last in pairwise(sizes):
        grown = math.log(seconds[f"{last:,}"] / seconds[f"{first:,}"]) / math.log(last / first)
        print(f"A first build's seconds, from {first:,} to {last:,} interactions: as their number to the power of {grown:.2f}.")


def _grown(size: int, days: int) -> list[list[object]]:
    with tempfile.TemporaryDirectory() as folder:
        project = copy_of_the_project(Path(folder) / "scorehouse", unit_tests=True)
        landing = Path(folder) / "shop"
        for month in range(DAYS // 30):
            deliver(landing, size, BEGAN + timedelta(days=30 * month), days=30)
        work = {FIRST: lambda: _build(project, landing), "nothing to do": lambda: _build(project, landing)}
        work |= {f"day {day}": partial(_day, project, landing, size, day) for day in range(1, days + 1)}
        work |= {"plain DuckDB": lambda: _plain(landing)}
        rows, first = [], None
        for name, done in work.items():
            cost = done()
            first = first or cost.seconds
            stored = sum(file.stat().st_size for file in project.warehouse.rglob("*") if file.is_file()) / 2**30
            row = [f"{size:,}", name, cost.seconds, cost.seconds / first, cost.gigabytes, stored]
            print(*row, flush=True)
            rows += [] if name in {f"day {day}" for day in range(2, days)} else [row]
        if days:
            clean = Path(folder) / "clean"
            _build(project, landing, WAREHOUSE_PATH=str(clean))
            print(f"{size:,}", said_of(project.root, project.warehouse, clean), flush=True)
        return rows


def deliver(landing: Path, size: int, began: date, days: int) -> None:
    """Write the interactions of some days as one Parquet file, `size` in two years; a hundredth arrive up to nine days late."""
    file = landing / "interactions" / f"{began}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    first, count = (began - BEGAN).days * size // DAYS, days * size // DAYS
    customers, items = max(size // 40, 100), max(int(size**0.5) * 2, 100)
    with duckdb.connect() as connection:
        connection.execute(f"""
            copy (
                with rows as (
                    select
                        range as id,
                        hash(range * 1000003 + 1) / 18446744073709551616 as of_customer,
                        hash(range * 1000003 + 2) / 18446744073709551616 as of_item,
                        hash(range * 1000003 + 3) / 18446744073709551616 as of_time,
                        hash(range * 1000003 + 4) % 1000 as of_kind,
                        hash(range * 1000003 + 5) % 1000 as of_arrival,
                        hash(range * 1000003 + 6) % 20000 as of_price
                    from range({first}, {first + count})
                ),
                made as (
                    select
                        'n' || id as interaction_id,
                        timestamp '{began}' + to_microseconds(cast(of_time * {days} * 86400000000 as bigint)) as occurred_at,
                        'c' || cast(floor({customers} * of_customer * of_customer * of_customer) as bigint) as customer_id,
                        case when of_kind < 200 then 'purchase' when of_kind < 700 then 'view' else 'click' end
                            as interaction_type,
                        'i' || cast(floor({items} * of_item * of_item * of_item) as bigint) as item_id,
                        1 + of_kind % 3 as quantity,
                        case when of_kind < 200 then (100 + of_price) / 100.0 end as amount,
                        of_arrival
                    from rows
                )
                select
                    * exclude (of_arrival),
                    occurred_at + to_days(cast(case when of_arrival < 10 then of_arrival else 0 end as integer)) as received_at
                from made
                union all by name
                select * exclude (of_arrival), occurred_at as received_at from made where of_arrival = 999
            ) to '{file}' (format parquet, compression zstd)
        """)


def deliver_late(landing: Path, on: date) -> None:
    """Write some purchases of days before, any that there were, which arrive on a day."""
    seconds = (on - BEGAN).days * 86400
    with duckdb.connect() as connection:
        connection.execute(f"""
            copy (
                select
                    'late' || '{on}' || range as interaction_id,
                    timestamp '{BEGAN}' + to_seconds(cast(hash('{on}', range) % {seconds} as bigint)) as occurred_at,
                    timestamp '{on}' + to_minutes(range) as received_at,
                    'c' || hash('{on}', range, 'customer') % 100 as customer_id,
                    'purchase' as interaction_type,
                    'i' || hash('{on}', range, 'item') % 100 as item_id,
                    1 as quantity,
                    hash('{on}', range, 'amount') % 20000 / 100.0 as amount
                from range(cast(1 + hash('{on}') % 40 as bigint))
            ) to '{landing}/interactions/{on}.late.parquet' (format parquet)
        """)


def _day(project: Project, landing: Path, size: int, day: int) -> _Cost:
    """A night: the day's interactions, some that are late, and a build after which the store holds what is needed."""
    began = BEGAN + timedelta(days=DAYS // 30 * 30 + day - 1)
    deliver(landing, size, began, days=1)
    deliver_late(landing, began)
    return _build(project, landing, SCOREHOUSE_NIGHT="true")


def _build(project: Project, landing: Path, **environment: str) -> _Cost:
    variables = f"{{interaction_sources: [landing], landing_path: {landing}, memory_limit: {MEMORY_LIMIT}}}"
    return _measured(lambda: project.start("--quiet", "build", "--vars", variables, **environment))


def _plain(landing: Path) -> _Cost:
    """The windows of the newest as-of time for every customer, straight from the files: the least that any tool must do."""
    query = f"""
        set memory_limit = '{MEMORY_LIMIT}';
        create table features as
        select
            customer_id,
            date_diff('day', max(occurred_at), timestamp '{BEGAN + timedelta(days=DAYS)}') as recency_days,
            date_diff('day', min(occurred_at), timestamp '{BEGAN + timedelta(days=DAYS)}') as tenure_days,
            count(distinct cast(occurred_at as date)) as purchase_day_count,
            sum(amount) filter (where occurred_at >= timestamp '{BEGAN + timedelta(days=DAYS - 90)}') as purchase_amount_90d,
            sum(amount) as purchase_amount
        from read_parquet('{landing}/interactions/*.parquet')
        where interaction_type = 'purchase'
        group by customer_id
    """
    code = "import duckdb, sys; duckdb.connect().execute(sys.argv[1])"
    command, both = [sys.executable, "-c", code, query], {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return _measured(lambda: subprocess.Popen(command, cwd=landing, **both))


def _measured(start: Callable[[], subprocess.Popen]) -> _Cost:
    """Run a process to its end. Raises SystemExit with its output when it fails."""
    began = time.perf_counter()
    process = start()
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(output)
    return _Cost(time.perf_counter() - began, used.ru_maxrss / 2**20)
