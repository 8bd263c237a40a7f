"""Python functions on Spark: which are refused."""

from pathlib import Path

import pytest

from scorehouse.errors import ScorehouseError
from scorehouse.spark.functions import expect_vectorised
from scorehouse.spark.project import PythonFunction


def test_a_function_of_single_values_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "half.py"
    file.write_text("def main(\n    x: float,\n) -> float:\n    return x / 2\n")
    with pytest.raises(ScorehouseError) as refused:
        expect_vectorised(PythonFunction("half", file, "main", "double"))
    assert str(refused.value) == (
        "half.py:2: expected 'x: pa.ChunkedArray', found float; Spark runs functions over Arrow columns alone."
    )
