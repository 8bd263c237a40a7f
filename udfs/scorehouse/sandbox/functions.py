"""Python function nodes: loaded from the project's udfs/ folder, and registered on the connection."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from types import FunctionType
from typing import Any

import duckdb

from scorehouse.errors import ScorehouseError
from scorehouse.sandbox import repeatable
from scorehouse.sandbox.parse import check_type
from scorehouse.sandbox.python import builtin_names, check_python, public
from scorehouse.sandbox.row_by_row import row_by_row


def load_function(file: Path, where: str, entry_point: str) -> Callable[..., Any]:
    """The function `entry_point` of a checked file; raises ScorehouseError when the file has none."""
    names = repeatable.names_for(f"scorehouse_function_{file.stem}", builtin_names(), public)
    checked = check_python(file.read_text(encoding="utf-8"), where)
    exec(repeatable.compiled(checked, file), names)  # the very text that was checked, in no other encoding
    function = names.get(entry_point)
    if not isinstance(function, FunctionType):
        raise ScorehouseError(f"{where}: expected a function {entry_point} (config.entry_point), found none; define it.")

    @wraps(function)
    def repeating(*columns: Any) -> Any:
        with repeatable.refusing(where, file):
            return function(*columns)

    return repeating


_registered: dict[str, tuple[Callable[..., Any], str]] = {}
"""Functions that this process has registered, on whichever connection, with the type of what they return."""


def register(connection: duckdb.DuckDBPyConnection, name: str, function: Callable[..., Any], data_type: str, where: str) -> None:
    """Register a function over Arrow batches; any argument types are taken, NULLs included. The latest one counts.

    When it is called, the function is refused where a row's answer depends on other rows (see `scorehouse.sandbox.row_by_row`).
    """
    _registered[name] = row_by_row(function, where), check_type(data_type, where)
    _register(connection, name)


def register_all(connection: duckdb.DuckDBPyConnection) -> None:
    """Register on another connection what this process has registered."""
    for name in _registered:
        _register(connection, name)


def registered() -> frozenset[str]:
    """Names of the functions that are registered."""
    return frozenset(_registered)


def refusal_in(error: Exception) -> str | None:
    """The sentence of a refused function's ScorehouseError, out of what DuckDB says around it; None for another error.

    >>> refusal_in(Exception("Python exception occurred while executing the UDF: ScorehouseError: half.py: expected rows."))
    'half.py: expected rows.'
    """
    _, _, sentence = str(error).partition(f"{ScorehouseError.__name__}: ")
    return sentence.splitlines()[0] if sentence else None


def unregister_all(connection: duckdb.DuckDBPyConnection) -> None:
    """Take every registered function from the connection."""
    for name in _registered:
        _unregister(connection, name)


def _register(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    function, data_type = _registered[name]
    _unregister(connection, name)
    connection.create_function(name, function, None, data_type, type="arrow", null_handling="special")


def _unregister(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    with suppress(duckdb.InvalidInputException):  # this connection has no such function
        connection.remove_function(name)
