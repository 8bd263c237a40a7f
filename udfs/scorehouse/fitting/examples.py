"""Examples: which rows train, which test, and which columns are features."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scorehouse.errors import ScorehouseError
from scorehouse.fitting.spec import Spec, Split
from scorehouse.formulas.formula import Feature


@dataclass(frozen=True)
class Examples:
    """Examples in a fixed order, cut in time.

    Attributes:
        train, test: tables; their times are `train_times` and `test_times`, oldest first.
        features: the inputs.
    """

    train: pa.Table
    test: pa.Table
    train_times: list[datetime]
    test_times: list[datetime]
    features: tuple[Feature, ...]


def prepare(table: pa.Table, spec: Spec, where: str) -> Examples:
    """Order examples by key, cut them in time and find the features; raises ScorehouseError for columns that are not there."""
    for name in (spec.label, spec.split.time, *spec.key, *(name for names in spec.features.values() for name in names)):
        if name not in table.column_names:
            raise ScorehouseError(
                f"{where}: expected the column {name}, found {', '.join(table.column_names)}; select it."
            )
    if table.column(spec.label).null_count:
        raise ScorehouseError(
            f"{where}: label {spec.label}: expected a value in every row, found {table.column(spec.label).null_count} NULLs; "
            f"leave out examples whose label is not known yet."
        )
    table = table.sort_by([(name, "ascending") for name in dict.fromkeys((spec.split.time, *spec.key))])
    times = sorted(pc.unique(table.column(spec.split.time)).to_pylist())
    train_times, test_times = cut(times, spec.split)
    parts = (
        table.filter(pc.is_in(table.column(spec.split.time), _set(table, spec, part)))
        for part in (train_times, test_times)
    )
    return Examples(*parts, train_times, test_times, _features(table, spec, where))


def cut(times: list[datetime], split: Split) -> tuple[list[datetime], list[datetime]]:
    """Training and test times: no training label reaches into the test.

    >>> months = [datetime(2011, month, 1) for month in range(1, 10)]
    >>> train, test = cut(months, Split("as_of", test_periods=1, train_periods=3, horizon_days=90))
    >>> [time.month for time in train], [time.month for time in test]
    ([4, 5, 6], [9])
    """
    test = times[-split.test_periods :]
    train = [time for time in times if test and time < test[0] and time + split.horizon <= test[0]]
    return train[-split.train_periods :] if split.train_periods else train, test


def label_values(table: pa.Table, label: str) -> np.ndarray:
    """Labels as float64, shape (n,)."""
    return table.column(label).cast(pa.float64()).to_numpy()


def _set(table: pa.Table, spec: Spec, times: list[datetime]) -> pa.Array:
    return pa.array(times, type=table.column(spec.split.time).type)


def _features(table: pa.Table, spec: Spec, where: str) -> tuple[Feature, ...]:
    if spec.features:
        found = tuple(
            Feature(name, group) for group in ("numeric", "categorical") for name in spec.features.get(group, ())
        )
    else:
        rest = [name for name in table.column_names if name not in {spec.label, spec.split.time, *spec.key}]
        found = tuple(Feature(name, _group(table.schema.field(name).type)) for name in rest)
    if not found:
        raise ScorehouseError(
            f"{where}: expected at least one feature, found none beside key, label and time; select some."
        )
    for feature in found:
        if feature.group == "numeric" and _group(table.schema.field(feature.name).type) != "numeric":
            kind = table.schema.field(feature.name).type
            raise ScorehouseError(
                f"{where}: feature {feature.name}: expected a number, found {kind}; list it as categorical."
            )
    return found


def _group(kind: pa.DataType) -> str:
    is_numeric = (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    )
    return "numeric" if is_numeric else "categorical"
