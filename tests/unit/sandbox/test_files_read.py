"""What an estimator of the project opens while it is fitted."""

import importlib
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from scorehouse.errors import ScorehouseError
from scorehouse.sandbox.files_read import no_file_read


@pytest.fixture
def file(tmp_path: Path) -> Path:
    np.save(tmp_path / "factor.npy", np.array([2.0]))
    (tmp_path / "factor.csv").write_text("2.0\n")
    (tmp_path / "factor_module.py").write_text("FACTOR = 2\n")
    return tmp_path / "factor.npy"


READERS = {
    "numpy.load": lambda file: np.load(file),
    "numpy.memmap": lambda file: np.memmap(file),
    "numpy.fromfile": lambda file: np.fromfile(file),
    "numpy.loadtxt": lambda file: np.loadtxt(file.with_suffix(".csv")),
    "a path": lambda file: file.read_bytes(),
    "to write": lambda file: np.save(file, 1),
}


@pytest.mark.parametrize("how", READERS)
def test_a_file_that_is_opened_is_refused_though_the_refusal_is_swallowed(file: Path, how: str) -> None:
    with pytest.raises(ScorehouseError, match=r"models/a.yml: meta.estimator: .*factor\.(npy|csv)"), no_file_read("models/a.yml"):
        READERS[how](file)
    with pytest.raises(ScorehouseError, match=r"factor\.(npy|csv)"), no_file_read("models/a.yml"), suppress(Exception):
        READERS[how](file)
    READERS[how](file)


def test_libraries_modules_and_parallel_work_are_free(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(file.parent)
    rows = np.random.default_rng(0).random((200, 3))
    with no_file_read("models/a.yml"):
        assert importlib.import_module("factor_module").FACTOR == 2
        assert len(load_iris().data) == 150
        RandomForestClassifier(n_estimators=4, n_jobs=2).fit(rows, rows[:, 0] > 0.5)
    del sys.modules["factor_module"]


def test_what_an_estimator_raises_itself_is_its_own_error() -> None:
    with pytest.raises(ZeroDivisionError), no_file_read("models/a.yml"):
        _ = 1 / 0
