"""Regular expressions: RE2's, which DuckDB reads, as Java's."""

import re

from sqlglot import exp

from scorehouse.spark.rules.build import text, text_of
from scorehouse.spark.rules.registry import UntranslatableError

_PARTS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
"""What is escaped, brackets with what is in them, everything else."""

_DIFFERENT = ("[:", "\\C", "\\Q", "(?P")
"""What Java reads otherwise, or not at all."""


def java_pattern(pattern: exp.Expression) -> exp.Expression:
    r"""A pattern for Java: lines end at line feeds alone, `$` is the end of the text, letters of all languages have cases.

    >>> java_pattern(text("(?i)x.$")).this
    '(?d)(?iu)x.\\z'
    >>> java_pattern(text("^a")).this
    '^a'
    """
    said = text_of(pattern)
    if said is None:
        raise UntranslatableError("a regular expression that is computed", "write it as a text")
    if any(part in said for part in _DIFFERENT):
        raise UntranslatableError(f"the regular expression {said}", "write characters in brackets, as in [a-z]")
    made = "".join(_part(part) for part in _PARTS.findall(said)).replace("(?i)", "(?iu)")
    return text(f"(?d){made}" if "." in made else made)


def _part(part: str) -> str:
    if part.startswith("["):
        return part[0] + re.sub(r"(?<!\\)\[|&&", r"\\\g<0>", part[1:])
    return "\\z" if part == "$" else part


_IN_REPLACEMENTS = {"$": "\\$", "\\\\": "\\\\"}


def java_replacement(replacement: exp.Expression) -> exp.Expression:
    r"""What stands in a match's place: groups are `$1` in Java.

    >>> java_replacement(text(r"\2 costs $")).this
    '$2 costs \\$'
    """
    said = text_of(replacement)
    if said is None:
        raise UntranslatableError("a replacement that is computed", "write it as a text")
    return text(re.sub(r"\\\\|\\\d|\$", lambda part: _IN_REPLACEMENTS.get(part[0], f"${part[0][1:]}"), said))
