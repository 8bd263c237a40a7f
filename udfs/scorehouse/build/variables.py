"""The project's variables that steer a build: what they are without a declaration, and what they may be."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from scorehouse.build.promotion import POLICIES, TRUST
from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.spec import meant
from scorehouse.names.partitioning import GRAINS
from scorehouse.store.files import EXTENSIONS

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
    \bvar\b (?: \s* \( \s* (['"]) (?P<name>[\w:.-]+) \1 \s* [,)] )?
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
    found = {name for text in texts for name in _named(text)}
    return None if None in found else frozenset(found)


def _named(text: str) -> Iterator[str | None]:
    """The variables that a template reads, by name; None for one whose name only Jinja knows."""
    return (use["name"] for use in _READ.finditer(text))


def expect_known(given: Collection[str], declared: Mapping[str, Any], templates: Callable[[], Iterable[str]]) -> None:
    """Refuse a variable that nobody reads: dbt takes any.

    Args:
        given: names on the command line.
        declared: what the project file says, of packages too.
        templates: the texts that dbt renders, asked for where no rule and no declaration knows a name.

    Raises ScorehouseError for a given one that no rule, declaration or template knows, and for a declared one that no template
    reads and that is nearly ours. Where a template puts names together, only what is nearly a known name is refused.

    >>> expect_known(["as_off"], {}, list)
    Traceback (most recent call last):
        ...
    scorehouse.errors.ScorehouseError: Variable as_off: expected one that the project has, found no such; write as_of.
    """
    of_packages = [name for value in declared.values() if isinstance(value, Mapping) for name in value]
    suspects = [name for name in given if name not in {*declared, *of_packages}]
    suspects += [name for name in (*declared, *of_packages) if meant(name, RULES)]
    unknown = [name for name in suspects if name not in RULES]
    read = {name for text in templates() for name in _named(text)} if unknown else set()
    for name in (name for name in unknown if name not in read):
        near = meant(name, {*RULES, *declared, *read} - {None, name})
        if near or None not in read:
            remedy = f"write {near}" if near else "correct it, leave it out, or declare it in dbt_project.yml"
            raise ScorehouseError(f"Variable {name}: expected one that the project has, found no such; {remedy}.")


def checked(declared: Mapping[str, Any]) -> dict[str, Any]:
    """The declared variables and the defaults of the others; raises ScorehouseError naming the first that cannot be.

    >>> checked({"memory_limit": "1GB"})["retained_releases"]
    10
    """
    values = {**DEFAULTS, **declared}
    for name, (is_right, expected) in RULES.items():
        if name in values and not is_right(values[name]):
            raise ScorehouseError(f"Variable {name}: expected {expected}, found '{values[name]}'; correct it.")
    return values


def _is_whole(value: object, least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_names(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(name, str) and name for name in value)


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


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


_Rule = tuple[Callable[[Any], bool], str]

_NAMES: _Rule = (_is_names, "a list of names such as [one, other]")
_SHARE: _Rule = (_is_share, "a share, 0 to 1")
_SIZE: _Rule = (_is_size, "a size such as 8GB")
_TRUTH: _Rule = (_is_truth, "true or false")
_WHOLE: _Rule = (_is_whole, "a whole number from 1")
_WHOLE_OR_0: _Rule = (lambda value: _is_whole(value, 0), "a whole number from 0")

RULES: dict[str, _Rule] = {
    "interaction_sources": _NAMES,
    "landing_path": (lambda value: value is None or isinstance(value, str), "the path of a folder"),
    "landing_columns": (
        lambda value: value is None or isinstance(value, Mapping),
        "names of columns by table, {interactions: {...}}",
    ),
    "maximum_rejected_share": _SHARE,
    "maximum_contradicted_share": _SHARE,
    "publish_empty": _TRUTH,
    "publish_less": _TRUTH,
    "fresh_data": _TRUTH,
    "as_of": (lambda value: value is None or _is_date(value), "null or a date such as '2026-01-31'"),
    "payment_simulator_seed": _WHOLE_OR_0,
    "payment_simulator_customers": _WHOLE,
    "payment_simulator_terminals": _WHOLE,
    "payment_simulator_days": _WHOLE,
    "payment_simulator_label_days": _WHOLE_OR_0,
    "products": (lambda value: value is None or _is_names(value), "null or a list of names such as [churn, segments]"),
    "churn_horizon_days": _WHOLE,
    "smallest_preference": _SHARE,
    "recommendation_decimals": _WHOLE_OR_0,
    "next_best_popular_items": _WHOLE_OR_0,
    "evaluate_recommendations": _TRUTH,
    "fraud_labels": _NAMES,
    "fraud_label_days": _WHOLE_OR_0,
    "fraud_label_share": _SHARE,
    "search_window_days": _WHOLE,
    "ranked_items": _WHOLE,
    "smoothing_looks": (_is_number, "a number from 0"),
    "smallest_look_chance": _SHARE,
    "interaction_grain": (lambda value: value in GRAINS, f"one of {', '.join(GRAINS)}"),
    "variant_draws": _WHOLE,
    "context_draws": _WHOLE,
    "maximum_context_keys": _WHOLE_OR_0,
    "maximum_context_values": _WHOLE_OR_0,
    "maximum_context_levels": _WHOLE_OR_0,
    "maximum_context_features": _WHOLE_OR_0,
    "maximum_single_arms": _WHOLE_OR_0,
    "evaluated_decisions": _WHOLE,
    "promotion": (lambda value: value in POLICIES, f"one of {', '.join(POLICIES)}"),
    "verified_share": _SHARE,
    "retained_releases": _WHOLE,
    "store_format": (lambda value: value in tuple(EXTENSIONS), f"one of {', '.join(EXTENSIONS)}"),
    "nightly": (lambda value: value is None or isinstance(value, Mapping), "settings by name"),
    "memory_limit": _SIZE,
    "spill_limit": _SIZE,
    "query_threads": (lambda value: value is None or _is_whole(value), "null or a whole number from 1"),
    "training_rows": (lambda value: value is None or _is_whole(value), "null or a whole number from 1"),
    "query_timeout_seconds": (lambda value: _is_whole(value) or (isinstance(value, float) and value > 0), "seconds above 0"),
}
"""Of every variable of the project: whether a value is right, and what is expected. What the settings in `nightly` may be, its
own room says."""
