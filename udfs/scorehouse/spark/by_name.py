"""UNION BY NAME, which Spark's SQL lacks: both sides name their columns, those that one lacks are NULL."""

from sqlglot import exp

from scorehouse.spark.rules.registry import Known, UntranslatableError


def expand(tree: exp.Expression, known: Known) -> None:
    """Write every UNION BY NAME of a query as a UNION of columns in one order."""
    for union in reversed(list(tree.find_all(exp.Union))):
        if union.args.get("by_name"):
            sides = [union.this, union.expression]
            names = list(dict.fromkeys(name for side in sides for name in columns_of(side, known)))
            for side in sides:
                side.replace(_selecting(names, side, known))
            union.set("by_name", False)


def columns_of(query: exp.Expression, known: Known) -> list[str]:
    """Names of a query's columns, in their order."""
    if isinstance(query, exp.Subquery):
        return columns_of(query.this, known)
    if isinstance(query, exp.SetOperation):
        return columns_of(query.this, known)
    if not isinstance(query, exp.Select):
        raise UntranslatableError("union by name of this query", "name the columns")
    return [name for column in query.expressions for name in _names(column, query, known)]


def _names(column: exp.Expression, query: exp.Select, known: Known) -> list[str]:
    star = column.this if isinstance(column, exp.Column) else column
    if not isinstance(star, exp.Star):
        if not column.alias_or_name:
            raise UntranslatableError("union by name with a column that has no name", "give it a name")
        return [column.alias_or_name]
    left_out = {other.name for other in star.args.get("except_") or []}
    sources = [source for source in _sources(query) if not getattr(column, "table", "") or source.alias_or_name == column.table]
    return [name for source in sources for name in _of_source(source, known) if name not in left_out]


def _sources(query: exp.Select) -> list[exp.Expression]:
    joins = [join for join in query.args.get("joins") or [] if join.kind not in ("SEMI", "ANTI")]
    return [query.args["from_"].this, *(join.this for join in joins)]


def _of_source(source: exp.Expression, known: Known) -> list[str]:
    if isinstance(source, exp.Subquery):
        return columns_of(source.this, known)
    if isinstance(source, exp.Table) and source.db:
        return list(known.columns[(source.db, source.name)])
    step = source.parent
    while step is not None:
        for made in step.args["with_"].expressions if step.args.get("with_") else ():
            if made.alias == source.name:
                return columns_of(made.this, known)
        step = step.parent
    raise UntranslatableError(f"union by name over {source.name}", "name the columns")


def _selecting(names: list[str], side: exp.Expression, known: Known) -> exp.Expression:
    given = set(columns_of(side, known))
    columns = [exp.column(name) if name in given else exp.alias_(exp.Null(), name) for name in names]
    inner = side.this if isinstance(side, exp.Subquery) else side
    if names == columns_of(side, known):
        return side
    source = exp.Subquery(this=inner.copy(), alias=exp.TableAlias(this=exp.to_identifier("side")))
    return exp.Select(expressions=columns).from_(source)
