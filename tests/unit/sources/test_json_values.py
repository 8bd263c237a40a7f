"""Nested values of any type become JSON that any reader reads, with nothing lost that JSON can hold."""

import json
import math
from decimal import Decimal

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from scorehouse.sources.json_values import json_sql

LEAVES = [
    (pa.float64(), st.floats()),
    (pa.float32(), st.floats(width=32)),
    (pa.decimal128(38, 2), st.decimals(-(10**30), 10**30, places=2)),
    (pa.decimal128(15, 2), st.decimals(-(10**12), 10**12, places=2)),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.string(), st.text(st.characters(exclude_categories=["Cs"]), max_size=5)),
    (pa.binary(), st.binary(max_size=5)),
    (pa.bool_(), st.booleans()),
]


def columns(depth: int = 2) -> st.SearchStrategy[tuple[pa.DataType, list]]:
    """A type and values of it, some of them NULL."""
    return types(depth).flatmap(lambda drawn: st.tuples(st.just(drawn[0]), st.lists(drawn[1], min_size=1, max_size=4)))


def types(depth: int) -> st.SearchStrategy[tuple[pa.DataType, st.SearchStrategy]]:
    leaves = st.sampled_from(LEAVES).map(lambda leaf: (leaf[0], st.none() | leaf[1]))
    if depth == 0:
        return leaves
    below = types(depth - 1)
    lists = below.map(lambda one: (pa.list_(one[0]), st.none() | st.lists(one[1], max_size=3)))
    structs = st.lists(below, min_size=1, max_size=3).map(
        lambda members: (
            pa.struct([(f"Member {place}", kind) for place, (kind, _) in enumerate(members)]),
            st.none() | st.fixed_dictionaries({f"Member {place}": value for place, (_, value) in enumerate(members)}),
        )
    )
    maps = below.map(lambda one: (pa.map_(pa.string(), one[0]), st.none() | st.dictionaries(st.sampled_from("ab"), one[1])))
    return leaves | lists | structs | maps


class _Told:
    """A wide number, told as a number or a text that says it exactly."""

    def __init__(self, value: Decimal) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return Decimal(str(other)) == self._value


def expected(value: object, kind: pa.DataType) -> object:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, Decimal):
        return _Told(value)
    if pa.types.is_list(kind):
        return [expected(one, kind.value_type) for one in value]
    if pa.types.is_struct(kind):
        return {field.name: expected(value[field.name], field.type) for field in kind}
    if pa.types.is_map(kind):
        return {name: expected(one, kind.item_type) for name, one in value.items()}
    return value


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


@settings(max_examples=150)
@given(columns())
def test_what_is_nested_becomes_json_that_any_reader_reads(column: tuple[pa.DataType, list]) -> None:
    kind, values = column
    rows = pa.table({"value": pa.array(values, kind)})
    with duckdb.connect() as reader:
        reader.register("rows", rows)
        ((_, found, *_),) = reader.execute("describe rows").fetchall()
        texts = [row[0] for row in reader.execute(f"select cast({json_sql('value', found)} as varchar) from rows").fetchall()]
    read = [None if text is None else json.loads(text, parse_constant=refuse) for text in texts]
    assert read == [expected(value, kind) for value in values]
