"""The list of what macros can ask for."""

from collections.abc import Callable
from typing import Any

from scorehouse.errors import ScorehouseError

Operation = Callable[..., Any]
_OPERATIONS: dict[str, Operation] = {}


def operation(function: Operation) -> Operation:
    """Make a function `f(run, **arguments)` reachable as `{{ scorehouse('<its name>', ...) }}`."""
    _OPERATIONS[function.__name__] = function
    return function


def named(name: str) -> Operation:
    """The operation called `name`; raises ScorehouseError when there is none."""
    if name not in _OPERATIONS:
        raise ScorehouseError(f"scorehouse(): expected one of {', '.join(sorted(_OPERATIONS))}, found '{name}'.")
    return _OPERATIONS[name]
