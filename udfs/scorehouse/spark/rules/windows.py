"""Windows and orders."""

from sqlglot import exp

from scorehouse.spark.rules.build import call
from scorehouse.spark.rules.registry import Known, UntranslatableError, function, node, same

same("row_number", "rank", "dense_rank", "ntile", "percent_rank", "cume_dist", "lag", "lead")

_SECONDS = {"MICROSECOND": 1e-6, "MILLISECOND": 1e-3, "SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}


@function("first_value", "last_value")
def end_of_frame(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The first or last value of a frame, NULL or not."""
    (value,) = found.expressions
    name = found.name.lower()
    if isinstance(value, exp.IgnoreNulls):
        return call(name, value.this, exp.true())
    return call(name, value)


@node(exp.Ordered)
def ordered(found: exp.Ordered, known: Known) -> exp.Expression:
    """NULLs come last in DuckDB, ascending or not, unless it says otherwise; here that is always written."""
    return exp.Ordered(this=found.this, desc=found.args.get("desc"), nulls_first=bool(found.args.get("nulls_first")))


@node(exp.WindowSpec)
def frame(found: exp.WindowSpec, known: Known) -> exp.Expression:
    """Both ends of a frame of time are intervals of one type in Spark."""
    if found.args.get("exclude"):
        raise UntranslatableError("a frame that excludes rows")
    for end in ("start", "end"):
        span = found.args.get(end)
        if isinstance(span, exp.Interval):
            found.set(end, exp.Var(this=_day_to_second(span)))
    return found


def _day_to_second(span: exp.Interval) -> str:
    unit = span.unit.name.upper().removesuffix("S")
    if unit not in _SECONDS or not isinstance(span.this, exp.Literal):
        raise UntranslatableError(f"a frame of {span.sql('duckdb')}", "write days, hours or seconds")
    microseconds = round(float(span.this.this) * _SECONDS[unit] * 1_000_000)
    seconds, rest = divmod(microseconds, 1_000_000)
    clock = f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:06}"
    return f"INTERVAL '{seconds // 86400} {clock}' DAY TO SECOND"
