"""From a fitted scikit-learn pipeline to a formula: one function for each kind of estimator, found by its class."""

from importlib import import_module

from scorehouse.learning.translate.draft import UnknownFormulaError
from scorehouse.learning.translate.formula import fitted_of_trained

FAMILIES = (
    "bayes",
    "clusters",
    "compositions",
    "decompositions",
    "kernels",
    "lightgbm",
    "linear",
    "neighbours",
    "networks",
    "preprocessing",
    "trees",
    "xgboost",
)
"""Modules whose import makes their formulas known."""

__all__ = ["FAMILIES", "UnknownFormulaError", "fitted_of_trained"]

for _family in FAMILIES:
    import_module(f"{__name__}.{_family}")
