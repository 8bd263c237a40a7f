"""Operations: the steps that formulas are made of, one class each."""

from scorehouse.scoring.operations.baseline import Baseline
from scorehouse.scoring.operations.combine import Largest, Normalize, Softmax, UnitLength
from scorehouse.scoring.operations.distance import Kernel, Nearest, SquaredDistance
from scorehouse.scoring.operations.ends import Inputs, Result
from scorehouse.scoring.operations.linear import Linear
from scorehouse.scoring.operations.lookup import Bins, FillCategory, Interpolate, Lookup
from scorehouse.scoring.operations.median import WeightedMedian
from scorehouse.scoring.operations.neighbours import Neighbours
from scorehouse.scoring.operations.onnx import Onnx
from scorehouse.scoring.operations.operation import Operation, Univariate
from scorehouse.scoring.operations.product import Product
from scorehouse.scoring.operations.trees import Trees
from scorehouse.scoring.operations.univariate import Clip, Function, Impute, Indicate, Power, Scale

BY_NAME: dict[str, type[Operation]] = {
    kind.name: kind
    for kind in (
        Baseline,
        Bins,
        Clip,
        FillCategory,
        Function,
        Impute,
        Indicate,
        Inputs,
        Interpolate,
        Kernel,
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
    )
}
"""Operations by the name that their weights carry."""

__all__ = ["BY_NAME", "Operation", "Univariate", *sorted(kind.__name__ for kind in BY_NAME.values())]
