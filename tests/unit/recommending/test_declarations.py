"""What is evaluated is what is served."""

from pathlib import Path

import yaml

MODELS = Path(__file__).resolve().parents[3] / "models/learning/recommendation"


def declaration(name: str) -> dict:
    return yaml.safe_load((MODELS / f"recommendation__{name}.yml").read_text())["models"][0]["config"]["meta"]


def test_the_evaluation_compares_the_models_as_they_are_declared() -> None:
    evaluated = declaration("evaluation")["parameters"]["models"]
    for name in ("popular", "item_item", "ease"):
        declared = declaration(name)
        assert evaluated[name] == {key: declared[key] for key in ("estimator", "parameters")}
