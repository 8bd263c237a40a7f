"""Examples as a model trains on them: features by group, labels, times, in a fixed order."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scorehouse.cached import cached_property
from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.spec import LONGEST_HORIZON, Spec
from scorehouse.scoring import columns
from scorehouse.scoring.columns import CATEGORICAL, NUMERIC

PASSTHROUGH = "passthrough"
"""The group whose numbers reach the estimator as they are."""


@dataclass(frozen=True)
class Feature:
    """An input of a model.

    Attributes:
        name: its column.
        type: DuckDB type of the column in the examples.
        group: the group of meta.features whose preprocessing it gets; its kind where features are not declared.
        kind: numeric or categorical.
    """

    name: str
    type: str
    group: str
    kind: str


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows in a fixed order (time, key, label, weight, slices, group, features), with what each column means.

    >>> spec = Spec("sklearn.linear_model.Ridge", label="amount", key=("id",))
    >>> examples = Examples.read(pa.table({"id": [2, 1], "age": [40, None], "amount": [5.0, 7.0]}), spec, "an example")
    >>> examples.columns, examples.label
    ({'age': array([nan, 40.])}, array([7., 5.]))

    Attributes:
        table: all columns; enumerations as texts.
        features: the inputs, group by group.
        spec: the declaration.
        where: the model's file, for messages.
    """

    table: pa.Table
    features: tuple[Feature, ...]
    spec: Spec
    where: str

    @classmethod
    def read(cls, table: pa.Table, spec: Spec, where: str) -> Self:
        """Check and order a table of examples.

        A horizon that a column says is a number from here on.
        Raises ScorehouseError for a column that is missing, a feature whose type cannot be used, that is named twice or is the
        label itself, no feature at all, and a label, weight or horizon that is NULL or not a finite number, or one of the latter
        below 0.

        Args:
            table: what the model's select gave, rows in any order.
            spec: the declaration.
            where: the model's file, for messages.
        """
        time, *horizon = _of_split(spec) or [None]
        named = [*_one(time), *spec.key, *_one(spec.label), *_one(spec.weight), *spec.slices, *_one(spec.group), *horizon]
        _expect_columns(table, [*named, *spec.separating], where)
        table = plain(table)
        features = _features(table, spec, where)
        _expect_labels(table, spec, where)
        _expect_weights(table, spec, where)
        spec = _with_known_horizon(table, spec, where)
        order = dict.fromkeys([*named, *(feature.name for feature in features)])
        return cls(table.sort_by([(name, "ascending") for name in order]), features, spec, where)

    def __len__(self) -> int:
        return self.table.num_rows

    def take(self, rows: np.ndarray) -> Self:
        """Some of the rows: those that are True of bool [rows], in the same order, or positions, in theirs."""
        positions = np.flatnonzero(rows) if rows.dtype == bool else rows
        return type(self)(self.table.take(pa.array(positions)), self.features, self.spec, self.where)

    @property
    def kinds(self) -> dict[str, str]:
        """Kind of each feature, numeric or categorical, by name."""
        return {feature.name: feature.kind for feature in self.features}

    @cached_property
    def columns(self) -> dict[str, columns.Column]:
        """The features by name: float64 [rows] with NaN for NULL, or Arrow texts [rows]."""
        return columns.select(self.table, self.kinds)

    @cached_property
    def times(self) -> np.ndarray:
        """The time of each example as datetime64[us] [rows].

        Raises ScorehouseError where the column of split.time is neither dates nor timestamps, or has a NULL.
        """
        values = self.table[self.spec.split.time]
        if not pa.types.is_temporal(values.type) or values.null_count:
            found = f"{values.null_count} NULLs" if pa.types.is_temporal(values.type) else str(values.type)
            raise ScorehouseError(
                f"{self.where}: column {self.spec.split.time}: expected a date or timestamp in every example, "
                f"found {found}; split.time must be the examples' as-of time."
            )
        return values.cast(pa.timestamp("us")).to_numpy()

    @cached_property
    def label(self) -> np.ndarray:
        """The label as float64 [rows] where it is a number or boolean, else as NumPy texts [rows]."""
        values = self.table[self.spec.label]
        if columns.kind_of(values.type) == NUMERIC:
            return columns.numeric(values)
        return np.array(columns.categorical(values).to_pylist(), str)

    @cached_property
    def weight(self) -> np.ndarray | None:
        """Example weights as float64 [rows], each at least 0; None where none are declared."""
        return columns.numeric(self.table[self.spec.weight]) if self.spec.weight else None

    @cached_property
    def groups(self) -> np.ndarray:
        """Whom each example is about: the rank of its group, or first key, among the distinct ones, int64 [rows] from 1 on.

        Without either, and where it is NULL, an example is about somebody else than every other.
        """
        name = self.spec.group or next(iter(self.spec.key), None)
        if name is None:
            return np.arange(len(self))
        ranks = pc.rank(self.table[name], tiebreaker="dense").to_numpy().astype(np.int64)
        is_unknown = self.table[name].is_null().to_numpy()
        return np.where(is_unknown, ranks + np.cumsum(is_unknown), ranks)


def _features(table: pa.Table, spec: Spec, where: str) -> tuple[Feature, ...]:
    if spec.features is not None:
        _expect_columns(table, [name for names in spec.features.values() for name in names], where)
        chosen = [(name, group) for group, names in spec.features.items() for name in names]
    else:
        taken = {
            *spec.key,
            *_one(spec.label),
            *_one(spec.weight),
            *_one(spec.group),
            *spec.slices,
            *_of_split(spec),
        }
        chosen = [(name, None) for name in table.column_names if name not in taken]
    repeated = [name for name, _ in chosen if [other for other, _ in chosen].count(name) > 1]
    if spec.label in [name for name, _ in chosen]:
        raise ScorehouseError(
            f"{where}: meta.features: expected what is known before the label, found the label {spec.label} itself; leave it out."
        )
    if repeated:
        raise ScorehouseError(
            f"{where}: meta.features: expected every feature once, found {repeated[0]} twice; keep it in one group."
        )
    if not chosen:
        raise ScorehouseError(f"{where}: expected at least one feature column, found none; select features beside the key.")
    found = [_feature(table.schema.field(name), group, spec, where) for name, group in chosen]
    order = [*(spec.features or {}), NUMERIC, CATEGORICAL]
    return tuple(sorted(found, key=lambda feature: order.index(feature.group)))


def _feature(field: pa.Field, group: str | None, spec: Spec, where: str) -> Feature:
    natural = columns.kind_of(field.type)
    declared = spec.preprocessing.get(group) if group else None
    is_encoded = group == CATEGORICAL or (isinstance(declared, dict) and "encode" in declared)
    kind = CATEGORICAL if is_encoded else natural
    is_float = pa.types.is_floating(field.type) or pa.types.is_decimal(field.type)
    if natural is None or (kind == CATEGORICAL and is_float) or (group == NUMERIC and natural == CATEGORICAL):
        expected = {CATEGORICAL: "text, a whole number or a boolean", NUMERIC: "a number or a boolean"}
        wanted = CATEGORICAL if is_encoded else group
        raise ScorehouseError(
            f"{where}: feature {field.name}: expected {expected.get(wanted, 'a number, a boolean or text')}, "
            f"found {duckdb_type(field.type)}; cast it in the select, derive a number from it, or name the features in meta."
        )
    return Feature(field.name, duckdb_type(field.type), group or kind, kind)


def duckdb_type(data_type: pa.DataType) -> str:
    """Name of an Arrow type in DuckDB, as far as features have such types; else Arrow's own name.

    >>> duckdb_type(pa.int32()), duckdb_type(pa.string()), duckdb_type(pa.date32())
    ('INTEGER', 'VARCHAR', 'DATE')
    """
    if columns.is_text(data_type):
        return "VARCHAR"
    if pa.types.is_decimal(data_type):
        return f"DECIMAL({data_type.precision},{data_type.scale})"
    if pa.types.is_timestamp(data_type):
        return "TIMESTAMP" if data_type.tz is None else "TIMESTAMP WITH TIME ZONE"
    names = {
        "bool": "BOOLEAN", "int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT",
        "uint8": "UTINYINT", "uint16": "USMALLINT", "uint32": "UINTEGER", "uint64": "UBIGINT",
        "float": "FLOAT", "double": "DOUBLE", "date32[day]": "DATE",
    }  # fmt: skip
    return names.get(str(data_type), str(data_type).upper())


def plain(table: pa.Table) -> pa.Table:
    """The table with enumerations as texts."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table[place].cast(field.type.value_type))
    return table


def _expect_labels(table: pa.Table, spec: Spec, where: str) -> None:
    if not spec.label:
        return
    values = table[spec.label]
    known = pc.is_finite(values) if pa.types.is_floating(values.type) else pc.is_valid(values)
    found = len(values) - (pc.sum(known).as_py() or 0)
    if found:
        raise ScorehouseError(
            f"{where}: column {spec.label}: expected a label in every example, found {found} of {len(values)} NULL or not a "
            f"finite number; leave out examples whose label is not known yet."
        )


def _expect_weights(table: pa.Table, spec: Spec, where: str) -> None:
    if not spec.weight:
        return
    values = table[spec.weight]
    is_number = columns.kind_of(values.type) == NUMERIC
    found = columns.numeric(values) if is_number else np.zeros(0)
    if not is_number or not (np.isfinite(found) & (found >= 0)).all():
        what = duckdb_type(values.type) if not is_number else "one that is NULL, negative or infinite"
        raise ScorehouseError(
            f"{where}: column {spec.weight}: expected a weight of at least 0 in every example, found {what}; correct it."
        )


def _of_split(spec: Spec) -> list[str]:
    return [spec.split.time, *_one(spec.split.horizon_column)] if spec.split else []


def _with_known_horizon(table: pa.Table, spec: Spec, where: str) -> Spec:
    column = spec.split.horizon_column if spec.split else None
    if column is None:
        return spec
    values = table[column]
    is_number = columns.kind_of(values.type) == NUMERIC
    days = columns.numeric(values) if is_number else np.zeros(0)
    if not is_number or not (np.isfinite(days) & (days >= 0) & (days < LONGEST_HORIZON)).all():
        found = "one that is NULL, negative or larger" if is_number else duckdb_type(values.type)
        raise ScorehouseError(
            f"{where}: column {column}: expected a number of days below {LONGEST_HORIZON} in every example, as "
            f"meta.split.horizon_days names it, found {found}; correct it."
        )
    return replace(spec, split=replace(spec.split, horizon_days=float(days.max(initial=0))))


def _expect_columns(table: pa.Table, names: list[str], where: str) -> None:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise ScorehouseError(
            f"{where}: expected the column{'s' * (len(missing) > 1)} {', '.join(missing)} in the examples, "
            f"found {', '.join(table.column_names)}; select what is missing, or correct its name in meta."
        )


def _one(name: str | None) -> list[str]:
    return [name] if name else []
