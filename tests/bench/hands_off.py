"""What it costs that nobody watches: the ledger, monitoring, and how soon a new file is served."""

import csv
import json
import random
import statistics
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from bench.measure import seconds, show
from project.harness import Project, copy_of_the_project
from scorehouse.ledger import lines
from scorehouse.ledger.lines import Ledger

KNOWN, NEW = 50_000, 1_000
BEGAN = datetime(2026, 1, 1)
ROUNDS = 3


def run() -> None:
    """Print shares of a build, and ratios to one with nothing to do."""
    with tempfile.TemporaryDirectory() as folder:
        project = copy_of_the_project(Path(folder) / "scorehouse", unit_tests=True)
        chance = random.Random(1)
        _deliver(project, chance, "known", KNOWN, BEGAN, days=180)
        cold = seconds(lambda: _build(project))
        results = json.loads((project.root / "target" / "run_results.json").read_text())["results"]
        watched = sum(
            result["execution_time"] for result in results if ".monitoring" in str(result["relation_name"]).replace('"', "")
        )
        whole = sum(result["execution_time"] for result in results)
        idle = statistics.median(seconds(lambda: _build(project)) for _ in range(ROUNDS))
        count = len(list(lines.read(lines.files(project.folder() / "ledger")[-1])))
        ledger = Ledger(Path(folder) / "ledger", "bench")
        written = seconds(lambda: [ledger.write("reused", node="model.a.b", seconds=0.1, row_count=1) for _ in range(count)])
        followed = []
        for number in range(ROUNDS):
            _deliver(project, chance, f"new{number}", NEW, BEGAN + timedelta(days=181 + number), days=1)
            followed.append(seconds(lambda: _build(project)))
    show(
        ["work", "seconds", ""],
        [
            [f"build of {KNOWN:,} interactions, all products", cold, f"monitoring: {watched / whole:.1%} of its nodes' seconds"],
            ["build with nothing to do", idle, f"{count} lines of the ledger: {written / idle:.1%}"],
            [
                f"a new file of {NEW:,} interactions, served",
                statistics.median(followed),
                f"{statistics.median(followed) / idle:.2f} x",
            ],
        ],
    )


def _deliver(project: Project, chance: random.Random, name: str, rows: int, began: datetime, days: int) -> None:
    file = project.root / "shop" / "interactions" / f"{name}.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow("interaction_id,occurred_at,customer_id,interaction_type,item_id,quantity,amount".split(","))
        for number in range(rows):
            at = began + timedelta(seconds=chance.randrange(days * 86400))
            kind = chance.choices(["purchase", "view", "click"], [2, 5, 3])[0]
            customer, item = f"c{chance.randrange(2000)}", f"i{chance.randrange(300)}"
            writer.writerow([f"{name}{number}", at, customer, kind, item, 1, chance.randrange(100, 9000) / 100])


def _build(project: Project) -> None:
    landing = f"{{interaction_sources: [landing], landing_path: {project.root / 'shop'}}}"
    process = project.start("--quiet", "build", "--vars", landing)
    output = process.communicate()[0]
    if process.returncode:
        raise SystemExit(output)
