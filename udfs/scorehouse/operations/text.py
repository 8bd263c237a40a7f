"""Tables on a terminal, and lists in a sentence."""

from collections.abc import Sequence
from datetime import datetime


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows as aligned text: numbers to the right, times to the second, None as an empty cell.

    >>> print(table(["name", "rows"], [["items", 4], ["customers", 1200]]))
    name        rows
    items          4
    customers  1,200
    """
    cells = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    is_number = [all(isinstance(row[c], (int, float, type(None))) for row in rows) and bool(rows) for c in range(len(header))]
    lines = (
        "  ".join(v.rjust(w) if right else v.ljust(w) for v, w, right in zip(row, widths, is_number, strict=True)).rstrip()
        for row in cells
    )
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else shown(str(value))


def shown(text: str) -> str:
    r"""A text as one line that a terminal shows and does not obey: branches and raw files write what they like.

    >>> shown("caf\u00e9 \x1b[2J\n"), shown("it's")
    ('café \\x1b[2J\\n', "it's")
    """
    return text if text.isprintable() else "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def exact(value: object) -> str:
    """A value in a line: numbers with all their digits, times to the second, NULL as such.

    >>> exact(0.1 + 0.2), exact(None), exact([{"feature": "age", "contribution": 0.5}])
    ('0.30000000000000004', 'NULL', '[{feature: age, contribution: 0.5}]')
    """
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return f"[{', '.join(map(exact, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {exact(one)}' for name, one in value.items())}}}"
    return repr(value) if isinstance(value, float) else _cell(value).replace(",", "") if isinstance(value, int) else _cell(value)


def listed(names: list[str], most: int = 4) -> str:
    """Names in a sentence, the first of them where there are many.

    >>> listed(["a", "b", "c"], most=2), listed([])
    ('a, b and 1 more', 'none')
    """
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown or "none"
