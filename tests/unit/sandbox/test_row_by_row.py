"""Functions whose answer for a row depends on other rows are refused on the first batch that shows it."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from scorehouse.errors import ScorehouseError
from scorehouse.sandbox.row_by_row import row_by_row

BY_COMPANY = {
    "less the mean": lambda x: pc.subtract(x, pc.mean(x)),
    "rank": lambda x: pa.array(np.argsort(np.argsort(x.to_numpy()))),
    "the row before": lambda x: pa.array([None, *x.to_pylist()[:-1]]),
    "the row after": lambda x: pa.array([*x.to_pylist()[1:], None]),
    "running sum": lambda x: pc.cumulative_sum(x),
    "first of the batch": lambda x: pa.array([x.to_pylist()[0]] * len(x)),
    "size of the batch": lambda x: pa.array([len(x)] * len(x)),
    "a random number a row": lambda x: pa.array(np.random.default_rng(1).random(len(x))),
    "memory of the batch": lambda x: pa.array([x.get_total_buffer_size()] * len(x)),
    "within a struct": lambda x: pa.array([{"a": [sum(x.to_pylist())]}] * len(x)),
}
BY_ROW = {
    "a sum": lambda x: pc.add(x, 1.5),
    "NULL": lambda x: pa.nulls(len(x), pa.float64()),
    "not a number": lambda x: pa.array([float("nan")] * len(x)),
    "structs": lambda x: pa.array([{"a": [one], "b": str(one)} for one in x.to_pylist()]),
    "what cancels out": lambda x: pa.array([1e-17 * (len(x) % 3)] * len(x)),
    "NumPy's": lambda x: np.exp(x.to_numpy() / 7),
}


def batch(size: int) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(np.arange(size) * 1.25 + 3)])


@pytest.mark.parametrize("size", [2, 3, 7, 500, 2048])
@pytest.mark.parametrize("name", BY_COMPANY)
def test_an_answer_that_depends_on_its_company_is_refused(name: str, size: int) -> None:
    with pytest.raises(ScorehouseError, match=r"udfs/x.py: expected the answer of a row to depend on that row alone, found"):
        row_by_row(BY_COMPANY[name], "udfs/x.py")(batch(size))


def test_a_list_column_shows_the_lists_of_its_row_alone() -> None:
    checked = row_by_row(lambda x: pa.array([pc.sum(chunk.values) for chunk in x.chunks for _ in chunk]), "udfs/x.py")
    with pytest.raises(ScorehouseError, match="depend on that row alone"):
        checked(pa.chunked_array([pa.array([[1.0], [2.0, 3.0], [4.0]])]))


@pytest.mark.parametrize("size", [0, 1, 2, 2048])
@pytest.mark.parametrize("name", BY_ROW)
def test_an_answer_of_the_row_alone_is_given(name: str, size: int) -> None:
    checked = row_by_row(BY_ROW[name], "udfs/x.py")
    for _ in range(40):
        assert str(checked(batch(size))) == str(BY_ROW[name](batch(size)))


@pytest.mark.parametrize("name", sorted({*BY_COMPANY} - {"the row after", "a random number a row"}))
def test_rows_that_come_alone_are_asked_about_together(name: str) -> None:
    checked = row_by_row(BY_COMPANY[name], "udfs/x.py")
    checked(pa.chunked_array([pa.array([1.5])]))
    with pytest.raises(ScorehouseError):
        checked(pa.chunked_array([pa.array([2.5])]))


def test_it_is_seen_in_a_later_batch_too() -> None:
    checked = row_by_row(BY_COMPANY["less the mean"], "udfs/x.py")
    same = pa.chunked_array([pa.array([4.0] * 10)])
    with pytest.raises(ScorehouseError):
        for number in range(100):
            checked(batch(10) if number >= 50 else same)


@pytest.mark.parametrize("function", [lambda x: 1.0, lambda x: 1 / 0], ids=["a number", "an error"])
def test_what_a_function_raises_names_its_file(function: Callable) -> None:
    with pytest.raises(ScorehouseError, match=r"udfs/x.py: expected an answer for each row, found (Type|ZeroDivision)Error: "):
        row_by_row(function, "udfs/x.py")(batch(10))


def test_another_number_of_answers_than_rows_is_told() -> None:
    with pytest.raises(ScorehouseError, match="expected an answer for each row"):
        row_by_row(lambda x: x[:1], "udfs/x.py")(batch(10))
