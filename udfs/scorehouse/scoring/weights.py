"""Weights as rows: the one form in which a fitted model is kept."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

WEIGHT = pa.struct(
    [
        ("step", pa.int32()),
        ("operation", pa.string()),
        ("part", pa.string()),
        ("input", pa.string()),
        ("output", pa.string()),
        ("feature", pa.string()),
        ("category", pa.string()),
        ("position", pa.int32()),
        ("node", pa.int32()),
        ("left_node", pa.int32()),
        ("right_node", pa.int32()),
        ("threshold", pa.float64()),
        ("is_missing_left", pa.bool_()),
        ("categories", pa.list_(pa.int32())),
        ("cover", pa.float64()),
        ("value", pa.float64()),
    ]
)
"""One weight.

step, operation: place in the formula and what is done there. part: what this row is to the operation (coefficient,
category, node, ...). input, output: names of the columns it reads and makes. feature: the raw feature (or features,
joined by `*`) behind the input. The rest belongs to the part.
"""

SCHEMA = pa.schema(list(WEIGHT))
"""Columns of a table of weights."""


def rows(part: str, count: int | None = None, **columns: Sequence | np.ndarray) -> pa.Table:
    """A table of weights that are all the same `part`; columns that are not given are NULL.

    Args:
        part: what the weights are to their operation.
        count: number of rows; None for the length of the columns.
        columns: fields of `WEIGHT` by name, [rows] each.

    >>> rows("coefficient", input=["a", "b"], value=[0.5, 2.0]).num_rows
    2
    """
    length = len(next(iter(columns.values()))) if count is None else count
    columns = {"part": [part] * length, **columns}
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(length, field.type) for field in SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def part(table: pa.Table, name: str) -> pa.Table:
    """The rows of one part, in their order.

    >>> table = pa.concat_tables([rows("coefficient", value=[0.5, None]), rows("intercept", value=[2.0])])
    >>> numbers(part(table, "coefficient")), number(table, "intercept")
    (array([0.5, nan]), 2.0)
    """
    return table.filter(pc.equal(table["part"], name))


def texts(table: pa.Table, column: str) -> list[str | None]:
    """A column as Python values, texts in most of them: a list [rows], None for NULL."""
    return table[column].to_pylist()


def numbers(table: pa.Table, column: str = "value") -> np.ndarray:
    """A column as float64 [rows]; NULL becomes NaN."""
    return table[column].cast(pa.float64()).to_numpy()


def number(table: pa.Table, name: str) -> float:
    """The value of a part that has one row; raises IndexError where it has none."""
    return float(part(table, name)["value"][0].as_py())


def integers(table: pa.Table, column: str) -> np.ndarray:
    """A column without NULL as int32 [rows]."""
    return table[column].to_numpy().astype(np.int32)


def as_table(weights: pa.Table | pa.Array | pa.ChunkedArray | list[dict]) -> pa.Table:
    """Weights in any form DuckDB hands them out, as a table of `SCHEMA`.

    A list of dicts may leave out what is NULL. Anything else has every column, in the order of `SCHEMA`; pyarrow raises
    ValueError where it has not.

    >>> number(as_table([{"part": "intercept", "value": 2.0}]), "intercept")
    2.0
    """
    if isinstance(weights, pa.Table):
        return weights.cast(SCHEMA)
    if isinstance(weights, list):
        return pa.Table.from_pylist(weights, schema=SCHEMA)
    chunks = weights.chunks if isinstance(weights, pa.ChunkedArray) else [weights]
    return pa.Table.from_batches([pa.RecordBatch.from_struct_array(chunk) for chunk in chunks]).cast(SCHEMA)
