"""Values as JSON: what JSON's numbers cannot hold is NULL or a text, however deep it stands."""

from duckdb.sqltypes import DuckDBPyType

from scorehouse.names.quoting import identifier, literal
from scorehouse.scratch import type_of

_FLOATS = ("float", "double")
_HUGE = ("hugeint", "uhugeint")
_EXACT_DIGITS = 15
"""Decimal digits that a double, as JSON's numbers are read, always keeps."""


def finite(value: str, data_type: str) -> str:
    """A value without numbers that JSON cannot hold."""
    return f"case when isfinite({value}) then {value} end" if data_type.lower() in _FLOATS else value


def json_sql(value: str, data_type: str) -> str:
    """A value of a DuckDB type as SQL for JSON.

    Numbers that are none (NaN, infinities) are NULL, wide numbers that a double would change are texts, bytes are hexadecimal.
    """
    return _json(value, type_of(data_type), 0)


def _json(value: str, kind: DuckDBPyType, depth: int) -> str:
    if not _needs_care(kind):
        return f"to_json({value})"
    if kind.id in _FLOATS:
        return f"to_json({finite(value, kind.id)})"
    if kind.id == "blob":
        return f"to_json(hex({value}))"
    if kind.id in _HUGE:
        return f"coalesce(to_json(try_cast({value} as bigint)), to_json(cast({value} as varchar)))"
    if _is_wide(kind):
        text = f"cast({value} as varchar)"
        number = f"cast({text} as double)"  # the nearest one, which a cast of the decimal itself may miss
        is_exact = f"try_cast(cast({number} as varchar) as {kind}) is not distinct from {value}"
        return f"case when {is_exact} then to_json({number}) else to_json({text}) end"
    one, children = f"own_value_{depth}", dict(kind.children)
    if kind.id == "struct":
        members = (f"{literal(name)}, {_json(f'{value}.{identifier(name)}', child, depth)}" for name, child in children.items())
        return f"case when {value} is not null then json_object({', '.join(members)}) end"
    if kind.id == "map":
        pair = f"{{'k': cast({one}.key as varchar), 'v': {_json(f'{one}.value', children['value'], depth + 1)}}}"
        return f"to_json(map_from_entries(list_transform(map_entries({value}), lambda {one}: {pair})))"
    return f"to_json(list_transform({value}, lambda {one}: {_json(one, children['child'], depth + 1)}))"


def _needs_care(kind: DuckDBPyType) -> bool:
    """Whether a type holds what `to_json` would change, or write as no JSON."""
    if kind.id in ("struct", "map", "list", "array"):
        return any(_needs_care(child) for name, child in kind.children if name != "size")
    return kind.id in (*_FLOATS, *_HUGE, "blob") or _is_wide(kind)


def _is_wide(kind: DuckDBPyType) -> bool:
    return kind.id == "decimal" and dict(kind.children)["precision"] > _EXACT_DIGITS
