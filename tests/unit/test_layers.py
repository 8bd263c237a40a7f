"""Models read what is made before them: no model reads a later layer."""

import json
from pathlib import Path

from project.harness import REPOSITORY, Project

LAYERS = (
    "staging",  # raw data, renamed and judged
    "intermediate",  # all sources in one contract
    "features",  # what was known at each as-of time
    "learning",  # examples, fitted models, their evaluation
    "scores",  # one table an implementation
    "serving",  # what applications read
    "registry",  # beside them: these may read anything, and no other layer reads them
    "monitoring",
    "operations",
)
EVERYTHING = (
    "{interaction_sources: [retail, landing, movietweetings, open_bandit, payment_simulator], landing_path: acme,"
    " evaluate_recommendations: true}"
)


def forward_reads(reads: dict[str, list[str]]) -> list[str]:
    """A sentence for every file that reads one of a later layer; both by their paths from the project's root."""
    return [
        f"{file} reads {other}, of a later layer: move one of them"
        for file, others in sorted(reads.items())
        for other in sorted(others)
        if LAYERS.index(other.split("/")[1]) > LAYERS.index(file.split("/")[1])
    ]


def test_no_model_reads_a_later_layer(tmp_path: Path) -> None:
    """As dbt parses them: with what macros refer to."""
    outcome = Project(REPOSITORY).dbt(
        *("parse", "--no-partial-parse", "--target-path", str(tmp_path), "--vars", EVERYTHING),
        WAREHOUSE_PATH=str(tmp_path),
        DBT_WRITE_JSON="true",
    )
    assert outcome.is_green, outcome.output
    nodes = json.loads((tmp_path / "manifest.json").read_text())["nodes"]
    files = {name: node["original_file_path"] for name, node in nodes.items() if node["resource_type"] == "model"}
    parents = {name: node["depends_on"]["nodes"] for name, node in nodes.items() if name in files}
    reads = {files[name]: [files[other] for other in others if other in files] for name, others in parents.items()}
    assert sum(map(len, reads.values())) > 200
    assert forward_reads(reads) == []


def test_a_forward_read_is_named_with_its_file() -> None:
    reads = {
        "models/features/early.sql": ["models/learning/late.sql", "models/staging/raw.sql"],
        "models/registry/versions.sql": ["models/serving/served.sql"],
    }
    (sentence,) = forward_reads(reads)
    assert sentence == "models/features/early.sql reads models/learning/late.sql, of a later layer: move one of them"
