"""DuckDB's SQL as Spark's.

sqlglot reads the query without knowing what any function means, so that nothing is rewritten that has no rule here; the rules
turn its tree, from the leaves up, into one that prints as Spark SQL.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp, parse_one
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.spark import Spark
from sqlglot.errors import ParseError, UnsupportedError

from scorehouse.errors import first_line
from scorehouse.spark import (
    by_name,
    rules,  # noqa: F401, they register themselves
)
from scorehouse.spark.rules.registry import FUNCTIONS, NODES, Known, SqlFunction, UntranslatableError
from scorehouse.spark.rules.types import spark_type


class _Read(DuckDB):
    """DuckDB's grammar; every function is a name with arguments, every path and place is as it was written."""

    INDEX_OFFSET = 0

    class Parser(DuckDB.Parser):
        FUNCTIONS = {}
        FUNCTION_PARSERS = {name: DuckDB.Parser.FUNCTION_PARSERS[name] for name in ("CAST", "TRY_CAST", "EXTRACT")}

    def to_json_path(self, path: exp.Expression | None) -> exp.Expression | None:
        return path


_OURS = (exp.Select, exp.Cast, exp.TryCast)
"""Nodes that sqlglot would rewrite when it prints them."""


class _Write(Spark):
    """Spark's grammar; what is printed is what the rules made."""

    class Generator(Spark.Generator):
        EXPRESSIONS_WITHOUT_NESTED_CTES = frozenset()  # steps of a step keep their place: two may have one name
        TRANSFORMS = {kind: made for kind, made in Spark.Generator.TRANSFORMS.items() if kind not in _OURS}

        def cast_sql(self, expression: exp.Cast, safe_prefix: str | None = None) -> str:
            return f"CAST({self.sql(expression, 'this')} AS {self.sql(expression, 'to')})"

        def trycast_sql(self, expression: exp.TryCast) -> str:
            return f"TRY_CAST({self.sql(expression, 'this')} AS {self.sql(expression, 'to')})"


PLAIN = (
    *(exp.Select, exp.From, exp.Where, exp.Group, exp.Having, exp.Order, exp.Limit, exp.Subquery),
    *(
        exp.TableAlias,
        exp.Identifier,
        exp.Column,
        exp.Alias,
        exp.Boolean,
        exp.Null,
        exp.Paren,
        exp.And,
        exp.Or,
        exp.Not,
        exp.EQ,
        exp.NEQ,
    ),
    *(
        exp.GT,
        exp.GTE,
        exp.LT,
        exp.LTE,
        exp.Is,
        exp.In,
        exp.Between,
        exp.Add,
        exp.Sub,
        exp.Mul,
        exp.Mod,
        exp.Neg,
        exp.DPipe,
        exp.Case,
    ),
    *(exp.Star, exp.Union, exp.Array),  # columns that a star replaces and unions by name are written out before
    *(exp.If, exp.Intersect, exp.Except, exp.Qualify, exp.Exists, exp.Values, exp.Lambda, exp.Var, exp.Lateral, exp.NullSafeEQ),
    *(exp.NullSafeNEQ, exp.IgnoreNulls, exp.Slice, exp.PropertyEQ, exp.Kwarg, exp.DataType, exp.DataTypeParam, exp.ColumnDef),
)
"""What means the same in both engines."""


def translated(sql: str, known: Known) -> str:
    """A query as Spark SQL; raises UntranslatableError for what has no rule."""
    try:
        tree = parse_one(sql, dialect=_Read)
        by_name.expand(tree, known)
        return printed(rewritten(tree, replace(known, types=_types(tree, known))))
    except ParseError as error:
        found = error.errors[0]
        raise UntranslatableError("SQL that sqlglot does not read", line=found["line"]) from error
    except UnsupportedError as error:
        raise UntranslatableError(first_line(error)) from error


def typed(sql: str, columns: Mapping[str, str], known: Known) -> str:
    """A query whose columns have the types that DuckDB gave them."""
    selected = ",\n    ".join(f"cast(`{name}` as {spark_type(kind)}) as `{name}`" for name, kind in columns.items())
    return f"select\n    {selected}\nfrom (\n{translated(sql, known)}\n) as result\n"


def printed(tree: exp.Expression) -> str:
    """A translated tree as text."""
    return tree.sql(dialect=_Write, pretty=True, unsupported_level="raise")


def _types(tree: exp.Expression, known: Known) -> dict[str, str]:
    """DuckDB's types of columns, by names that mean one type in all relations that a query reads."""
    found: dict[str, set[str]] = {}
    for table in tree.find_all(exp.Table):
        for name, kind in known.columns.get((table.db, table.name), {}).items():
            found.setdefault(name.lower(), set()).add(kind)
    return {name: next(iter(kinds)) for name, kinds in found.items() if len(kinds) == 1}


def rewritten(node: exp.Expression, known: Known) -> exp.Expression:
    """A tree of DuckDB's as one of Spark's; what no rule fits is refused with its line."""
    try:
        return _rewritten(node, known)
    except UntranslatableError as error:
        error.line = error.line or _line_of(node)
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        name = f"{node.name.lower()}()" if isinstance(node, exp.Anonymous) else type(node).__name__.upper()
        raise UntranslatableError(f"{name} in this form", line=_line_of(node)) from error


def _line_of(node: exp.Expression) -> int | None:
    return min((part.meta["line"] for part in node.walk() if "line" in part.meta), default=None)


def _rewritten(node: exp.Expression, known: Known) -> exp.Expression:
    if isinstance(node, exp.Cast):  # its type is none of its expressions
        node.set("this", rewritten(node.this, known))
        return NODES[type(node)](node, known)
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Anonymous):
        return rewritten(node.expression, known)  # a function under its schema's name
    for name, value in list(node.args.items()):
        if isinstance(value, exp.Expression):
            node.set(name, rewritten(value, known))
        elif isinstance(value, list):
            node.set(name, [rewritten(part, known) if isinstance(part, exp.Expression) else part for part in value])
    if isinstance(node, exp.Anonymous):
        return _function(node, known)
    rule = NODES.get(type(node))
    if rule is not None:
        return rule(node, known)
    if isinstance(node, PLAIN) or (isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier)):
        return node
    raise UntranslatableError(type(node).__name__.upper())


def _function(call: exp.Anonymous, known: Known) -> exp.Expression:
    name = call.name.lower()
    if name in known.sql_functions or name in known.python_functions:
        return _own_function(call, known)
    if name == "getvariable":
        return _variable(call, known)
    if name not in FUNCTIONS:
        raise UntranslatableError(f"{name}()")
    return FUNCTIONS[name](call, known)


def _own_function(call: exp.Anonymous, known: Known) -> exp.Expression:
    """A function of the project: a SQL one is put in place, as DuckDB's macros are."""
    name = call.name.lower()
    if name in known.python_functions:
        return exp.Anonymous(this=name, expressions=call.expressions)
    if name not in known.sql_functions:
        raise UntranslatableError(f"{name}()")
    made = known.sql_functions[name]
    body = _body(made, known)
    arguments = dict(zip(made.parameters, call.expressions, strict=True))
    for column in list(body.find_all(exp.Column)):
        if not column.table and column.name in arguments:
            column.replace(exp.Paren(this=arguments[column.name].copy()))
    return exp.Cast(this=body, to=exp.Var(this=spark_type(made.returns)))


def _body(made: SqlFunction, known: Known) -> exp.Expression:
    types = {name: kind.upper() for name, kind in made.parameters.items()}
    try:
        return rewritten(parse_one(made.body, dialect=_Read), replace(known, types=types))
    except UntranslatableError as error:
        error.line = None  # of the function's file, not of the one that calls it
        raise


def _variable(call: exp.Anonymous, known: Known) -> exp.Expression:
    name = call.expressions[0].name
    if name not in known.variables:
        raise UntranslatableError(f"getvariable('{name}')")
    return exp.Literal.string(known.variables[name])
