"""How a cell of a raw file is read: SQL for its typed value, and for whether it holds what cannot be read.

A value is NULL where the cell is blank, holds a word for "missing", or cannot be read; the last is a fault. What could mean two
things is a fault too: nothing is guessed.
"""

from scorehouse.names.quoting import literal
from scorehouse.sources.json_values import json_sql
from scorehouse.store.details import Column

MISSING = r"(?i)(null|\(null\)|nan|none|nil|nat|n/?a|#n/a|<na>|undefined|\\n|)"
"""Words that mean "no value" in a key, a name, a number, a time or JSON; in other texts they are words."""

MISSING_IN_TEXT = r"NULL|\\N|"
"""How databases write that there is no value, whatever the column's type is."""

_UNSEEN = [*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, 0x180E, *range(0x2000, 0x2010), *range(0x2028, 0x2030)]
_UNSEEN += [*range(0x205F, 0x2070), 0x3000, 0xFEFF]
BLANKS = literal("".join(map(chr, _UNSEEN)))
"""White space of every kind, and marks that nobody sees: joiners, directions of writing."""

_DISPLAYED = r"-?\d([.,]\d*)?E\+\d+"
"""How a spreadsheet shows a long number: with fewer decimals than the exponent, its last digits are lost."""

_NESTED = "when 'OBJECT' then null when 'ARRAY' then null"
"""What has members is no text."""

_EXACT_BELOW = {"FLOAT": 2**24, "DOUBLE": 2**53}
"""From there on a floating point number stands for several whole ones."""

TRUTH = "truth"
"""The kind of a column of numbers that may be given as truth values."""

_FLOATS = ("FLOAT", "DOUBLE")
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_CLOCK = r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"
_LOCAL = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:[ T]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?"
_MOST_MINUTES = 14 * 60
"""No clock is further from UTC."""

_HOURS = {"z": 0, "utc": 0, "gmt": 0, "ut": 0, "wet": 0, "west": 1, "cet": 1, "cest": 2, "eet": 2, "eest": 3}
"""Zones that have one meaning only; others are written as an offset or a region."""

_OF_WINTER = ("wet", "cet", "eet")
"""Zones that some people mean all year and others in winter alone: in summer they have two meanings."""


def is_number(data_type: str) -> bool:
    """Whether a DuckDB type is a number's."""
    kind = data_type.upper()
    return kind in (*_FLOATS, *_WHOLE) or kind.startswith("DECIMAL")


def trimmed(value: str) -> str:
    """A text without white space around it, also no-break spaces and marks that nobody sees."""
    return f"case when regexp_matches({value}, '^[^!-~]|[^!-~]$') then trim({value}, {BLANKS}) else {value} end"


def value_sql(value: str, found: str, column: Column, decimal: str = ".") -> str:
    """The typed value of a cell; NULL where it is missing, or cannot be read.

    Args:
        value: the cell, as SQL.
        found: DuckDB type of the file's column.
        decimal: the file's decimal mark, with a question mark where other numbers of the file have the other one.
    """
    kind = column.data_type.upper()
    given, given_kind = value, found
    value, found = _as_text(value, found, column)
    if column.kind == "id" and given_kind == "JSON":
        number = _id(f"try_cast({value} as double)", "DOUBLE")
        return f"case json_type({given}) when 'DOUBLE' then {number} {_NESTED} else {_id(value, found)} end"
    if column.kind == "id":
        return _id(value, found)
    if kind == "VARCHAR":
        text = _words(value, found, column)
        return f"case json_type({given}) {_NESTED} else {text} end" if given_kind == "JSON" else text
    if kind == "TIMESTAMP" and found == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {value})"
    if kind == "TIMESTAMP" and found == "TIMESTAMP_NS":
        return f"make_timestamp({microseconds(value)})"
    if kind == "JSON" and found not in ("VARCHAR", "JSON"):
        return json_sql(value, found)
    if found != "VARCHAR":
        return _from_number(value, found, column)
    text = f"nullif({trimmed(value)}, '')"
    if is_number(kind) and given_kind == "JSON" and decimal[0] != ".":  # JSON's own numbers have a point
        own = _number(text, column.data_type, ".")
        number = f"case when json_type({given}) = 'VARCHAR' then {_number(text, column.data_type, decimal)} else {own} end"
        return _or_truth(number, text, column)
    if is_number(kind):
        return _or_truth(_number(text, column.data_type, decimal), text, column)
    return _time(text) if kind == "TIMESTAMP" else _cast(text, column.data_type)


def microseconds(value: str) -> str:
    """The whole microseconds since 1970 of a time in nanoseconds: what is finer is left out, as of a text."""
    return f"((epoch_ns({value}) - (epoch_ns({value}) % 1000 + 1000) % 1000) // 1000)"


def text_in(value: str, found: str) -> str:
    """The text that a cell of text or JSON is; NULL for what JSON has another type for."""
    return f"(case when json_type({value}) = 'VARCHAR' then {value} ->> '$' end)" if found == "JSON" else value


def is_missing(value: str, found: str, column: Column) -> str:
    """Whether a cell is blank or holds a word for "missing"."""
    given, is_bytes = value, found == "BLOB"
    value, found = _as_text(value, found, column)
    if is_bytes and value != given:
        return f"({given} is null or ({value} is not null and {is_missing(value, found, column)}))"
    if found in _FLOATS:
        return f"coalesce(isnan({value}), true)"
    if found != "VARCHAR":
        return f"{value} is null"
    if column.data_type.upper() == "VARCHAR" and column.kind not in ("id", "name"):
        return f"(coalesce(regexp_full_match(trim({value}, {BLANKS}), {literal(MISSING_IN_TEXT)}), true))"
    text = _unwrapped(value) if column.kind == "id" else trimmed(value)
    return f"coalesce(regexp_full_match({text}, {literal(MISSING)}), true)"


def fault_sql(value: str, found: str, column: Column, decimal: str = ".") -> str:
    """Whether a cell holds something that cannot be read as its column's type."""
    return f"({value_sql(value, found, column, decimal)}) is null and not {is_missing(value, found, column)}"


def decimal_evidence(value: str) -> tuple[str, str]:
    """Whether a text can only be a number with a decimal comma, or only one with a decimal point, whatever unit stands beside it.

    `1,234` and `1.234` can be either, or thousands: they are no evidence.
    """
    return _only_decimal(value, ",", "."), _only_decimal(value, ".", ",")


def _only_decimal(value: str, mark: str, group: str) -> str:
    grouped = rf"\d{{1,3}}([{group}]\d{{3}})+[{mark}]\d+|\d{{1,3}}([{group}]\d{{3}}){{2,}}"
    forms = rf"\d+[{mark}](\d{{1,2}}|\d{{4,}})|0[{mark}]\d+|{grouped}"
    return rf"regexp_full_match({value}, '[^\d.,]{{0,5}}({forms})[^\d.,]{{0,5}}')"


def _as_text(value: str, found: str, column: Column) -> tuple[str, str]:
    """A cell of JSON, or of bytes, as the text that it holds, unless that is wanted; NULL for bytes that are no text."""
    if found == "BLOB" and column.data_type.upper() != "BLOB":
        return f"try(decode({value}))", "VARCHAR"
    return (f"({value} ->> '$')", "VARCHAR") if found == "JSON" and column.data_type.upper() != "JSON" else (value, found)


def _words(value: str, found: str, column: Column) -> str:
    """A text as it is; of a name what its blanks surround."""
    if found in _FLOATS:
        return rf"nullif(regexp_replace(cast({value} as varchar), '\.0$', ''), 'nan')"
    if found != "VARCHAR":
        return _cast(value, column.data_type)
    kept = trimmed(value) if column.kind == "name" else value
    return f"case when not {is_missing(value, found, column)} then {kept} end"


def _cast(value: str, data_type: str) -> str:
    return f"try_cast({value} as {data_type})"


def _from_number(value: str, found: str, column: Column) -> str:
    """A value of another type than text; a fraction is no whole number, NaN is no number, and a truth value is none as a rule."""
    data_type = column.data_type
    if found == "BOOLEAN" and is_number(data_type) and column.kind != TRUTH:
        return f"cast(null as {data_type})"
    if found in _FLOATS:
        value = f"case when not isnan({value}) then {value} end"
    if data_type.upper() in _WHOLE and (found in _FLOATS or found.startswith("DECIMAL")):
        return f"case when {value} = round({value}) then try_cast({value} as {data_type}) end"
    return _cast(value, data_type)


def _or_truth(number: str, text: str, column: Column) -> str:
    """A number; of a column that says so, a truth value is 1 or 0."""
    return (
        f"coalesce({number}, case lower({text}) when 'true' then 1 when 'false' then 0 end)" if column.kind == TRUTH else number
    )


def _number(text: str, data_type: str, decimal: str) -> str:
    """A number as people and programs write it; thousands may be grouped where that has one meaning."""
    mark, group = ("[.]", "[,]") if decimal[0] == "." else ("[,]", "[.]")
    grouped = rf"[+-]?\d{{1,3}}({group}\d{{3}})+{mark}\d+|[+-]?\d{{1,3}}({group}\d{{3}}){{2,}}"
    whole = rf"[+-]?\d+({mark}0*)?"
    plain = rf"[+-]?(\d+({mark}\d*)?|{mark}\d+)([eE][+-]?\d+)?|(?i)[+-]?inf(inity)?"
    digits = f"translate({text}, ',', '')" if decimal[0] == "." else f"translate({text}, ',.', '.')"
    if data_type.upper() in _WHOLE:
        digits, plain = rf"regexp_replace({digits}, '\.0*$', '')", whole
        grouped = rf"[+-]?\d{{1,3}}({group}\d{{3}}){{2,}}"
    either = rf"[+-]?[1-9]\d{{0,2}}{mark}\d{{3}}" if decimal.endswith("?") else "x"
    is_plain = f"regexp_full_match({text}, {literal(f'{grouped}|{plain}')}) and not regexp_full_match({text}, {literal(either)})"
    return f"case when {is_plain} then try_cast({digits} as {data_type}) end"


def _time(text: str) -> str:
    """A time in UTC, whatever offset or region it is given in.

    An abbreviation that several zones have (BST, IST, CST) is not read, nor a time that a region's clocks show twice or never.
    """
    plain = rf"regexp_replace({text}, '\[[\w/+-]+\]$', '')"
    clock = f"replace(regexp_extract({plain}, {literal(_CLOCK)}), ',', '.')"
    zone = f"trim(regexp_replace({plain}, {literal(_CLOCK)}, ''))"
    offset = r"(?i)(?:utc|gmt)?([+-])(\d{2}):?([0-5]\d)?"
    sign, hours, rest = (f"regexp_extract({zone}, {literal(offset)}, {group})" for group in (1, 2, 3))
    minutes = (
        f"(case {sign} when '-' then -1 else 1 end)"
        f" * (60 * try_cast({hours} as integer) + coalesce(try_cast({rest} as integer), 0))"
    )
    names = " ".join(f"when '{name}' then {hours_east}" for name, hours_east in _HOURS.items())
    local = f"try_cast({clock} as timestamp)"
    by_name = f"{local} - to_hours(case lower({zone}) {names} end)"
    winter = ", ".join(map(literal, _OF_WINTER))
    return (
        f"case when regexp_full_match({text}, {literal(_LOCAL)}) then try_cast(replace({text}, ',', '.') as timestamp)"
        f" when {clock} = '' then null"
        f" when regexp_full_match({zone}, {literal(offset)})"
        f" then case when abs({minutes}) <= {_MOST_MINUTES} then {local} - to_minutes({minutes}) end"
        f" when contains({zone}, '/') then {_in_region(local, zone)}"
        f" when lower({zone}) in ({winter}) and {_in_region(local, f'upper({zone})')} is distinct from {by_name} then null"
        f" else {by_name} end"
    )


def _in_region(local: str, region: str) -> str:
    """The one instant, in UTC, at which a region's clocks show a time; NULL where they show it twice, or never.

    The offsets that are tried hold two days before and after, which no change of the clocks is longer than.
    """
    shown = "timezone(own_time.region, timezone('UTC', {}))".format
    other_day = "(own_time.local + to_days(own_days))"
    tried = f"list_transform([-2, 2], lambda own_days: own_time.local - ({shown(other_day)} - {other_day}))"
    instants = f"list_distinct(list_filter({tried}, lambda own_instant: {shown('own_instant')} = own_time.local))"
    only = f"case when len({instants}) = 1 then {instants}[1] end"
    known = f"case when try_cast('2000-01-01 00:00 ' || {region} as timestamptz) is not null then {region} end"
    return f"list_transform([{{'local': {local}, 'region': {known}}}], lambda own_time: {only})[1]"


def _unwrapped(value: str) -> str:
    """An id without what surrounds it: white space, and what tells a spreadsheet that it is a text (`="00123"`)."""
    text = trimmed(value)
    inner = trimmed(f"substring({text}, 3, length({text}) - 3)")
    return f'case when regexp_matches({text}, \'^="[^"]*"$\') then {inner} else {text} end'


def _id(value: str, found: str) -> str:
    """An id as text: one spelling for a whole number however it was written; leading zeros and letter case stay.

    A comma, or three zeros behind a point with three digits at most before it, may group thousands: such a text stays as it is.
    A number whose digits are not exact, as a spreadsheet's display or a large floating point number, cannot be read.
    """
    if found in (*_WHOLE, "UUID"):
        return f"cast({value} as varchar)"
    if found in _FLOATS or found.startswith("DECIMAL"):
        whole = (
            f"case when {value} = trunc({value}) then cast(cast({value} as hugeint) as varchar) else cast({value} as varchar) end"
        )
        return f"case when abs({value}) < {_EXACT_BELOW[found]} then {whole} end" if found in _FLOATS else whole
    text = _unwrapped(f"cast({value} as varchar)")
    scientific = r"\d([.,]\d+)?[eE]\+\d\d|\d[.,]\d+[eE]\d\d?"
    whole = r"-?(0|[1-9]\d*)\.(0|00|0000+)|-?[1-9]\d{3,}\.000"
    exact = f"try_cast(replace({text}, ',', '.') as decimal(38, 9))"
    decimals = rf"length(regexp_extract({text}, '[.,](\d*)', 1))"
    exponent = rf"try_cast(regexp_extract({text}, '\d+$') as integer)"
    return (
        f"case when regexp_full_match({text}, {literal(MISSING)}) then null"
        rf" when regexp_full_match({text}, {literal(whole)}) then regexp_extract({text}, '^-?\d+')"
        f" when regexp_full_match({text}, {literal(_DISPLAYED)}) and coalesce({decimals} < {exponent}, true) then null"
        f" when regexp_full_match({text}, {literal(scientific)}) and {exact} = round({exact})"
        f" then cast(cast({exact} as decimal(38, 0)) as varchar)"
        f" else nfc_normalize({text}) end"
    )
