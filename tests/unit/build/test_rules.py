"""The names that `meta` can have are those that the project writes, and no others that are nearly the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scorehouse.build.rules import META
from scorehouse.learning.declare.spec import Spec, meant

REPOSITORY = Path(__file__).resolve().parents[3]
DECLARED = set(Spec.__dataclass_fields__)


def said(declared: dict[str, Any]) -> dict[str, Any]:
    return {**declared.get("meta", {}), **declared.get("config", {}).get("meta", {})}


def metas() -> Iterator[tuple[str, dict[str, Any]]]:
    """All that the project's YAML says in `meta`, by whose it is."""
    for file in (file for files in ("models/**/*.yml", "udfs/*.yml", "seeds/**/*.yml") for file in REPOSITORY.glob(files)):
        known = yaml.safe_load(file.read_text()) or {}
        sources = [{**table, "meta": {**said(s), **said(table)}} for s in known.get("sources", []) for table in s["tables"]]
        nodes = {"model": known.get("models", []), "function": known.get("functions", []), "source": sources}
        for kind, node in ((kind, node) for kind, listed in nodes.items() for node in listed):
            yield kind, said(node)
            yield from ((part, said(node)[part]) for part in ("endpoint", "monitoring") if part in said(node))
            yield from (("column", said(column)) for column in node.get("columns", []))


def test_every_name_that_the_project_writes_is_known() -> None:
    found = [(kind, name) for kind, declared in metas() for name in declared]
    assert len(found) > 300
    unknown = {(kind, name) for kind, name in found if name not in META[kind] | (DECLARED if kind == "model" else set())}
    assert unknown <= {("source", "group"), ("model", "group")}


@pytest.mark.parametrize("whose", META)
def test_no_known_name_is_taken_for_another(whose: str) -> None:
    assert all(meant(name, META[whose]) == name for name in META[whose])
