"""Compiled reading of structs: the same numbers as Arrow's own, wherever they lie and whatever is missing."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorehouse.errors import ScorehouseError
from scorehouse.scoring.structs import StructReader, as_arrow

KINDS = {"b": "numeric", "a": "numeric", "whole": "numeric", "text": "categorical"}


@given(st.integers(0, 100), st.integers(0, 20), st.integers(0, 20), st.randoms(use_true_random=False))
def test_that_structs_are_read_as_arrow_takes_them_apart(count: int, before: int, within: int, random) -> None:
    rows = before + within + count
    fields = {
        "A": pa.array([random.choice([None, 1.5, -0.0, float("inf")]) for _ in range(rows)], pa.float64()),
        "unused": pa.array([1.0] * rows),
        "b": pa.array(np.arange(float(before + rows)))[before:],
        "whole": pa.array([random.choice([None, 7]) for _ in range(rows)], pa.int32()),
        "text": pa.array([random.choice([None, "x"]) for _ in range(rows)], pa.string()),
    }
    is_null = pa.array([random.random() < 0.3 for _ in range(rows)], pa.bool_())
    structs = pa.StructArray.from_arrays(list(fields.values()), list(fields), mask=is_null)[within : within + count]
    read = StructReader(KINDS).read(structs)
    flat = dict(zip((name.lower() for name in fields), structs.flatten(), strict=True))
    assert list(read) == ["b", "a", "whole", "text"]
    for name in ("a", "b", "whole"):
        np.testing.assert_array_equal(read[name], flat[name].cast(pa.float64()).to_numpy(zero_copy_only=False))
    assert read["text"].to_pylist() == flat["text"].to_pylist()


def test_that_one_reader_reads_structs_of_several_types_one_after_another() -> None:
    reader = StructReader({"x": "numeric"})
    for fields in ({"x": [1.0]}, {"y": [5.0], "x": [1.0]}, {"x": [1]}, {"x": [1.0], "z": ["text"]}):
        structs = pa.StructArray.from_arrays([pa.array(values) for values in fields.values()], list(fields))
        assert reader.read(pa.chunked_array([structs, structs]))["x"].tolist() == [1.0, 1.0]


def test_that_missing_features_are_named() -> None:
    with pytest.raises(ScorehouseError, match="expected the feature columns recency, found days"):
        StructReader({"recency": "numeric"}).read(pa.array([{"days": 1.0}]))


def test_that_a_text_where_a_number_belongs_is_named() -> None:
    with pytest.raises(ScorehouseError, match=r"feature recency: expected a column that is read as numeric, found .*'x'"):
        StructReader({"recency": "numeric"}).read(pa.array([{"recency": "x"}]))


@pytest.mark.parametrize("scores", [[], [1.0, -0.0, np.inf], [np.nan, 2.0], [np.nan]])
def test_that_a_score_that_is_no_number_is_null(scores: list[float]) -> None:
    made = as_arrow(np.array(scores, np.float64))
    made.validate(full=True)
    assert made.to_pylist() == [None if np.isnan(score) else score for score in scores]
    assert as_arrow(np.column_stack([scores, scores])[:, 1]).equals(made)
