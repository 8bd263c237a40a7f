"""What a run writes into its ledger: every node as it is built, and how it all ended."""

import re
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import duckdb

from scorehouse.build.manifest import Node
from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError, first_line
from scorehouse.ledger.lines import ATTENTION, BUILD, BUILD_ENDED, FAILED, FINISH, GREEN, RED, START
from scorehouse.names import git
from scorehouse.names.user import user
from scorehouse.operations import data_tests, summary
from scorehouse.operations.causes import causes, subject
from scorehouse.operations.located import all_said, located
from scorehouse.operations.register import Operation

BUILDING = frozenset({"table", "partitioned", "fitted", "view", "seed", "function"})
"""Operations that build a node."""
FAILURES = frozenset({"error", "fail", "runtime error", "partial success"})
"""What dbt says of a node that failed."""
SKIPPED = "skipped"
MOST_FILES = 100
"""So many files of a table are named, the last ones."""
LONGEST = 1000
"""Characters of a message; what goes on longer stands in dbt's log."""
_ADDRESS = re.compile(r"[^\s'\"=(]+@(?![0-9a-f]{12}(?![\w.-]))[^\s'\")]+")
"""Of a person; a version of a model, as churn__logistic@0123456789ab, is none."""


@dataclass(frozen=True)
class Result:
    """What dbt says of one node of a run: its id, status and message, and how long it took in seconds."""

    node_id: str
    status: str
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class How:
    """How a command ended: whether all went well, whether the release is now what the whole project says, else why not."""

    command: str
    is_green: bool
    is_whole: bool
    error: str | None


def begin(run: Run) -> None:
    """Write that a build began: who builds what, with which versions."""
    versions = {name: metadata.version(name) for name in ("dbt-core", "dbt-duckdb", "duckdb", "scikit-learn")}
    said = {
        "branch": run.warehouse.branch,
        "commit": git.commit(run.manifest.folder),
        "who": user(),
        "run_id": run.run_id,
        "command": sys.argv[1:],
        "versions": versions,
        "release": run.warehouse.current_release(),
    }
    run.ledger.write(BUILD if run.ledger.is_given else START, details=said)


def note_landed(run: Run) -> None:
    """Write which files landed in this run: their rows, and the hash of their bytes and of the code that read them."""
    for node in run.manifest.sources():
        record = run.records.nodes.get(node.id)
        if record and record.details.landing and record.action == "built":
            landed = record.details.landing.files
            files = [{"name": one.name or Path(one.path).name, "rows": one.row_count, "content": one.content} for one in landed]
            rows = sum(one.row_count for one in landed)
            run.ledger.write("landed", node=node.id, row_count=rows, details={"files": files[-MOST_FILES:], "count": len(files)})


def end_early(run: Run, message: str) -> None:
    """Write that a run ended before its first node."""
    run.ledger.write(FAILED, message=_short(message))
    _finish(run, {"outcome": RED, "causes": []})


def end(run: Run, results: list[Result], how: How) -> list[str]:
    """Write how a run ended; returns the same as lines for a terminal."""
    if how.error:
        run.ledger.write(FAILED, message=_short(how.error))
    unwell = [result.node_id for result in results if result.status in {*FAILURES, SKIPPED}]
    found = causes(run.manifest, run.failures, unwell)
    counted = Counter(result.status for result in results)
    actions = Counter(run.records.nodes[r.node_id].action for r in results if run.has_settled(r.node_id))
    failed = sum(counted[status] for status in FAILURES)
    ending = {
        "outcome": GREEN if how.is_green else RED,
        "is_whole": how.is_whole,
        "command": how.command,
        "nodes": len(results),
        "built": actions["built"],
        "reused": actions["reused"],
        "failed": failed,
        "skipped": counted[SKIPPED],
        "warned": counted["warn"],
        "release": run.warehouse.current_release(),
        "causes": [asdict(cause) for cause in found],
    }
    _finish(run, ending)
    try:
        return summary.lines(run, ending, found) if how.command == "build" else []
    except (ScorehouseError, duckdb.Error, OSError) as error:  # a summary is no reason to fail
        return [f"No summary: {first_line(error)}"]


def _finish(run: Run, ending: Mapping[str, object]) -> None:
    run.ledger.write(BUILD_ENDED if run.ledger.is_given else FINISH, details=ending)


def told(run: Run, operation: Operation, arguments: Mapping[str, object]) -> object:
    """Carry out an operation; if it builds a node, write into the ledger what became of it."""
    if operation.__name__ not in BUILDING:
        return operation(run, **arguments)
    node_id, began = str(arguments["node_id"]), time.monotonic()
    try:
        answer = operation(run, **arguments)
    except (ScorehouseError, duckdb.Error) as error:
        text = str(arguments.get("sql") or arguments.get("body") or "")
        note_failure(run, node_id, _located(run, node_id, first_line(error), all_said(error), text), time.monotonic() - began)
        raise
    record = run.records.nodes[node_id]
    run.ledger.write(
        record.action,
        node=node_id,
        seconds=round(time.monotonic() - began, 3),
        row_count=record.row_count,
        details={"reason": record.reason},
    )
    return answer


def note_failure(run: Run, node_id: str, message: str, seconds: float | None = None) -> None:
    """Write once that a node failed, and remember why."""
    if node_id not in run.failures:
        run.failures[node_id] = _short(message)
        run.ledger.write(FAILED, node=node_id, message=_short(message), seconds=seconds)


def note_results(run: Run, results: list[Result]) -> None:
    """Write what dbt alone knows: failures outside our operations, and tests that warn."""
    for result in results:
        sentence = run.found.get(result.node_id) or _said(result)
        if result.status in FAILURES:
            note_failure(run, result.node_id, _located(run, result.node_id, sentence, result.message), result.seconds)
        elif result.status == "warn":
            about = subject(run.manifest, result.node_id)
            for named, said in data_tests.by_subject(run.sentences.get(result.node_id) or []) or [(about.name, sentence)]:
                note_attention(run, result.node_id, about, named, said)


def note_attention(run: Run, node_id: str, about: Node, named: str, message: str) -> None:
    """Write what somebody should look at, though the build goes on.

    Args:
        about: the node whose team is told.
        named: what it is about, in the words of the message.
    """
    details = {"subject": named, "team": about.team, "owner": about.owner}
    run.ledger.write(ATTENTION, node=node_id, message=_short(message), details=details)


def _located(run: Run, node_id: str, sentence: str, said: str, compiled: str = "") -> str:
    """A failure's sentence with its file and line."""
    if not run.manifest.has(node_id):
        return sentence
    node = run.manifest.node(node_id)
    return located(sentence, node.path, said, node.text or "", compiled)


def _said(result: Result) -> str:
    """What dbt says of a failure, without the lines that only say where it is."""
    lines = [line.strip() for line in result.message.splitlines() if line.strip()]
    return (
        " ".join(line for line in lines if not line.startswith(("Runtime Error in", "> ", "compiled code at"))) or result.status
    )


def _short(message: str) -> str:
    """A sentence as the ledger keeps it: not too long, and without anybody's address."""
    return _ADDRESS.sub("(an address)", message)[:LONGEST]
