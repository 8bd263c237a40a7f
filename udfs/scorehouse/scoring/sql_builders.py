"""Small builders of sqlglot expressions, so that every formula prints in any dialect that sqlglot knows."""

import math
from collections.abc import Callable, Sequence

from sqlglot import exp

Expression = exp.Expression


def number(value: float) -> Expression:
    """A DOUBLE literal: 17 significant digits and an exponent, or DuckDB would read it as DECIMAL.

    What is not finite is cast from its text.

    >>> number(-0.1).sql("duckdb")
    '-1.0000000000000001e-01'
    >>> number(math.inf).sql("duckdb")
    "CAST('inf' AS DOUBLE)"
    """
    if not math.isfinite(value):
        return exp.cast(exp.Literal.string(str(float(value))), "double")
    literal = exp.Literal.number(f"{abs(value):.16e}")
    return exp.Neg(this=literal) if math.copysign(1.0, value) < 0 else literal


def text(value: str) -> Expression:
    """A text literal.

    >>> text("it's").sql("duckdb")
    "'it''s'"
    """
    return exp.Literal.string(value)


def column(name: str, data_type: str) -> Expression:
    """A column, cast to a SQL type so that the one it has today does not matter.

    >>> column("recency", "double").sql("duckdb")
    'CAST("recency" AS DOUBLE)'
    """
    return exp.cast(exp.column(exp.to_identifier(name, quoted=True)), data_type)


def wrap(expression: Expression) -> Expression:
    """Parentheses around an operator with its operands; a column, literal or call needs none.

    >>> wrap(add(exp.column("a"), exp.column("b"))).sql("duckdb"), wrap(exp.column("a")).sql("duckdb")
    ('(a + b)', 'a')
    """
    needs = isinstance(expression, exp.Binary | exp.Neg | exp.Not)
    return exp.Paren(this=expression) if needs else expression


def add(left: Expression, right: Expression) -> Expression:
    """left + right."""
    return exp.Add(this=wrap(left), expression=wrap(right))


def subtract(left: Expression, right: Expression) -> Expression:
    """left - right."""
    return exp.Sub(this=wrap(left), expression=wrap(right))


def multiply(left: Expression, right: Expression) -> Expression:
    """left * right."""
    return exp.Mul(this=wrap(left), expression=wrap(right))


def divide(left: Expression, right: Expression) -> Expression:
    """left / right; of two whole numbers, a DOUBLE.

    >>> divide(exp.column("a"), exp.column("b")).sql("duckdb")
    'a / b'
    """
    return exp.Div(this=wrap(left), expression=wrap(right), typed=False, safe=False)


def square(expression: Expression) -> Expression:
    """expression * expression, whose rounding is that of one multiplication, which pow() does not promise.

    >>> square(subtract(exp.column("x"), exp.column("y"))).sql("duckdb")
    '(x - y) * (x - y)'
    """
    return multiply(expression, expression)


def balanced(terms: Sequence[Expression], join: Callable[[Expression, Expression], Expression]) -> Expression:
    """One term or more joined pairwise, so that depth grows with the logarithm of their number (DuckDB's limit is 1,000).

    >>> balanced([exp.column(name) for name in "abc"], add).sql()
    'a + (b + c)'
    """
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return join(balanced(terms[:middle], join), balanced(terms[middle:], join))


def total(terms: Sequence[Expression], start: float = 0.0) -> Expression:
    """start + the balanced sum of terms; a start of 0 is left out.

    >>> total([exp.column("a"), exp.column("b")], 2.0).sql("duckdb")
    '2.0000000000000000e+00 + (a + b)'
    """
    if not terms:
        return number(start)
    summed = balanced(terms, add)
    return summed if start == 0 else add(number(start), summed)


def call(name: str, *arguments: Expression) -> Expression:
    """A function call; functions that sqlglot knows become its own nodes, so that they print in every dialect.

    >>> call("pow", exp.column("x"), exp.column("y")).sql("duckdb"), call("tanh", exp.column("x")).sql("duckdb")
    ('POWER(x, y)', 'TANH(x)')
    """
    return exp.func(name, *arguments, dialect="duckdb")


def when(cases: Sequence[tuple[Expression, Expression]], otherwise: Expression) -> Expression:
    """The value of the first condition that holds, else otherwise; just otherwise when there is no case.

    >>> when([(greater(exp.column("x"), exp.column("y")), exp.column("a"))], exp.column("b")).sql("duckdb")
    'CASE WHEN x > y THEN a ELSE b END'
    """
    if not cases:
        return otherwise
    return exp.Case(ifs=[exp.If(this=condition, true=value) for condition, value in cases], default=otherwise)


def match(subject: Expression, cases: Sequence[tuple[Expression, Expression]], otherwise: Expression) -> Expression:
    """The result of the first value that the subject equals, else otherwise.

    >>> match(exp.column("country"), [(text("uk"), exp.column("a"))], exp.column("b")).sql("duckdb")
    "CASE country WHEN 'uk' THEN a ELSE b END"
    """
    ifs = [exp.If(this=value, true=result) for value, result in cases]
    return exp.Case(this=subject, ifs=ifs, default=otherwise)


def is_present(expression: Expression) -> Expression:
    """True for a number (an infinite one too), false for NaN, NULL for NULL: DuckDB sorts NaN above all numbers.

    >>> is_present(exp.column("x")).sql("duckdb")
    "x < CAST('nan' AS DOUBLE)"
    """
    return exp.LT(this=wrap(expression), expression=number(math.nan))


def at_most(left: Expression, right: Expression) -> Expression:
    """left <= right."""
    return exp.LTE(this=wrap(left), expression=wrap(right))


def greater(left: Expression, right: Expression) -> Expression:
    """left > right."""
    return exp.GT(this=wrap(left), expression=wrap(right))


def between(expression: Expression, low: float, high: float) -> Expression:
    """low <= expression <= high.

    >>> between(exp.column("x"), 1.0, 2.0).sql("duckdb")
    'x >= 1.0000000000000000e+00 AND x <= 2.0000000000000000e+00'
    """
    return both(exp.GTE(this=wrap(expression), expression=number(low)), at_most(expression, number(high)))


def both(left: Expression, right: Expression) -> Expression:
    """left and right, neither of which is an `or`: nothing puts it in parentheses."""
    return exp.And(this=left, expression=right)


def filled(expression: Expression, value: float) -> Expression:
    """The expression, or value where it is NULL or NaN.

    >>> filled(exp.column("x"), 0.5).sql("duckdb")
    "CASE WHEN x < CAST('nan' AS DOUBLE) THEN x ELSE 5.0000000000000000e-01 END"
    """
    return when([(is_present(expression), expression)], number(value))


def struct(fields: Sequence[tuple[str, Expression]]) -> Expression:
    """A struct of named values.

    >>> struct([("a", exp.column("x"))]).sql("duckdb")
    "{'a': x}"
    """
    return exp.Struct(
        expressions=[exp.PropertyEQ(this=exp.to_identifier(name, quoted=True), expression=value) for name, value in fields]
    )


def element(listed: Expression, place: int) -> Expression:
    """An element of a list, counted from 1 as DuckDB does.

    >>> element(exp.column("parts"), 2).sql("duckdb")
    'parts[2]'
    """
    return exp.Bracket(this=listed, expressions=[exp.Literal.number(place)], offset=1)


def size(expression: Expression) -> int:
    """Number of nodes of sqlglot's tree.

    >>> size(exp.Literal.number(1)), size(add(exp.Literal.number(1), exp.Literal.number(2)))
    (1, 3)
    """
    return sum(1 for _ in expression.walk())
