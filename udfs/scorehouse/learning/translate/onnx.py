"""Models that run as ONNX: files, and estimators whose formula is not known but that skl2onnx can convert."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from scipy.optimize import linear_sum_assignment

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.examples import Examples
from scorehouse.learning.declare.fitted import Fitted, RefusedRowsError
from scorehouse.learning.declare.labels import class_name
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.translate.brought import (
    Brought,
    Declared,
    Predict,
    Rows,
    format_of,
    input_columns,
    library,
    over_columns,
)
from scorehouse.learning.translate.draft import Draft, UnknownFormulaError
from scorehouse.scoring.columns import CATEGORICAL, Column, as_kind, is_text
from scorehouse.scoring.steps import Onnx
from scorehouse.scoring.steps.onnx import MATRIX_TYPES, TEXT_TYPE, WHOLE_TYPES, input_widths, session

if TYPE_CHECKING:
    import onnx as onnx_package

FAIL_ON_LONELY_ROWS = ("RadiusNeighborsClassifier", "RadiusNeighborsRegressor")
"""Their ONNX form stops with an error at a row without neighbours."""

ZIPPED = "seq(map("
"""How the type of an output begins that gives a dictionary for each row, as skl2onnx does unless zipmap is off."""

CLASS_ATTRIBUTES = ("classlabels_strings", "classlabels_int64s", "classlabels_ints", "cats_strings", "cats_int64s")
LIMITS = {"tensor(int64)": (-(2**53), 2**53), "tensor(int32)": (-(2**31), 2**31 - 1), "tensor(bool)": (0, 1)}
PROBED = 16


@dataclass(frozen=True)
class Port:
    """An input or output of a graph.

    Attributes:
        name, type: as onnxruntime says them.
        shape: sizes that are fixed as numbers, others as names or None.
    """

    name: str
    type: str
    shape: tuple[int | str | None, ...]

    @classmethod
    def all_of(cls, arguments: list[object]) -> "tuple[Port, ...]":
        """The ports that onnxruntime lists."""
        return tuple(cls(a.name, a.type, tuple(a.shape or ())) for a in arguments)

    @property
    def width(self) -> int | None:
        """How many columns it declares; None where it leaves that open."""
        if len(self.shape) < 2:
            return 1
        return self.shape[1] if isinstance(self.shape[1], int) else None

    def __str__(self) -> str:
        return f"{self.name} ({self.type} {list(self.shape)})"


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
        ).SerializeToString()
        served = [port for port in Port.all_of(session(model).get_outputs()) if port.type in MATRIX_TYPES][-1]
        is_binary = served.width == 2 and hasattr(estimator, "classes_")
        places = (1,) if is_binary else tuple(range(served.width or 1))
        return _written(model, served.name, served.width, places, inputs, draft)
    except Exception:  # converters fail in their own ways, on estimators that are newer than they are
        return None


def _written(model: bytes, output: str, width: int | None, places: tuple[int, ...], inputs: list[str], draft: Draft) -> list[str]:
    inputs = draft.numbers(inputs) if draft.categories else inputs
    draft.is_float32 = True
    names = tuple(draft.fresh("score" if len(places) == 1 else f"score {place}") for place in places)
    return draft.add(Onnx(tuple(inputs), names, model, output, width, places))


# ---------------------------------------------------------------- files


@dataclass(frozen=True, eq=False)
class Graph:
    """What an ONNX file says of itself.

    Attributes:
        inputs, outputs: its ports.
        features: names of its columns where its metadata lists them under `features`, joined by commas, or one for each input.
        parsed: its nodes, as the package onnx reads them.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    features: tuple[str, ...]
    parsed: "onnx_package.ModelProto"

    @property
    def label(self) -> Port | None:
        """The output that names a class for each row, if there is one."""
        found = [p for p in self.outputs if p.type in ("tensor(int64)", TEXT_TYPE) and len(p.shape) < 3 and p.width == 1]
        return found[0] if found else None


@format_of("scorehouse.onnx")
def bring(table: pa.Table, spec: Spec, where: str) -> tuple[Fitted, Examples]:
    """A model from an ONNX file."""
    declared = Declared.read(spec, where, "output")
    onnxruntime, content = library(where, "onnxruntime", "onnx"), spec.model(where)
    graph = read(content, where)
    output = _output(graph, declared, where)
    columns = input_columns(table, spec, where, graph.features, _count(graph, spec, declared), declared)
    model, served, names = _unzipped(graph, output, content)
    kinds = _texts(graph, columns, table, where)
    width = _width(model, served, graph, table, columns, kinds)
    is_labelled = bool(names or declared.classes) or (graph.label is not None and width > 1)
    is_classifier = is_labelled and not declared.targets
    if is_classifier and width > 1 and not names:
        names = _class_names(graph, width)
        _expect_classes(names, declared, graph, width, where)
    places = (1,) if is_classifier and width == 2 else tuple(range(width))
    compared = () if declared.targets else names or declared.classes
    predict = own_scores(onnxruntime, content, graph, output, compared, names, where)
    found = Brought(
        inputs=graph.features if len(graph.features) == len(columns) else (),
        outputs=len(places),
        write=lambda fed, draft: _written(model, served, width, places, fed, draft),
        predict=lambda rows: predict(rows)[:, list(places)].reshape((-1, len(places)) if len(places) > 1 else -1),
        package="onnxruntime",
        categories=dict.fromkeys(kinds, ()),
        is_classifier=is_classifier,
        is_probability=is_classifier and _is_probability(predict, table, columns, kinds, graph),
        classes=names if is_classifier else (),
        missing=declared.missing,
    )
    return over_columns(table, spec, where, found, declared, columns)


def read(content: bytes, where: str) -> Graph:
    """Read a file over columns of numbers and texts.

    Raises UnknownFormulaError when it is something else.
    """
    onnx = library(where, "onnx", "onnx")
    try:
        opened, parsed = session(content), onnx.load_model_from_string(content)
    except Exception as error:  # onnxruntime's own, which have no common class
        raise UnknownFormulaError("a file that is not an ONNX model, or needs what onnxruntime lacks") from error
    inputs = Port.all_of(opened.get_inputs())
    known = {*MATRIX_TYPES, *WHOLE_TYPES, TEXT_TYPE}
    for port in inputs:
        if port.type not in known or not 0 < len(port.shape) < 3:
            raise UnknownFormulaError(f"an ONNX model whose input {port} is no column or matrix of numbers or texts")
        if isinstance(port.shape[0], int):
            raise UnknownFormulaError(
                f"an ONNX model whose input {port} takes {port.shape[0]} rows at a time", "export it with a free first dimension"
            )
    listed = opened.get_modelmeta().custom_metadata_map.get("features", "")
    names = tuple(name.strip() for name in listed.split(",") if name.strip())
    is_named = len(inputs) > 1 and all(port.width in (1, None) for port in inputs)
    return Graph(inputs, Port.all_of(opened.get_outputs()), names or (tuple(p.name for p in inputs) if is_named else ()), parsed)


def _output(graph: Graph, declared: Declared, where: str) -> Port:
    """The output that is served: the declared one, else the only one that holds scores."""
    scores = [port for port in graph.outputs if port.type in MATRIX_TYPES or port.type.startswith(ZIPPED)]
    chosen = [port for port in graph.outputs if port.name == declared.output] if declared.output else scores
    listed = ", ".join(map(str, graph.outputs))
    if declared.output and not chosen:
        raise ScorehouseError(
            f"{where}: meta.parameters.output: expected one of the model's outputs ({listed}), found '{declared.output}'; "
            f"choose one."
        )
    if not chosen:
        raise UnknownFormulaError(
            f"an ONNX model without an output of fractions, only {listed}",
            "name the one that is the score in meta.parameters.output",
        )
    if len(chosen) > 1:
        raise ScorehouseError(
            f"{where}: expected meta.parameters.output, since the model has several outputs of numbers ({listed}), found none; "
            f"name the one that is the score."
        )
    port = chosen[0]
    if port not in scores and port.type not in WHOLE_TYPES:
        raise UnknownFormulaError(f"an ONNX model whose output {port} holds no numbers")
    return port


def _count(graph: Graph, spec: Spec, declared: Declared) -> int:
    """How many columns the inputs take together."""
    open_width = len(graph.inputs) == 1 and graph.inputs[0].width is None
    if not open_width:
        return sum(port.width or 1 for port in graph.inputs)
    listed = graph.features or declared.columns or [n for names in (spec.features or {}).values() for n in names]
    if not listed:
        raise UnknownFormulaError(
            f"an ONNX model whose input {graph.inputs[0]} does not say how many columns it takes",
            "list them in parameters.columns",
        )
    return len(listed)


def _texts(graph: Graph, columns: tuple[str, ...], table: pa.Table, where: str) -> tuple[int, ...]:
    """Places of the columns that are texts to the model."""
    widths = input_widths(graph.inputs, len(columns))
    kinds = [port.type for port, wide in zip(graph.inputs, widths, strict=True) for _ in range(wide)]

    places = tuple(place for place, kind in enumerate(kinds) if kind == TEXT_TYPE)
    for place in places:
        found = table.schema.field(columns[place]).type
        if not is_text(found):
            raise ScorehouseError(
                f"{where}: feature {columns[place]}: expected texts, as the model's input takes, found {found}; cast it in the "
                f"select."
            )
    return places


def _unzipped(graph: Graph, output: Port, content: bytes) -> tuple[bytes, str, tuple[str, ...]]:
    """The model, the output that is a matrix of its scores, and the classes of its columns where dictionaries name them."""
    if not output.type.startswith(ZIPPED):
        return content, output.name, ()
    node = next((node for node in graph.parsed.graph.node if output.name in node.output), None)
    if node is None or node.op_type != "ZipMap":
        raise UnknownFormulaError(f"an ONNX model whose output {output} is made by no ZipMap", "convert it with zipmap off")
    changed = type(graph.parsed)()
    changed.CopyFrom(graph.parsed)
    kept = [port for port in changed.graph.output if port.name != output.name]
    nodes = [other for other in changed.graph.node if output.name not in other.output]
    matrix = type(changed.graph.output[0])(name=node.input[0])
    matrix.type.tensor_type.elem_type = 1
    for part, members in (("node", nodes), ("output", [*kept, matrix])):
        copies = [type(member).FromString(member.SerializeToString()) for member in members]
        changed.graph.ClearField(part)
        getattr(changed.graph, part).extend(copies)
    return changed.SerializeToString(), node.input[0], _listed_classes(node)


def _listed_classes(node: object) -> tuple[str, ...]:
    for attribute in node.attribute:
        values = [value.decode() for value in attribute.strings] or list(attribute.ints)
        if attribute.name in CLASS_ATTRIBUTES and values:
            return tuple(class_name(value) for value in values)
    return ()


def _class_names(graph: Graph, width: int) -> tuple[str, ...]:
    """The classes that the graph's nodes or the table behind its label list, if they all say the same."""
    listed = {_listed_classes(node) for node in graph.parsed.graph.node} | set(_looked_up(graph))
    found = {names for names in listed if len(names) == width}
    return next(iter(found)) if len(found) == 1 else ()


def _looked_up(graph: Graph) -> Iterator[tuple[str, ...]]:
    """Constants that a row's class is picked from."""
    constants = {constant.name: constant for constant in graph.parsed.graph.initializer}
    for node in graph.parsed.graph.node:
        constant = constants.get(node.input[0]) if node.op_type in ("ArrayFeatureExtractor", "Gather") and node.input else None
        if constant is not None:
            yield tuple(class_name(value) for value in _values(constant))


def _values(constant: "onnx_package.TensorProto") -> list[str | int]:
    if constant.string_data:
        return [value.decode() for value in constant.string_data]
    raw = np.frombuffer(constant.raw_data, {6: np.int32, 7: np.int64}.get(constant.data_type, np.uint8)).tolist()
    return list(constant.int64_data) or list(constant.int32_data) or raw


def _expect_classes(names: tuple[str, ...], declared: Declared, graph: Graph, width: int, where: str) -> None:
    if not names and not declared.classes:
        raise ScorehouseError(
            f"{where}: expected meta.parameters.classes, since the model has an output {graph.label} and does not list its "
            f"{width} classes, found none; name them in the order of the scores' columns, or the numbers side by side in "
            f"meta.parameters.targets."
        )


def _width(model: bytes, output: str, graph: Graph, table: pa.Table, columns: tuple[str, ...], texts: tuple[int, ...]) -> int:
    """How many columns the output gives for the first rows of the examples; what it declares must be true."""
    rows = _first_rows(table, columns, texts)
    opened = session(model)
    fed = _tensors(graph.inputs, list(rows.values()))
    try:
        found = np.asarray(opened.run([output], fed)[0])
    except Exception as error:
        words = " ".join(str(error).split())[:200]
        raise UnknownFormulaError(f"an ONNX model that onnxruntime refuses to run on the first rows: {words}") from error
    count = len(next(iter(rows.values())))
    if not 0 < found.ndim < 3 or found.shape[0] != count:
        raise UnknownFormulaError(
            f"an ONNX model whose output {output} has the shape {list(found.shape)} for {count} rows",
            "export it so that a row gives a row",
        )
    width = found.shape[1] if found.ndim == 2 else 1
    wanted = next((port.width for port in graph.outputs if port.name == output), None)
    if found.ndim == 2 and wanted not in (None, width):
        raise UnknownFormulaError(f"an ONNX model whose output {output} declares {wanted} columns and gives {width}")
    return width


def _first_rows(table: pa.Table, columns: tuple[str, ...], texts: tuple[int, ...]) -> Mapping[str, Column]:
    """The first examples that lack nothing; one row of zeros and empty texts where there is none."""
    chosen = table.select(list(columns)).drop_null().slice(0, PROBED)
    if not len(chosen):
        return {name: pa.array([""]) if place in texts else np.zeros(1) for place, name in enumerate(columns)}
    kinds = [CATEGORICAL if place in texts else "numeric" for place in range(len(columns))]
    return {name: as_kind(name, chosen[name], kind) for name, kind in zip(columns, kinds, strict=True)}


def _expect_held(inputs: tuple[Port, ...], columns: list[Column]) -> None:
    """Raises RefusedRowsError for rows with what a tensor of texts or whole numbers has no sign for."""
    kinds = [port.type for port, wide in zip(inputs, input_widths(inputs, len(columns)), strict=True) for _ in range(wide)]
    refused = np.zeros(len(columns[0]), bool)
    for kind, values in zip(kinds, columns, strict=True):
        if kind == TEXT_TYPE:
            refused |= np.array([value is None for value in values.to_pylist()], bool)
        elif kind in WHOLE_TYPES:
            refused |= np.array([not _fits(value, *LIMITS[kind]) for value in values.tolist()], bool)
    if refused.any():
        raise RefusedRowsError("NULL among texts or whole numbers, or a number that the input's type does not hold", refused)


def _fits(value: float, low: int, high: int) -> bool:
    return low <= value <= high and float(value).is_integer()


def _tensors(inputs: tuple[Port, ...], columns: list[Column]) -> dict[str, np.ndarray]:
    """What the graph's inputs take of raw columns."""
    widths, start, made = input_widths(inputs, len(columns)), 0, {}
    for port, wide in zip(inputs, widths, strict=True):
        tensors = [_tensor(values, port.type) for values in columns[start : start + wide]]
        made[port.name] = tensors[0] if len(port.shape) == 1 else np.column_stack(tensors)
        start += wide
    return made


def _tensor(values: Column, kind: str) -> np.ndarray:
    if kind in MATRIX_TYPES:
        return values.astype(MATRIX_TYPES[kind])
    if kind == TEXT_TYPE:
        return np.array(values.to_pylist(), object)
    return np.array([int(value) for value in values.tolist()]).astype(WHOLE_TYPES[kind])


def own_scores(
    onnxruntime: ModuleType,
    content: bytes,
    graph: Graph,
    output: Port,
    classes: tuple[str, ...],
    listed: tuple[str, ...],
    where: str,
) -> Predict:
    """onnxruntime's own scores [rows, columns] by the very file, asked for all rows at once, in two parts, and some rows alone.

    Args:
        classes: names in the order of the columns, with which the model's label is compared; empty where it is not.
        listed: those that the file itself lists.

    Raises ScorehouseError when they depend on which rows are asked together, or the model's label is not the class that scores.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    opened = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    asked = [output.name, *([graph.label.name] if graph.label and classes and graph.label != output else [])]

    def run(columns: list[Column]) -> tuple[np.ndarray, np.ndarray | None]:
        found = opened.run(asked, _tensors(graph.inputs, columns))
        return _unpacked(found[0]), np.ravel(found[1]) if len(found) > 1 else None

    def predict(rows: Rows) -> np.ndarray:
        columns = list(rows.unmarked().columns.values())
        _expect_held(graph.inputs, columns)
        scores, labels = run(columns)
        places = np.arange(len(scores))
        some = np.unique(np.linspace(0, len(places) - 1, PROBED).astype(np.int64)).reshape(-1, 1)
        for part in (places[::2], places[1::2], *some) if len(places) > 1 else ():  # one alone has no NULL of another's
            apart = run([_take(values, part) for values in columns])[0]
            if not np.allclose(scores[part], apart, 1e-5, 1e-6, equal_nan=True):
                raise ScorehouseError(
                    f"{where}: expected an ONNX model that scores each row by itself, found scores in {output} that depend on "
                    f"the other rows; export it without what is computed over a batch."
                )
        if labels is not None and scores.shape[1] == len(classes):
            _expect_same_classes(scores, labels, classes, listed, graph, where)
        return scores

    return predict


def _unpacked(found: object) -> np.ndarray:
    """Scores of a matrix, or of a dictionary for each row: float64 [rows, columns]."""
    if isinstance(found, list):
        return np.array([list(row.values()) for row in found], np.float64)
    return np.asarray(found, np.float64).reshape(len(found), -1)


def _take(values: Column, places: np.ndarray) -> Column:
    return values[places] if isinstance(values, np.ndarray) else values.take(pa.array(places))


def _expect_same_classes(
    scores: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], listed: tuple[str, ...], graph: Graph, where: str
) -> None:
    """The label names the class that scores highest: in most rows, since classes may score alike."""
    names = np.array([class_name(label if isinstance(label, str) else int(label)) for label in labels.tolist()])
    codes = [str(code) for code in range(len(classes))]
    if set(names) <= set(codes) and not set(classes) & set(codes):  # declared names of codes
        names = np.array([classes[int(name)] for name in names])
    unknown = sorted(set(names) - set(classes))
    is_scored = np.isfinite(scores).all(axis=1)
    largest, named = scores.argmax(axis=1)[is_scored], names[is_scored]
    counts = np.array([[np.sum((largest == place) & (named == name)) for name in classes] for place in range(len(classes))])
    best = counts[linear_sum_assignment(counts, maximize=True)].sum()  # of all orders of the classes
    if unknown or (len(named) >= PROBED and counts.trace() < best):
        if listed:
            count = int(np.sum(np.array(listed)[largest] != named))
            raise ScorehouseError(
                f"{where}: expected an ONNX model whose output {graph.label.name} names the class that scores highest among "
                f"{', '.join(listed)}, found one that contradicts its own scores in {count:,} of {len(named):,} rows; export it "
                f"with probabilities (SVC: fit it with probability=True), or name the scores' columns in meta.parameters.targets."
            )
        found = f"'{unknown[0]}'" if unknown else f"another order that holds in {best - counts.trace():,} rows more"
        raise ScorehouseError(
            f"{where}: meta.parameters.classes: expected the classes in the order of the scores' columns, so that the output "
            f"{graph.label.name} names the one that scores highest among {', '.join(classes)}, found {found}; correct the order."
        )


def _is_probability(predict: Predict, table: pa.Table, columns: tuple[str, ...], texts: tuple[int, ...], graph: Graph) -> bool:
    """Whether the scores of the first rows are shares of 1."""
    rows = _first_rows(table, columns, texts)
    scores = predict(Rows(rows))
    totals = scores.sum(axis=1) if scores.shape[1] > 1 else np.ones(len(scores))
    return bool(((scores >= 0) & (scores <= 1 + 1e-6)).all() and np.allclose(totals, 1, atol=1e-4))
