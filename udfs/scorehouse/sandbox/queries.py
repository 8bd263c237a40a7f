"""The sandbox gate: what an analyst's SQL may contain.

DuckDB's own parser reads the rendered text, so nothing can look harmless here and be something else there. What is allowed is
listed; everything else is refused: one query, over the relations that the node names with ref() and source(), with functions
that only compute.
"""

import re
from dataclasses import dataclass

from scorehouse.errors import ScorehouseError
from scorehouse.names.quoting import folded
from scorehouse.sandbox.duckdb_functions import WITHOUT_BRACKETS, catalog, only_computes
from scorehouse.sandbox.parse import Tree, line_of, parse_tree

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
    """What a node may read: the relations and the function nodes (schema.name) that it names, in whatever case, as in DuckDB."""

    tables: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for names in ("tables", "functions"):
            object.__setattr__(self, names, frozenset(map(folded, getattr(self, names))))


def check(sql: str, where: str, raw: str | None = None, reach: Reach | None = None) -> Tree:
    """DuckDB's tree of the one query in `sql`; refuses what a node's query may not be.

    Args:
        sql: rendered SQL.
        where: path of the file it came from, named in refusals.
        raw: the file's own text; its line numbers are named where the refused word stands in it.
        reach: what the query may read; None leaves relations to ref() and source() unchecked.

    Raises ScorehouseError naming file, line, what was found and what to write instead.
    """
    tree = parse_tree(sql, where)
    _Reader(where, raw or sql, reach).query(tree, frozenset())
    return tree


def check_names(sql: str, where: str, more: frozenset[str]) -> None:
    """Refuse a query with functions that do more than compute; `more` are allowed beside those (see `check`)."""
    _Reader(where, sql, None, more, is_model=False).query(parse_tree(sql, where), frozenset())


def check_expression(body: str, where: str, reach: Reach) -> Tree:
    """DuckDB's tree of the one expression in `body`; refuses what could do more than compute (see `check`)."""
    tree = expression(body, where)
    _Reader(where, body, reach).query(tree, frozenset())
    return tree


def expression(body: str, where: str) -> Tree:
    """DuckDB's tree of the one expression in a text.

    It must be whole between round brackets and between square ones: so it closes none of them itself.
    """
    parse_tree(f"select (\n{body}\n)", where)
    query = parse_tree(f"select [\n{body}\n]", where)
    listed = query.get("select_list", [])
    is_bare = len(listed) == 1 and query["from_table"]["type"] == "EMPTY" and not query["modifiers"]
    arguments = listed[0].get("arguments", []) if is_bare else []
    if len(arguments) != 1:
        raise ScorehouseError(
            f"{where}: expected one SQL expression, found `{body.strip()[:60]}`; write one value, without select."
        )
    return arguments[0]["expression"]


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
        self._columns: set[int] = set()

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
        if node.get("sample") and self._is_model:
            self._refuse(
                "sample",
                "a repeatable query",
                "a random sample",
                "filter by {{ function('stable_share') }}(<key>, '<salt>') < <share>",
            )
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
        for key, child in node.items():
            if key != "cte_map":
                self._check(child, names)

    def _query_node(self, node: Tree, kind: str, names: frozenset[str]) -> frozenset[str]:
        self._columns |= {id(_uncast(column)) for column in node.get("select_list", [])}
        if kind not in QUERIES:
            word = kind.split("_")[0].lower()
            self._refuse(word, "one query (select)", f"{word} statement", "keep a single select")
        if self._is_model:
            self._order(node["modifiers"])
        for entry in node["cte_map"]["map"]:
            query, name = entry["value"]["query_node"], folded(entry["key"])
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
        schema, table = folded(node["schema_name"]), node["table_name"]
        if self._reach is None or schema == HISTORY or (not schema and folded(table) in names):
            return
        if folded(node["catalog_name"]) in ("", DATABASE) and f"{schema}.{folded(table)}" in self._reach.tables:
            return
        name = ".".join(part for part in (node["catalog_name"], node["schema_name"], table) if part)
        instead = f"write {{{{ ref('{table}') }}}}" if re.fullmatch(r"\w+", table) and schema else "declare files as a source"
        self._refuse(table, "a query over ref() and source()", f"the table {name}", f"{instead}, so that changes of it are seen")

    def _function(self, node: Tree, only: frozenset[str] | None) -> None:
        name, schema = folded(node["function_name"]), folded(node["schema"])
        if name in self._more or (only is not None and name in only) or self._is_ours(schema, name):
            return
        arguments = [argument["expression"] for argument in node.get("arguments", [])]
        if name == "getvariable" and id(node) not in self._columns and self._is_model:
            self._refuse("built_at", "built_at() as a column of its own", "it computed with", "write {{ as_of() }}")
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
        return name not in catalog() and any(function.endswith(f".{name}") for function in functions)

    def _column(self, name: str) -> None:
        if name in WITHOUT_BRACKETS:
            self._refuse(name, "the same result in every run", f"{name}()", f"write {INSTEAD[name]}")

    def _refuse(self, word: str, expected: str, found: str, instead: str) -> None:
        raise ScorehouseError(f"{self._where}{line_of(self._text, word)}: expected {expected}, found {found}; {instead}.")


def _is_repeatable(name: str, arguments: list[Tree]) -> bool:
    if name == "age":
        return len(arguments) == 2  # with one it is the time since
    literals = [argument["literal"] for argument in arguments if argument["class"] == "CONSTANT"]
    texts = [literal["text"].lower() for literal in literals if literal and "text" in literal]
    if name == "getvariable":
        return bool(texts) and texts[0] in VARIABLES
    return name not in BY_NAME or all(only_computes(text) for text in texts[:1])


def _uncast(column: Tree) -> Tree:
    """A column without a cast to a timestamp around it."""
    is_cast = column.get("type") == "OPERATOR_CAST" and column["type_expr"].get("type_name", "").upper() == "TIMESTAMP"
    return column["child"] if is_cast else column


def _is_zero(limit: Tree | None) -> bool:
    return limit is not None and limit["class"] == "CONSTANT" and limit["literal"].get("text") == "0"
