"""How files are landed without people's data: DuckDB says which cells could hold some, and Python reads these, member by member.

What is masked is what Python read, written anew: nothing can look harmless to one reader and be something else to another.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from scorehouse.names.quoting import identifier, literal
from scorehouse.sources import cells
from scorehouse.sources.keyed import Key
from scorehouse.sources.personal import BLANK, Personal, has_address, is_missing, pseudonym
from scorehouse.store.details import Column

ADDRESSES = " (e-mail addresses)"
"""What is told of a column in which only these are masked."""

NOT_SHOWN = "(not shown)"
"""What stands for a cell that cannot be read, where it may be a person's."""

MOST_TOLD = 50
"""So many members of a column are told of."""

MARKS = ["@", "%40", "%2540", "&#", "&commat", "u0040", "x40", "\uff20", "\ufe6b"]
"""Without any of these a cell holds no address."""

_OBJECTS = ["{", "["]
"""Without any of these it has no members."""

_INNER = r'"(?:\\u[0-9a-fA-F]{4}|\\.|[^\w,:{}\]])*[{\[]'
"""Begins in an object, as JSON, a text that may have members: blanks and quotes may stand before them."""


def column_of(masked: str, columns: Iterable[str]) -> str | None:
    """In which column of a landed table stands what was masked of its files; None where it has no such column.

    >>> column_of("email", ["email", "properties"]), column_of("note.phone", ["properties"]), column_of("phone", ["email"])
    ('email', 'properties', None)
    """
    name, known = masked.removesuffix(ADDRESSES).lower(), {column.lower(): column for column in columns}
    return known.get(name) or known.get(name.split(".")[0]) or known.get("properties")


def mask(
    reader: duckdb.DuckDBPyConnection,
    personal: Personal,
    declared: Mapping[str, Column],
    own: Iterable[str],
    fault: str,
    key: Key | None,
) -> list[str]:
    """Make the view `raw` the same rows without people's data; returns what was masked: `email`, `properties.phone`.

    Args:
        declared: declared columns that files may have, by name in lower case.
        own: columns that say where a row comes from: these stay.
        fault: the column that says what is wrong with a whole row. Which of its cells is whose is not known: none is kept.
        key: makes pseudonyms; without one people's data are dropped.
    """
    kinds = {name: kind for name, kind, *_ in reader.execute("describe raw").fetchall()}
    columns = [
        _Masked(personal, key, name, kind, declared.get(name.lower()))
        for name, kind in kinds.items()
        if name not in (*own, fault)
    ]
    values = {name: identifier(name) for name in kinds}
    suspect = _suspect(reader, columns)
    with _called(reader, [column for column, is_suspect in suspect if is_suspect or column.is_personal]) as functions:
        for column in columns:
            if has_address(column.name):  # a file without a header has a person's data there
                del values[column.name]
                continue
            if column.name in functions:
                values[column.name] = column.sql(functions[column.name])
            if fault in kinds and personal:
                values[column.name] = f"case when {identifier(fault)} is null then {values[column.name]} end"
        if values == {name: identifier(name) for name in kinds}:
            return []
        listed = ", ".join(f"{value} as {identifier(name)}" for name, value in values.items())
        reader.execute(f"create or replace temp table masked as select {listed} from raw")
        reader.execute("create or replace temp view raw as from masked")
    told = ["columns named by e-mail addresses"] if len(values) < len(kinds) else []
    return [*(path for column in columns if column.name in values for path in column.told()), *told]


@contextmanager
def _called(reader: duckdb.DuckDBPyConnection, columns: Iterable["_Masked"]) -> Iterator[dict[str, str]]:
    """Functions of the database that mask a cell, by column."""
    functions: dict[str, str] = {}
    try:
        for place, column in enumerate(columns):
            kind = "BLOB" if column.kind == "BLOB" and not column.is_personal else "VARCHAR"
            name = functions[column.name] = f"masked_{place}"
            reader.create_function(name, _of_arrays(column.cell(), kind), [kind], kind, type="arrow", null_handling="special")
        yield functions
    finally:
        for name in functions.values():
            reader.remove_function(name)


def _of_arrays(cell: Callable[[Any], Any], kind: str) -> Callable[[pa.ChunkedArray], pa.Array]:
    data_type = pa.string() if kind == "VARCHAR" else pa.binary()

    def over_array(values: pa.ChunkedArray) -> pa.Array:
        return pa.array([None if value is None else cell(value) for value in values.to_pylist()], data_type)

    return over_array


def _suspect(reader: duckdb.DuckDBPyConnection, columns: list["_Masked"]) -> list[tuple["_Masked", bool]]:
    """Each column, and whether an address or members could stand in it: one scan tells."""
    asked = ", ".join(f"coalesce(bool_or({column.could()}), false)" for column in columns)
    found = reader.execute(f"select {asked} from raw").fetchall()[0] if columns else ()
    return list(zip(columns, found, strict=True))


class _Number(str):
    """A number of JSON, as it is written."""


class _Members(list):
    """An object of JSON: its members in their order, also those that stand twice."""


class _Masked:
    """How the cells of one column are masked."""

    def __init__(self, personal: Personal, key: Key | None, name: str, kind: str, column: Column | None) -> None:
        self.name = name
        self.kind = kind
        self.is_personal = personal.holds(name)
        self._personal = personal
        self._key = key
        self._column = column
        self._is_properties = column is not None and column.data_type == "JSON"
        self._told: dict[str, None] = {}

    def told(self) -> list[str]:
        """What was masked."""
        if self.is_personal:
            return [self.name]
        return [self.name + path for path in [*self._told][:MOST_TOLD]]

    # ---------------------------------------------------------------- in SQL

    def could(self) -> str:
        """A condition without which a cell has nothing to mask."""
        value = f"cast({identifier(self.name)} as varchar)"
        if not self._may_hold_text():
            return "false"
        if self._must_be_read() or (self._is_properties and self._personal):
            return f"{value} is not null"
        if self.kind.startswith("STRUCT") and not self._is_open():
            value = f"cast(to_json({identifier(self.name)}) as varchar)"
            return f"{_has_one(value, MARKS)} or regexp_matches({value}, {literal(_INNER)})"
        return _has_one(value, [*MARKS, *_OBJECTS])

    def sql(self, function: str) -> str:
        """The column's values without people's data."""
        value = identifier(self.name)
        if self.is_personal:
            is_spelled_once = (self._column is not None and self._column.kind == "id") or not self._may_hold_text()
            as_id = Column(self.name, "VARCHAR", kind="id")
            hidden = f"{function}({cells.value_sql(value, self.kind, as_id) if is_spelled_once else self._text()})"
            return f"to_json({hidden})" if self.kind == "JSON" else hidden
        if self._must_be_read():
            faults = " and ".join(cells.fault_sql(value, self.kind, self._column, decimal) for decimal in ".,")
            told = f"to_json({literal(NOT_SHOWN)})" if self.kind == "JSON" else literal(NOT_SHOWN)
            return f"case when {faults} then {told} else {value} end"
        masked = f"{function}({self._text()})"
        if self.kind not in ("VARCHAR", "BLOB"):
            masked, value = f"cast({masked} as json)", f"to_json({value})"
        return f"case when {self.could()} then {masked} else {value} end"

    def _text(self) -> str:
        """A cell as text; of a personal column that is a JSON text, what it says."""
        value = identifier(self.name)
        if self.kind == "JSON" and self.is_personal:
            text = f"when 'VARCHAR' then {value} ->> '$' else cast({value} as varchar) end"
            return f"case json_type({value}) when 'NULL' then null {text}"
        if self.kind == "BLOB":
            return f"coalesce(try(decode({value})), hex({value}))" if self.is_personal else value
        return f"cast({value} as varchar)" if self.kind in ("VARCHAR", "JSON") else f"cast(to_json({value}) as varchar)"

    def _must_be_read(self) -> bool:
        """Whether a cell that cannot be read as its declared type may be a person's."""
        return self._personal.is_whole and self._column is not None and self._column.data_type not in ("VARCHAR", "JSON")

    def _may_hold_text(self) -> bool:
        return any(text in self.kind for text in ("VARCHAR", "JSON", "BLOB", "ENUM")) or self._is_open()

    def _is_open(self) -> bool:
        """Whether a type has members of any name, or a personal one."""
        if self.kind in ("VARCHAR", "JSON", "BLOB") or "MAP" in self.kind or "JSON" in self.kind:
            return True
        names = re.findall(r'"((?:[^"]|"")+)"|(\w+)', self.kind) if "STRUCT" in self.kind or "UNION" in self.kind else []
        holds = self._personal.holds if self._is_properties else self._personal.names_person
        return any(holds(quoted or plain) for quoted, plain in names)

    # ---------------------------------------------------------------- cell by cell

    def cell(self) -> Callable[[Any], Any]:
        """What masks one cell; several threads call it at once."""
        if self.is_personal:
            return self._hidden
        return self._bytes if self.kind == "BLOB" else self._cell

    def _hidden(self, text: str) -> str | None:
        return pseudonym(text, self._key)

    def _bytes(self, value: bytes) -> bytes | None:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("latin-1")
        masked = self._cell(text)
        return value if masked == text else None if masked is None else masked.encode()

    def _cell(self, text: str) -> str | None:
        """The text of a cell without people's data; the very same text where there was none."""
        must_be_json = self._is_properties or self.kind not in ("VARCHAR", "BLOB")
        walk = _Walk(self._personal, self._key)
        try:
            parsed = _parsed(text) if must_be_json or _looks_nested(text) else None
            masked = walk.value(parsed if parsed is not None else text, "", self._is_properties)
        except RecursionError:
            parsed, masked = None, walk.changed(NOT_SHOWN, "")
        if parsed is None and self._personal and self._is_properties and not is_missing(text):
            masked = walk.changed(NOT_SHOWN, "")  # broken: nobody knows what it says
        if masked == NOT_SHOWN and _looks_nested(text) and self.kind not in ("VARCHAR", "BLOB"):
            masked = json.dumps(masked)  # its column is read as JSON
        self._told.update(walk.told)
        if not walk.told:
            return text
        return masked if parsed is None or masked is None else _dumped(masked)


class _Walk:
    """One cell's value, member by member.

    Attributes:
        told: the paths of what was masked.
    """

    def __init__(self, personal: Personal, key: Key | None) -> None:
        self._personal = personal
        self._key = key
        self.told: dict[str, None] = {}

    def changed(self, masked: Any, path: str) -> Any:
        """What stands for a value that was masked."""
        self.told[path] = None
        return masked

    def value(self, node: Any, path: str, is_top: bool = False) -> Any:
        """A value of JSON without people's data; None where nothing is left of it."""
        if isinstance(node, _Members):
            return self._members(node, path, is_top)
        if is_top and self._personal.is_whole and node is not None:
            return self.changed(pseudonym(_said(node), self._key), path)
        if isinstance(node, list):
            return [self.value(one, path) for one in node]
        if not isinstance(node, str) or isinstance(node, _Number):
            return node
        inner = _parsed(node) if _looks_nested(node) else None
        if inner is not None:
            within = _Walk(self._personal, self._key)
            masked = within.value(inner, path)
            self.told |= within.told
            node = _dumped(masked) if within.told else node
        elif self._personal and _is_broken_object(node):
            return self.changed(NOT_SHOWN, path)
        if has_address(node):
            return self.changed(pseudonym(node, self._key), path + ADDRESSES)
        return node

    def _members(self, members: _Members, path: str, is_top: bool) -> _Members:
        """The members of an object; one whose name says whose it is, or that a member beside it names, is hidden."""
        holds = self._personal.holds if is_top else self._personal.names_person
        is_named = any(name in ("key", "name") and isinstance(value, str) and holds(value) for name, value in members)
        kept = _Members()
        for name, value in members:
            if has_address(name):
                self.changed(None, path + ADDRESSES)
            elif holds(name) or (is_named and "value" in name.lower()):
                hidden = self.changed(pseudonym(_said(value), self._key), f"{path}.{name}") if value is not None else None
                kept += [(name, hidden)] if hidden is not None else []
            else:
                kept.append((name, self.value(value, f"{path}.{name}")))
        return kept


def _has_one(value: str, marks: Iterable[str]) -> str:
    return " or ".join(f"contains({value}, {literal(mark)})" for mark in marks)


def _looks_nested(text: str) -> bool:
    r"""Whether a text may be JSON with members, also as a text of JSON that has it.

    >>> [_looks_nested(text) for text in ('{"phone": 1}', '\ufeff[1]', '"{\\"phone\\": 1}"', '"Tea"', "Tea {2}")]
    [True, True, True, False, False]
    """
    begins = text.lstrip(BLANK)[:1]
    return begins in ("{", "[") or (begins == '"' and "{" in text)


def _is_broken_object(text: str) -> bool:
    """Whether a text that is no JSON may have members all the same; an id or a title in brackets has none.

    >>> [_is_broken_object(text) for text in ('{"phone": "1', "{phone=1}", "{3F2504E0-4F89}", "[Sale] Tea: 2")]
    [True, True, False, False]
    """
    return _looks_nested(text) and "{" in text and any(mark in text for mark in ":=")


def _parsed(text: str) -> Any:
    """A text as JSON; None for one that is none."""
    try:
        return json.loads(
            text.strip(BLANK), object_pairs_hook=_Members, parse_int=_Number, parse_float=_Number, parse_constant=_Number
        )
    except ValueError:
        return None


def _said(node: Any) -> str:
    return node if isinstance(node, str) else _dumped(node)


def _dumped(node: Any) -> str:
    """A value as JSON, numbers as they were written."""
    if isinstance(node, _Members):
        return "{" + ",".join(f"{json.dumps(name)}:{_dumped(value)}" for name, value in node) + "}"
    if isinstance(node, list):
        return "[" + ",".join(map(_dumped, node)) + "]"
    return str(node) if isinstance(node, _Number) else json.dumps(node)
