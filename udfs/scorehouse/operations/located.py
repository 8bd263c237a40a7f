"""Where in its file a node fails, as far as DuckDB's message tells."""

import re
from collections.abc import Iterator

_LINE = re.compile(r"^\s*LINE (\d+): (.*)$", re.MULTILINE)
_OF_DUCKDB = re.compile(r"[A-Z][\w ]*Error: ")


def located(message: str, path: str, said: str, source: str, compiled: str = "") -> str:
    r"""A failure's sentence with the node's file, and the line where that is sure.

    >>> said = 'Binder Error: no "b"\n\nLINE 2: where b > 0\n              ^'
    >>> located('Binder Error: no "b"', "models/a.sql", said, "{# why #}\n\nselect 1\nwhere b > 0", "select 1\nwhere b > 0")
    'models/a.sql, line 4: Binder Error: no "b"'
    >>> located('Binder Error: no "b"', "models/a.sql", said, "{{ everything() }}", "select 1\nwhere b > 0")
    'models/a.sql (line 2 of its compiled text, in target/compiled): Binder Error: no "b"'
    >>> located("models/a.yml: expected a key, found none", "models/a.sql", said, "", "")
    'models/a.yml: expected a key, found none'

    Args:
        message: the sentence, which may begin with the file; one that begins with something else of ours stays as it is.
        said: all that DuckDB said, with the line that it prints.
        source, compiled: the file's text, and what was made of it; empty where nobody knows.
    """
    rest = message.removeprefix(f"{path}: ")
    if rest == message and not _OF_DUCKDB.match(message):
        return message
    return f"{path}{_line(said, source, compiled)}: {rest}"


def all_said(error: BaseException | None) -> str:
    """What an error says, and those before it that it stands for."""
    return f"{error}\n{all_said(error.__context__)}" if error else ""


def _line(said: str, source: str, compiled: str) -> str:
    """The line of the source in which alone the text stands that DuckDB shows; else that of what was compiled."""
    found = _LINE.search(said)
    text = found[2].strip().removeprefix("...").removesuffix("...").strip() if found else ""
    if not found or not text:
        return ""
    in_source, in_compiled = list(_lines_with(text, source)), list(_lines_with(text, compiled))
    if len(in_source) == 1 and (len(in_compiled) == 1 or not compiled):
        return f", line {in_source[0]}"
    number = int(found[1])
    sure = number if number in in_compiled else in_compiled[0] if len(in_compiled) == 1 else None
    return f" (line {sure} of its compiled text, in target/compiled)" if sure else ""


def _lines_with(part: str, text: str) -> Iterator[int]:
    return (number for number, line in enumerate(text.splitlines(), start=1) if part in line)
