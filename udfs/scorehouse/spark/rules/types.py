"""Types, and casts between them."""

from sqlglot import exp

from scorehouse.spark.rules.build import borrowed, call, cast, once, text, text_of, when, with_name
from scorehouse.spark.rules.registry import Known, UntranslatableError, node

SCALARS = {
    "BOOLEAN": "BOOLEAN",
    "TINYINT": "TINYINT",
    "SMALLINT": "SMALLINT",
    "INT": "INT",
    "INTEGER": "INT",
    "BIGINT": "BIGINT",
    "HUGEINT": "DECIMAL(38, 0)",
    "INT128": "DECIMAL(38, 0)",  # as sqlglot calls it
    "UTINYINT": "SMALLINT",
    "USMALLINT": "INT",
    "UINT": "BIGINT",
    "UINTEGER": "BIGINT",
    "UBIGINT": "DECIMAL(20, 0)",
    "FLOAT": "FLOAT",
    "REAL": "FLOAT",  # as sqlglot calls it
    "DOUBLE": "DOUBLE",
    "TEXT": "STRING",
    "VARCHAR": "STRING",
    "JSON": "STRING",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMPTZ": "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "BLOB": "BINARY",
}
"""Spark's type for each of DuckDB's that it can hold. Times are UTC in both."""

INTEGERS = frozenset({"TINYINT", "SMALLINT", "INT", "BIGINT", "DECIMAL(38, 0)", "DECIMAL(20, 0)"})


def spark_type(duckdb_type: str | exp.DataType) -> str:
    """Spark's type for one of DuckDB's; raises UntranslatableError where it has none.

    >>> spark_type("STRUCT(feature VARCHAR, places INTEGER[])[]")
    'ARRAY<STRUCT<`feature`: STRING, `places`: ARRAY<INT>>>'
    >>> spark_type("MAP(VARCHAR, UBIGINT)")
    'MAP<STRING, DECIMAL(20, 0)>'
    """
    kind = exp.DataType.build(duckdb_type, dialect="duckdb") if isinstance(duckdb_type, str) else duckdb_type
    inner = [part for part in kind.expressions if not isinstance(part, exp.DataTypeParam)]
    if kind.this == exp.DType.STRUCT and all(isinstance(part, exp.ColumnDef) for part in inner):
        fields = (f"`{part.name}`: {spark_type(part.args['kind'])}" for part in inner)
        return f"STRUCT<{', '.join(fields)}>"
    if kind.this in (exp.DType.ARRAY, exp.DType.LIST):
        return f"ARRAY<{spark_type(inner[0])}>"
    if kind.this == exp.DType.MAP:
        return f"MAP<{spark_type(inner[0])}, {spark_type(inner[1])}>"
    if kind.this == exp.DType.DECIMAL:
        return f"DECIMAL({', '.join(part.name for part in kind.expressions) or '18, 3'})"
    name = kind.sql("duckdb").upper()
    if name not in SCALARS:
        raise UntranslatableError(f"the type {name}", "store it as a number, a text or a time")
    return SCALARS[name]


@node(exp.Cast, exp.TryCast)
def cast_as(found: exp.Cast, known: Known) -> exp.Expression:
    """A cast; a fraction becomes the nearest integer in DuckDB, and is cut off in Spark, so that it is rounded before."""
    value, to = found.this, spark_type(found.to)
    if to in INTEGERS and (hexadecimal := _hexadecimal(value)) is not None:
        value = call("conv", hexadecimal, 16, 10)
    elif isinstance(found, exp.TryCast) and _is_read(to) and _may_be_text(value, known):
        return exp.TryCast(this=_as_duckdb_reads(value, found.to, to), to=exp.Var(this=to))
    elif to in INTEGERS and _may_be_fraction(value, known):
        value = _nearest(value)
    elif to.startswith("DECIMAL") and to not in INTEGERS:
        return _as_decimal(found, to, known)
    elif to == "STRING":
        value = as_text(value, known)
    elif to == "TIMESTAMP" and text_of(value) in ENDS_OF_TIME:
        value = text(ENDS_OF_TIME[text_of(value)])
    elif to.startswith("ARRAY") and isinstance(found, exp.TryCast) and value.name == "get_json_object":
        return call("from_json", value, text(to))
    elif to.startswith("MAP") and not isinstance(value, exp.Null):
        raise UntranslatableError("a cast to a map", "write map_from_entries()")
    elif to == "BOOLEAN" and isinstance(found, exp.Cast) and is_boolean(value, known):
        return value
    return type(found)(this=value, to=exp.Var(this=to))


def _is_read(to: str) -> bool:
    """Whether texts of a type are read."""
    return to.startswith("DECIMAL") or (to in SCALARS.values() and to not in ("STRING", "BINARY"))


def _may_be_text(value: exp.Expression, known: Known) -> bool:
    kind = known.type_of(value.unnest())
    return kind in ("VARCHAR", "JSON") if kind else not (is_boolean(value, known) or is_double(value, known))


def _as_duckdb_reads(value: exp.Expression, duckdb_type: exp.DataType, to: str) -> exp.Expression:
    """A text that may be of the type, as DuckDB reads it: Spark reads '12d' and '2024', and not '1_000'."""
    returns = to if to in ("DOUBLE", "BOOLEAN") else "STRING"
    return borrowed(returns, f"try_cast(a0 as {duckdb_type.sql('duckdb')})", [value])


def _nearest(value: exp.Expression) -> exp.Expression:
    """The nearest whole number: of decimals half goes up, of floating-point numbers to the even one."""
    is_decimal = call("startswith", call("typeof", value), text("decimal"))
    return call("if", is_decimal, call("round", value.copy()), call("bround", value.copy()))


def _as_decimal(found: exp.Cast, to: str, known: Known) -> exp.Expression:
    """A floating-point number is multiplied, then rounded, in DuckDB; Spark rounds its digits: 1.005 is not 1.01."""
    value, scale = found.this, int(to.rstrip(")").rpartition(",")[2])
    plain = type(found)(this=value, to=exp.Var(this=to))
    kind = known.type_of(value.unnest())
    if scale > 18 or isinstance(value.unnest(), exp.Literal | exp.Null) or (kind or "DOUBLE") not in ("DOUBLE", "FLOAT"):
        return plain
    is_seen = bool(kind) or is_double(value, known)
    return once(value, lambda number: _decimal_of(type(found), number, to, scale, is_seen))


def _decimal_of(cast_to: type[exp.Cast], number: exp.Expression, to: str, scale: int, is_seen: bool) -> exp.Expression:
    """A number as a decimal: multiplied and rounded where it is known, or found, to be a floating-point one."""
    plain = cast_to(this=number, to=exp.Var(this=to))
    scaled = exp.Mul(this=exp.Paren(this=number.copy()), expression=exp.Var(this=f"1e{scale}D"))
    unit = exp.Literal.number(f"{10**-scale:.{scale}f}")
    whole = cast(cast(call("round", scaled), "BIGINT"), "DECIMAL(19, 0)")
    exact = cast_to(this=exp.Mul(this=whole, expression=unit), to=exp.Var(this=to))
    fits = exp.LT(this=call("abs", scaled.copy()), expression=exp.Var(this="9e18D"))
    is_fraction = exp.EQ(this=call("typeof", number.copy()), expression=text("double"))
    return when((fits if is_seen else exp.And(this=is_fraction, expression=fits), exact), otherwise=plain.copy())


ENDS_OF_TIME = {"-infinity": "0001-01-01", "infinity": "9999-12-31 23:59:59.999999"}
"""What stands for times that are never reached: Spark has no infinite ones, and rows of 1970 to 2100 are landed."""

_TRUTHS = (exp.Predicate, exp.And, exp.Or, exp.Not, exp.Boolean, exp.Exists)
_TRUE_OR_FALSE = {"startswith", "endswith", "contains", "array_contains", "regexp_like", "isnan", "bool_or", "bool_and", "exists"}
_WHOLE = {"length", "size", "count", "row_number", "rank", "dense_rank", "ntile", "year", "month", "day", "hour", "datediff"}
_FRACTIONS = {"exp", "ln", "log10", "log2", "sqrt", "power", "avg", "percentile", "duckdb_double"}
_WIDEST = {"round", "bround", "greatest", "least", "coalesce", "ifnull", "nullif", "abs", "sum", "min", "max", "try_divide"}


def is_boolean(value: exp.Expression, known: Known) -> bool:
    """Whether a value is true, false or NULL, as far as can be seen."""
    bare = value.unnest()
    if isinstance(bare, exp.Anonymous):
        name = bare.name.lower()
        return name in _TRUE_OR_FALSE or (name == "coalesce" and any(is_boolean(one, known) for one in bare.expressions))
    if isinstance(bare, exp.Window | exp.Filter):
        return is_boolean(bare.this, known)
    return isinstance(bare, _TRUTHS) or known.type_of(bare) == "BOOLEAN"


def _may_be_fraction(value: exp.Expression, known: Known) -> bool:
    bare = value.unnest()
    while isinstance(bare, exp.Window | exp.Filter):
        bare = bare.this
    if isinstance(bare, exp.Anonymous) and bare.name.lower() in _WHOLE:
        return False
    if isinstance(bare, exp.Null) or (isinstance(bare, exp.Literal) and "." not in bare.this):
        return False
    kind = known.type_of(bare)
    return not (is_boolean(value, known) or (kind in SCALARS and SCALARS[kind] in INTEGERS))


def is_double(value: exp.Expression, known: Known) -> bool:
    """Whether a value is a floating-point number, as far as can be seen; Java writes it as 1.0E7."""
    bare = value.unnest()
    if isinstance(bare, exp.Literal):
        return not bare.is_string and "e" in bare.this.lower()
    if isinstance(bare, exp.Var):
        return bare.name.endswith("D")
    if isinstance(bare, exp.Cast):
        return bare.to.name in ("DOUBLE", "FLOAT")
    if isinstance(bare, exp.Anonymous) and bare.name.lower() in _FRACTIONS:
        return True
    return known.type_of(bare) in ("DOUBLE", "FLOAT") or any(is_double(part, known) for part in _of_its_type(bare))


def _of_its_type(bare: exp.Expression) -> list[exp.Expression]:
    """Parts of a value of which it has the widest type."""
    if isinstance(bare, exp.Div):
        return [bare.this]
    if isinstance(bare, exp.Add | exp.Sub | exp.Mul | exp.Mod):
        return [bare.this, bare.expression]
    if isinstance(bare, exp.Neg | exp.Window | exp.Filter):
        return [bare.this]
    if isinstance(bare, exp.Case):
        return [*(one.args["true"] for one in bare.args["ifs"]), *filter(None, [bare.args.get("default")])]
    return list(bare.expressions) if isinstance(bare, exp.Anonymous) and bare.name.lower() in _WIDEST else []


_DOUBLE_AS_TEXT = """
case
    when isnan(number) then 'nan'
    when abs(number) = double('infinity') then if(number < 0, '-inf', 'inf')
    when number = 0 or (abs(number) >= 1e-3 and abs(number) < 1e7) then cast(number as string)
    when abs(number) >= 1e-4 and abs(number) < 1e16
        then regexp_replace(regexp_replace(cast(cast(number as decimal(38, 20)) as string), '0+$', ''), '[.]$', '.0')
    else concat(
        regexp_replace(split_part(cast(number as string), 'E', 1), '[.]0$', ''),
        if(number > -1 and number < 1, 'e-', 'e+'),
        regexp_replace(regexp_replace(split_part(cast(number as string), 'E', 2), '-', ''), '^([0-9])$', '0$1')
    )
end
"""
"""A floating-point number as DuckDB writes it: 10000000.0 and 1e-05, where Java writes 1.0E7 and 1.0E-5."""


def as_text(value: exp.Expression, known: Known) -> exp.Expression:
    """A value that becomes part of a text."""
    if (known.type_of(value) or "").endswith((")", "]")) and not (known.type_of(value) or "").startswith("DECIMAL"):
        raise UntranslatableError(f"a text of {known.type_of(value)}", "write array_to_string(), or name the fields")
    return _as_duckdb_writes(value) if is_double(value, known) else value


def _as_duckdb_writes(value: exp.Expression) -> exp.Expression:
    return with_name("number", as_double(value), exp.Var(this=" ".join(_DOUBLE_AS_TEXT.split())))


def _hexadecimal(value: exp.Expression) -> exp.Expression | None:
    """What follows in `'0x' || ...`, which DuckDB reads as a hexadecimal number."""
    bare = value.unnest()
    return bare.expression if isinstance(bare, exp.DPipe) and text_of(bare.this) == "0x" else None


def as_double(value: exp.Expression) -> exp.Expression:
    """A value as a floating-point number."""
    is_cast = isinstance(value, exp.Cast) and value.to.name == "DOUBLE"
    return value if is_cast else cast(value, "DOUBLE")
