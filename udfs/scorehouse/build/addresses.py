"""No result holds an e-mail address: every file is looked through before the store takes it, whoever computed it.

Sources are masked where they land; what is found here was put together by a query, stood in a seed, or was made by a function.
"""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import duckdb
from duckdb.sqltypes import DuckDBPyType

from scorehouse.build.manifest import Manifest
from scorehouse.build.origins import Origins
from scorehouse.names.quoting import identifier, literal
from scorehouse.scratch import type_of
from scorehouse.sources.masking import MARKS
from scorehouse.sources.personal import has_address
from scorehouse.store.details import Reading
from scorehouse.store.files import StrangeResultError
from scorehouse.store.records import NodeRecords

MOST_ORIGINS = 4
_TEXTS = frozenset({"varchar", "enum", "blob", "bit"})


class AddressGuard:
    """Looks through results in one run.

    Args:
        connection: the open work database.
        records: what is built.
        drafts: what is read by relations that are being built.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, manifest: Manifest, records: NodeRecords, drafts: Mapping[str, Reading]
    ) -> None:
        self._connection = connection
        self._manifest = manifest
        self._origins = Origins(records, drafts)

    def __call__(self, rows: str, file: Path, cursor: duckdb.DuckDBPyConnection | None = None) -> None:
        """Refuse rows with an address in a column that is not said to name nobody (`meta: {personal: false}`).

        See scorehouse.store.files.Inspect.
        """
        relation, spared = file.parent.name, self._spared(file.parent.name)
        cursor = cursor or self._connection.cursor()
        columns = _columns(cursor, rows)
        named = next((name for name, kind in columns.items() if has_address(name) or has_address(str(kind))), None)
        if named:
            raise self._refused(relation, "(an e-mail address)" if has_address(named) else named)
        for column in _with_marks(cursor, rows, columns):
            if column.lower() not in spared and _is_named(cursor, rows, column, columns[column]):
                raise self._refused(relation, column)

    def _spared(self, relation: str) -> set[str]:
        node = self._manifest.of_relation(relation)
        return {column.name.lower() for column in node.columns if column.is_personal is False} if node else set()

    def _refused(self, relation: str, column: str) -> StrangeResultError:
        node = self._manifest.of_relation(relation)
        paths = [*islice(self._origins.paths(relation, column), MOST_ORIGINS)]
        made_of = f" (made of {'; '.join(' < '.join(path[1:]) for path in paths)})" if paths else ""
        return StrangeResultError(
            f"{node.path if node else relation}: column {column}: expected nobody named, found an e-mail address{made_of}; leave "
            f"it out, declare what it is made of meta: {{personal: true}} at its source, or say here meta: {{personal: false}}."
        )


def _columns(cursor: duckdb.DuckDBPyConnection, rows: str) -> dict[str, DuckDBPyType]:
    described = cursor.execute(f"describe from ({rows})").fetchall()
    return {name: type_of(kind) for name, kind, *_ in described}


def _with_marks(cursor: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, DuckDBPyType]) -> list[str]:
    """Columns in which some text has what no address is without."""
    asked = {name: _marked(identifier(name), kind) for name, kind in columns.items()}
    texts = {name: condition for name, condition in asked.items() if condition}
    conditions = ", ".join(f"bool_or({condition})" for condition in texts.values())
    found = cursor.execute(f"select {conditions} from ({rows})").fetchall()[0] if texts else ()
    return [name for name, is_marked in zip(texts, found, strict=True) if is_marked]


def _marked(value: str, kind: DuckDBPyType, depth: int = 0) -> str | None:
    """A condition that says whether some text in a value has a mark of addresses; None for a type without texts."""
    if kind.id in _TEXTS:
        return f"({' or '.join(f'contains({_text(value, kind)}, {literal(mark)})' for mark in MARKS)})"
    children = {"list": ["child"], "array": ["child"], "map": ["key", "value"]}.get(kind.id)
    if kind.id in ("struct", "union"):
        asked = [_marked(f"{value}.{identifier(name)}", child, depth) for name, child in kind.children]
        return " or ".join(filter(None, asked)) or None
    if not children:
        return None
    one, types = f"own_value_{depth}", dict(kind.children)
    asked = [_marked(f"{one}.{name}" if kind.id == "map" else one, types[name], depth + 1) for name in children]
    condition = " or ".join(filter(None, asked))
    values = f"map_entries({value})" if kind.id == "map" else value
    return f"len(list_filter({values}, lambda {one}: {condition})) > 0" if condition else None


def _is_named(cursor: duckdb.DuckDBPyConnection, rows: str, column: str, kind: DuckDBPyType) -> bool:
    """Whether some value of a column has an address."""
    value = identifier(column)
    found = cursor.execute(f"select distinct {_text(value, kind)} from ({rows}) where {_marked(value, kind)}")
    return any(has_address(text) for (text,) in iter(found.fetchone, None))


def _text(value: str, kind: DuckDBPyType) -> str:
    """A value as a text in which its texts stand."""
    return f"cast(cast({value} as blob) as varchar)" if kind.id == "bit" else f"cast({value} as varchar)"
