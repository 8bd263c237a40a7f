"""Texts."""

import re

from sqlglot import exp

from scorehouse.spark.rules.build import borrowed, call, number_of, text, text_of, when
from scorehouse.spark.rules.patterns import java_pattern, java_replacement
from scorehouse.spark.rules.registry import Known, UntranslatableError, function, node, renamed, same
from scorehouse.spark.rules.types import as_text

same("replace", "md5", "reverse", "split_part", "contains", "lpad", "repeat")
renamed(strlen="octet_length", starts_with="startswith", ends_with="endswith", suffix="endswith", prefix="startswith")


@function("lower", "lcase", "upper", "ucase")
def in_case(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Small or large letters; for those that Java makes of several, or by what stands around them, DuckDB's stand before."""
    name = "lower" if found.name.lower()[0] == "l" else "upper"
    ours, theirs = ("\u0130\u03a3", "i\u03c3") if name == "lower" else ("\u00df", "\u1e9e")
    return call(name, call("translate", *found.expressions, text(ours), text(theirs)))


@function("trim", "ltrim", "rtrim")
def trimmed(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A text without spaces around it, whatever kind of space; Spark knows one kind."""
    if len(found.expressions) > 1:
        raise UntranslatableError(f"{found.name.lower()} of other characters", "write regexp_replace()")
    ends = {"trim": "^\\p{Zs}+|\\p{Zs}+\\z", "ltrim": "^\\p{Zs}+", "rtrim": "\\p{Zs}+\\z"}
    return call("regexp_replace", *found.expressions, text(ends[found.name.lower()]), text(""))


@function("left", "right")
def end_of_text(found: exp.Anonymous, known: Known) -> exp.Expression:
    """So many characters of an end; all but so many where the number is negative."""
    value, count = found.expressions
    if (number_of(count) or -1) < 0:
        rest = exp.Add(this=call("length", value.copy()), expression=count)
        count = when((exp.LT(this=count.copy(), expression=exp.Literal.number(0)), rest), otherwise=count.copy())
    return call(found.name.lower(), value, count)


@function("substr", "substring")
def part_of_text(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Characters from a place on, which Spark counts otherwise where it lies before the text."""
    if (number_of(found.expressions[1]) or 0) < 1:
        raise UntranslatableError(f"{found.name.lower()} from a place that is no positive number", "write left() or right()")
    return found


@function("length", "len")
def length(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Characters of a text, elements of a list."""
    (value,) = found.expressions
    kind = known.type_of(value)
    is_list = isinstance(value, exp.Array) or (isinstance(value, exp.Anonymous) and value.name.lower() in LISTS)
    is_list |= kind.endswith("]") if kind else found.name.lower() == "len"
    return call("size" if is_list else "length", value)


LISTS = {"split", "filter", "transform", "array_distinct", "array_intersect", "array_sort", "slice"}
"""Functions of Spark's that give a list."""


@function("concat")
def concat(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Texts one after the other; NULL is nothing."""
    return call("concat_ws", text(""), *(as_text(value, known) for value in found.expressions))


@function("concat_ws")
def joined(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Texts with a separator; NULL is nothing."""
    return call("concat_ws", *(as_text(value, known) for value in found.expressions))


@node(exp.DPipe)
def appended(found: exp.DPipe, known: Known) -> exp.Expression:
    """Texts one after the other, numbers as DuckDB writes them; NULL where one is."""
    if any((known.type_of(side) or "").endswith("]") for side in (found.this, found.expression)):
        return found
    return exp.DPipe(this=as_text(found.this, known), expression=as_text(found.expression, known))


@function("string_split", "str_split", "split", "string_to_array")
def split(found: exp.Anonymous, known: Known) -> exp.Expression:
    """A text cut at a text; Spark cuts at a regular expression."""
    value, separator = found.expressions
    if not text_of(separator):
        raise UntranslatableError(f"{found.name} at a text that is computed")
    return call("split", value, text(re.escape(text_of(separator))))


@function("regexp_replace")
def regexp_replace(found: exp.Anonymous, known: Known) -> exp.Expression:
    """DuckDB replaces what matches first, Spark all: the same where that is asked for, or only one can match."""
    value, pattern, other, *options = found.expressions
    said = text_of(pattern) or ""
    is_once = "|" not in said and (said.startswith("^") or (said.endswith("$") and not said.endswith("\\$")))
    asked = [text_of(option) for option in options]
    if asked != ["g"] and not (is_once and not asked):
        raise UntranslatableError("regexp_replace of the first match", "write the option 'g'")
    return call("regexp_replace", value, java_pattern(pattern), java_replacement(other))


@function("regexp_matches")
def regexp_matches(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Whether a pattern is found."""
    if len(found.expressions) > 2:
        raise UntranslatableError("regexp_matches with options")
    value, pattern = found.expressions
    return call("regexp_like", value, java_pattern(pattern))


@function("regexp_extract")
def regexp_extract(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The match, or a group of it."""
    value, pattern, *group = found.expressions
    if len(group) > 1 or (group and number_of(group[0]) is None):
        raise UntranslatableError("regexp_extract of named groups or with options", "name the group by its number")
    return call("regexp_extract", value, java_pattern(pattern), group[0] if group else exp.Literal.number(0))


@function("jaro_winkler_similarity")
def jaro_winkler(found: exp.Anonymous, known: Known) -> exp.Expression:
    """How alike two texts are."""
    return borrowed("DOUBLE", "jaro_winkler_similarity(a0, a1)", found.expressions)


@function("format")
def formatted(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Values in a text, as DuckDB writes them."""
    names = ", ".join(f"a{place}" for place in range(len(found.expressions)))
    return borrowed("STRING", f"format({names})", found.expressions)


@node(exp.Like)
def like(found: exp.Like, known: Known) -> exp.Expression:
    """A pattern; Spark gives the backslash a meaning."""
    if "\\" in (text_of(found.expression) or "\\"):
        raise UntranslatableError("LIKE with a pattern that is computed, or has a backslash", "write starts_with() or contains()")
    return found
