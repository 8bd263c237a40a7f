"""From a fitted scikit-learn pipeline to a formula: one function for each kind of estimator, found by its class."""

from scorehouse.learning.translate import (
    bayes,
    clusters,
    compositions,
    decompositions,
    kernels,
    lightgbm,
    linear,
    neighbours,
    networks,
    preprocessing,
    trees,
    xgboost,
)
from scorehouse.learning.translate.draft import UnknownFormulaError
from scorehouse.learning.translate.formula import fitted_of_trained

FAMILIES = (
    bayes,
    clusters,
    compositions,
    decompositions,
    kernels,
    lightgbm,
    linear,
    neighbours,
    networks,
    preprocessing,
    trees,
    xgboost,
)
"""Modules whose import makes their formulas known."""

__all__ = ["FAMILIES", "UnknownFormulaError", "fitted_of_trained"]
