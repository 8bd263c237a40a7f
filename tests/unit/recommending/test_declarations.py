"""What is evaluated is what is served, and SQL counts as Python does."""

from pathlib import Path

import yaml

from scorehouse.recommending.history import SMALLEST_PREFERENCE
from scorehouse.recommending.weights import DECIMALS

PROJECT = Path(__file__).resolve().parents[3]
MODELS = PROJECT / "models/learning/recommendation"


def declaration(name: str) -> dict:
    return yaml.safe_load((MODELS / f"recommendation__{name}.yml").read_text())["models"][0]["config"]["meta"]


def test_the_evaluation_compares_the_models_as_they_are_declared() -> None:
    evaluated, searches = (declaration("evaluation")["parameters"][name] for name in ("models", "searches"))
    for name in ("popular", "item_item", "ease"):
        declared = declaration(name)
        assert evaluated[name] == {key: declared[key] for key in ("estimator", "parameters")}
        assert searches.get(name) == declared.get("search")
        assert declaration("evaluation")["split"] == declared["split"]


def test_sql_knows_the_decimals_and_the_smallest_preference_of_the_package() -> None:
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    assert (variables["recommendation_decimals"], variables["smallest_preference"]) == (DECIMALS, SMALLEST_PREFERENCE)
