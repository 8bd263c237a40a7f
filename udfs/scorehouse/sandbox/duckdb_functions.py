"""What DuckDB's own catalog says of its functions: which of them only compute."""

from collections.abc import Iterator
from functools import cache

from scorehouse.sandbox.parse import nodes, parse_tree, parser

MISLABELLED = frozenset("current_localtime current_localtimestamp reservoir_quantile version json_execute_serialized_sql".split())
"""Functions that DuckDB's catalog calls consistent although they are not."""

WITHOUT_BRACKETS = frozenset("current_date current_time current_timestamp localtime localtimestamp".split())
"""What reads like a column and is a function of the time."""


def is_of_duckdb(name: str) -> bool:
    """Whether DuckDB has a function of this name."""
    return name.lower() in catalog()


def aggregates(name: str) -> bool:
    """Whether a function of DuckDB makes one value of many rows.

    >>> aggregates("sum"), aggregates("round")
    (True, False)
    """
    return any(kind == "aggregate" for kind, *_ in catalog().get(name.lower(), []))


@cache
def only_computes(name: str) -> bool:
    """Whether every form of a DuckDB function gives the same result for the same arguments, and reads nothing else."""
    forms = catalog().get(name, [])
    return name == "error" or (bool(forms) and name not in MISLABELLED and all(_form_only_computes(*form) for form in forms))


def _form_only_computes(kind: str, stability: str | None, definition: str | None) -> bool:
    if kind == "macro":
        return all(only_computes(name) for name in _names_in(parse_tree(f"select ({definition})", "DuckDB")))
    return stability == "CONSISTENT"


def _names_in(tree: object) -> Iterator[str]:
    """Functions that an expression calls; a table, or what reads the time without brackets, is a name that nothing has."""
    for node in nodes(tree):
        if "function_name" in node:
            yield node["function_name"].lower()
        if node.get("type") == "BASE_TABLE" or WITHOUT_BRACKETS & set(node.get("column_names", [])):
            yield ""


@cache
def catalog() -> dict[str, list[tuple[str, str | None, str | None]]]:
    """Every form of DuckDB's own functions by name: kind, stability, a macro's definition. Table functions stand elsewhere."""
    found: dict[str, list[tuple[str, str | None, str | None]]] = {}
    rows = parser().execute(
        "select lower(function_name), function_type, stability, macro_definition from duckdb_functions()"
        " where function_type in ('scalar', 'aggregate', 'window', 'macro')"
    )
    for name, *form in rows.fetchall():
        found.setdefault(name, []).append(tuple(form))
    found["unnest"] = [("scalar", "CONSISTENT", None)]  # the parser's own
    return found
