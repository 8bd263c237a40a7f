"""Operations: the steps that formulas are made of, one class each."""

from scorehouse.scoring.steps.baseline import Baseline
from scorehouse.scoring.steps.combine import Known, Largest, Normalize, Softmax, UnitLength
from scorehouse.scoring.steps.distance import Kernel, Nearest, SquaredDistance
from scorehouse.scoring.steps.ends import Inputs, Result
from scorehouse.scoring.steps.linear import Linear
from scorehouse.scoring.steps.lookup import Bins, FillCategory, Interpolate, Lookup
from scorehouse.scoring.steps.median import WeightedMedian
from scorehouse.scoring.steps.neighbours import Neighbours
from scorehouse.scoring.steps.onnx import Onnx
from scorehouse.scoring.steps.operation import Operation, Univariate
from scorehouse.scoring.steps.product import Product
from scorehouse.scoring.steps.trees import Trees
from scorehouse.scoring.steps.univariate import Blank, Clip, Function, Impute, Indicate, Power, Scale, Within

BY_NAME: dict[str, type[Operation]] = {
    kind.name: kind
    for kind in (
        Baseline,
        Bins,
        Blank,
        Clip,
        FillCategory,
        Function,
        Impute,
        Indicate,
        Inputs,
        Interpolate,
        Kernel,
        Known,
        Largest,
        Linear,
        Lookup,
        Nearest,
        Neighbours,
        Normalize,
        Onnx,
        Power,
        Product,
        Result,
        Scale,
        Softmax,
        SquaredDistance,
        Trees,
        UnitLength,
        WeightedMedian,
        Within,
    )
}
"""Classes of operations by the name that their weights carry."""

__all__ = ["BY_NAME", "Operation", "Univariate", *sorted(kind.__name__ for kind in BY_NAME.values())]
