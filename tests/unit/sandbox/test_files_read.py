"""What an estimator of the project opens while it is fitted."""

import importlib
import sys
from contextlib import suppress
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
import xgboost
from scorehouse_confinement import landlock
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from scorehouse.errors import ScorehouseError
from scorehouse.sandbox.files_read import no_file_read, without_files


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


BY_ITSELF = {
    "duckdb": lambda file: duckdb.sql(f"from read_csv('{file.with_suffix('.csv')}')").fetchall(),
    "pyarrow.csv": lambda file: pyarrow.csv.read_csv(file.with_suffix(".csv")),
    "pyarrow.parquet": lambda file: pyarrow.parquet.read_table(file.with_suffix(".parquet")),
    "xgboost": lambda file: xgboost.DMatrix(f"{file.with_suffix('.csv')}?format=csv"),
    "to write": lambda file: duckdb.connect().execute(f"copy (select 1) to '{file.with_suffix('.out')}'"),
}


@pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")
@pytest.mark.parametrize("how", BY_ITSELF)
def test_what_a_library_opens_by_itself_is_refused_by_the_kernel_in_that_thread_alone(file: Path, how: str) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"factor": [2.0]}), file.with_suffix(".parquet"))
    BY_ITSELF[how](file)
    with pytest.raises(Exception, match=r"[Pp]ermission|not permitted|[Cc]annot open|Opening|denied"):
        without_files(lambda: BY_ITSELF[how](file), "models/a.yml", [])
    BY_ITSELF[how](file)


def test_a_fit_without_files_imports_the_code_that_is_its_own(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(file.parent)
    module = file.parent / "factor_module.py"
    assert without_files(lambda: importlib.import_module("factor_module").FACTOR, "models/a.yml", [module]) == 2
    del sys.modules["factor_module"]
