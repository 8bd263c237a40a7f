"""The project's variables that steer a build: what they are without a declaration, and what they may be."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from scorehouse.build.promotion import POLICIES, TRUST
from scorehouse.errors import ScorehouseError

DEFAULTS: dict[str, Any] = {
    "store_format": "duckdb",
    "retained_releases": 10,
    "memory_limit": "8GB",
    "spill_limit": "50GB",
    "query_threads": None,
    "query_timeout_seconds": 3600,
    "fresh_data": False,
    "promotion": TRUST,
    "verified_share": 1.0,
    "publish_empty": False,
    "publish_less": False,
    "as_of": None,
    "maximum_rejected_share": 0.3,
    "maximum_contradicted_share": 0.05,
}


_READ = re.compile(
    r"""
    \bvar\b (?: \s* \( \s* (['"]) (?P<name>\w+) \1 \s* [,)] )?
    | \b (?:invocation_args_dict | builtins) \b
    | \{[{%] (?: '[^']*' | "[^"]*" | (?! \}\} | %\} ) [^'"] )*? \b context \b
    | \b flags \b (?! \s* (?: \.\s*(?!VARS\b)\w+ | : ) )
    """,
    re.VERBOSE,
)
"""What can give a template a variable: dbt's `var` with a literal name, or, without a name, what could read whichever."""


def in_force(config: Any) -> dict[str, Any]:
    """The variables of dbt's configuration: of the project file, of this project in it, of the command line; the last counts."""
    declared = config.vars.to_dict()
    return {**declared, **declared.get(config.project_name, {}), **config.cli_vars}


def read_in(texts: Iterable[str]) -> frozenset[str] | None:
    """Names of the variables that templates read; None where a text could read any of them.

    >>> sorted(read_in(["{{ var('weight') }}", "select var_pop(x)"])), read_in(["{{ var('use_' ~ name) }}"])
    (['weight'], None)
    """
    found: set[str] = set()
    for text in texts:
        for name in (use["name"] for use in _READ.finditer(text)):
            if name is None:
                return None
            found.add(name)
    return frozenset(found)


def checked(declared: Mapping[str, Any]) -> dict[str, Any]:
    """The declared variables and the defaults of the others; raises ScorehouseError naming the first that cannot be.

    >>> checked({"memory_limit": "1GB"})["retained_releases"]
    10
    """
    values = {**DEFAULTS, **declared}
    for name, (is_right, expected) in _RULES.items():
        if not is_right(values[name]):
            raise ScorehouseError(f"Variable {name}: expected {expected}, found '{values[name]}'; correct it.")
    return values


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_size(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)? ?([KMGT]i?B|%)", value) is not None


def _is_date(value: object) -> bool:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        try:
            return bool(date.fromisoformat(value))
        except ValueError:
            return False
    return isinstance(value, date) and not isinstance(value, datetime)


_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "retained_releases": (_is_whole, "a whole number from 1"),
    "memory_limit": (_is_size, "a size such as 8GB"),
    "spill_limit": (_is_size, "a size such as 50GB"),
    "query_threads": (lambda value: value is None or _is_whole(value), "null or a whole number from 1"),
    "query_timeout_seconds": (lambda value: _is_whole(value) or (isinstance(value, float) and value > 0), "seconds above 0"),
    "fresh_data": (lambda value: isinstance(value, bool), "true or false"),
    "publish_empty": (lambda value: isinstance(value, bool), "true or false"),
    "publish_less": (lambda value: isinstance(value, bool), "true or false"),
    "promotion": (lambda value: value in POLICIES, f"one of {', '.join(POLICIES)}"),
    "verified_share": (_is_share, "a share, 0 to 1"),
    "as_of": (lambda value: value is None or _is_date(value), "null or a date such as '2026-01-31'"),
    "maximum_rejected_share": (_is_share, "a share, 0 to 1"),
    "maximum_contradicted_share": (_is_share, "a share, 0 to 1"),
}
