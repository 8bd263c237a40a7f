"""The list of what macros can ask for."""

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from scorehouse.errors import ScorehouseError

Operation = Callable[..., Any]
_OPERATIONS: dict[str, Operation] = {}
_ONLY: dict[str, str] = {}

COMMAND, HOOKS, NODE = "dbt run-operation", "the run's own hooks", "a node"
"""Who can ask for an operation."""


@dataclass(frozen=True)
class Answer:
    """Rows that a macro reads like those of a query."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


def operation(function: Operation) -> Operation:
    """Make a function `f(run, **arguments)` reachable as `{{ scorehouse('<its name>', ...) }}`."""
    other = _OPERATIONS.get(function.__name__)
    if other is not None and other.__module__ != function.__module__:
        raise ScorehouseError(
            f"{function.__module__}: expected an operation with a name of its own, found {function.__name__}, which is "
            f"{other.__module__}'s; rename it."
        )
    _OPERATIONS[function.__name__] = function
    return function


def operation_of(asker: str) -> Callable[[Operation], Operation]:
    """The same for an operation that deletes or publishes: it answers to one kind of asker alone."""

    def register(function: Operation) -> Operation:
        _ONLY[function.__name__] = asker
        return operation(function)

    return register


def named(name: str, arguments: Collection[str] = (), asked_by: str | None = None) -> Operation:
    """The operation called `name`; raises ScorehouseError when there is none, none with such arguments, or none for the asker."""
    if name not in _OPERATIONS:
        raise ScorehouseError(f"scorehouse(): expected one of {', '.join(sorted(_OPERATIONS))}, found '{name}'.")
    if _ONLY.get(name, asked_by) != asked_by:
        raise ScorehouseError(f"{name}: expected to be asked by {_ONLY[name]}, found {asked_by} asking; it deletes or publishes.")
    _, *known = inspect.signature(_OPERATIONS[name]).parameters
    unknown = sorted(set(arguments) - set(known))
    if unknown:
        raise ScorehouseError(
            f"{name}: expected {', '.join(known) or 'no arguments'}, found {', '.join(unknown)}; correct --args."
        )
    return _OPERATIONS[name]
