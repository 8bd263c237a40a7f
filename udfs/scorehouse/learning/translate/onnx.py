"""Models that run as ONNX: files, and estimators whose formula is not known but that skl2onnx can convert."""

from dataclasses import dataclass
from importlib.util import find_spec

import pyarrow as pa

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.translate.brought import Brought, format_of, over_numbers
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError
from scorehouse.scoring.steps import Onnx
from scorehouse.scoring.steps.onnx import session

FAIL_ON_LONELY_ROWS = ("RadiusNeighborsClassifier", "RadiusNeighborsRegressor")
"""Their ONNX form stops with an error at a row without neighbours."""


@dataclass(frozen=True, eq=False)
class OnnxFile:
    """What an ONNX file says about itself.

    Attributes:
        model: its bytes.
        features: names of its columns where its metadata lists them under `features`, joined by commas; else empty.
        output: the output that holds the scores.
        outputs: how many columns that has.
    """

    model: bytes
    features: tuple[str, ...]
    output: str
    outputs: int


def read(model: bytes) -> OnnxFile:
    """Read a file over one matrix of numbers.

    Raises UnknownFormulaError when it is something else.
    """
    try:
        opened = session(model)
    except ScorehouseError:
        raise
    except Exception as error:  # onnxruntime's own, which have no common class
        raise UnknownFormulaError("a file that is not an ONNX model, or needs what onnxruntime lacks") from error
    if len(opened.get_inputs()) != 1 or opened.get_inputs()[0].type not in ("tensor(float)", "tensor(double)"):
        raise UnknownFormulaError("an ONNX model whose input is not one matrix of numbers")
    scores = [o for o in opened.get_outputs() if o.type in ("tensor(float)", "tensor(double)")]
    if not scores:
        raise UnknownFormulaError("an ONNX model without an output of numbers (convert it with zipmap off)")
    chosen = scores[-1]
    width = chosen.shape[1] if len(chosen.shape) > 1 else 1
    listed = opened.get_modelmeta().custom_metadata_map.get("features", "")
    names = tuple(name.strip() for name in listed.split(",") if name.strip())
    return OnnxFile(model, names, chosen.name, int(width) if isinstance(width, int) else 1)


def scores(file: OnnxFile, inputs: list[str], draft: Draft) -> list[str]:
    """The scores: the second column of two, else all."""
    draft.is_float32 = True
    count = 1 if file.outputs == 2 else file.outputs
    names = tuple(draft.fresh("score" if count == 1 else f"score {place}") for place in range(count))
    return draft.add(Onnx(tuple(draft.numbers(inputs)), names, file.model, file.output))


@format_of("scorehouse.onnx")
def bring(table: pa.Table, spec: Spec, where: str) -> tuple[Fitted, Examples]:
    """A model from an ONNX file."""
    file = read(spec.model(where))
    objective = {1: "regression", 2: "binary"}.get(file.outputs, "multiclass")
    found = Brought(file.features, objective, lambda names, draft: scores(file, names, draft))
    return over_numbers(table, spec, where, found)


def can_convert() -> bool:
    """Whether the optional extra is installed."""
    return find_spec("skl2onnx") is not None


def converted(estimator: object, inputs: list[str], draft: Draft) -> list[str] | None:
    """The scores of an estimator that skl2onnx converts; None when it is not installed or cannot."""
    if not can_convert() or type(estimator).__name__ in FAIL_ON_LONELY_ROWS:
        return None
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType

    try:
        model = convert_sklearn(
            estimator,
            initial_types=[("X", DoubleTensorType([None, len(inputs)]))],
            options={id(estimator): {"zipmap": False}} if hasattr(estimator, "classes_") else None,
        )
        return scores(read(model.SerializeToString()), inputs, draft)
    except Exception:  # converters fail in their own ways, on estimators that are newer than they are
        return None
