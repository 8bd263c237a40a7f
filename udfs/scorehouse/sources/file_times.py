"""When a file says that it was written: a date in its name, else the time of its last change."""

import re
from datetime import UTC, datetime

from scorehouse.sources.places import RawFile

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_NUMBERS = re.compile(
    r"""
    (?<!\d) ((?:19|20)\d\d) [-_./]? (?:month=)? (0[1-9]|1[0-2])
    (?: [-_./]? (?:day=)? (0[1-9]|[12]\d|3[01])
        (?: [-_.\ t]? ([01]\d|2[0-3]) [-_.:h]? ([0-5]\d) (?: [-_.:m]? ([0-5]\d) )? )?
    )? (?!\d)
    """,
    re.VERBOSE,
)
_WORDS = re.compile(rf"(?<![a-z])({'|'.join([*_LONG, *_MONTHS])})(?![a-z])[-_ .]?((?:19|20)\d\d(?!\d))?")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_YEAR_ALONE = re.compile(r"(?<!\d)(?<!\d[-_./])((?:19|20)\d\d)(?![-_./]?\d)")
"""A year that is no part of a date in another order, which could be read in two ways."""

_PART = re.compile(r"\d{1,6}(?!\d)")


def written_at(file: RawFile) -> str:
    """ISO time (UTC) that orders files of the same things: the last date in the name, a month counts from its first day.

    A month without a year is the last one of that name before the file was changed. Of files of one date the number behind it
    counts, as microseconds.
    """
    changed = datetime.fromtimestamp(file.path.stat().st_mtime, UTC)
    named = date_in(file.name, changed)
    return (named or changed).strftime("%Y-%m-%d %H:%M:%S.%f")


def date_in(name: str, changed: datetime) -> datetime | None:
    """The last date in a file's name.

    >>> date_in("items/prices_2026-02-14.csv", datetime(2026, 5, 1)), date_in("items/jan.csv", datetime(2026, 5, 1))
    (datetime.datetime(2026, 2, 14, 0, 0), datetime.datetime(2026, 1, 1, 0, 0))
    """
    found = list(_NUMBERS.finditer(name.lower()))
    if found:
        year, month, day, *clock = (int(part) if part else None for part in found[-1].groups())
        return _date(year, month, day or 1, *(part or 0 for part in clock), _part_behind(name, found[-1].end()))
    word = list(_WORDS.finditer(name.lower()))
    alone = list(_YEAR_ALONE.finditer(name))
    if not word:
        return _date(int(alone[-1][1]), 1, 1) if alone else None
    month = 1 + _MONTHS.index(word[-1][1][:3])
    years = _YEAR.findall(name)
    year = int(word[-1][2] or (years[-1] if years else changed.year - (month > changed.month)))
    return _date(year, month, 1)


def _part_behind(name: str, end: int) -> int:
    """The number that follows a date in a file's own name: which part of that day's export it is."""
    found = _PART.search(name[end:].split(".")[0]) if "/" not in name[end:] else None
    return int(found[0]) if found else 0


def _date(year: int, month: int, day: int, *clock: int) -> datetime | None:
    try:
        return datetime(year, month, day, *clock)
    except ValueError:
        return None
