"""Aggregates. Spark's forget NULLs and orders, and answer an empty list where DuckDB answers NULL."""

from collections.abc import Callable

from sqlglot import exp

from scorehouse.spark.rules import build
from scorehouse.spark.rules.build import aggregate, call, field, is_null, lambda_of, named_struct, number_of, with_name
from scorehouse.spark.rules.registry import Known, UntranslatableError, function, node, same
from scorehouse.spark.rules.types import as_double

same("count", "bool_or", "bool_and", "stddev_samp", "stddev_pop", "var_samp", "var_pop", "covar_samp", "covar_pop")


@function("corr")
def correlation(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A correlation; of one pair it is no number, of none NULL, as it is of both in Spark."""
    one, other = found.expressions
    pairs = aggregate("count_if", exp.And(this=_given(one), expression=_given(other)))
    some = exp.GT(this=pairs, expression=exp.Literal.number(0))
    undefined = build.when((some, build.cast(build.text("NaN"), "DOUBLE")), otherwise=exp.Null())
    return call("coalesce", aggregate("corr", one, other), undefined)


@function("sum", "fsum", "kahan_sum")
def total(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A sum; the order in which it is added up makes differences in the last digits alone."""
    (value,) = found.expressions
    return aggregate("sum", value.this if isinstance(value, exp.Order) else value)


@function("count_if", "countif")
def count_if(found: exp.Anonymous, known: Known) -> exp.Expression:
    """How often a condition holds."""
    return aggregate("count_if", *found.expressions)


@function("avg", "mean")
def average(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A mean is a floating-point number; Spark's mean of decimals is a decimal."""
    (value,) = found.expressions
    return aggregate("avg", as_double(value.this if isinstance(value, exp.Order) else value))


@function("any_value")
def any_value(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A value that is not NULL."""
    (value,) = found.expressions
    if isinstance(value, exp.Order):
        raise UntranslatableError("any_value with an order", "write arg_min(value, order)")
    return aggregate("any_value", value, exp.true())


@function("min", "max")
def extreme(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The least or greatest value, or so many of them."""
    value, *count = found.expressions
    if not count:
        return aggregate(found.name.lower(), value)
    is_ascending = exp.true() if found.name.lower() == "min" else exp.false()
    ordered = call("sort_array", aggregate("collect_list", value), is_ascending)
    return _or_null(call("slice", ordered, 1, _count(count[0])))


@function("arg_max", "max_by", "argmax", "arg_min", "min_by", "argmin")
def arg_extreme(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The value of the row with the greatest key, or of so many of them; rows without value or key do not count."""
    value, key, *count = found.expressions
    is_max = "max" in found.name.lower()
    if count:
        parts = _ordered_keys([exp.Ordered(this=key, desc=is_max)])
        best = _sorted_values(parts, value, exp.And(this=_given(value), expression=_given(key)))
        return _or_null(call("slice", best, 1, _count(count[0])))
    best = call("max_by" if is_max else "min_by", value, _null_is_last(key))
    kept = exp.Filter(this=best, expression=exp.Where(this=_given(value)))
    kept.meta[build.AGGREGATE] = True
    return kept


@function("first", "last")
def first(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The value of the first or last row in an order."""
    (value,) = found.expressions
    if not isinstance(value, exp.Order):
        raise UntranslatableError(f"{found.name}() without an order", "order it")
    rows = _sorted_values(_ordered_keys(value.expressions), value.this)
    return call("try_element_at", rows, 1 if found.name.lower() == "first" else -1)


@function("list", "array_agg")
def listed(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Values as a list in their order, NULLs too."""
    (value,) = found.expressions
    if isinstance(value, exp.Distinct):
        return _or_null(call("array_distinct", _sorted_values([], value.expressions[0])))
    keys = value.expressions if isinstance(value, exp.Order) else []
    return _or_null(_sorted_values(_ordered_keys(keys), value.this if keys else value))


@function("string_agg", "listagg", "group_concat")
def joined(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Texts joined in their order; NULLs do not count."""
    value, *more = found.expressions
    last = more[-1] if more else value
    keys = last.expressions if isinstance(last, exp.Order) else []
    value = value.this if isinstance(value, exp.Order) else value
    separator = (last.this if isinstance(last, exp.Order) else last) if more else build.text(",")
    values = _or_null(_sorted_values(_ordered_keys(keys), value, _given(value)))
    return call("array_join", values, separator)


@function("median")
def median(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The value in the middle, or between the two."""
    return aggregate("percentile", *found.expressions, exp.Literal.number(0.5))


@function("quantile_cont", "percentile_cont")
def quantile(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A quantile between values."""
    value, share = found.expressions
    return aggregate("percentile", value, share)


@function("quantile_disc", "quantile")
def discrete_quantile(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Of the sorted values the one at place ceil(share * count), of any type; for a list of shares a list."""
    value, share = found.expressions
    ordered = call("array_sort", aggregate("collect_list", value))
    if isinstance(share, exp.Array):
        place = _place(exp.column("share"), exp.column("values"))
        shares = call("array", *(as_double(one) for one in share.expressions))
        picked = call("transform", shares, lambda_of(["share"], call("try_element_at", "values", place)))
    elif number_of(share) is not None:
        picked = call("try_element_at", "values", _place(as_double(share), exp.column("values")))
    else:
        raise UntranslatableError(f"{found.name} of a share that is no number")
    return with_name("values", _or_null(ordered), picked)


@function("histogram")
def histogram(found: exp.Anonymous, known: Known) -> exp.Expression:
    """How many values lie up to each end and above the one before; what lies above all ends counts at infinity.

    Without ends: how often each value is there.
    """
    value, *ends = found.expressions
    values = _or_null(aggregate("collect_list", value))
    if not ends:
        bins = call("array_sort", call("array_distinct", "values"))
        is_in = exp.EQ(this=exp.column("value"), expression=exp.column("bin"))
        pairs = call("transform", bins, lambda_of(["bin"], _pair(exp.column("bin"), _counted(is_in))))
        return with_name("values", values, call("map_from_entries", pairs))
    bins = with_name("values", values, _bins())
    return with_name("ends", call("array_sort", aggregate("any_value", ends[0], exp.true())), bins)


def _bins() -> exp.Expression:
    """Counts of `values` up to each of `ends`; what lies above all only where there is something."""
    place, end, value = exp.column("place"), exp.column("bin"), exp.column("value")
    above = exp.GT(this=value, expression=call("element_at", "ends", place))  # `place` counts from 0: the end before
    is_in = exp.And(
        this=exp.LTE(this=value.copy(), expression=end),
        expression=exp.Paren(this=exp.Or(this=exp.EQ(this=place.copy(), expression=exp.Literal.number(0)), expression=above)),
    )
    counted = call("transform", "ends", lambda_of(["bin", "place"], _pair(exp.column("bin"), _counted(is_in))))
    infinity = build.cast(build.text("Infinity"), "DOUBLE")
    is_above = exp.GT(this=value.copy(), expression=call("coalesce", call("array_max", "ends"), call("negative", infinity)))
    rest = call("filter", call("array", _pair(infinity.copy(), _counted(is_above))), _has_some())
    return call("map_from_entries", call("concat", counted, rest))


def _pair(end: exp.Expression, count: exp.Expression) -> exp.Expression:
    return named_struct([("bin", end), ("count", count)])


def _has_some() -> exp.Expression:
    return lambda_of(["pair"], exp.GT(this=field("pair", "count"), expression=exp.Literal.number(0)))


@node(exp.Filter)
def filtered(found: exp.Filter, known: Known) -> exp.Expression:
    """FILTER belongs to the aggregates inside a translated one."""
    return _around(found, lambda inner: exp.Filter(this=inner, expression=found.expression.copy()))


@node(exp.Window)
def window(found: exp.Window, known: Known) -> exp.Expression:
    """OVER belongs to the aggregates inside a translated one."""
    found = _with_named(found)

    def over(inner: exp.Expression) -> exp.Expression:
        wrapped = found.copy()
        wrapped.set("this", inner)
        return wrapped

    if not found.this or isinstance(found.this, exp.Identifier):
        return found
    made = _around(found, over)
    return exp.Paren(this=made) if found.args.get("alias") else made  # Spark reads `w - x` as one name


def _with_named(found: exp.Window) -> exp.Window:
    """A window that adds an order or a frame to a named one has that one's parts, too: Spark does not read the name there."""
    name, query = found.args.get("alias"), found.find_ancestor(exp.Select)
    if not name or not (found.args.get("order") or found.args.get("spec")) or not query:
        return found
    for window in query.args.get("windows") or []:
        if window.name == name.name:
            found.set("partition_by", [part.copy() for part in window.args.get("partition_by") or []])
            order = found.args.get("order") or window.args.get("order")
            found.set("order", order and order.copy())
            found.set("alias", None)
    return found


def _around(found: exp.Expression, wrapped: Callable[[exp.Expression], exp.Expression]) -> exp.Expression:
    top = found.this
    inner = [part for part in top.walk() if part.meta.get(build.AGGREGATE)]
    if not inner or top in inner:
        if isinstance(found, exp.Filter) and isinstance(top, exp.Filter):
            condition = exp.And(this=top.expression.this, expression=exp.Paren(this=found.expression.this))
            found = exp.Filter(this=top.this, expression=exp.Where(this=condition))
        if top.meta.get(build.AGGREGATE):
            found.meta[build.AGGREGATE] = True
        return found
    for part in inner:
        place = part.parent
        outer = wrapped(part.copy())
        if isinstance(part, exp.Filter) and isinstance(found, exp.Filter):
            outer = _around(outer, wrapped)
        outer.meta[build.AGGREGATE] = True
        part.replace(outer) if place else None
    return top


def _count(count: exp.Expression) -> exp.Expression:
    """How many are wanted, which is the same in all rows of a group."""
    return count if isinstance(count, exp.Literal) else aggregate("any_value", count, exp.true())


def _ordered_keys(keys: list[exp.Expression]) -> list[tuple[str, exp.Expression, bool]]:
    """Name, value and direction of what rows are ordered by; a tuple counts part by part."""
    parts = [
        (part, bool(key.args.get("desc")))
        for key in keys
        for part in (key.this.expressions if key.this.meta.get("tuple") else [key.this])
    ]
    for key in keys:
        if key.args.get("nulls_first"):
            raise UntranslatableError("NULLS FIRST in an aggregate", "order by whether the key is NULL before it")
    return [(f"k{place}", value, descends) for place, (value, descends) in enumerate(parts)]


def _sorted_values(
    keys: list[tuple[str, exp.Expression, bool]], value: exp.Expression, condition: exp.Expression | None = None
) -> exp.Expression:
    if isinstance(value, exp.Distinct):
        raise UntranslatableError("an ordered list of different values", "write list_sort(list_distinct(list(...)))")
    fields = [*((name, key) for name, key, _ in keys), ("value", value)]
    rows: exp.Expression = aggregate("collect_list", named_struct([(name, part.copy()) for name, part in fields]))
    if condition is not None:
        rows = exp.Filter(this=rows, expression=exp.Where(this=condition))
        rows.this.meta.pop(build.AGGREGATE)
        rows.meta[build.AGGREGATE] = True
    if keys:
        rows = call("array_sort", rows, build.ordering([(name, descends) for name, _, descends in keys]))
    return call("transform", rows, lambda_of(["row"], field("row", "value")))


def _or_null(rows: exp.Expression) -> exp.Expression:
    """NULL for the empty list of no rows at all."""
    return call("nullif", rows, call("array"))


def _given(value: exp.Expression) -> exp.Expression:
    return exp.Not(this=is_null(value.copy()))


def _null_is_last(key: exp.Expression) -> exp.Expression:
    """A key that Spark compares as DuckDB does: within a tuple NULL is greater than everything."""
    if not key.meta.get("tuple"):
        return key
    return call("struct", *(part for value in key.expressions for part in (is_null(value.copy()), value)))


def _place(share: exp.Expression, values: exp.Expression) -> exp.Expression:
    exact = call("ceil", call("round", exp.Mul(this=share, expression=call("size", values)), 9))
    return call("greatest", build.cast(exact, "INT"), 1)


def _counted(condition: exp.Expression) -> exp.Expression:
    return call("size", call("filter", "values", lambda_of(["value"], condition)))
