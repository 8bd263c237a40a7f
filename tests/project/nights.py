"""Nightly runs of a tiny shop, a service that takes their messages, and what they leave in the ledger."""

import csv
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from project.harness import OWN_VARIABLES, REPOSITORY, Project, tiny_project
from scorehouse.ledger import lines

TRIAGE = REPOSITORY / "seeds" / "operations" / "triage.csv"
GROUPS = """
groups:
  - {name: data, owner: {name: Data, email: data@shop.example}}
  - {name: platform, owner: {name: Platform, email: platform@shop.example}}
  - {name: product, owner: {name: Product, email: product@shop.example}}
"""


class Webhook:
    """A service that takes messages, or does what it is told to do instead."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answers: Callable[[], int | None] = lambda: 200
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status = owner.answers()
                if status is None:
                    time.sleep(30)
                    return
                owner.paths.append(self.path)
                if status == 200 and self.headers.get("Content-Type", "").startswith("application/json"):
                    owner.bodies.append(json.loads(body))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/login")
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def titles(self) -> list[str]:
        return [body["title"] for body in self.bodies]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Night:
    """A finished nightly run: exit status, output, and its ledger."""

    code: int
    output: str
    ledger: list[lines.Line] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        return self.ledger[-1].details["failures"]


@dataclass
class Shop:
    """A tiny project with a triage, and how its nights are run."""

    project: Project
    webhook: Webhook
    known: int = 0

    def start(
        self, *arguments: str, module: str = "nightly", prefix: tuple[str, ...] = (), **environment: str
    ) -> subprocess.Popen:
        self.known = len(lines.files(self.project.folder() / "ledger"))
        inherited = {name: value for name, value in os.environ.items() if not OWN_VARIABLES.match(name)}
        own = {"SCOREHOUSE_BRANCH": "main", "SCOREHOUSE_ALERT": f"json://{self.webhook.address}/", "PYTHONPATH": "udfs"}
        return subprocess.Popen(
            [*prefix, sys.executable, "-m", f"scorehouse.{module}", *arguments],
            cwd=self.project.root,
            env={**inherited, **own, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ended(self, process: subprocess.Popen) -> Night:
        output = process.communicate(timeout=300)[0]
        return Night(process.returncode, output, self.ledger())

    def night(self, *arguments: str, **more: object) -> Night:
        return self.ended(self.start(*arguments, **more))

    def ledger(self) -> list[lines.Line]:
        """What the run that was started last has written."""
        files = lines.files(self.project.folder() / "ledger")[self.known :]
        return list(lines.read(files[-1])) if files else []

    def wait_for(self, event: str) -> lines.Line:
        """The first line of this event in a run that is under way."""
        before = time.monotonic()
        while time.monotonic() - before < 120:
            found = next((line for line in self.ledger() if line.event == event), None)
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"no {event} in {self.ledger()}")


def clock_of(shop: Shop) -> tuple[subprocess.Popen, Path]:
    """A night whose supervisor's clock is an hour ahead once a file is there: only a machine's owner can set the clock itself."""
    ahead = shop.project.root / "ahead"
    shop.project.write(
        "sitecustomize.py",
        f"import os, time\nreal = time.time\ntime.time = lambda: real() + (3600 if os.path.exists({str(ahead)!r}) else 0)\n",
    )
    return shop.start(PYTHONPATH=f"{shop.project.root}{os.pathsep}udfs"), ahead


def tiny_shop(root: Path) -> Project:
    """A tiny project with teams, and a triage that waits for nothing."""
    project = tiny_project(root)
    project.write("models/_groups.yml", GROUPS.lstrip())
    project.replace("dbt_project.yml", "weight: 2}", "weight: 2, nightly: {time_limit_minutes: 5, grace_seconds: 5}}")
    project.replace("dbt_project.yml", "features: {", "features: {+group: product, ")
    project.replace("dbt_project.yml", "serving: {", "serving: {+group: product, ")
    project.replace("dbt_project.yml", "staging: {", "staging: {+group: data, ")
    for name in ("runs", "node_runs", "incidents", "releases"):
        project.write(f"models/operations/{name}.sql", (REPOSITORY / f"models/operations/{name}.sql").read_text())
    views = "operations: {+schema: operations, +materialized: view}"
    project.replace("dbt_project.yml", "    serving: {", f"    {views}\n    serving: {{")
    rows = list(csv.DictReader(TRIAGE.open()))
    (project.root / "seeds/operations").mkdir()
    with open(project.root / "seeds/operations/triage.csv", "w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows([{**row, "retries": "0"} for row in rows])
    return project
