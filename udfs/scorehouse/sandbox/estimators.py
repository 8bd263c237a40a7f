"""What an estimator of the project's own may use: rows, its code, installed libraries; so its fingerprint says all there is."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from scorehouse.errors import ScorehouseError
from scorehouse.sandbox.own_estimators import compile_own
from scorehouse.sandbox.python import CLOCK

PURE = frozenset(
    "__future__ abc bisect collections copy dataclasses decimal enum fractions functools heapq inspect itertools math numbers"
    " operator re statistics string types typing warnings".split()
)
"""Modules of Python that reach nothing outside the process."""

OF_THE_PROCESS = CLOCK | frozenset(
    "environ getenv cpu_count threadpool_info strftime day_name month_name os sys time subprocess socket".split()
)
"""Attributes, of whatever library, that tell the time, the machine, the environment or the locale, or lead to what does."""

_CLOCK = frozenset({"now", "today"})
"""Texts that pandas and NumPy read as the time."""

REACHING = frozenset("open __import__ eval exec compile input breakpoint hash id".split())
"""Built-ins that reach files, code that is written nowhere, or what each process has of its own."""


def check_estimator(file: Path, where: str) -> None:
    """Raise ScorehouseError, with the line, for a file whose code could depend on more than its rows and itself.

    One that could not is compiled, when it is imported, so that it learns the same in every process.
    """
    for line, found in _reached(ast.parse(file.read_bytes())):
        raise ScorehouseError(
            f"{where}, line {line}: expected an estimator made of its rows, its code and installed libraries, found {found}, by "
            f"which it could depend on something else unseen; give it as a parameter, or as a column of the examples."
        )
    compile_own(file)


def _reached(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        for name in names:
            top = name.split(".")[0]
            if top in sys.stdlib_module_names - PURE:
                yield node.lineno, f"import {name}"
        if isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"import of {one.name}") for one in node.names if one.name in OF_THE_PROCESS)
        if isinstance(node, ast.Name) and node.id in REACHING:
            yield node.lineno, f"{node.id}()"
        if isinstance(node, ast.Attribute) and node.attr in OF_THE_PROCESS:
            yield node.lineno, f".{node.attr}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.strip().lower() in _CLOCK:
            yield node.lineno, f"'{node.value}', which libraries read as the time"
