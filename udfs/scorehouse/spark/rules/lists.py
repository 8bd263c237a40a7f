"""Lists, structs and maps."""

from sqlglot import exp

from scorehouse.spark.rules import build
from scorehouse.spark.rules.build import call, lambda_of, named_struct, number_of, text_of
from scorehouse.spark.rules.registry import Known, UntranslatableError, function, node, renamed, same

same("map_from_entries", "map_keys", "map_values", "map_entries", "struct")
renamed(
    list_max="array_max",
    list_min="array_min",
    array_length="size",
    cardinality="size",
    list_value="array",
    list_reverse="reverse",
    map="map_from_arrays",
)
renamed(array_to_string="array_join", row="struct")


@function("list_transform", "apply", "list_apply", "array_transform", "array_apply", "list_filter", "array_filter", "filter")
def mapped(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A function of each element; places count from 1 in DuckDB, and from 0 in Spark."""
    values, made = found.expressions
    if len(made.expressions) > 1:
        place = made.expressions[1].name
        for name in [one for one in made.this.find_all(exp.Identifier) if one.name == place]:
            name.replace(exp.Paren(this=exp.Add(this=exp.column(place), expression=exp.Literal.number(1))))
    return call("filter" if "filter" in found.name.lower() else "transform", values, made)


@function("list_intersect", "array_intersect", "list_has_any", "array_has_any")
def common(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Values that are in both lists, or whether there are some; NULL is no value, and as the second list to intersect empty."""
    one, other = (call("array_compact", values) for values in found.expressions)
    if "has" in found.name.lower():
        return call("arrays_overlap", one, other)
    return call("array_intersect", one, call("coalesce", other, call("array")))


@function("flatten")
def flattened(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Lists one after the other; NULL is an empty one."""
    return call("flatten", call("array_compact", *found.expressions))


@function("list_unique", "array_unique")
def count_of_different(found: exp.Anonymous, known: Known) -> exp.Expression:
    """How many different values a list has, NULL not counted."""
    return call("size", call("array_distinct", call("array_compact", *found.expressions)))


@function("list_contains", "array_contains", "list_has", "array_has")
def contains(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Whether a value is in a list; a NULL in the list is no value, where Spark does not know."""
    values, value = found.expressions
    return call("array_contains", call("array_compact", values), value)


@function("list_position", "array_position", "list_indexof")
def position(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The place of a value, from 1; NULL where it is not there, for which Spark says 0."""
    return build.cast(call("nullif", call("array_position", *found.expressions), 0), "INT")


@function("list_distinct", "array_distinct")
def distinct(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The different values, without NULL."""
    return call("array_distinct", call("array_compact", *found.expressions))


@function("list_sort", "array_sort")
def list_sort(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Values in their order, NULL last, also within structs whose fields are seen."""
    if len(found.expressions) > 1:
        raise UntranslatableError("list_sort with an order")
    (values,) = found.expressions
    rows = values.expressions if isinstance(values, exp.Array) else []
    names = [[text_of(name) for name in row.expressions[::2]] for row in rows if row.name == "named_struct"]
    if names and len(names) == len(rows):
        return call("array_sort", values, build.ordering([(name, False) for name in names[0]]))
    return call("array_sort", values)


@function("list_concat", "array_concat", "list_cat")
def concat(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Lists one after the other; NULL is an empty one."""
    return call("concat", *(call("coalesce", values, call("array")) for values in found.expressions))


@function("list_prepend")
def prepend(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A value before a list; NULL is an empty one."""
    value, values = found.expressions
    return call("array_prepend", call("coalesce", values, call("array")), value)


@function("list_append", "array_append")
def append(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A value behind a list; NULL is an empty one."""
    values, value = found.expressions
    return call("array_append", call("coalesce", values, call("array")), value)


@function("list_sum")
def list_sum(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The sum of a list, NULL where it is empty."""
    added = exp.Add(this=exp.column("total"), expression=exp.column("value"))
    values = call("array_compact", *found.expressions)
    zero = build.cast(exp.Literal.number(0), "DOUBLE")
    doubles = call("transform", values, lambda_of(["value"], build.cast(exp.column("value"), "DOUBLE")))
    total = call("aggregate", doubles, zero, lambda_of(["total", "value"], added))
    return build.when((exp.GT(this=call("size", values.copy()), expression=exp.Literal.number(0)), total), otherwise=exp.Null())


@function("list_dot_product", "list_inner_product", "array_inner_product")
def dot_product(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The sum of products, in their order."""
    product = exp.Mul(this=exp.column("one"), expression=exp.column("other"))
    return _summed(found.expressions, product)


@function("list_distance", "array_distance")
def distance(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The Euclidean distance."""
    difference = exp.Paren(this=exp.Sub(this=exp.column("one"), expression=exp.column("other")))
    return call("sqrt", _summed(found.expressions, exp.Mul(this=difference, expression=difference.copy())))


@function("struct_pack")
def struct_pack(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A struct with named fields."""
    return named_struct([(part.this.name, part.expression) for part in found.expressions])


@function("struct_extract")
def struct_extract(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A field of a struct."""
    struct, name = found.expressions
    if text_of(name) is None:
        raise UntranslatableError("struct_extract by place")
    return exp.Bracket(this=struct, expressions=[name])


@node(exp.Struct)
def struct(found: exp.Struct, known: Known) -> exp.Expression:
    """A struct with named fields."""
    return named_struct([(part.this.name, part.expression) for part in found.expressions])


@node(exp.Map)
def map_of(found: exp.Map, known: Known) -> exp.Expression:
    """A map of keys and values."""
    return call("map_from_arrays", found.args["keys"], found.args["values"])


@node(exp.Tuple)
def row(found: exp.Tuple, known: Known) -> exp.Expression:
    """Several values as one; as rows of VALUES and after IN they stay what they are."""
    if isinstance(found.parent, exp.Values):
        return found
    values = call("struct", *found.expressions)
    values.meta["tuple"] = True
    return values


@node(exp.Bracket)
def element(found: exp.Bracket, known: Known) -> exp.Expression:
    """An element of a list or map, NULL where there is none; a field of a struct; a part of a list."""
    (place,) = found.expressions
    if isinstance(place, exp.Slice):
        return _part(found.this, known, place)
    if text_of(place) is not None:
        return found
    if known.type_of(found.this) == "VARCHAR":
        raise UntranslatableError("a character of a text", "write substr() or left()")
    return call("try_element_at", found.this, place)


def _part(values: exp.Expression, known: Known, bounds: exp.Slice) -> exp.Expression:
    first, last = bounds.this, bounds.expression
    start = 1 if first is None else number_of(first)
    end = None if last is None else number_of(last)
    if (start or 0) < 1 or (last is not None and (end is None or end < 0)) or bounds.args.get("step"):
        raise UntranslatableError("a part of a list whose ends are no positive numbers")
    if known.type_of(values) == "VARCHAR":
        raise UntranslatableError("a part of a text", "write substr() or left()")
    size = call("size", values.copy()) if end is None else exp.Literal.number(max(int(end - start + 1), 0))
    return call("slice", values, int(start), size)


def _summed(lists: list[exp.Expression], body: exp.Expression) -> exp.Expression:
    zero = build.cast(exp.Literal.number(0), "DOUBLE")
    added = exp.Add(this=exp.column("total"), expression=exp.column("value"))
    parts = call("zip_with", *lists, lambda_of(["one", "other"], build.cast(exp.Paren(this=body), "DOUBLE")))
    return call("aggregate", parts, zero, lambda_of(["total", "value"], added))
