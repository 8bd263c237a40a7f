"""Texts."""

import re

from sqlglot import exp

from scorehouse.spark.rules.build import borrowed, call, text, text_of
from scorehouse.spark.rules.registry import Known, UntranslatableError, function, node, renamed, same

same("lower", "upper", "trim", "replace", "substr", "substring", "left", "right", "md5", "reverse", "split_part", "contains")
same("concat_ws", "lpad", "repeat")
renamed(starts_with="startswith", ends_with="endswith", suffix="endswith", prefix="startswith")


@function("length", "strlen")
def length(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Characters of a text, elements of a list."""
    (value,) = found.expressions
    is_list = isinstance(value, exp.Array) or (isinstance(value, exp.Anonymous) and value.name.lower() in LISTS)
    return call("size" if is_list or (known.type_of(value) or "").endswith("[]") else "length", value)


LISTS = {"split", "filter", "transform", "array_distinct", "array_intersect", "array_sort", "slice"}
"""Functions of Spark's that give a list."""


@function("concat")
def concat(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Texts one after the other; NULL is nothing."""
    return call("concat_ws", text(""), *found.expressions)


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
    is_once = said.startswith("^") or (said.endswith("$") and not said.endswith("\\$"))
    if not (is_once or [text_of(option) for option in options] == ["g"]):
        raise UntranslatableError("regexp_replace of the first match", "write the option 'g'")
    return call("regexp_replace", value, pattern, other)


@function("regexp_matches")
def regexp_matches(found: exp.Anonymous, known: Known) -> exp.Expression:
    """Whether a pattern is found."""
    if len(found.expressions) > 2:
        raise UntranslatableError("regexp_matches with options")
    return call("regexp_like", *found.expressions)


@function("regexp_extract")
def regexp_extract(found: exp.Anonymous, known: Known) -> exp.Expression:
    """The match, or a group of it."""
    value, pattern, *group = found.expressions
    return call("regexp_extract", value, pattern, group[0] if group else exp.Literal.number(0))


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
