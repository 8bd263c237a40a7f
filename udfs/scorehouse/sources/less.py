"""What a source had when it was published last, and has no longer: files, days within its files, columns of files like it."""

import re
from collections.abc import Iterable, Sequence

from scorehouse.errors import ScorehouseError
from scorehouse.sources.tables import SourceTable
from scorehouse.store.details import LandedFile


def expect_no_less(table: SourceTable, before: Sequence[LandedFile], now: Sequence[LandedFile], release: int) -> None:
    """Raise ScorehouseError naming what of a source is gone since a release.

    A file is gone where no file of its name is there, and no new one has its days, or is its next copy where rows have no day.
    Days are gone that lie after the first one that is left: an export of the last ninety days may move on. A column is gone that
    every file of the same name but for its digits had, and a new one has not. What is older than `meta.retain_days` is not
    missed, nor are days of people who were forgotten since.

    Args:
        before: the files of the release.
        now: the files that are there.
    """
    again = "bring it back, or publish without it: --vars '{publish_less: true}'"
    known = {file.name for file in now}
    gone = [file for file in before if file.name not in known and not _is_old(file, table.keep_from)]
    new = _new(before, now)
    lost = sorted((file for file in gone if not _is_replaced(file, gone, new)), key=lambda file: file.name)
    if lost:
        rows = sum(file.row_count for file in lost)
        raise ScorehouseError(
            f"{lost[0].name}: expected the file that release {release} was made of, found none"
            f"{f', nor {len(lost) - 1} more' if len(lost) > 1 else ''} ({rows:,} rows of {table.relation}); {again}."
        )
    left, is_alike = _days(now), {file.forgotten for file in before} >= {file.forgotten for file in now}
    days = sorted(day for day in _days(before) - left if left and is_alike and day > min(left) and day >= table.keep_from)
    if days:
        more = f" and {len(days) - 1} more days" if len(days) > 1 else ""
        raise ScorehouseError(
            f"{table.relation}: expected rows of {days[0]}{more}, as release {release} has them, found none; {again}."
        )
    for file in sorted(new, key=lambda file: file.name):
        _expect_columns(table, file, [one for one in before if _family(one) == _family(file)], again)


def _expect_columns(table: SourceTable, file: LandedFile, like_it: Sequence[LandedFile], again: str) -> None:
    """A file has the declared columns that all files like it had."""
    declared = {column.name.lower() for column in table.in_files} | table.names.keys()
    usual = set.intersection(*(_columns(one) for one in like_it)) if like_it else set()
    absent = sorted((usual & declared) - _columns(file))
    if absent:
        others = sorted(name for name in _columns(file) - usual if not name.startswith("_"))
        instead = f"found none, and {', '.join(others)}" if others else "found none"
        raise ScorehouseError(f"{file.name}: expected the column {absent[0]}, which {like_it[-1].name} had, {instead}; {again}.")


def _new(before: Iterable[LandedFile], now: Iterable[LandedFile]) -> list[LandedFile]:
    same = {(file.name, file.content) for file in before}
    return [file for file in now if (file.name, file.content) not in same]


def _is_old(file: LandedFile, keep_from: str) -> bool:
    return bool(file.days) and max(file.days) < keep_from


def _is_replaced(file: LandedFile, gone: Iterable[LandedFile], new: Sequence[LandedFile]) -> bool:
    """Whether new files have a gone one's days; of one without days, whether one like it came, or as many rows."""
    if file.days:
        return set(file.days) <= _days(new)
    if _family(file) in map(_family, new):
        return True
    return sum(one.row_count for one in gone) <= sum(one.row_count for one in new)


def _days(files: Iterable[LandedFile]) -> set[str]:
    return {day for file in files for day in file.days}


def _columns(file: LandedFile) -> set[str]:
    return {name.lower() for name in file.columns}


def _family(file: LandedFile) -> str:
    """A file's name without what tells it from those of other days."""
    return re.sub(r"\d+", "#", file.name)
