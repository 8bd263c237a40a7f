"""The sandbox gate: what an analyst's SQL may contain. It reads the rendered text before DuckDB does."""

import re

from sqlglot import exp

from scorehouse.canonical import parse
from scorehouse.errors import ScorehouseError

PINNED = {
    **dict.fromkeys(
        [
            "now",
            "current_timestamp",
            "get_current_timestamp",
            "transaction_timestamp",
            "localtimestamp",
            "current_localtimestamp",
            "current_datetime",
        ],
        "{{ as_of() }}",
    ),
    **dict.fromkeys(
        ["current_date", "today", "current_time", "get_current_time", "localtime", "current_localtime"],
        "{{ as_of() }}::date",
    ),
    **dict.fromkeys(
        ["random", "rand", "randn", "setseed", "uuid", "gen_random_uuid", "uuidv4", "uuidv7"],
        "{{ function('stable_share') }}(<key>, '<salt>')",
    ),
    **dict.fromkeys(["nextval", "currval"], "row_number() over (order by <key>)"),
    **dict.fromkeys(
        [
            "txid_current",
            "version",
            "current_setting",
            "current_user",
            "session_user",
            "getenv",
            "current_database",
            "current_schema",
            "connection_id",
            "pg_backend_pid",
        ],
        "a var or a seed",
    ),
}
"""Functions whose value changes from run to run, and the pinned way to write what is meant."""

OUTSIDE = re.compile(
    r"(read|scan|sniff|write)_\w+|\w+_scan|parquet_\w+|glob|query|query_table|getvariable|sqlite_\w+|postgres_\w+|mysql_\w+"
    r"|duckdb_\w+|pragma_\w+|load_aws_credentials|which_secret|json_execute_serialized_sql|from_substrait\w*|test_\w+|checkpoint"
    r"|force_checkpoint|seq_scan|arrow_scan\w*|pandas_scan|python_map_function|summary|storage_info|enable_\w+|disable_\w+|copy_database"
)
"""Table and scalar functions that reach files, the network, the engine or SQL hidden in a string."""

ALLOWED = {"built_at"}
"""Session variables that the store itself sets."""

_NAMES = re.compile(r"[/\\]|\.(csv|tsv|json|parquet|duckdb|db|xlsx|gz|txt)$|^\w+://", re.IGNORECASE)


def check(sql: str, where: str, raw: str | None = None) -> exp.Expression:
    """Return the one query in `sql` as a tree, or refuse it.

    Args:
        sql: rendered SQL.
        where: path of the file it came from, named in refusals.
        raw: the file's own text; its line numbers are named where the refused word stands in it.

    Raises ScorehouseError naming file, line, what was found and what to write instead.
    """
    statements = parse(sql, where)
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        found = next((s for s in statements if not isinstance(s, exp.Query)), None)
        word = sql.split()[0].upper() if sql.split() else "nothing"
        word = _first_word(found) if found is not None and len(statements) > 1 else word
        raise _refusal(
            where,
            raw or sql,
            word,
            "one query (select)",
            f"{word}" if len(statements) == 1 else f"{len(statements)} statements",
            "keep a single select",
        )
    check_tree(statements[0], where, raw or sql)
    return statements[0]


def check_tree(tree: exp.Expression, where: str, text: str) -> None:
    """Refuse what a query, or an expression of one, may not contain (see `check`)."""
    for node in tree.walk():
        if isinstance(node, exp.Func):
            _check_function(node, where, text)
        elif isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier) and _NAMES.search(node.name):
            raise _refusal(
                where, text, node.name, "a table", f"the file '{node.name}'", "declare it as a source and read source()"
            )
        elif isinstance(node, (exp.Insert, exp.Update, exp.Delete, exp.Create, exp.Drop, exp.Command, exp.Into)):
            raise _refusal(where, text, _first_word(node), "one query (select)", _first_word(node), "keep a single select")
        elif isinstance(node, exp.TableSample):
            raise _refusal(
                where,
                text,
                "sample",
                "a repeatable query",
                "a random sample",
                "filter by {{ function('stable_share') }}(<key>, '<salt>') < <share>",
            )
        elif isinstance(node, exp.Select):
            _check_order(node, where, text)


def _check_function(node: exp.Func, where: str, text: str) -> None:
    if _is_ours(node):
        return
    for name in _function_names(node):
        if name in PINNED:
            raise _refusal(where, text, name, "the same result in every run", f"{name}()", f"write {PINNED[name]}")
        if OUTSIDE.fullmatch(name) and not (name == "getvariable" and _argument(node) in ALLOWED):
            raise _refusal(
                where,
                text,
                name,
                "a query over ref(), source() and function()",
                f"{name}()",
                "declare files as a source, and write SQL out in full",
            )


def _check_order(select: exp.Select, where: str, text: str) -> None:
    limit = select.args.get("limit") or select.args.get("offset")
    if limit is not None and select.args.get("order") is None and not _is_zero(limit):
        raise _refusal(where, text, "limit", "a repeatable query", "limit without order by", "add order by <key>")
    distinct = select.args.get("distinct")
    if distinct is not None and distinct.args.get("on") is not None and select.args.get("order") is None:
        raise _refusal(where, text, "distinct on", "a repeatable query", "distinct on without order by", "add order by <key>")


def _is_zero(limit: exp.Expression) -> bool:
    return isinstance(limit, exp.Limit) and isinstance(limit.expression, exp.Literal) and limit.expression.name == "0"


def _function_names(node: exp.Func) -> set[str]:
    if isinstance(node, exp.Anonymous):
        return {node.name.lower()}
    return {name.lower() for name in node.sql_names()}


def _is_ours(node: exp.Func) -> bool:
    """True for a function node of the project, written functions.<name>(...)."""
    return isinstance(node.parent, exp.Dot) and node.parent.this.name.lower() == "functions"


def _argument(node: exp.Func) -> str:
    return node.expressions[0].name if node.expressions else ""


def _first_word(node: exp.Expression) -> str:
    return node.sql(dialect="duckdb").split()[0].upper()


def _refusal(where: str, text: str, word: str, expected: str, found: str, instead: str) -> ScorehouseError:
    return ScorehouseError(f"{where}{_line(text, word)}: expected {expected}, found {found}; {instead}.")


def _line(text: str, word: str) -> str:
    match = re.search(r"(?<!\w)" + re.escape(word).replace(r"\ ", r"\s+") + r"(?!\w)", text, re.IGNORECASE)
    return f", line {text.count(chr(10), 0, match.start()) + 1}" if match else ""
