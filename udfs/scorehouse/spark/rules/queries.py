"""What queries are made of: relations, stars, lists that become rows."""

from sqlglot import exp

from scorehouse.spark.rules.build import call, lambda_of
from scorehouse.spark.rules.registry import Known, UntranslatableError, function, node


@node(exp.Table)
def relation(found: exp.Table, known: Known) -> exp.Expression:
    """A relation keeps its name within the query, whatever it is called in Spark; functions in FROM give rows."""
    if isinstance(found.this, exp.Anonymous):
        return _rows_of(found.this, found.args.get("alias"))
    if not found.db:
        return found
    name = exp.to_identifier(known.relation(found.db, found.name), quoted=False)
    alias = found.args.get("alias") or exp.TableAlias(this=exp.to_identifier(found.name))
    return exp.Table(this=name, alias=alias)


@node(exp.CTE)
def step(found: exp.CTE, known: Known) -> exp.Expression:
    """Whether a step's rows are kept is for Spark to choose: it changes none of them."""
    found.set("materialized", None)
    return found


@node(exp.Unnest)
def unnest(found: exp.Unnest, known: Known) -> exp.Expression:
    """A list in FROM."""
    if len(found.expressions) != 1 or found.args.get("offset"):
        raise UntranslatableError("unnest of several lists", "unnest them one after the other")
    return _table(call("explode", found.expressions[0]), found.args.get("alias"))


ROWS = ("explode", "inline")
"""Functions of Spark's that make rows."""


@function("generate_subscripts")
def places(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The places in a list, from 1, beside what `unnest` makes of it."""
    place = exp.Add(this=exp.column("place"), expression=exp.Literal.number(1))
    return call("explode", call("transform", found.expressions[0], lambda_of(["one", "place"], place)))


@function("unnest")
def unnest_in_select(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A list in SELECT."""
    values, *options = found.expressions
    if options:
        return call("inline", values)
    return call("explode", values)


@node(exp.Select)
def select(found: exp.Select, known: Known) -> exp.Expression:
    """What is replaced in * stands behind it; of several lists that become rows beside each other, one is made."""
    columns = [_rows_last(part, found) for column in found.expressions for part in _replaced(column)]
    found.set("expressions", _zipped(columns))
    return found


def _rows_last(column: exp.Expression, query: exp.Select) -> exp.Expression:
    """Rows are made of a list whose elements are what the expression is of each: Spark makes none inside an expression."""
    value = column.unalias()
    lists = [
        part
        for part in value.find_all(exp.Anonymous)
        if part is not value and part.name in ROWS and part.find_ancestor(exp.Select) is query
    ]
    if not lists:
        return column
    values = lists[0].copy()
    if values.name != "explode" or any(other != values for other in lists):
        raise UntranslatableError("unnest() inside an expression", "give it a name in a step before")
    for part in lists:
        part.replace(exp.column("element"))
    made = call("explode", call("transform", values.expressions[0], lambda_of(["element"], value.copy())))
    if not isinstance(column, exp.Alias):
        return made
    column.set("this", made)
    return column


def _replaced(column: exp.Expression) -> list[exp.Expression]:
    star = column.this if isinstance(column, exp.Column) else column
    if not isinstance(star, exp.Star):
        return [column]
    replaced, renamed = star.args.get("replace") or [], star.args.get("rename") or []
    left_out = [exp.column(other.alias) for other in replaced] + [other.this.copy() for other in renamed]
    if left_out:
        star.set("except_", [*(star.args.get("except_") or []), *left_out])
        star.set("replace", None)
        star.set("rename", None)
    return [column, *replaced, *renamed]


def _zipped(columns: list[exp.Expression]) -> list[exp.Expression]:
    """Spark makes rows of one list in a SELECT: of several a list of structs."""
    lists = [column for column in columns if isinstance(column.unalias(), exp.Anonymous) and column.unalias().name in ROWS]
    if len(lists) < 2:
        return columns
    if any(column.unalias().name == "inline" or not column.alias for column in lists):
        raise UntranslatableError("several unnest beside each other", "give each a name, and name the fields in the next step")
    zipped = call("inline", call("arrays_zip", *(column.unalias().expressions[0] for column in lists)))
    named = exp.Aliases(this=zipped, expressions=[exp.to_identifier(column.alias) for column in lists])
    return [*(column for column in columns if column not in lists), named]


@node(exp.With)
def with_steps(found: exp.With, known: Known) -> exp.Expression:
    """Steps of a query, none of which reads itself."""
    if found.args.get("recursive"):
        raise UntranslatableError("a recursive query", "write it with windows")
    return found


@node(exp.Join)
def join(found: exp.Join, known: Known) -> exp.Expression:
    """A join; rows of functions in FROM may name what stands before them."""
    if found.method or found.kind in ("POSITIONAL", "ASOF"):
        raise UntranslatableError(f"{found.method or found.kind} join")
    return found


@node(exp.Distinct)
def distinct(found: exp.Distinct, known: Known) -> exp.Expression:
    """Different rows."""
    if found.args.get("on"):
        raise UntranslatableError("distinct on", "write qualify row_number() over (...) = 1")
    return found


def _rows_of(rows: exp.Anonymous, alias: exp.Expression | None) -> exp.Expression:
    if rows.name.lower() == "sequence":
        rows = call("explode", rows)
    elif rows.name.lower() not in ROWS:
        raise UntranslatableError(f"{rows.name} in FROM")
    return _table(rows, alias)


def _table(rows: exp.Expression, alias: exp.Expression | None) -> exp.Expression:
    return exp.Table(this=rows, alias=alias)
