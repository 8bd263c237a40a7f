"""What a source had when it was published last, and has no longer: files, rows and days within them, columns."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from scorehouse.names.partitioning import UNKNOWN
from scorehouse.sources.tables import SourceTable
from scorehouse.store.details import LandedFile

GAP_SHARE = 0.1
"""A day is missed in a file where more of the days that it kept lie before it, and more than one: exports move on."""
_CHANGING = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+", re.IGNORECASE)
_JSON = re.compile(r"\.(json|jsonl|ndjson)\b", re.IGNORECASE)


def less(table: SourceTable, before: Sequence[LandedFile], now: Sequence[LandedFile], release: int) -> Iterator[str]:
    """A sentence for all files that are gone since a release, and one for each that lost its rows, days or a column.

    A file is gone where none of its name is there, and none of a new name stands for it: which has its days and as many rows, or
    is the next copy of a file of which there is one (`export-2024-04-01.csv`, `export-2024-04-02.csv`). Its days may move on. A
    column is gone that every file of the same name but for its digits had, and a new one has not; JSON leaves out what is empty.
    What is older than `meta.retain_days` is not missed, nor is what people took with them who were forgotten since.

    Args:
        before: the files of the release.
        now: the files that are there.
    """
    key = _key_of(before, now)
    known, had = {key(file): file for file in now}, {key(file): file for file in before}
    added = [file for file in now if key(file) not in had]
    gone = [file for file in before if key(file) not in known and file.row_count and not _is_old(file, table.keep_from)]
    lost = sorted((file for file in gone if not _is_replaced(file, gone, added, before)), key=lambda file: file.name)
    if lost:
        rows, more = sum(file.row_count for file in lost), f", nor {len(lost) - 1} more" if len(lost) > 1 else ""
        yield f"{lost[0].name}: expected the file that release {release} was made of, found none{more} ({rows:,} rows)"
    there = _days(now)
    for file in sorted(now, key=lambda file: file.name):
        old = had.get(key(file))
        if old and old.content != file.content and old.forgotten == file.forgotten:
            yield from _of_rows(table, old, file, there, release)
        if old is None or old.content != file.content:
            yield from _of_columns(table, file, [one for one in before if _family(one) == _family(file) and one.row_count])


def _of_rows(table: SourceTable, old: LandedFile, file: LandedFile, there: set[str], release: int) -> Iterator[str]:
    """What a file of the same name has no longer."""
    if old.row_count and not file.row_count and not file.expired:
        yield f"{file.name}: expected rows, as release {release} has {old.row_count:,} of it, found none"
    kept = _days([old]) & _days([file])
    gone = sorted(day for day in _days([old]) - there if day >= table.keep_from)
    days = [day for day in gone if sum(one < day for one in kept) > max(GAP_SHARE * len(kept), 1)]
    if days:
        more = f" and {len(days) - 1} more days" if len(days) > 1 else ""
        yield f"{file.name}: expected rows of {days[0]}{more}, as release {release} has them, found none"


def _of_columns(table: SourceTable, file: LandedFile, like_it: Sequence[LandedFile]) -> Iterator[str]:
    """The declared columns that all files like this one had."""
    if not file.row_count or _JSON.search(file.name):
        return
    declared = {column.name.lower() for column in table.in_files} | table.names.keys()
    usual = set.intersection(*map(_columns, like_it)) if like_it else set()
    absent = sorted((usual & declared) - _columns(file))
    if absent:
        others = sorted(name for name in _columns(file) - usual if not name.startswith(("_", "scorehouse.")))
        instead = f"found none, and {', '.join(others)}" if others else "found none"
        yield f"{file.name}: expected the column {absent[0]}, which {like_it[-1].name} had, {instead}"


def _key_of(before: Sequence[LandedFile], now: Sequence[LandedFile]) -> Callable[[LandedFile], str]:
    """What tells a file from others: its name, or its path where several of one time have its name."""
    counted = [Counter(file.name for file in files) for files in (before, now)]
    several = {name for counts in counted for name, count in counts.items() if count > 1}
    return lambda file: file.path if file.name in several else file.name


def _is_replaced(file: LandedFile, gone: Sequence[LandedFile], added: Sequence[LandedFile], before: Sequence[LandedFile]) -> bool:
    """Whether files of new names stand for a gone one."""
    days, new_days = _days([file]), _days(added)
    alike = [one for one in added if _family(one) == _family(file)]
    is_next_copy = bool(alike) and sum(_family(one) == _family(file) for one in before) == 1
    if is_next_copy and not days:
        return True
    if is_next_copy and min(_days(alike), default="9") <= max(days):  # it moved on: days before its first one are not missed
        return {day for day in days if day > min(_days(alike))} <= new_days
    return days <= new_days and sum(one.row_count for one in gone) <= sum(one.row_count for one in added)


def _is_old(file: LandedFile, keep_from: str) -> bool:
    return max(_days([file]), default="9") < keep_from


def _days(files: Iterable[LandedFile]) -> set[str]:
    """Days of the rows that say when they were."""
    return {day for file in files for day in file.days if day != UNKNOWN}


def _columns(file: LandedFile) -> set[str]:
    return {name.lower() for name in file.columns}


def _family(file: LandedFile) -> str:
    """A file's name without what tells it from those of other days."""
    return _CHANGING.sub("#", file.name)
