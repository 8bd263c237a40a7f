"""What is read is described: what it is, what one row is, and what a column of the served tables and features means."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scorehouse.learning.version_row import STORED

ROOT = Path(__file__).resolve().parents[2]
DESCRIBED = ("models/serving", "models/features")
"""Folders whose models enforce a contract, so that every column is declared, and has a description."""
HANDED_ON = frozenset({"current_snapshots"})
"""Those that select rows of another model, whose contract and descriptions hold for theirs: a column is declared once."""


def declared(kind: str, *folders: str) -> Iterator[tuple[str, dict]]:
    """Path and declaration of every model, seed or function in some folders."""
    for folder in folders:
        for file in sorted(set((ROOT / folder).rglob("*.yml")) - set((ROOT / "udfs/scorehouse").rglob("*.yml"))):
            for one in (yaml.safe_load(file.read_text()) or {}).get(kind, ()):
                yield f"{file.relative_to(ROOT)}: {one['name']}", one


def test_every_model_and_seed_says_what_it_is_and_what_one_row_is() -> None:
    models = dict(declared("models", "models")) | dict(declared("seeds", "seeds"))
    assert len(models) > 100
    assert [name for name, one in models.items() if "One row " not in " ".join(one.get("description", "").split())] == []


def test_every_model_has_a_file_of_its_own_name_that_describes_it() -> None:
    for kind in ("models", "seeds/configuration", "seeds/operations"):
        for file in (ROOT / kind).rglob("*.sql" if kind == "models" else "*.csv"):
            names = [one["name"] for group in yaml.safe_load(file.with_suffix(".yml").read_text()).values() for one in group]
            assert file.stem in names, file


def test_every_function_says_what_it_and_its_arguments_are() -> None:
    functions = dict(declared("functions", "udfs"))
    assert len(functions) == len([file for end in ("*.sql", "*.py") for file in (ROOT / "udfs").glob(end)])
    for name, one in functions.items():
        texts = [one, *one["arguments"], one["returns"]]
        assert all(text.get("description", "").strip() for text in texts), name


@pytest.mark.parametrize("folder", DESCRIBED)
def test_every_column_that_is_read_has_a_description(folder: str) -> None:
    for name, model in declared("models", folder):
        if model["name"] in HANDED_ON:
            continue
        assert model["config"]["contract"] == {"enforced": True}, name
        assert [column["name"] for column in model["columns"] if not column.get("description", "").strip()] == [], name


def test_every_number_among_the_features_has_a_unit() -> None:
    numbers = {"bigint", "integer", "double"}
    for name, model in declared("models", "models/features"):
        found = [column for column in model["columns"] if column.get("data_type") in numbers]
        assert [column["name"] for column in found if not column.get("config", {}).get("meta", {}).get("unit")] == [], name


def test_every_column_of_a_version_is_described_once_for_all_models() -> None:
    ((_, versions),) = [one for one in declared("models", "models/registry") if one[1]["name"] == "versions"]
    described = {column["name"]: column["description"] for column in versions["columns"]}
    assert all(described.values())
    assert set(described) == {"model", "is_current", *STORED.names}
    for name, model in declared("models", "models/learning"):
        if model.get("config", {}).get("materialized") == "fitted":
            assert not {column["name"] for column in model.get("columns", ())} & set(described), name
