"""One row of a served table in the current release, found by its key as somebody writes it."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError
from scorehouse.names.quoting import identifier, literal
from scorehouse.names.warehouse import SERVING
from scorehouse.operations import text
from scorehouse.release.history import description
from scorehouse.serving.described import Release
from scorehouse.serving.reader import read
from scorehouse.store.records import NodeRecord, NodeRecords


@dataclass(frozen=True)
class ServedRow:
    """A row of a served table.

    Attributes:
        release, records: of the release that has it.
        table: its name in the serving file.
        record: of the model behind it.
        key: its key, by column.
        values: all its columns.
    """

    release: Release
    records: NodeRecords
    table: str
    record: NodeRecord
    key: Mapping[str, object]
    values: Mapping[str, object]

    @property
    def implementation(self) -> NodeRecord | None:
        """The model that scored it; None where it names none."""
        return named(self.records, self.values.get("implementation"))

    @property
    def name(self) -> str:
        """The table and the key, in a few words."""
        return f"{self.table}, {' and '.join(f'{column} {value}' for column, value in self.key.items())}"

    @property
    def condition(self) -> str:
        """What holds for its key, in SQL."""
        return equal(self.key, self.record.columns)


def named(records: NodeRecords, name: object) -> NodeRecord | None:
    """The record of the model of this name."""
    return next(
        (record for key, record in records.nodes.items() if key.startswith("model.") and key.split(".")[-1] == name), None
    )


def equal(values: Mapping[str, object], types: Mapping[str, str]) -> str:
    """The condition that columns hold these values, in SQL.

    >>> print(equal({"customer_id": "12346"}, {"customer_id": "VARCHAR"}))
    "customer_id" is not distinct from cast('12346' as VARCHAR)
    """
    return " and ".join(
        f"{identifier(name)} is not distinct from cast({literal(value)} as {_comparable(types[name])})"
        for name, value in values.items()
    )


def _comparable(kind: str) -> str:
    """The type in which a value is compared with a column of some type: no part of a number is lost on the way."""
    return "DECIMAL(38, 9)" if kind.endswith(("INT", "INTEGER")) else kind


def served_row(run: Run, asker: str, table: object, key: object) -> ServedRow:
    """The row of a served table with a key: a value, or for a key of several columns a list or a mapping.

    Raises ScorehouseError, in the asker's name, for what is no table, no key of it, or not there.
    """
    number = run.warehouse.current_release()
    if number is None:
        raise ScorehouseError(
            f"{asker}: expected a release of {run.warehouse.branch}, found none yet; dbt build publishes the first."
        )
    with read(run.warehouse.release(number) / SERVING) as serving:
        keys = dict(serving.execute("select name, key from endpoints order by name").fetchall())
        if not isinstance(table, str) or table not in keys:
            raise ScorehouseError(
                f"{asker}: expected a served table of release {number} ({', '.join(keys)}), found {table!r}; correct it."
            )
        types = dict(row[:2] for row in serving.execute(f"describe {identifier(table)}").fetchall())
        wanted = _key(asker, table, {name: types[name] for name in keys[table]}, key)
        values = _values(serving, asker, table, equal(wanted, types), key)
    release, records = description(run.warehouse, number), NodeRecords.published(run.warehouse, number)
    return ServedRow(release, records, table, named(records, table), wanted, values)


def _values(serving: duckdb.DuckDBPyConnection, asker: str, table: str, condition: str, key: object) -> Mapping[str, object]:
    try:
        rows = serving.sql(f"select * from {identifier(table)} where {condition}").to_arrow_table().to_pylist()
    except duckdb.ConversionException:
        rows = []
    if not rows:
        raise ScorehouseError(f"{asker}: expected the key of a row of {table}, found {key!r}, which no row has; correct it.")
    return rows[0]


def _key(asker: str, table: str, types: Mapping[str, str], key: object) -> Mapping[str, object]:
    """A key by its columns."""
    names = list(types)
    found: Mapping[str, object] | None = None
    if isinstance(key, Mapping):
        found = {name: key[name] for name in names} if set(key) == set(names) else None
    elif isinstance(key, list):
        found = dict(zip(names, key, strict=True)) if len(key) == len(names) else None
    elif len(names) == 1:
        found = {names[0]: key}
    values = list((found or {}).values())
    if found is None or any(value is None or isinstance(value, (list, dict)) for value in values):
        raise ScorehouseError(f"{asker}: expected {_example(types)}, the key of {table}, found {key!r}; write it so.")
    for name, value in found.items():
        if types[name] == "VARCHAR" and not isinstance(value, str):
            raise ScorehouseError(
                f"{asker}: expected {_example(types)}, where {name} is a text, found {value!r}, as YAML reads it; "
                "write it in quotes."
            )
    return found


def _example(types: Mapping[str, str]) -> str:
    """How a key is written.

    >>> _example({"customer_id": "VARCHAR"}), _example({"query": "VARCHAR", "rank": "BIGINT"})
    ("{key: '...'}", "{key: {query: '...', rank: 1}}")
    """
    shown = {name: "'...'" if kind == "VARCHAR" else "1" if "INT" in kind else "..." for name, kind in types.items()}
    if len(shown) == 1:
        return f"{{key: {next(iter(shown.values()))}}}"
    return f"{{key: {{{', '.join(f'{name}: {value}' for name, value in shown.items())}}}}}"


def block(title: str, values: Mapping[str, object]) -> str:
    """A title, and values by name, a line each.

    >>> print(block("row of churn_risk", {"customer_id": "12346", "score": 0.5}))
    row of churn_risk
      customer_id  12346
      score        0.5
    """
    width = max(map(len, values), default=0)
    return "\n".join([title, *(f"  {name.ljust(width)}  {text.exact(value)}".rstrip() for name, value in values.items())])
