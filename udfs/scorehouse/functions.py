"""Python function nodes: checked, loaded from the project's udfs/ folder, and registered on the connection."""

import ast
import importlib.util
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from scorehouse.errors import ScorehouseError

ALLOWED_MODULES = frozenset(
    "math re datetime decimal statistics functools itertools collections typing numpy pyarrow scipy sklearn".split()
)
ALLOWED_OURS = frozenset({"scorehouse.scoring"})
FORBIDDEN_NAMES = frozenset(
    "open exec eval compile __import__ globals locals vars getattr setattr delattr input breakpoint memoryview".split()
)
FORBIDDEN_ATTRIBUTES = frozenset(
    "fromfile tofile memmap load save savez savez_compressed loadtxt savetxt genfromtxt DataSource ctypeslib fs dataset"
    " parquet csv feather flight orc OSFile memory_map create_memory_map input_stream output_stream datasets io sys os"
    " builtins subprocess modules".split()
)


_registered: set[str] = set()
"""Names that this process has registered, on whichever connection."""


def check_python(text: str, where: str) -> None:
    """Refuse a function whose text could do more than compute: files, network, processes, other modules, reflection.

    Raises ScorehouseError naming file, line and what was found.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise ScorehouseError(f"{where}, line {error.lineno}: expected Python, found {error.msg}; correct it.") from None
    for node in ast.walk(tree):
        found = _forbidden(node)
        if found:
            raise ScorehouseError(
                f"{where}, line {node.lineno}: expected a function that only computes, found {found}; "
                f"a function node may use {', '.join(sorted(ALLOWED_MODULES))} and its arguments."
            )


def load_function(file: Path, where: str, entry_point: str) -> Callable[..., Any]:
    """The function `entry_point` of a checked file; raises ScorehouseError when the file has none."""
    check_python(file.read_text(encoding="utf-8"), where)
    specification = importlib.util.spec_from_file_location(f"scorehouse_function_{file.stem}", file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    function = getattr(module, entry_point, None)
    if not callable(function):
        raise ScorehouseError(f"{where}: expected a function {entry_point} (config.entry_point), found none; define it.")
    return function


def register(connection: duckdb.DuckDBPyConnection, name: str, function: Callable[..., Any], data_type: str) -> None:
    """Register a function over Arrow batches; any argument types are taken, NULLs included. The latest one counts."""
    _unregister(connection, name)
    connection.create_function(name, function, None, data_type, type="arrow", null_handling="special")
    _registered.add(name)


def unregister_all(connection: duckdb.DuckDBPyConnection) -> None:
    """Take every registered function from the connection."""
    for name in _registered:
        _unregister(connection, name)


def _unregister(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    with suppress(duckdb.InvalidInputException):  # this connection has no such function
        connection.remove_function(name)


def _forbidden(node: ast.AST) -> str | None:
    if isinstance(node, ast.Import):
        return next((f"import {alias.name}" for alias in node.names if not _is_allowed(alias.name)), None)
    if isinstance(node, ast.ImportFrom):
        module = node.module or "."
        if node.level or not _is_allowed(module):
            return f"import of {module}"
        return next((f"{a.name} of {module}" for a in node.names if a.name in FORBIDDEN_ATTRIBUTES | {"*"}), None)
    if isinstance(node, ast.Name) and (node.id in FORBIDDEN_NAMES or node.id.startswith("__")):
        return node.id
    if isinstance(node, ast.Attribute) and (node.attr.startswith("__") or node.attr in FORBIDDEN_ATTRIBUTES):
        return f".{node.attr}"
    return None


def _is_allowed(module: str) -> bool:
    return module in ALLOWED_OURS or (
        module.split(".")[0] in ALLOWED_MODULES and not set(module.split(".")) & FORBIDDEN_ATTRIBUTES
    )
