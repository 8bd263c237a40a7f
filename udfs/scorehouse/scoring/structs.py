"""Structs of features, one for each row, as DuckDB hands them to a function; and the scores that it takes back.

A batch is 2,048 rows at most, and taking twenty fields apart in Python takes longer than scoring them; all of it under the lock
that lets one thread run Python at a time. So compiled code reads the numbers where they lie, through Arrow's C data interface
(https://arrow.apache.org/docs/format/CDataInterface.html). It takes microseconds and keeps the lock: who gives it up may wait
for it until another thread was woken and is done.
"""

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import types
from numba.extending import intrinsic

from scorehouse.scoring import columns
from scorehouse.scoring.columns import NUMERIC, Columns

_address_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))

OFFSET, BUFFERS, CHILDREN = 2, 5, 6
"""Places in Arrow's C struct of an array, in words of eight bytes."""

BITMAP, VALUES = 0, 1
"""Buffers of an array: which values are there, one bit each, and the values."""


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the columns that a model reads lie in structs of one type.

    >>> data_type = pa.struct({"more": pa.int64(), "Recency": pa.float64(), "country": pa.string()})
    >>> layout = Layout.of(data_type, {"recency": "numeric", "country": "categorical"})
    >>> layout.doubles, layout.places, layout.others
    (('recency',), array([1]), (('country', 'categorical', 2),))

    Attributes:
        data_type: of the structs.
        doubles: features that are fields of type DOUBLE.
        places: int64 [doubles], the places of those fields.
        others: every other feature: (name, kind, place).
    """

    data_type: pa.StructType
    doubles: tuple[str, ...]
    places: np.ndarray
    others: tuple[tuple[str, str, int], ...]

    @classmethod
    def of(cls, data_type: pa.StructType, kinds: Mapping[str, str]) -> Self:
        """The layout of features, given as kinds by name; raises ScorehouseError naming those that are missing."""
        places = {field.name: place for place, field in enumerate(data_type)}
        found = columns.find(places, kinds)
        is_double = {
            name: kind == NUMERIC and pa.types.is_float64(data_type.field(found[name]).type) for name, kind in kinds.items()
        }
        doubles = tuple(name for name in kinds if is_double[name])
        others = tuple((name, kind, found[name]) for name, kind in kinds.items() if not is_double[name])
        return cls(data_type, doubles, np.array([found[name] for name in doubles], np.int64), others)


class StructReader:
    """Reads the columns of one model from structs.

    >>> reader = StructReader({"recency": "numeric"})
    >>> reader.read(pa.array([{"recency": 1.5, "more": 0}, {"recency": None, "more": 0}]))
    {'recency': array([1.5, nan])}

    Args:
        kinds: numeric or categorical, by feature.
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = kinds
        self._layout: Layout | None = None

    def read(self, features: pa.StructArray | pa.ChunkedArray) -> Columns:
        """The model's columns by name; a struct that is NULL counts as a struct of NULLs, more fields are ignored.

        Numbers that are DOUBLE in the structs are the rows of one matrix, float64 [names, rows]. Raises ScorehouseError naming
        the columns that are missing, or the one that cannot be read as its kind.
        """
        structs = columns.one_array(features)
        layout = self._layout
        if layout is None or not layout.data_type.equals(structs.type):
            layout = self._layout = Layout.of(structs.type, self._kinds)
        read = Columns(layout.doubles, _doubles(structs, layout.places))
        for name, kind, place in layout.others:
            read[name] = columns.as_kind(name, pc.struct_field(structs, [place]), kind)
        return read


def _doubles(structs: pa.StructArray, places: np.ndarray) -> np.ndarray:
    """float64 [places, rows]: fields of type DOUBLE, NaN where the field or its struct is NULL."""
    matrix = np.empty((len(places), len(structs)))
    _, capsule = structs.__arrow_c_array__()
    _read(_address_of(capsule, b"arrow_array"), places, matrix)
    return matrix


def as_arrow(scores: np.ndarray) -> pa.Array:
    """Scores, float64 [rows], as Arrow takes them: without a copy, unless some are NaN, which become NULL.

    >>> as_arrow(np.array([0.5, np.nan])).to_pylist()
    [0.5, None]
    """
    numbers = np.ascontiguousarray(scores, np.float64)
    if _has_nan(numbers):
        return pa.array(numbers, from_pandas=True)
    return pa.Array.from_buffers(pa.float64(), len(numbers), [None, pa.py_buffer(numbers)])


@intrinsic
def _pointer(context, address):
    """A pointer to words from an address."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.int64)(types.intp), generate


@numba.njit(cache=True)
def _read(address, places, matrix):
    """matrix: float64 [places, rows], the fields at `places` of the structs whose C struct is at `address`."""
    structs = _pointer(address)
    start, bitmap, fields = structs[OFFSET], _pointer(structs[BUFFERS])[BITMAP], _pointer(structs[CHILDREN])
    for p in range(len(places)):
        field = _pointer(fields[places[p]])
        begin, buffers = start + field[OFFSET], _pointer(field[BUFFERS])
        _copy(_pointer(buffers[VALUES]), begin, matrix[p])
        _blank(buffers[BITMAP], begin, matrix[p])
        _blank(bitmap, start, matrix[p])


@numba.njit(cache=True)
def _copy(values, begin, numbers):
    source = numba.carray(values, begin + len(numbers)).view(np.float64)[begin:]
    for i in range(len(numbers)):
        numbers[i] = source[i]


@numba.njit(cache=True)
def _blank(bitmap, begin, numbers):
    """NaN where a bit of the bitmap, if there is one, is 0; eight rows at once where all are there."""
    if bitmap == 0:
        return
    bits = numba.carray(_pointer(bitmap), ((begin + len(numbers)) >> 6) + 1).view(np.uint8)
    i = 0
    while i < len(numbers):
        rest = bits[(begin + i) >> 3] >> ((begin + i) & 7)
        if rest == 255:
            i += 8
            continue
        if not rest & 1:
            numbers[i] = np.nan
        i += 1


@numba.njit(cache=True)
def _has_nan(numbers):
    found = False
    for i in range(len(numbers)):
        found |= numbers[i] != numbers[i]
    return found
