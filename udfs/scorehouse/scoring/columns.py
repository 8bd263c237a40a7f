"""Feature columns: Arrow in, what operations calculate with out."""

from collections.abc import Iterable, Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scorehouse.errors import ScorehouseError, first_line

NUMERIC = "numeric"
CATEGORICAL = "categorical"

Column = np.ndarray | pa.Array
"""A numeric column is float64 [rows] with NaN for missing; a categorical one is an Arrow array of texts with nulls."""


class Columns(dict[str, Column]):
    """Columns by name; those that are the rows of one matrix can be taken as that matrix.

    >>> columns = Columns(("a", "b"), np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> columns.take(("a", "b")) is columns.matrix, columns.take(("b",))
    (True, [array([3., 4.])])

    Attributes:
        names: the columns that lie in the matrix, in its order.
        matrix: float64 [names, rows].
    """

    def __init__(self, names: tuple[str, ...] = (), matrix: Sequence[np.ndarray] = ()) -> None:
        super().__init__(zip(names, matrix, strict=True))
        self.names, self.matrix = names, matrix

    def take(self, names: tuple[str, ...]) -> Sequence[Column]:
        """The columns of these names, in their order; without a copy where they are the whole matrix."""
        return self.matrix if names == self.names else [self[name] for name in names]


Features = pa.StructArray | pa.ChunkedArray | pa.Table | Mapping[str, object]
"""Structs of features (read by `structs`), or columns by name."""


def numeric(values: object) -> np.ndarray:
    """Numbers or booleans as float64 [rows]; NULL becomes NaN.

    Takes a NumPy or Arrow array, or a list. Raises pyarrow's ArrowException, and for a NumPy array NumPy's own error, for what
    is no number.

    >>> numeric(pa.array([True, None]))
    array([ 1., nan])
    """
    if isinstance(values, np.ndarray):
        return values.astype(np.float64, copy=False)
    array = one_array(values)
    if pa.types.is_decimal(array.type):  # Arrow rounds otherwise than DuckDB, in whose SQL the value is scored
        return _cast_by_duckdb(array)
    if not pa.types.is_float64(array.type):
        array = array.cast(pa.float64(), safe=False)
    return array.to_numpy(zero_copy_only=False)


def categorical(values: object) -> pa.Array:
    """Texts, whole numbers or booleans as an Arrow array of texts [rows]; NULL stays NULL.

    Raises pyarrow's ArrowException for what has no text.

    >>> categorical(pa.array([1, None])).to_pylist(), categorical([True]).to_pylist()
    (['1', None], ['true'])
    """
    array = one_array(values)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(pa.string())


def kind_of(data_type: pa.DataType) -> str | None:
    """How a column of this type is read unless its model says else: numeric, categorical, or None when it cannot be.

    >>> kind_of(pa.int32()), kind_of(pa.string()), kind_of(pa.date32())
    ('numeric', 'categorical', None)
    """
    if is_number(data_type) or pa.types.is_boolean(data_type) or pa.types.is_null(data_type):
        return NUMERIC
    return CATEGORICAL if is_text(data_type) else None


def is_number(data_type: pa.DataType) -> bool:
    """True for whole, decimal and floating numbers."""
    return pa.types.is_integer(data_type) or pa.types.is_floating(data_type) or pa.types.is_decimal(data_type)


def is_text(data_type: pa.DataType) -> bool:
    """True for texts, enumerations of texts included.

    >>> is_text(pa.string()), is_text(pa.dictionary(pa.int8(), pa.string())), is_text(pa.binary())
    (True, True, False)
    """
    if pa.types.is_dictionary(data_type):
        return is_text(data_type.value_type)
    return pa.types.is_string(data_type) or pa.types.is_large_string(data_type) or pa.types.is_string_view(data_type)


def select(features: pa.Table | Mapping[str, object], kinds: Mapping[str, str]) -> Columns:
    """The columns that a model reads, by name, each as its kind; extra columns are ignored.

    Raises ScorehouseError naming the columns that are missing, or the one that cannot be read as its kind.

    >>> select({"Recency": [1, None], "more": [0, 0]}, {"recency": "numeric"})
    {'recency': array([ 1., nan])}
    """
    is_table = isinstance(features, pa.Table)
    given = dict(zip(features.column_names, features.columns, strict=True)) if is_table else features
    selected = Columns()
    selected.update({name: as_kind(name, values, kinds[name]) for name, values in find(given, kinds).items()})
    return selected


def find(given: Mapping[str, object], names: Iterable[str]) -> dict[str, object]:
    """What is given under each name, upper and lower case alike; raises ScorehouseError naming the columns that are missing.

    >>> find({"Recency": 1, "more": 2}, ["recency"])
    {'recency': 1}
    """
    by_name = {name.lower(): value for name, value in given.items()}
    missing = [name for name in names if name.lower() not in by_name]
    if missing:
        raise ScorehouseError(
            f"score(): expected the feature columns {', '.join(missing)}, found {', '.join(by_name) or 'none'}; "
            f"select them from the snapshots that the model was trained on."
        )
    return {name: by_name[name.lower()] for name in names}


def as_kind(name: str, values: object, kind: str) -> Column:
    """The column of a feature as its kind, `NUMERIC` or `CATEGORICAL`; raises ScorehouseError where Arrow cannot read it so."""
    try:
        return numeric(values) if kind == NUMERIC else categorical(values)
    except pa.ArrowException as error:
        raise ScorehouseError(
            f"score(): feature {name}: expected a column that is read as {kind}, found one that is not ({first_line(error)}); "
            f"select it from the snapshots that the model was trained on."
        ) from None


def category_codes(column: pa.Array, categories: list[str | None]) -> np.ndarray:
    """Position of each value among `categories` as int64 [rows]; the number of categories for a value not among them.

    NULL is found where `categories` has None.

    >>> category_codes(pa.array(["b", None, "c"]), ["a", "b"])
    array([1, 2, 2])
    >>> category_codes(pa.array(["b", None, "c"]), ["a", "b", None])
    array([1, 2, 3])
    """
    positions = pc.index_in(column, value_set=pa.array(categories, pa.string()))
    return pc.fill_null(positions, len(categories)).to_numpy(zero_copy_only=False).astype(np.int64)


def _cast_by_duckdb(array: pa.Array) -> np.ndarray:
    with duckdb.connect() as connection:
        connection.register("given", pa.table({"x": array}))
        found = connection.sql("select cast(x as double) as x from given").to_arrow_table()["x"]
    return one_array(found).to_numpy(zero_copy_only=False)


def one_array(values: object) -> pa.Array:
    """Values as one Arrow array: the chunks of a column joined, a list or NumPy array read."""
    if isinstance(values, pa.ChunkedArray):
        return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
    return values if isinstance(values, pa.Array) else pa.array(values)
