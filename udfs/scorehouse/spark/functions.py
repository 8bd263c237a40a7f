"""The project's Python functions on Spark: the same functions, over the same Arrow batches.

A fitted model's weights are rows of the registry; they travel to the workers with the functions that score with them.
"""

import ast
import io
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from scorehouse.errors import ScorehouseError
from scorehouse.sandbox.functions import load_function
from scorehouse.scoring import loaded
from scorehouse.spark.project import Project, PythonFunction
from scorehouse.spark.rules.types import spark_type

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BORROWED = ("STRING", "DOUBLE", "BOOLEAN")
SQL_TYPES = {"STRING": "varchar", "DOUBLE": "double", "BOOLEAN": "boolean"}
"""Types of what DuckDB computes on the workers: functions that Spark lacks, or that print otherwise there."""


def register(session: "SparkSession", project: Project, versions: Mapping[str, bytes]) -> None:
    """Make the project's functions, and those that DuckDB lends, known to a session."""
    for function in project.python_functions:
        expect_vectorised(function)
        _register(session, function.name, _batch_function(function, versions), spark_type(function.returns))
    register_borrowed(session)


def register_borrowed(session: "SparkSession") -> None:
    """Make what DuckDB lends known to a session."""
    for returns in BORROWED:
        _register(session, f"duckdb_{returns.lower()}", _borrowed(returns), returns)


def versions_of(project: Project) -> dict[str, bytes]:
    """The rows of all fitted versions by name, as bytes that a worker can read."""
    with duckdb.connect(str(project.catalog), read_only=True) as connection:
        table = connection.sql("select * from history.versions where model_version is not null").to_arrow_table()
    names = table["model_version"].to_pylist()
    return {name: _as_bytes(table.slice(place, 1)) for place, name in enumerate(names)}


def expect_vectorised(function: PythonFunction) -> None:
    """Raise ScorehouseError for a function that does not take columns."""
    tree = ast.parse(function.file.read_text(encoding="utf-8"))
    made = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function.entry_point]
    for argument in made[0].args.args if made else ():
        kind = ast.unparse(argument.annotation) if argument.annotation else "nothing"
        if kind.split(".")[-1] not in ("ChunkedArray", "Array"):
            raise ScorehouseError(
                f"{function.file.name}:{argument.lineno}: expected '{argument.arg}: pa.ChunkedArray', found {kind};"
                f" Spark runs functions over Arrow columns alone."
            )


def _register(session: "SparkSession", name: str, function: Callable[..., pa.Array], returns: str) -> None:
    from pyspark.sql.functions import arrow_udf

    session.udf.register(name, arrow_udf(function, returns))


def _batch_function(function: PythonFunction, versions: Mapping[str, bytes]) -> Callable[..., pa.Array]:
    file, entry_point = str(function.file), function.entry_point
    rows = versions if function.name.startswith("score_model") else {}

    def run(*columns: pa.Array) -> pa.Array:
        made = _loaded(file, entry_point)
        loaded.read_with(lambda version: _row(rows[version]) if version in rows else None)
        found = made(*(pa.chunked_array([column]) for column in columns))
        return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found

    run.__annotations__ = {"columns": pa.Array, "return": pa.Array}
    return run


@lru_cache(maxsize=64)
def _loaded(file: str, entry_point: str) -> Callable[..., Any]:
    return load_function(Path(file), file, entry_point)


def _borrowed(returns: str) -> Callable[..., pa.Array]:
    """A function of a DuckDB expression, the same for all rows, and of its arguments a0, a1, ..."""
    kind = {"STRING": pa.string(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_()}[returns]

    def run(*columns: pa.Array) -> pa.Array:
        expressions, *arguments = columns
        if not len(expressions):
            return pa.array([], kind)
        batch = pa.table({f"a{place}": _without_zone(column) for place, column in enumerate(arguments)})
        # Spark asks it of all rows, also of those that a CASE leaves out: a row that cannot be answered is NULL
        query = f"select try(cast({expressions[0].as_py()} as {SQL_TYPES[returns]})) as found from batch"
        return _lender().register("batch", batch).sql(query).to_arrow_table()["found"].combine_chunks().cast(kind)

    run.__annotations__ = {"columns": pa.Array, "return": pa.Array}
    return run


def _without_zone(column: pa.Array) -> pa.Array:
    """Times are UTC, and have no zone in DuckDB."""
    return column.cast(pa.timestamp("us")) if pa.types.is_timestamp(column.type) else column


@lru_cache(maxsize=1)
def _lender() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1, "enable_external_access": False})


def _as_bytes(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _row(content: bytes) -> pa.Table:
    return pa.ipc.open_stream(content).read_all()
