"""A nightly run that nobody watches: every class of failure happens for real, and the right team hears of it once."""

import csv
import fcntl
import os
import signal
from collections.abc import Callable

import pytest

from project.nights import TRIAGE, Night, Shop, clock_of

CLASSES = [row["class"] for row in csv.DictReader(TRIAGE.open())]


# ---------------------------------------------------------------- a drill for every class


def written(path: str, text: str) -> Callable[[Shop], Night]:
    """A file of the project says something else."""

    def drill(shop: Shop) -> Night:
        shop.project.write(path, text)
        return shop.night()

    return drill


def replaced(path: str, old: str, new: str, **environment: str) -> Callable[[Shop], Night]:
    def drill(shop: Shop) -> Night:
        shop.project.replace(path, old, new)
        return shop.night(**environment)

    return drill


def started(*arguments: str, **environment: str) -> Callable[[Shop], Night]:
    return lambda shop: shop.night(*arguments, **environment)


def held(name: str) -> Callable[[Shop], Night]:
    """Another process has locked a file of the branch."""

    def drill(shop: Shop) -> Night:
        with open(shop.project.folder() / name, "a") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            return shop.night(SCOREHOUSE_LOCK_WAIT="0")

    return drill


def signalled(number: int) -> Callable[[Shop], Night]:
    """dbt is ended from outside while it builds."""

    def drill(shop: Shop) -> Night:
        process = shop.start()
        os.kill(shop.wait_for("build").process, number)
        return shop.ended(process)

    return drill


def terminated(shop: Shop) -> Night:
    process = shop.start()
    shop.wait_for("build")
    process.terminate()
    return shop.ended(process)


def lost(shop: Shop) -> Night:
    """The supervisor itself is killed; the next run finds a broken model, too."""
    process = shop.start()
    shop.wait_for("build")
    process.kill()  # and its build with it
    process.communicate()
    shop.project.replace("models/features/weighted.sql", "amount > 0", "amountx > 0")
    return shop.night()


def overdue(shop: Shop) -> Night:
    shop.project.write("seeds/operations/product_requirements.csv", "endpoint,product,sla_hours\nscores,scores,0.0001\n")
    return shop.night(module="nightly.watchdog")


def full_disk(shop: Shop) -> Night:
    """The warehouse is on a small disk of its own, which is nearly full."""
    script = (
        'mount -t tmpfs -o size=24m none "$0" && cp -a "$0.kept/." "$0/" && dd if=/dev/zero of="$0/filler" bs=64k 2>/dev/null; '
        'truncate -s -1M "$0/filler"; "$@"; code=$?; rm "$0/filler"; cp -a "$0/main/ledger/." "$0.kept/main/ledger/"; exit $code'
    )
    kept = shop.project.warehouse.with_name("warehouse.kept")
    shop.project.warehouse.rename(kept)
    shop.project.warehouse.mkdir()
    shop.project.write("models/features/wide.sql", "select i, hash(i) as a, hash(i + 1) as b from range(600000) as numbers(i)\n")
    night = shop.night(prefix=("unshare", "--map-root-user", "--mount", "sh", "-c", script, str(shop.project.warehouse)))
    shop.project.warehouse.rmdir()
    kept.rename(shop.project.warehouse)
    return Night(night.code, night.output, shop.ledger())


def damaged(shop: Shop) -> Night:
    file = next((shop.project.warehouse / "store/staging.stg_events").glob("*.parquet"))
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[::-1])
    shop.project.replace("models/features/weighted.sql", "amount > 0", "amount > 1")
    return shop.night()


def undeletable(shop: Shop) -> Night:
    """A release of a branch cannot be read: who knows what it uses of the store?"""
    release = shop.project.folder("other") / "releases/1/release.json"
    release.parent.mkdir(parents=True)
    (shop.project.folder("other") / ".work").mkdir()
    release.write_text("[]")
    return shop.night()


def jumped(shop: Shop) -> Night:
    process, ahead = clock_of(shop)
    shop.wait_for("build")
    ahead.touch()
    return shop.ended(process)


REJECTED = """
{{ config(materialized='table', meta={'rejections_of': 'events'}) }}
select
    source_file, source_line, 'amount is too small' as rejection_reason, 'amount' as rejected_column,
    cast(amount as varchar) as rejected_value
from {{ source('shop', 'events') }}
"""
FITTED = """
models:
  - name: odds
    config:
      materialized: fitted
      meta:
        estimator: sklearn.linear_model.LogisticRegression
        label: wins
        key: [event_id]
        features: {numeric: [value]}
"""


def rejected(shop: Shop) -> Night:
    places = ("{name: source_file, ", "{name: source_line, data_type: BIGINT, "), ("file", "line")
    listed = "".join(f"          - {name}config: {{meta: {{kind: {kind}}}}}}}\n" for name, kind in zip(*places, strict=True))
    shop.project.replace("models/staging/_sources.yml", "          - {name: kind", f"{listed}          - {{name: kind")
    shop.project.write("models/staging/stg_rejected.sql", REJECTED)
    shop.project.replace(
        "dbt_project.yml", "weight: 2", "weight: 2, maximum_rejected_share: 0.3, maximum_contradicted_share: 0.05"
    )
    return shop.night()


def unproven(shop: Shop) -> Night:
    shop.project.write("models/features/odds.yml", FITTED)
    shop.project.write("models/features/odds.sql", "select event_id, value, value > 0 as wins from {{ ref('weighted') }}\n")
    return shop.night()


WARNS = "{{ config(severity='warn') }}\n"
EVENTS = "event_id,occurred_at,kind,amount\n"
DRILLS: dict[str, Callable[[Shop], Night]] = {
    "overlapping": held("nightly.lock"),
    "locked": held(".work/lock"),
    "time_limit": replaced("dbt_project.yml", "time_limit_minutes: 5", "time_limit_minutes: 0.05"),
    "spill_limit": lambda shop: (
        shop.project.write(
            "models/features/heavy.sql", "select hash(i) as a, hash(i + 1) as b from range(4000000) as n(i) order by a\n"
        ),
        shop.night("--vars", "{memory_limit: 100MB, spill_limit: 1MB}"),
    )[1],
    "disk_full": full_disk,
    "out_of_memory": lambda shop: (
        shop.project.write("models/features/heavy.sql", "select list(i order by i) as everything from range(40000000) as n(i)\n"),
        shop.night("--vars", "{memory_limit: 200MB, spill_limit: 1GB}"),
    )[1],
    "killed": signalled(signal.SIGKILL),
    "terminated": terminated,
    "crashed": signalled(signal.SIGSEGV),
    "run_lost": lost,
    "sla_missed": overdue,
    "clock_jump": jumped,
    "alert_setup": started(SCOREHOUSE_ALERT_DATA="nonsense"),
    "package_missing": replaced("udfs/scorehouse/hooks.py", "from functools", "import a_package_that_nobody_has\nfrom functools"),
    "profile_broken": written("profiles.yml", "scorehouse: [\n"),
    "triage_broken": replaced("seeds/operations/triage.csv", ",error,data,", ",catastrophe,data,"),
    "source_missing": replaced("models/staging/_sources.yml", "{path: raw", "{path: raw, folder_variable: shop_path"),
    "source_corrupt": written("raw/second.parquet", "PAR1 this is no parquet file PAR1"),
    "source_stale": replaced(
        "models/staging/_sources.yml",
        "config: {meta: {path: raw",
        "config: {freshness: {warn_after: {count: 36, period: hour}}, loaded_at_field: occurred_at, meta: {path: raw",
    ),
    "source_schema": written("raw/second.csv", "id,time\n9,2020-02-01\n"),
    "source_rejected": rejected,
    "empty_release": replaced("models/features/weighted.sql", "amount > 0", "amount > 1000"),
    "not_deleted": undeletable,
    "people": replaced("models/features/unrelated.sql", "i as number", "i as number, 'ann@shop.example' as contact"),
    "model_gate": unproven,
    "model_drift": written("tests/monitoring_finds_no_warning.sql", f"{WARNS}select 'amount has drifted' as sentence\n"),
    "model_error": written(
        "tests/monitoring_finds_no_error.sql", "select 'odds, coverage (odds@1): most rows lack it' as sentence\n"
    ),
    "data_warning": replaced(
        "models/serving/scores.yml",
        "data_tests: [not_null]",
        "data_tests: [{accepted_values: {arguments: {values: [0]}, config: {severity: warn}}}]",
    ),
    "data_test": written("raw/second.csv", f"{EVENTS}1,2020-01-04,a,10\n"),
    "store_damaged": damaged,
    "refused": replaced(
        "models/features/unrelated.sql", "from range(3)", "from read_csv('/etc/passwd') union all select i from range(3)"
    ),
    "no_access": started(WAREHOUSE_PATH="/proc/nowhere"),
    "project_rule": replaced("models/serving/scores.yml", "type: score", "type: scores"),
    "project_broken": replaced("models/features/weighted.sql", "{{ bonus() }}", "{{ bonus( }}"),
    "sql_error": replaced("models/features/weighted.sql", "amount > 0", "amountx > 0"),
    "unknown": started("--no-such-option"),
}
GOES_ON = {
    "clock_jump",
    "data_warning",
    "model_drift",
    "alert_setup",
    "triage_broken",
    "source_stale",
    "model_gate",
    "store_damaged",
    "not_deleted",
}
"""Classes of a run that went through all the same."""


@pytest.mark.drill
@pytest.mark.parametrize("name", CLASSES)
def test_every_class_happens_and_its_team_hears_of_it_once(shop: Shop, name: str) -> None:
    release = shop.project.release()
    night = DRILLS[name](shop)
    assert (night.code == 0) == (name in GOES_ON), night.output
    assert shop.project.release() == release or name in GOES_ON
    trouble = [body for body in shop.webhook.bodies if name in body["title"]]
    assert len(trouble) == 1, (shop.webhook.bodies, night.output)
    row = next(row for row in csv.DictReader(TRIAGE.open()) if row["class"] == name)
    told = [row["meaning"], *row["first_step"].split("<node>")]
    assert all(part in trouble[0]["message"] for part in told)
    assert len(night.output.strip().splitlines()[-1]) < 400 and "Traceback" not in night.output.splitlines()[-1]


def test_every_class_has_a_drill() -> None:
    assert set(DRILLS) == set(CLASSES)
