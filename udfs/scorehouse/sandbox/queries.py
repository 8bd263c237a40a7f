"""The sandbox gate: what an analyst's SQL may contain.

DuckDB's own parser reads the rendered text, so nothing can look harmless here and be something else there. What is allowed is
listed; everything else is refused: one query, over the relations that the node names with ref() and source(), with functions
that only compute.
"""

import atexit
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb
from sqlglot import exp

from scorehouse.errors import ScorehouseError, first_line
from scorehouse.names.canonical import parse

Tree = dict[str, Any]
"""DuckDB's parse tree, as `json_serialize_sql` prints it."""

_MOMENT = "now current_timestamp get_current_timestamp transaction_timestamp localtimestamp current_localtimestamp age ago"
_DAY = "today current_date current_time get_current_time localtime current_localtime"
_CHANCE = "random setseed uuid gen_random_uuid uuidv4 uuidv7 reservoir_quantile"
_SESSION = "version current_setting current_query current_database current_catalog current_schema current_schemas getvariable"

INSTEAD = {
    **dict.fromkeys(_MOMENT.split(), "{{ as_of() }}"),
    **dict.fromkeys(_DAY.split(), "{{ as_of() }}::date"),
    **dict.fromkeys(_CHANCE.split(), "{{ function('stable_share') }}(<key>, '<salt>')"),
    **dict.fromkeys(["nextval", "currval"], "row_number() over (order by <key>)"),
    **dict.fromkeys(_SESSION.split(), "a var or a seed"),
}
"""Functions whose value changes from run to run, and the pinned way to write what is meant."""

MISLABELLED = frozenset("current_localtime current_localtimestamp reservoir_quantile version json_execute_serialized_sql".split())
"""Functions that DuckDB's catalog calls consistent although they are not."""

WITHOUT_BRACKETS = frozenset("current_date current_time current_timestamp localtime localtimestamp".split())
"""What reads like a column and is a function of the time."""

BY_NAME = frozenset("list_aggregate list_aggr array_aggregate array_aggr aggregate".split())
"""Functions that call the aggregate which a text names."""

TABLE_FUNCTIONS = frozenset("range generate_series unnest repeat json_each json_tree".split())
"""Table functions that only compute."""

QUERIES = frozenset("SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE CTE_NODE".split())

VARIABLES = frozenset({"built_at"})
"""Session variables that the store itself sets."""

DATABASE = "warehouse"
"""Name of the database that a build works in."""

HISTORY = "history"
"""Schema of the store's own views that any model may read."""


@dataclass(frozen=True)
class Reach:
    """What a node may read: the relations and the function nodes (schema.name) that it names."""

    tables: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()


def check(sql: str, where: str, raw: str | None = None, reach: Reach | None = None) -> exp.Expression:
    """Return the one query in `sql` as a sqlglot tree, or refuse it.

    Args:
        sql: rendered SQL.
        where: path of the file it came from, named in refusals.
        raw: the file's own text; its line numbers are named where the refused word stands in it.
        reach: what the query may read; None leaves relations to ref() and source() unchecked.

    Raises ScorehouseError naming file, line, what was found and what to write instead.
    """
    _Reader(where, raw or sql, reach).query(parse_tree(sql, where), frozenset())
    return parse(sql, where)[0]


def check_names(sql: str, where: str, more: frozenset[str]) -> None:
    """Refuse a query with functions that do more than compute; `more` are allowed beside those (see `check`)."""
    _Reader(where, sql, None, more, is_model=False).query(parse_tree(sql, where), frozenset())


def check_expression(body: str, where: str, reach: Reach) -> None:
    """Refuse a function's body that is not one expression, or could do more than compute (see `check`)."""
    tree = parse_tree(f"select (\n{body}\n)", where)
    if len(tree.get("select_list", [])) != 1 or tree["from_table"]["type"] != "EMPTY" or tree["modifiers"]:
        raise ScorehouseError(f"{where}: expected one SQL expression, found more; write the value alone, without select.")
    _Reader(where, body, reach).query(tree, frozenset())


def tables_in(sql: str) -> frozenset[str]:
    """The relations (schema.name, in lower case) that a query reads."""
    return frozenset(_tables_in(parse_tree(sql, "Query")))


def check_type(data_type: str, where: str) -> str:
    """The name that DuckDB has for a data type; raises ScorehouseError for what is none.

    >>> check_type("struct(feature varchar, contribution double)[]", "a.yml")
    'STRUCT(feature VARCHAR, contribution DOUBLE)[]'
    """
    try:
        return str(duckdb.sqltype(data_type))
    except duckdb.Error:
        raise ScorehouseError(
            f"{where}: expected a data type, found `{data_type}`; write one such as varchar or decimal(18, 2)."
        ) from None


def parse_tree(sql: str, where: str) -> Tree:
    """DuckDB's tree of the one query in `sql`.

    Raises ScorehouseError when it is another statement, several, or unreadable: what cannot be read cannot be checked.
    """
    kinds = statement_kinds(sql, where)
    if len(kinds) != 1:
        raise ScorehouseError(f"{where}: expected one query (select), found {len(kinds)} statements; keep a single select.")
    try:
        (text,) = _parser().execute("select json_serialize_sql(?)", [sql]).fetchall()[0]
        answer = json.loads(text)
    except (duckdb.Error, RecursionError):
        raise ScorehouseError(f"{where}: expected a query, found one that is nested too deep; split it up.") from None
    if answer["error"]:
        raise ScorehouseError(
            f"{where}: expected one query (select), found {kinds[0]} statement `{' '.join(sql.split())[:60]}`; "
            f"keep a single select."
        )
    return answer["statements"][0]["node"]


def statement_kinds(sql: str, where: str) -> list[str]:
    """What DuckDB's parser calls each statement of a text, in lower case; raises ScorehouseError when it cannot be read."""
    try:
        return [_kind_of(statement) for statement in _parser().extract_statements(sql)]
    except duckdb.Error as error:
        raise ScorehouseError(
            f"{where}: expected one SQL query, found text that cannot be read ({first_line(error)}); "
            f"correct it (`dbt show` runs a query by itself)."
        ) from None


class _Reader:
    """One walk over a tree, from the top down."""

    def __init__(
        self, where: str, text: str, reach: Reach | None, more: frozenset[str] = frozenset(), is_model: bool = True
    ) -> None:
        self._where = where
        self._text = text
        self._reach = reach
        self._more = more
        self._is_model = is_model

    def query(self, node: Tree, names: frozenset[str]) -> None:
        """Check a query in which the common table expressions `names` are visible."""
        try:
            self._check(node, names)
        except RecursionError:
            raise ScorehouseError(f"{self._where}: expected a query, found one that is nested too deep; split it up.") from None

    def _check(self, node: object, names: frozenset[str]) -> None:
        if isinstance(node, list):
            for child in node:
                self._check(child, names)
        if not isinstance(node, dict):
            return
        kind = str(node.get("type", ""))
        if kind.endswith("_NODE"):
            names = self._query_node(node, kind, names)
        elif kind == "BASE_TABLE":
            self._table(node, names)
        elif kind == "SHOW_REF" and (self._is_model or node["show_type"] != "DESCRIBE"):
            self._refuse("show", "one query (select)", "a show, describe or summarize", "keep a single select")
        elif kind == "TABLE_FUNCTION":
            self._function(node["function"], TABLE_FUNCTIONS)
            self._check(node["function"]["arguments"], names)
            return
        elif "function_name" in node:
            self._function(node, None)
        elif node.get("class") == "COLUMN_REF" and len(node["column_names"]) == 1:
            self._column(node["column_names"][0].lower())
        if node.get("sample") and self._is_model:
            self._refuse(
                "sample",
                "a repeatable query",
                "a random sample",
                "filter by {{ function('stable_share') }}(<key>, '<salt>') < <share>",
            )
        for key, child in node.items():
            if key != "cte_map":
                self._check(child, names)

    def _query_node(self, node: Tree, kind: str, names: frozenset[str]) -> frozenset[str]:
        if kind not in QUERIES:
            word = kind.split("_")[0].lower()
            self._refuse(word, "one query (select)", f"{word} statement", "keep a single select")
        if self._is_model:
            self._order(node["modifiers"])
        for entry in node["cte_map"]["map"]:
            query, name = entry["value"]["query_node"], entry["key"].lower()
            self._check(query, names | {name} if query["type"] == "RECURSIVE_CTE_NODE" else names)
            names |= {name}
        return names

    def _order(self, modifiers: list[Tree]) -> None:
        found = {modifier["type"]: modifier for modifier in modifiers}
        if "ORDER_MODIFIER" in found:
            return
        limit = found.get("LIMIT_MODIFIER") or found.get("LIMIT_PERCENT_MODIFIER")
        if limit and not _is_zero(limit["limit"]):
            self._refuse("limit", "a repeatable query", "limit without order by", "add order by <key>")
        if found.get("DISTINCT_MODIFIER", {}).get("distinct_on_targets"):
            self._refuse("distinct on", "a repeatable query", "distinct on without order by", "add order by <key>")

    def _table(self, node: Tree, names: frozenset[str]) -> None:
        schema, table = node["schema_name"].lower(), node["table_name"]
        if self._reach is None or schema == HISTORY or (not schema and table.lower() in names):
            return
        if node["catalog_name"].lower() in ("", DATABASE) and f"{schema}.{table.lower()}" in self._reach.tables:
            return
        name = ".".join(part for part in (node["catalog_name"], node["schema_name"], table) if part)
        instead = f"write {{{{ ref('{table}') }}}}" if re.fullmatch(r"\w+", table) and schema else "declare files as a source"
        self._refuse(table, "a query over ref() and source()", f"the table {name}", f"{instead}, so that changes of it are seen")

    def _function(self, node: Tree, only: frozenset[str] | None) -> None:
        name, schema = node["function_name"].lower(), node["schema"].lower()
        if name in self._more or (only is not None and name in only) or self._is_ours(schema, name):
            return
        arguments = [argument["expression"] for argument in node.get("arguments", [])]
        if only is None and (only_computes(name) or name == "getvariable") and _is_repeatable(name, arguments):
            return
        if name in INSTEAD:
            self._refuse(name, "the same result in every run", f"{name}()", f"write {INSTEAD[name]}")
        self._refuse(
            name,
            "functions of DuckDB that only compute, or {{ function(...) }}",
            f"{name}()",
            "declare files as a source, and write SQL out in full",
        )

    def _is_ours(self, schema: str, name: str) -> bool:
        """True for a function node that the query names, as it is written or as the macros of fitted models write it."""
        functions = self._reach.functions if self._reach else frozenset()
        if schema:
            return f"{schema}.{name}" in functions or (self._reach is None and schema == "functions")
        return name not in _catalog() and any(function.endswith(f".{name}") for function in functions)

    def _column(self, name: str) -> None:
        if name in WITHOUT_BRACKETS:
            self._refuse(name, "the same result in every run", f"{name}()", f"write {INSTEAD[name]}")

    def _refuse(self, word: str, expected: str, found: str, instead: str) -> None:
        raise ScorehouseError(f"{self._where}{_line(self._text, word)}: expected {expected}, found {found}; {instead}.")


def is_of_duckdb(name: str) -> bool:
    """Whether DuckDB has a function of this name."""
    return name.lower() in _catalog()


@cache
def only_computes(name: str) -> bool:
    """Whether every form of a DuckDB function gives the same result for the same arguments, and reads nothing else."""
    forms = _catalog().get(name, [])
    return name == "error" or (bool(forms) and name not in MISLABELLED and all(_form_only_computes(*form) for form in forms))


def _form_only_computes(kind: str, stability: str | None, definition: str | None) -> bool:
    if kind == "macro":
        return all(only_computes(name) for name in _names_in(parse_tree(f"select ({definition})", "DuckDB")))
    return stability == "CONSISTENT"


def _tables_in(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for child in node:
            yield from _tables_in(child)
    elif isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            yield f"{node['schema_name']}.{node['table_name']}".lower()
        for child in node.values():
            yield from _tables_in(child)


def _names_in(node: object) -> Iterator[str]:
    """Functions that an expression calls; a table, or what reads the time without brackets, is a name that nothing has."""
    if isinstance(node, list):
        for child in node:
            yield from _names_in(child)
    elif isinstance(node, dict):
        if "function_name" in node:
            yield node["function_name"].lower()
        if node.get("type") == "BASE_TABLE" or WITHOUT_BRACKETS & set(node.get("column_names", [])):
            yield ""
        for child in node.values():
            yield from _names_in(child)


@cache
def _catalog() -> dict[str, list[tuple[str, str | None, str | None]]]:
    """Every form of DuckDB's own functions by name: kind, stability, a macro's definition. Table functions stand elsewhere."""
    found: dict[str, list[tuple[str, str | None, str | None]]] = {}
    rows = _parser().execute(
        "select lower(function_name), function_type, stability, macro_definition from duckdb_functions()"
        " where function_type in ('scalar', 'aggregate', 'window', 'macro')"
    )
    for name, *form in rows.fetchall():
        found.setdefault(name, []).append(tuple(form))
    found["unnest"] = [("scalar", "CONSISTENT", None)]  # the parser's own
    return found


def _is_repeatable(name: str, arguments: list[Tree]) -> bool:
    if name == "age":
        return len(arguments) == 2  # with one it is the time since
    literals = [argument["literal"] for argument in arguments if argument["class"] == "CONSTANT"]
    texts = [literal["text"].lower() for literal in literals if literal and "text" in literal]
    if name == "getvariable":
        return bool(texts) and texts[0] in VARIABLES
    return name not in BY_NAME or all(only_computes(text) for text in texts[:1])


def _is_zero(limit: Tree | None) -> bool:
    return limit is not None and limit["class"] == "CONSTANT" and limit["literal"].get("text") == "0"


def _kind_of(statement: duckdb.Statement) -> str:
    try:
        return statement.type.name.lower()
    except ValueError:  # a kind that the Python package has no name for
        return statement.query.split()[0].lower()


_parsers = threading.local()


def _parser() -> duckdb.DuckDBPyConnection:
    """This thread's connection to an empty database that only parses."""
    if not hasattr(_parsers, "connection"):
        _parsers.connection = duckdb.connect()
    return _parsers.connection


atexit.register(_parsers.__dict__.clear)  # a connection that outlives the interpreter is reported as a leak


def _line(text: str, word: str) -> str:
    match = re.search(r"(?<!\w)" + re.escape(word).replace(r"\ ", r"\s+") + r"(?!\w)", text, re.IGNORECASE)
    return f", line {text.count(chr(10), 0, match.start()) + 1}" if match else ""
