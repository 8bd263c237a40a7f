"""The project as dbt compiled and DuckDB built it: what is asked of Spark, as plain values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from scorehouse.errors import ScorehouseError
from scorehouse.names.quoting import identifier
from scorehouse.names.warehouse import Warehouse
from scorehouse.spark.rules.registry import SqlFunction

UNTRANSLATED = {
    "fraud_evaluation": "a recursive query",
    "stg_landing__customers": "a cast to a map",
    "stg_landing__items": "a cast to a map",
    "stg_payment_simulator__payments": "translated, and not compared with DuckDB's rows yet",
}
"""Models that DuckDB still computes for Spark, and why; this list may only shrink."""

KEPT = ("seed", "fitted")
"""Materializations whose rows are taken as they are: what people write, and what is learned on one machine."""


@dataclass(frozen=True)
class Relation:
    """A relation whose rows are taken from DuckDB.

    Attributes:
        columns: DuckDB's types by name
        fingerprint: of what DuckDB built; None for what is no node of the project
    """

    schema: str
    name: str
    columns: Mapping[str, str]
    fingerprint: str | None


@dataclass(frozen=True)
class Model:
    """A model that Spark computes.

    Attributes:
        sql: as dbt compiled it
        text: as it stands in its file
        columns: DuckDB's types by name
        fingerprint: of what DuckDB built
        key: columns that identify a row; none where no test says so
        stamps: columns that say when a row was computed, and nothing else of it
        built_at: when DuckDB computed its rows
        said: what its YAML says: descriptions of it and its columns, whether a contract is enforced
    """

    schema: str
    name: str
    file: str
    text: str
    sql: str
    columns: Mapping[str, str]
    fingerprint: str
    key: tuple[str, ...]
    stamps: tuple[str, ...]
    built_at: str
    said: Mapping[str, Any]


@dataclass(frozen=True)
class DataTest:
    """A test of rows: a query of those that should not be, and when their number matters."""

    name: str
    file: str
    text: str
    sql: str
    config: Mapping[str, Any]


@dataclass(frozen=True)
class PythonFunction:
    """A function node in Python, over Arrow batches."""

    name: str
    file: Path
    entry_point: str
    returns: str


@dataclass(frozen=True)
class Project:
    """Everything that Spark is asked to do, and the catalog with what DuckDB found.

    Attributes:
        kept: relations whose rows are taken from DuckDB
        listed: names of the models among them that have no translation yet
    """

    name: str
    root: Path
    catalog: Path
    models: tuple[Model, ...]
    kept: tuple[Relation, ...]
    listed: tuple[str, ...]
    tests: tuple[DataTest, ...]
    sql_functions: Mapping[str, SqlFunction]
    python_functions: tuple[PythonFunction, ...]


def read(root: Path, warehouse: Warehouse, manifest: Path) -> Project:
    """The project of a compiled manifest and the release that was built of it.

    Raises ScorehouseError where there is none, or where a model of the manifest is not in the release.
    """
    nodes, functions = _manifest(manifest)
    catalog = warehouse.current_catalog()
    if catalog is None:
        raise ScorehouseError(f"{warehouse.folder}: expected a release, found none; run dbt build first.")
    with duckdb.connect(str(catalog), read_only=True) as connection:
        columns = _columns(connection)
        prints = dict(connection.execute("select relation, fingerprint from scorehouse.nodes").fetchall())
        models = [node for node in nodes if node["resource_type"] == "model" and node["config"]["materialized"] not in KEPT]
        listed = [node["name"] for node in models if node["name"] in UNTRANSLATED]
        models = [node for node in models if node["name"] not in UNTRANSLATED]
        keys = _keys(nodes)
        made = tuple(_model(node, columns, prints, keys, connection) for node in models)
    names = {(model.schema, model.name) for model in made}
    others = (place for place in columns if place not in names and place[0] != "scorehouse")
    kept = tuple(Relation(*place, columns[place], prints.get(".".join(place))) for place in others)
    tests = tuple(_test(node) for node in nodes if node["resource_type"] == "test" and node.get("compiled_code"))
    return Project(
        models[0]["package_name"],
        root,
        catalog,
        made,
        kept,
        tuple(listed),
        tests,
        {node["name"]: _sql_function(node) for node in functions if node["language"] == "sql" and _is_scalar(node)},
        tuple(_python_function(node, root) for node in functions if node["language"] == "python"),
    )


def _manifest(file: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    if not file.exists():
        raise ScorehouseError(f"{file}: expected what dbt build compiled, found no such file; run dbt build first.")
    content = json.loads(file.read_text(encoding="utf-8"))
    nodes = list(content["nodes"].values())
    missing = [node["name"] for node in nodes if node["resource_type"] == "model" and not node.get("compiled_code")]
    if missing:
        raise ScorehouseError(f"{file}: expected a whole dbt build, found {missing[0]} not compiled; run dbt build first.")
    return nodes, list(content["functions"].values())


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], dict[str, str]]:
    query = (
        "select schema_name, table_name, column_name, data_type from duckdb_columns() where not internal order by column_index"
    )
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in connection.execute(query).fetchall():
        found.setdefault((schema, table), {})[column] = kind
    return found


def _model(
    node: Mapping[str, Any],
    columns: Mapping[tuple[str, str], Mapping[str, str]],
    prints: Mapping[str, str],
    keys: Mapping[str, tuple[str, ...]],
    connection: duckdb.DuckDBPyConnection,
) -> Model:
    place = node["schema"], node["alias"]
    if place not in columns or ".".join(place) not in prints:
        raise ScorehouseError(
            f"{node['original_file_path']}: expected it in the current release, found it not built; run dbt build first."
        )
    query = "select details ->> '$.reading.stamps' from scorehouse.nodes where relation = ?"
    ((stamps,),) = connection.execute(query, [".".join(place)]).fetchall()
    described = {name: column["description"] for name, column in node["columns"].items() if column["description"]}
    return Model(
        *place,
        node["original_file_path"],
        node["raw_code"],
        node["compiled_code"],
        columns[place],
        prints[".".join(place)],
        keys.get(node["unique_id"], ()),
        tuple(json.loads(stamps) if stamps else ()),
        _built_at(node, connection),
        {"description": node["description"], "columns": described, "contract": node["contract"]["enforced"]},
    )


def _built_at(node: Mapping[str, Any], connection: duckdb.DuckDBPyConnection) -> str:
    """The time that DuckDB put into rows: Spark's rows have it, too, so that both can be the same."""
    _, made, rest = node["compiled_code"].partition("getvariable('built_at') as timestamp)")
    column = rest.split(" as ", 1)[-1].split()[0].strip(",") if made else None
    if column is None:
        return ""
    relation = f"{identifier(node['schema'])}.{identifier(node['alias'])}"
    ((found,),) = connection.execute(f"select cast(max({identifier(column)}) as varchar) from {relation}").fetchall()
    return found or "1970-01-01"


def _keys(nodes: list[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Columns that a test says identify a model's row."""
    keys: dict[str, tuple[str, ...]] = {}
    for node in nodes:
        test = node.get("test_metadata")
        if test and test["name"] in ("unique", "unique_combination") and not node["config"].get("where"):
            columns = test["kwargs"].get("columns") or [node["column_name"]]
            keys.setdefault(node["attached_node"], tuple(columns))
    return keys


def _test(node: Mapping[str, Any]) -> DataTest:
    config = {name: node["config"][name] for name in ("severity", "fail_calc", "warn_if", "error_if")}
    limit = node["config"].get("limit")
    return DataTest(
        node["alias"],
        node["original_file_path"],
        node["raw_code"],
        node["compiled_code"],
        {**config, **({"limit": limit} if limit else {})},
    )


def _is_scalar(node: Mapping[str, Any]) -> bool:
    return not node["config"]["meta"].get("returns_table") and not node["config"]["meta"].get("serving")


def _sql_function(node: Mapping[str, Any]) -> SqlFunction:
    parameters = {argument["name"]: argument["data_type"] for argument in node["arguments"]}
    return SqlFunction(parameters, node.get("compiled_code") or node["raw_code"], node["returns"]["data_type"])


def _python_function(node: Mapping[str, Any], root: Path) -> PythonFunction:
    file = root / node["original_file_path"]
    return PythonFunction(node["name"], file, node["config"]["entry_point"], node["returns"]["data_type"])
