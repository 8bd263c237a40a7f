"""Dates and times. The session's time zone is UTC, so that Spark's TIMESTAMP is DuckDB's."""

from sqlglot import exp

from scorehouse.spark.rules.build import call, cast, text, text_of, when
from scorehouse.spark.rules.registry import Known, UntranslatableError, function, node, same

same("year", "month", "day", "hour", "minute", "quarter", "dayofyear", "last_day")

UNITS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
FORMATS = {"%Y": "yyyy", "%m": "MM", "%d": "dd", "%H": "HH", "%M": "mm", "%S": "ss"}


@function("date_trunc", "datetrunc")
def truncated(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The beginning of a month, day, ...; a time even of a date. What Spark does not know as a unit is NULL there."""
    unit, value = found.expressions
    if not isinstance(unit, exp.Literal):
        return call("date_trunc", unit, value)
    name = (text_of(unit) or "").lower().removesuffix("s")
    if name not in UNITS:
        raise UntranslatableError(f"date_trunc to {unit.sql('duckdb')}", f"use {', '.join(UNITS)}")
    return call("date_trunc", text(name), value)


@function("date_diff", "datediff")
def boundaries(found: exp.Anonymous, known: Known) -> exp.Expression:
    """How many midnights lie between two times; Spark's function of that name counts whole days."""
    unit, start, end = found.expressions
    if text_of(unit) == "second":
        return exp.Paren(this=exp.Sub(this=call("unix_seconds", end), expression=call("unix_seconds", start)))
    if text_of(unit) not in ("day", "days"):
        raise UntranslatableError(f"date_diff by {unit.sql('duckdb')}", "count days, or subtract epoch()")
    return call("datediff", cast(end, "DATE"), cast(start, "DATE"))


@function("date_sub", "datesub")
def whole_units(found: exp.Anonymous, known: Known) -> exp.Expression:
    """How many whole units lie between two times."""
    unit, start, end = found.expressions
    if text_of(unit) not in ("day", "hour", "minute", "second"):  # months end at another day in DuckDB
        raise UntranslatableError(f"date_sub by {unit.sql('duckdb')}", "count days")
    return call("timestampdiff", exp.Var(this=unit.this.upper()), start, end)


@function("isodow")
def iso_weekday(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Monday is 1."""
    return exp.Paren(this=exp.Add(this=call("weekday", *found.expressions), expression=exp.Literal.number(1)))


@function("dayofweek", "weekday", "dow")
def weekday(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Sunday is 0; in Spark it is 1."""
    return exp.Paren(this=exp.Sub(this=call("dayofweek", *found.expressions), expression=exp.Literal.number(1)))


@function("epoch")
def epoch(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Seconds since 1970, with their fraction."""
    return exp.Paren(this=exp.Div(this=cast(_micros(found), "DOUBLE"), expression=exp.Var(this="1000000D")))


@function("epoch_us")
def epoch_us(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Microseconds since 1970."""
    return _micros(found)


@function("epoch_ms")
def epoch_ms(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Milliseconds since 1970."""
    return call("unix_millis", cast(found.expressions[0], "TIMESTAMP"))


@function("to_days")
def days(found: exp.Anonymous, known: Known) -> exp.Expression:
    """So many days."""
    return call("make_dt_interval", cast(found.expressions[0], "INT"))


@function("to_hours")
def hours(found: exp.Anonymous, known: Known) -> exp.Expression:
    """So many hours."""
    return call("make_dt_interval", 0, cast(found.expressions[0], "INT"))


@function("to_seconds")
def seconds(found: exp.Anonymous, known: Known) -> exp.Expression:
    """So many seconds."""
    return call("make_dt_interval", 0, 0, 0, cast(found.expressions[0], "DECIMAL(18, 6)"))


@function("to_microseconds")
def microseconds(found: exp.Anonymous, known: Known) -> exp.Expression:
    """So many microseconds."""
    exact = exp.Mul(this=cast(found.expressions[0], "DECIMAL(18, 0)"), expression=exp.Literal.number("0.000001"))
    return call("make_dt_interval", 0, 0, 0, cast(exact, "DECIMAL(18, 6)"))


@function("strftime")
def formatted(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A time in digits."""
    value, form = found.expressions
    pattern = text_of(form) or ""
    for code, letters in FORMATS.items():
        pattern = pattern.replace(code, letters)
    if not pattern or "%" in pattern or not set(_without_codes(text_of(form))) <= set("-/.:, _"):
        raise UntranslatableError(f"strftime with {form.sql('duckdb')}", f"use {', '.join(FORMATS)} alone")
    return call("date_format", value, text(pattern))


@function("generate_series", "range")
def series(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Numbers or times as a list; none where the end lies before the start, which Spark refuses."""
    bounds = found.expressions
    start, end, *step = bounds if len(bounds) > 1 else [exp.Literal.number(0), *bounds]
    is_open = found.name.lower() == "range"
    if is_open and step:
        raise UntranslatableError("range with a step")
    if step and not _is_upwards(step[0]):
        raise UntranslatableError(f"{found.name} with a step that may go down", "write a positive number, and list_reverse()")
    if step and _is_by_months(step[0]) and "DATE_TRUNC" not in start.sql().upper():
        # DuckDB goes on from the 28th of February, Spark from the day of the start
        raise UntranslatableError(f"{found.name} by months", "let it start with date_trunc('month', ...)")
    last = exp.Sub(this=end, expression=exp.Literal.number(1)) if is_open else end
    too_short = (exp.LTE if is_open else exp.LT)(this=end.copy(), expression=start.copy())
    if all(isinstance(bound, exp.Literal) for bound in (start, end)) and float(start.this) < float(end.this):
        return call("sequence", start, last, *step)
    return when((too_short, call("array")), otherwise=call("sequence", start, last, *step))


@node(exp.Interval)
def interval(found: exp.Interval, known: Known) -> exp.Expression:
    """So many of a unit; a number that is computed needs a function."""
    if isinstance(found.this, exp.Literal):
        return found
    raise UntranslatableError("an interval of a number that is computed", "write to_days(n)")


@node(exp.Extract)
def extracted(found: exp.Extract, known: Known) -> exp.Expression:
    """A part of a time."""
    part = found.this.name.lower()
    if part not in ("year", "month", "day", "hour", "minute", "quarter"):
        raise UntranslatableError(f"extract({part})", f"write {part}(...)")
    return call(part, found.expression)


def _is_upwards(step: exp.Expression) -> bool:
    count = step.this if isinstance(step, exp.Interval) else step
    return isinstance(count, exp.Literal) and not count.this.lstrip().startswith("-")


def _is_by_months(step: exp.Expression) -> bool:
    return isinstance(step, exp.Interval) and step.unit.name.upper().rstrip("S") in ("MONTH", "QUARTER", "YEAR")


def _micros(found: exp.Anonymous) -> exp.Expression:
    return call("unix_micros", cast(found.expressions[0], "TIMESTAMP"))


def _without_codes(form: str) -> str:
    for code in FORMATS:
        form = form.replace(code, "")
    return form
