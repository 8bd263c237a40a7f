"""DuckDB's own parse tree of a text, and what can be read from it: nothing can look harmless here and be something else there."""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from scorehouse.errors import ScorehouseError, first_line
from scorehouse.scratch import scratch, type_of

Tree = dict[str, Any]
"""DuckDB's parse tree, as `json_serialize_sql` prints it."""


def parse_tree(sql: str, where: str) -> Tree:
    """DuckDB's tree of the one query in `sql`.

    Raises ScorehouseError when it is another statement, several, or unreadable: what cannot be read cannot be checked.
    """
    kinds = statement_kinds(sql, where)
    if len(kinds) != 1:
        raise ScorehouseError(f"{where}: expected one query (select), found {len(kinds)} statements; keep a single select.")
    if kinds == ["multi"] and "pivot" in sql.lower():  # DuckDB makes one statement that finds the values, and one that pivots
        raise ScorehouseError(
            f"{where}: expected a pivot whose columns its text says, found one whose data decides them; list the values "
            "behind on (pivot ... on kind in ('a', 'b') using ...)."
        )
    try:
        (text,) = parser().execute("select json_serialize_sql(?)", [sql]).fetchall()[0]
        answer = json.loads(text)
    except (duckdb.Error, RecursionError):
        raise ScorehouseError(f"{where}: expected a query, found one that is nested too deep; split it up.") from None
    if answer["error"]:
        raise ScorehouseError(
            f"{where}: expected one query (select), found {kinds[0]} statement `{' '.join(sql.split())[:60]}`; "
            f"keep a single select."
        )
    if not _stands_in_brackets(sql):
        raise ScorehouseError(
            f"{where}: expected a query that can stand in brackets, found one that ends in a semicolon; remove it."
        )
    return answer["statements"][0]["node"]


def _stands_in_brackets(sql: str) -> bool:
    """Whether a statement that can be read by itself can be read in brackets too, where dbt and the store put it."""
    try:
        return len(parser().extract_statements(f"select * from ({sql}\n)")) == 1
    except duckdb.Error:
        return False


def statement_kinds(sql: str, where: str) -> list[str]:
    """What DuckDB's parser calls each statement of a text, in lower case; raises ScorehouseError when it cannot be read."""
    try:
        return [_kind_of(statement) for statement in parser().extract_statements(sql)]
    except duckdb.Error as error:
        raise ScorehouseError(
            f"{where}: expected one SQL query, found text that cannot be read ({first_line(error)}); "
            f"correct it (`dbt show` runs a query by itself)."
        ) from None


def check_type(data_type: str, where: str) -> str:
    """The name that DuckDB has for a data type; raises ScorehouseError for what is none.

    >>> check_type("struct(feature varchar, contribution double)[]", "a.yml")
    'STRUCT(feature VARCHAR, contribution DOUBLE)[]'
    """
    try:
        return str(type_of(data_type))
    except duckdb.Error:
        raise ScorehouseError(
            f"{where}: expected a data type, found `{data_type}`; write one such as varchar or decimal(18, 2)."
        ) from None


def nodes(tree: object) -> Iterator[Tree]:
    """Every node of a tree, from the top down, in the order of the text."""
    if isinstance(tree, list):
        for child in tree:
            yield from nodes(child)
    elif isinstance(tree, dict):
        yield tree
        for child in tree.values():
            yield from nodes(child)


def relation_in(node: Tree) -> str:
    """schema.name of a table that a query names, in lower case."""
    return f"{node['schema_name']}.{node['table_name']}".lower()


def place_of(node: Tree) -> slice:
    """Where a node stands in the text, in bytes."""
    return slice(node["query_location"], node["query_location"] + node["query_location_length"])


def line_of(text: str, word: str) -> str:
    r"""', line N' of the first place where a word stands in a text, or nothing.

    >>> line_of("select a,\n  random() as b", "random")
    ', line 2'
    """
    match = re.search(r"(?<!\w)" + re.escape(word).replace(r"\ ", r"\s+") + r"(?!\w)", text, re.IGNORECASE)
    return f", line {text.count(chr(10), 0, match.start()) + 1}" if match else ""


def _kind_of(statement: duckdb.Statement) -> str:
    try:
        return statement.type.name.lower()
    except ValueError:  # a kind that the Python package has no name for
        return statement.query.split()[0].lower()


def parser() -> duckdb.DuckDBPyConnection:
    """A connection to an empty database that only parses."""
    return scratch("parse")


def without_positions(tree: object) -> object:
    """DuckDB's parse tree of a query without where each node stood in the text: the identity of what the engine will compute.

    Comments, white space, the case of keywords and redundant parentheses are not in the tree; everything else counts.

    >>> without_positions({"type": "VALUE_CONSTANT", "query_location": 7, "query_location_length": 1, "literal": {"text": "1"}})
    {'type': 'VALUE_CONSTANT', 'literal': {'text': '1'}}
    """
    if isinstance(tree, dict):
        return {name: without_positions(child) for name, child in tree.items() if not name.startswith("query_location")}
    return [without_positions(child) for child in tree] if isinstance(tree, list) else tree
