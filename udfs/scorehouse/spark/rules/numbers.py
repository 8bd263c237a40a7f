"""Numbers."""

from sqlglot import exp

from scorehouse.spark.rules.build import borrowed, call, cast, number_of, once, text, when, with_name
from scorehouse.spark.rules.registry import Known, function, node, renamed, same
from scorehouse.spark.rules.types import as_double, is_double

same("abs", "coalesce", "ifnull", "nullif", "sqrt", "exp", "greatest", "least", "power", "atanh")
same("sin", "cos", "tanh", "cbrt", "radians", "pi", "degrees")
renamed(pow="power")


@function("floor", "ceil", "ceiling")
def whole(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The whole number below or above stays a floating-point number."""
    name, number = found.name.lower(), exp.column("number")
    is_small = exp.LT(this=call("abs", number), expression=exp.Var(this="9007199254740992D"))  # above, all are whole
    rounded_number = when((is_small, cast(call(name, number.copy()), "DOUBLE")), otherwise=number.copy())
    return with_name("number", as_double(found.expressions[0]), rounded_number)


@function("round")
def rounded(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Rounded to so many digits, whose number may differ by row; a floating-point number is multiplied before."""
    value, *digits = found.expressions
    kind = known.type_of(value) or ""
    if not digits or kind.startswith("DECIMAL") or isinstance(value, exp.Literal):
        return found
    count = number_of(digits[0])
    unit = call("power", 10, exp.Paren(this=digits[0])) if count is None else exp.Var(this=f"1e{abs(int(count))}D")
    before, after = (exp.Div, exp.Mul) if count and count < 0 else (exp.Mul, exp.Div)

    def multiplied(number: exp.Expression) -> exp.Expression:
        scaled = before(this=exp.Paren(this=number.copy()), expression=unit.copy())
        return exp.Paren(this=after(this=call("round", scaled), expression=unit.copy()))

    def by_type(number: exp.Expression) -> exp.Expression:
        is_fraction = exp.EQ(this=call("typeof", number.copy()), expression=text("double"))
        return when((is_fraction, multiplied(number)), otherwise=call("round", number.copy(), digits[0]))

    return multiplied(value) if count is None or is_double(value, known) else once(value, by_type)


@function("sign")
def sign(found: exp.Anonymous, known: Known) -> exp.Expression:
    """-1, 0 or 1; 0 for what is no number."""
    (value,) = found.expressions
    return call("if", call("isnan", value), 0, call("sign", value.copy()))


@function("ln", "log", "log2", "log10")
def logarithm(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A logarithm, of base 10 unless it says otherwise; of 0 it is infinite, below no number, for which Spark says NULL."""
    *base, value = found.expressions
    if base:
        return exp.Paren(this=exp.Div(this=_logarithm("ln", value), expression=_logarithm("ln", base[0])))
    name = found.name.lower()
    return _logarithm("log10" if name == "log" else name, value)


def _logarithm(name: str, value: exp.Expression) -> exp.Expression:
    if _is_above_one(value.unnest()):
        return call(name, value)
    return once(value, lambda number: _logarithm_of_all(name, number))


def _logarithm_of_all(name: str, number: exp.Expression) -> exp.Expression:
    zero = exp.Literal.number(0)
    is_zero, is_below = exp.EQ(this=number.copy(), expression=zero), exp.LT(this=number.copy(), expression=zero.copy())
    infinite = call("negative", _special("Infinity"))
    return when((is_zero, infinite), (is_below, _special("NaN")), otherwise=call(name, number.copy()))


@function("isfinite")
def is_finite(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Whether a number is neither infinite nor no number, which is greater than all others."""
    return exp.Paren(this=exp.LT(this=call("abs", *found.expressions), expression=_special("Infinity")))


@function("isnan")
def is_nan(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Whether a number is no number; NULL where it is NULL."""
    return exp.Paren(this=exp.EQ(this=as_double(found.expressions[0]), expression=_special("NaN")))


@function("nextafter")
def next_after(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The next floating-point number towards another."""
    return borrowed("DOUBLE", "nextafter(a0, a1)", [as_double(value) for value in found.expressions])


@function("gamma")
def gamma(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The gamma function."""
    return borrowed("DOUBLE", "gamma(a0)", [as_double(value) for value in found.expressions])


@node(exp.Div)
def division(found: exp.Div, known: Known) -> exp.Expression:
    """`/` gives a floating-point number, infinite or none after 0; Spark's of decimals is a decimal."""
    value, divisor = as_double(found.this), found.expression
    if _is_never_zero(divisor):
        return exp.Div(this=value, expression=divisor)
    infinite = exp.Paren(this=exp.Add(this=_special("Infinity"), expression=divisor.copy()))
    return call("coalesce", call("try_divide", value, as_double(divisor)), exp.Mul(this=value.copy(), expression=infinite))


def _is_never_zero(divisor: exp.Expression) -> bool:
    bare = divisor.unnest()
    is_null_then = isinstance(bare, exp.Anonymous) and bare.name.lower() == "nullif" and number_of(bare.expressions[1]) == 0
    is_double = isinstance(bare, exp.Var) and bare.name.endswith("D") and float(bare.name[:-1]) != 0
    return is_null_then or is_double or _is_above_one(bare) or number_of(bare) not in (None, 0)


def _is_above_one(divisor: exp.Expression) -> bool:
    """Whether a divisor is 1 and something that is not negative, as a logistic score's is."""
    parts = [divisor.this.unnest(), divisor.expression.unnest()] if isinstance(divisor, exp.Add) else []
    return any(number_of(part) == 1 for part in parts) and any(part.name.lower() in ("exp", "abs") for part in parts)


@node(exp.IntDiv)
def whole_division(found: exp.IntDiv, known: Known) -> exp.Expression:
    """`//` of whole numbers."""
    return exp.Paren(this=exp.IntDiv(this=found.this, expression=found.expression))


@node(exp.Literal)
def literal(found: exp.Literal, known: Known) -> exp.Expression:
    """A number with an exponent is a floating-point number; Spark reads some as decimals."""
    if not found.is_string and "e" in found.this.lower():
        return exp.Var(this=f"{found.this}D")
    return found


@node(exp.Pow)
def power(found: exp.Pow, known: Known) -> exp.Expression:
    """`**` is a function there."""
    return call("power", found.this, found.expression)


def _special(name: str) -> exp.Expression:
    return cast(exp.Literal.string(name), "DOUBLE")
