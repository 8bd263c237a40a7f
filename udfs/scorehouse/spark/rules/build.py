"""Small trees of Spark SQL."""

from collections.abc import Callable, Sequence

from sqlglot import exp

AGGREGATE = "aggregate"
"""Mark of the calls inside a translated aggregate that its FILTER and OVER belong to."""


def call(name: str, *arguments: exp.Expression | str | int | float) -> exp.Anonymous:
    """A call of a Spark function, printed as it is written; texts are names of columns.

    >>> call("slice", "x", 1, 3).sql("spark")
    'SLICE(x, 1, 3)'
    """
    return exp.Anonymous(this=name, expressions=[_node(argument) for argument in arguments])


def aggregate(name: str, *arguments: exp.Expression | str | int | float) -> exp.Anonymous:
    """A call of an aggregate, which takes the FILTER and OVER that stand around its translation."""
    found = call(name, *arguments)
    found.meta[AGGREGATE] = True
    return found


def text(value: str) -> exp.Literal:
    """A text."""
    return exp.Literal.string(value)


def cast(value: exp.Expression, spark_type: str) -> exp.Cast:
    """A value as a type of Spark's."""
    return exp.Cast(this=value, to=exp.Var(this=spark_type))


def lambda_of(names: Sequence[str], body: exp.Expression) -> exp.Lambda:
    """A lambda."""
    return exp.Lambda(this=body, expressions=[exp.to_identifier(name) for name in names])


def field(of: str, name: str) -> exp.Dot:
    """A field of a struct."""
    return exp.Dot(this=exp.to_identifier(of), expression=exp.to_identifier(name))


def named_struct(fields: Sequence[tuple[str, exp.Expression]]) -> exp.Anonymous:
    """A struct with named fields.

    >>> named_struct([("a", exp.column("x"))]).sql("spark")
    "NAMED_STRUCT('a', x)"
    """
    return call("named_struct", *(part for name, value in fields for part in (text(name), value)))


def when(*cases: tuple[exp.Expression, exp.Expression | int], otherwise: exp.Expression | int) -> exp.Case:
    """A CASE of conditions with their values."""
    ifs = [exp.If(this=condition, true=_node(value)) for condition, value in cases]
    return exp.Case(ifs=ifs, default=_node(otherwise))


def is_null(value: exp.Expression) -> exp.Is:
    """Whether a value is NULL."""
    return exp.Is(this=value, expression=exp.Null())


def ordering(keys: Sequence[tuple[str, bool]]) -> exp.Lambda:
    """How `array_sort` compares structs by their fields (name, whether descending) as DuckDB orders rows: NULL is last.

    >>> print(ordering([("k", False)]).sql("spark"))  # doctest: +ELLIPSIS
    (l, r) -> CASE WHEN l.k IS NULL AND r.k IS NULL THEN 0 WHEN l.k IS NULL THEN 1 ... WHEN l.k > r.k THEN 1 ELSE 0 END
    """
    body: exp.Expression = exp.Literal.number(0)
    for name, descends in reversed(keys):
        left, right = field("l", name), field("r", name)
        body = when(
            (exp.And(this=is_null(left), expression=is_null(right)), body),
            (is_null(left.copy()), 1),
            (is_null(right.copy()), -1),
            (exp.LT(this=left.copy(), expression=right.copy()), 1 if descends else -1),
            (exp.GT(this=left.copy(), expression=right.copy()), -1 if descends else 1),
            otherwise=body.copy(),
        )
    return lambda_of(["l", "r"], body)


def borrowed(returns: str, expression: str, arguments: Sequence[exp.Expression]) -> exp.Expression:
    """What DuckDB itself computes on Spark's workers, over Arrow batches: a0, a1, ... are the arguments.

    >>> borrowed("DOUBLE", "gamma(a0)", [exp.column("x")]).sql("spark")
    "DUCKDB_DOUBLE('gamma(a0)', x)"
    """
    return call(f"duckdb_{returns.lower()}", text(expression), *arguments)


def with_name(name: str, value: exp.Expression, body: exp.Expression) -> exp.Expression:
    """A body in which a value has a name: the lambda over a list of one."""
    return call("try_element_at", call("transform", call("array", value), lambda_of([name], body)), 1)


def once(value: exp.Expression, body: Callable[[exp.Expression], exp.Expression]) -> exp.Expression:
    """A body that names a value several times and computes it once: else texts within texts would grow without end."""
    if isinstance(value, exp.Column | exp.Identifier | exp.Literal):
        return body(value)
    return with_name("value_of", value, body(exp.column("value_of")))


def number_of(node: exp.Expression) -> float | None:
    """The number that a literal is, else None."""
    if isinstance(node, exp.Neg):
        inner = number_of(node.this)
        return None if inner is None else -inner
    return float(node.this) if isinstance(node, exp.Literal) and not node.is_string else None


def text_of(node: exp.Expression) -> str | None:
    """The text that a literal is, else None."""
    return node.this if isinstance(node, exp.Literal) and node.is_string else None


def _node(value: exp.Expression | str | int | float) -> exp.Expression:
    if isinstance(value, exp.Expression):
        return value
    return exp.column(value) if isinstance(value, str) else exp.Literal.number(value)
