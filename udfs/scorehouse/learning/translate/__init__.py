"""From a fitted scikit-learn pipeline to a formula: one function for each kind of estimator, found by its class."""

from scorehouse.learning.translate import linear, preprocessing, trees
from scorehouse.learning.translate.draft import UnknownFormulaError
from scorehouse.learning.translate.formula import formula_of_trained

__all__ = ["UnknownFormulaError", "formula_of_trained", "linear", "preprocessing", "trees"]
