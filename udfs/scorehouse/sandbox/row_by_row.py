"""A function answers for each row by itself: the same row in other company has the same answer, or the function is refused."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import count
from typing import Any

import pyarrow as pa

from scorehouse.errors import ScorehouseError

FIRST_BATCHES, LATER = 8, 32
"""So many batches are asked about, and of the later ones each that this divides."""
MOST_ROWS = 64
TOLERANCE, NEAR_ZERO = 1e-9, 1e-12
"""Relative and absolute: compiled code may round the last digits of a row by its place."""


def row_by_row(function: Callable[..., Any], where: str) -> Callable[..., Any]:
    """The function over Arrow batches, which asks it about some rows of a batch again, apart from the others.

    DuckDB cuts rows into batches as threads and files have it, so an answer that depends on its company is a matter of chance.
    Raises ScorehouseError, when it is called, for such an answer, and for another number of answers than rows.

    >>> import pyarrow as pa, pyarrow.compute as pc
    >>> row_by_row(lambda x: pc.add(x, 1), "udfs/next.py")(pa.array([1, 2])).to_pylist()
    [2, 3]
    """
    batches, company = count(), _Company()

    @wraps(function)
    def checked(*columns: Any) -> Any:
        with _naming(where):
            answers = function(*columns)
            number = next(batches)
            if number < FIRST_BATCHES or number % LATER == 0:
                for among_others, alone in _asked_again(function, columns, answers, company):
                    _expect_same(_listed(among_others), _listed(alone), where)
        return answers

    return checked


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """What a function raises names its file."""
    try:
        yield
    except ScorehouseError:
        raise
    except Exception as error:
        raise ScorehouseError(
            f"{where}: expected an answer for each row, found {type(error).__name__}: {error}; correct the function."
        ) from error


def _asked_again(
    function: Callable[..., Any], columns: tuple[Any, ...], answers: Any, company: "_Company"
) -> Iterator[tuple[Any, Any]]:
    """Answers to some rows among more and among fewer others."""
    for rows in _apart(len(columns[0]) if columns else 0):
        copied = pa.array(rows)  # a slice would still reach the memory of all
        yield answers[rows.start : rows.stop], function(*(column.take(copied) for column in columns))
    among = company.joined(columns)
    if among:
        yield _listed(function(*among))[1:], answers


class _Company:
    """The last row that came alone: the next one that does is asked about beside it."""

    def __init__(self) -> None:
        self._row: tuple[Any, ...] = ()

    def joined(self, columns: tuple[Any, ...]) -> list[pa.ChunkedArray]:
        """The columns of the row before and of this one; none where there is no such pair."""
        if not columns or len(columns[0]) != 1:
            return []
        before, self._row = self._row, columns
        if [column.type for column in before] != [column.type for column in columns]:
            return []
        return [pa.chunked_array([*_chunks(one), *_chunks(other)]) for one, other in zip(before, columns, strict=True)]


def _chunks(column: pa.Array | pa.ChunkedArray) -> list[pa.Array]:
    return column.chunks if isinstance(column, pa.ChunkedArray) else [column]


def _apart(count: int) -> Iterator[range]:
    """Rows before the middle and rows after it: neither sees what the other does."""
    middle = count // 2
    if middle:
        yield range(max(0, middle - MOST_ROWS), middle)
        yield range(middle, min(count, middle + MOST_ROWS))


def _listed(answers: Any) -> list[Any]:
    return answers.to_pylist() if hasattr(answers, "to_pylist") else list(answers)


def _expect_same(among_others: list[Any], apart: list[Any], where: str) -> None:
    if len(among_others) != len(apart):
        raise ScorehouseError(
            f"{where}: expected an answer for each row, found {len(apart)} for {len(among_others)} rows; return one a row."
        )
    for one, other in zip(among_others, apart, strict=True):
        if not _is_same(one, other):
            raise ScorehouseError(
                f"{where}: expected the answer of a row to depend on that row alone, found {one!r} among many rows, {other!r} "
                f"among few; compute in SQL what needs several rows (an aggregate or a window), and give it as an argument."
            )


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=NEAR_ZERO) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return one == other
