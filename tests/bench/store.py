"""Branches, releases and stored tables."""

import json
import shutil
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb

from bench.measure import medians, seconds, show
from project.harness import Project, tiny_project
from scorehouse.build.versions import view_of_all
from scorehouse.ledger.audit import Mark, append
from scorehouse.names.fingerprint import Fingerprint
from scorehouse.names.warehouse import Warehouse
from scorehouse.release import work_database
from scorehouse.release.pointer import rollback
from scorehouse.release.publish import Publisher
from scorehouse.serving.described import Release
from scorehouse.serving.offer import Offer
from scorehouse.store.files import Store, read_sql
from scorehouse.store.provenance import Author
from scorehouse.store.records import NodeRecord, Records

RELATIONS = 200
LARGE = "select " + ", ".join(f"hash(i * 20 + {c}) / 1.8e19 as c{c}" for c in range(20)) + " from range(4000000) as rows(i)"
PLAIN = {
    "dbt_project.yml": "name: plain\nversion: '1.0'\nprofile: plain\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": "plain: {target: local, outputs: {local: {type: duckdb, path: PLAIN_ROOT/plain.duckdb, threads: 4}}}\n",
    "models/large.sql": "{{ config(materialized='table') }}\n" + LARGE + "\n",
}


def run() -> None:
    """Print what branches, releases and the store cost."""
    with tempfile.TemporaryDirectory() as folder:
        _pointers(Path(folder) / "pointers")
        print()
        _large_table(Path(folder) / "large")
        print()
        _formats(Path(folder) / "formats")


def _pointers(folder: Path) -> None:
    warehouse = Warehouse.of(folder, "main")
    work_database.prepare(warehouse)
    store = Store(warehouse.store)
    with duckdb.connect(str(warehouse.work_database)) as connection:
        records = Records(connection, store)
        connection.execute("create schema t")
        connection.execute(view_of_all([], store))

        def build(number: int, mark: str) -> None:
            file = store.file(f"t.r{number}", mark)
            store.write(connection.cursor(), f"select {number} as number, '{mark}' as mark", file)
            files = [f"t.r{number}/{file.name}"]
            node = NodeRecord(f"model.b.r{number}", f"t.r{number}", "model", "table", Fingerprint.of([mark], {}, {}), files=files)
            records.put(
                node, [f"create or replace view t.r{number} as select * from read_duckdb('{file}', table_name => 'data')"]
            )

        for number in range(RELATIONS):
            build(number, "first")
        published = [_publish(warehouse, connection, records, store)]
        for round_ in range(5):
            build(0, f"mark{round_}")
            published.append(_publish(warehouse, connection, records, store))
    back = [seconds(lambda: rollback(warehouse)) for _ in range(4)]
    branches = [seconds(lambda n=n: work_database.prepare(Warehouse.of(folder, f"b{n}"))) for n in range(5)]
    show(
        ["work", "milliseconds, median"],
        [
            [f"publish {RELATIONS} relations", 1000 * statistics.median(published)],
            ["roll back", 1000 * statistics.median(back)],
            [f"new branch of {RELATIONS} relations", 1000 * statistics.median(branches)],
        ],
    )


def _publish(warehouse: Warehouse, connection: duckdb.DuckDBPyConnection, records: Records, store: Store) -> float:
    return seconds(lambda: Publisher(warehouse, connection, records, store, Offer()).publish(None, _audited(warehouse)))


def _audited(warehouse: Warehouse) -> Callable[[Release], Mark]:
    return lambda release: append(warehouse, Author(), "published", {"release": release.release})


def _large_table(folder: Path) -> None:
    """Seconds of one node, fingerprint and fsync included, against dbt-duckdb's own `table`; from dbt's run results."""
    plain, ours = Project(folder / "plain"), tiny_project(folder / "ours")
    for path, content in PLAIN.items():
        plain.write(path, content.replace("PLAIN_ROOT", str(plain.root)))
    ours.write("models/features/large.sql", LARGE + "\n")
    taken: dict[str, list[float]] = {"dbt-duckdb table": [], "Scorehouse table": []}
    for _ in range(5):
        (plain.root / "plain.duckdb").unlink(missing_ok=True)
        taken["dbt-duckdb table"].append(_node_seconds(plain))
        shutil.rmtree(ours.warehouse, ignore_errors=True)
        taken["Scorehouse table"].append(_node_seconds(ours))
    middle = {name: statistics.median(times[1:]) for name, times in taken.items()}
    rows = [[name, value, value / middle["dbt-duckdb table"]] for name, value in middle.items()]
    show(["4 M rows x 20 columns", "seconds", "ratio"], rows)


def _node_seconds(project: Project) -> float:
    outcome = project.dbt("run", "--select", "large", DBT_WRITE_JSON="true")
    if not outcome.is_green:
        raise SystemExit(outcome.output)
    results = json.loads((project.root / "target" / "run_results.json").read_text())["results"]
    return next(result["execution_time"] for result in results if result["unique_id"].endswith(".large"))


def _formats(folder: Path) -> None:
    """The two formats of the store: write, scan, file size."""
    folder.mkdir()
    connection = duckdb.connect(str(folder / "source.duckdb"))
    connection.execute(f"create table large as {LARGE}")
    stores = {name: Store(folder / name, name) for name in ("duckdb", "parquet")}
    files = {name: store.file("t.large", "mark") for name, store in stores.items()}

    def write(name: str) -> None:
        files[name].unlink(missing_ok=True)
        stores[name].write(connection.cursor(), "select * from large", files[name])

    total = " + ".join(f"sum(c{c})" for c in range(20))
    written = medians({name: lambda name=name: write(name) for name in stores}, rounds=3)
    scans = {
        name: lambda f=file: connection.cursor().execute(f"select {total} from ({read_sql([f])})").fetchone()
        for name, file in files.items()
    }
    scanned = medians(scans, rounds=5)
    rows = [[name, written[name], scanned[name], files[name].stat().st_size / 1e6] for name in stores]
    show(["store_format", "write, seconds", "scan and sum, seconds", "megabytes"], rows)
    connection.close()
