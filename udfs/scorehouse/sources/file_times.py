"""When a file says that it was written: a date in its name, else the time of its last change."""

import re
from datetime import UTC, datetime
from unicodedata import normalize

from scorehouse.sources.places import RawFile

_MONTHS = (
    "january januar januari janvier enero gennaio janeiro janv jan",
    "february februar februari février fevrier febrero febbraio fevereiro févr feb",
    "march märz maerz maart mars marzo março marco mrz mar",
    "april avril abril aprile avr abr apr",
    "may mai mei mayo maggio maio",
    "june juni juin junio giugno junho jun",
    "july juli juillet julio luglio julho juil jul",
    "august augustus août aout agosto aug",
    "september septembre septiembre settembre setembro sept sep",
    "october oktober octobre octubre ottobre outubro oct okt",
    "november novembre noviembre novembro nov",
    "december dezember décembre decembre diciembre dicembre dezembro dec dez déc",
)
"""Months in English, German, Dutch, French, Spanish, Italian and Portuguese, without short forms that are other words."""

_NUMBER_OF = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()}
_YEAR = r"(?:19|20)\d\d"
_NUMBERS = re.compile(
    rf"""
    (?<!\d) ({_YEAR}) [-_./]? (?:month=|m=)? (0[1-9]|1[0-2])
    (?: [-_./]? (?:day=|d=)? (0[1-9]|[12]\d|3[01])
        (?: [-_.\ t/]? (?:hour=|h=)? ([01]\d|2[0-3]) (?: [-_.:h/]? (?:minute=)? ([0-5]\d) (?: [-_.:m]? ([0-5]\d) )? )? )?
    )? (?!\d)
    """,
    re.VERBOSE,
)
_HALF_OF_DAY = re.compile(r"[-_., ]*(?:at)?[-_., ]*(1[0-2]|0?[1-9])[.:h]([0-5]\d)(?:[.:]([0-5]\d))?[ _]?([ap])\.?m")
"""A time of twelve hours behind a date."""

_WEEK = re.compile(
    rf"(?<!\d)({_YEAR})[-_ .]?k?w(?:eek|k)?[-_ .]?(\d\d?)(?!\d)|(?<![a-z])k?w(?:eek|k)?[-_ .]?(\d\d?)[-_ .]({_YEAR})(?!\d)"
)
_DAY = r"(\d\d?)(?:st|nd|rd|th)?"
_WORDS = re.compile(
    rf"(?:(?<!\d){_DAY}[-_ .]*)?(?<![^\W\d_])({'|'.join(sorted(_NUMBER_OF, key=len, reverse=True))})(?![^\W\d_])"
    rf"(?:[-_ .]*{_DAY}(?!\d))?(?:[-_ .,]*({_YEAR})(?!\d))?"
)
_ANY_YEAR = re.compile(rf"(?<!\d)({_YEAR})(?!\d)")
_YEAR_ALONE = re.compile(rf"(?<![a-z\d])(?<!\d[-_./])({_YEAR})(?![-_./ ]?\d)(?![a-z])")
"""A year that is no part of a date in another order, which could be read in two ways, and of no word."""

_PART = re.compile(r"[-_ ]*\(?(?:part|p|no|nr|v)?[-_ ]*(\d{1,6})\)?")


def written_at(file: RawFile) -> str:
    """ISO time (UTC) that orders files of the same things: the last date in the name, a month or week counts from its first day.

    A month without a year is the last one of that name before the file was changed. Of files of one date the number behind it
    counts, as microseconds. A file of an archive has its own time of change.
    """
    changed = datetime.fromtimestamp(file.path.stat().st_mtime if file.changed is None else file.changed, UTC)
    named = date_in(file.name, changed)
    return (named or changed).strftime("%Y-%m-%d %H:%M:%S.%f")


def date_in(name: str, changed: datetime) -> datetime | None:
    """The last date in a file's name; None where it has none, or one that could be read in two ways.

    >>> date_in("items/prices_2026-02-14.csv", datetime(2026, 5, 1)), date_in("items/jan.csv", datetime(2026, 5, 1))
    (datetime.datetime(2026, 2, 14, 0, 0), datetime.datetime(2026, 1, 1, 0, 0))
    >>> date_in("year=2026/month=1/day=9/a.csv", datetime(2026, 5, 1)), date_in("nov25.csv", datetime(2026, 5, 1))
    (datetime.datetime(2026, 1, 9, 0, 0), None)
    """
    name = re.sub(r"(?<=[/=])(\d)(?=[/.]|$)", r"0\1", normalize("NFC", name.lower()))
    if found := list(_NUMBERS.finditer(name)):
        year, month, day, *clock = (int(part) if part else None for part in found[-1].groups())
        half = _HALF_OF_DAY.match(name, found[-1].end(3)) if day else None
        if half:
            clock = [int(half[1]) % 12 + 12 * (half[4] == "p"), int(half[2]), int(half[3] or 0)]
        return _date(year, month, day or 1, *(part or 0 for part in clock), 0 if half else _part_behind(name, found[-1].end()))
    if found := list(_WEEK.finditer(name)):
        early, week, other, late = found[-1].groups()
        return _monday(int(early or late), int(week or other))
    if found := list(_WORDS.finditer(name)):
        return _of_words(name, found[-1], changed)
    alone = list(_YEAR_ALONE.finditer(name))
    return _date(int(alone[-1][1]), 1, 1) if alone else None


def _of_words(name: str, found: re.Match[str], changed: datetime) -> datetime | None:
    """The date of a month's name; a number behind it is a day only where a year stands too."""
    before, word, behind, year = found.groups()
    month = _NUMBER_OF[word]
    years = [year] if year else _ANY_YEAR.findall(name)
    if behind and not years:
        return None
    return _date(int(years[-1]) if years else changed.year - (month > changed.month), month, int(behind or before or 1))


def _part_behind(name: str, end: int) -> int:
    """The number that alone follows a date in a file's own name: which part of that day's export it is."""
    found = _PART.fullmatch(name[end:].split(".")[0])
    return int(found[1]) if found else 0


def _date(year: int, month: int, day: int, *clock: int) -> datetime | None:
    try:
        return datetime(year, month, day, *clock)
    except ValueError:
        return None


def _monday(year: int, week: int) -> datetime | None:
    try:
        return datetime.fromisocalendar(year, week, 1)
    except ValueError:
        return None
