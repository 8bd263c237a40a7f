"""Models in the Open Neural Network Exchange format."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa
from typing_extensions import override

from scorehouse.errors import ScorehouseError
from scorehouse.scoring import weights
from scorehouse.scoring.columns import Column
from scorehouse.scoring.steps.operation import WithoutSql


@dataclass(frozen=True, eq=False)
class Onnx(WithoutSql):
    """The last columns of one output of an ONNX model over one matrix of numbers; onnxruntime runs it.

    The matrix [rows, inputs] is float64 where the model takes doubles, else float32; what comes out is kept as float64.

    Attributes:
        model: the file's bytes.
        output: name of the model's output, a matrix with a column for each of `outputs` at its end.
    """

    name = "onnx"
    model: bytes
    output: str

    @cached_property
    def _session(self) -> object:
        return session(self.model)

    @override
    def apply(self, columns: Sequence[Column]) -> list[np.ndarray]:
        """Output columns, float64 [rows] each.

        Raises ScorehouseError when onnxruntime is not installed, or refuses the rows.
        """
        given = self._session.get_inputs()[0]
        kind = np.float64 if given.type == "tensor(double)" else np.float32
        matrix = np.column_stack(list(columns)).astype(kind)
        if not len(matrix):
            return [np.zeros(0)] * len(self.outputs)
        try:
            found = self._session.run([self.output], {given.name: matrix})[0]
        except Exception as error:  # onnxruntime's own, which have no common class
            words = " ".join(str(error).split())
            raise ScorehouseError(
                f"score(): expected rows that the ONNX model takes, found some that onnxruntime refuses: {words[:300]}; "
                f"use an estimator whose formula is known."
            ) from error
        found = np.asarray(found, np.float64).reshape(len(matrix), -1)
        return list(found[:, -len(self.outputs) :].T)

    @override
    def rows(self) -> pa.Table:
        text = base64.b64encode(self.model).decode()
        return pa.concat_tables(
            [
                weights.rows("input", input=self.inputs),
                weights.rows("output", output=self.outputs),
                weights.rows("model", category=[text]),
                weights.rows("name", category=[self.output]),
            ]
        )

    @override
    @classmethod
    def from_rows(cls, table: pa.Table) -> Self:
        inputs = weights.texts(weights.part(table, "input"), "input")
        outputs = weights.texts(weights.part(table, "output"), "output")
        model, output = (weights.part(table, name)["category"][0].as_py() for name in ("model", "name"))
        return cls(tuple(inputs), tuple(outputs), base64.b64decode(model), output)


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
