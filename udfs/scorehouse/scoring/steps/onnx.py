"""Models in the Open Neural Network Exchange format."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from typing_extensions import override

from scorehouse.cached import cached_property
from scorehouse.errors import ScorehouseError
from scorehouse.scoring import weights
from scorehouse.scoring.columns import Column
from scorehouse.scoring.steps.operation import WithoutSql

MATRIX_TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}
WHOLE_TYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(bool)": np.bool_}
RANGES = {"tensor(int64)": (-(2.0**53), 2.0**53), "tensor(int32)": (-(2.0**31), 2.0**31 - 1), "tensor(bool)": (0.0, 1.0)}
"""The whole numbers that an input holds; beyond 2**53 a double is no exact one."""

TEXT_TYPE = "tensor(string)"


@dataclass(frozen=True, eq=False)
class Onnx(WithoutSql):
    """Columns of one output of an ONNX model; onnxruntime runs it.

    The model's inputs take the columns from left to right, each as many as it is wide. A row that onnxruntime refuses has no
    score, as one that an input cannot hold: texts and whole numbers know no NULL.

    Attributes:
        model: the file's bytes.
        output: name of the model's output, a matrix, or one number a row.
        width: how many columns that has; None for as many as there are.
        places: which of them are `outputs`; empty for the last ones.
    """

    name = "onnx"
    model: bytes
    output: str
    width: int | None = None
    places: tuple[int, ...] = ()

    @cached_property
    def _session(self) -> object:
        return session(self.model)

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        """Output columns, float64 [rows] each; NaN for a row that onnxruntime refuses."""
        rows = len(columns[0])
        found = np.full((rows, len(self.outputs)), np.nan)
        takes, fed = _fed(self._session.get_inputs(), columns)
        for places, scores in self._run(fed, np.flatnonzero(takes)):
            found[places] = scores
        return list(found.T)

    def _run(self, fed: dict[str, np.ndarray], places: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows with their scores, halved until onnxruntime takes them; a row that it refuses is left out."""
        if not len(places):
            return
        try:
            raw = self._session.run([self.output], {name: values[places] for name, values in fed.items()})[0]
        except Exception:  # onnxruntime's own, which have no common class
            for part in np.array_split(places, 2) if len(places) > 1 else []:
                yield from self._run(fed, part)
            return
        yield places, self._chosen(np.asarray(raw, np.float64), len(places))

    def _chosen(self, raw: np.ndarray, rows: int) -> np.ndarray:
        """The served columns [rows, outputs]; raises ScorehouseError when the output has another shape than that proved."""
        shaped = raw.reshape(rows, -1) if raw.ndim and raw.shape[0] == rows else raw
        if shaped.ndim != 2 or (self.width is not None and shaped.shape[1] != self.width):
            raise ScorehouseError(
                f"score(): expected {self.width or 'some'} columns for each of {rows} rows in output '{self.output}' of the ONNX "
                f"model, found the shape {list(raw.shape)}; export it again."
            )
        return shaped[:, list(self.places)] if self.places else shaped[:, -len(self.outputs) :]

    @override
    def rows(self) -> pa.Table:
        text = base64.b64encode(self.model).decode()
        places = self.places or [None] * len(self.outputs)
        width = [] if self.width is None else [weights.rows("width", position=[self.width])]
        return pa.concat_tables(
            [
                weights.rows("input", input=self.inputs),
                weights.rows("output", output=self.outputs, position=places),
                weights.rows("model", category=[text]),
                weights.rows("name", category=[self.output]),
                *width,
            ]
        )

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        inputs = weights.texts(weights.part(table, "input"), "input")
        outputs = weights.part(table, "output")
        model, output = (weights.part(table, name)["category"][0].as_py() for name in ("model", "name"))
        width = weights.texts(weights.part(table, "width"), "position")
        places = tuple(place for place in weights.texts(outputs, "position") if place is not None)
        names = tuple(weights.texts(outputs, "output"))
        return cls(tuple(inputs), names, base64.b64decode(model), output, width[0] if width else None, places)


def input_widths(inputs: Sequence[object], columns: int) -> list[int]:
    """How many of the columns each input takes: a lone one takes all, others as many as they declare, or one."""
    if len(inputs) == 1:
        return [columns]
    return [given.shape[1] if len(given.shape) > 1 and isinstance(given.shape[1], int) else 1 for given in inputs]


def _fed(inputs: Sequence[object], columns: Sequence[Column]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Which rows the inputs can hold, bool [rows], and what each input is fed: [rows, width], or [rows] if it has no width."""
    takes, fed, start = np.ones(len(columns[0]), bool), {}, 0
    for given, wide in zip(inputs, input_widths(inputs, len(columns)), strict=True):
        chosen, start = columns[start : start + wide], start + wide
        if given.type in MATRIX_TYPES:
            values = np.column_stack(list(chosen)).astype(MATRIX_TYPES[given.type])
        else:
            takes = np.logical_and.reduce([takes, *(_holds(column, given.type) for column in chosen)])
            values = np.column_stack([_exact(column, given.type) for column in chosen])
        fed[given.name] = values[:, 0] if len(given.shape) == 1 else values
    return takes, fed


def _holds(column: Column, kind: str) -> np.ndarray:
    """Rows whose value is there, and a whole number that the type holds where it is a number: bool [rows]."""
    if kind == TEXT_TYPE:
        return column.is_valid().to_numpy(zero_copy_only=False)
    low, high = RANGES[kind]
    return (column == np.trunc(column)) & (column >= low) & (column <= high)


def _exact(column: Column, kind: str) -> np.ndarray:
    if kind == TEXT_TYPE:
        return np.array(column.fill_null("").to_pylist(), object)
    return np.where(_holds(column, kind), column, 0).astype(WHOLE_TYPES[kind])


def session(model: bytes) -> object:
    """An onnxruntime session of a model's bytes, on one thread of the processor.

    Raises ScorehouseError when onnxruntime is not installed, and onnxruntime's own error for bytes that it cannot read.
    """
    try:
        import onnxruntime  # an optional extra
    except ImportError:
        raise ScorehouseError(
            "score(): expected the package onnxruntime for a model in ONNX form, found none; install scorehouse[onnx]."
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
