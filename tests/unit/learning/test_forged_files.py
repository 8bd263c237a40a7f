"""A model's file says what it is made of; what it says falsely is refused, and nothing of it runs."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from scorehouse.errors import ScorehouseError
from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.translate.draft import UnknownFormulaError
from scorehouse.learning.translate.skops import loaded


class Evil:
    """Unpickled, it makes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.marker,)


def forged(content: bytes, marker: Path) -> bytes:
    """The file with every array of numbers replaced by one of objects, which NumPy unpickles if it is let."""
    array = io.BytesIO()
    np.save(array, np.array([[Evil(marker)]], dtype=object), allow_pickle=True)
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as known, zipfile.ZipFile(written, "w") as other:
        names = [name for name in known.namelist() if name.endswith(".npy")]
        assert names
        for name in known.namelist():
            other.writestr(name, array.getvalue() if name in names else known.read(name))
    return written.getvalue()


def test_a_forged_array_of_objects_is_not_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = skops.io.dumps(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
    Path("a.skops").write_bytes(content)
    spec = Spec.read("models/a.yml", {"estimator": "scorehouse.skops", "model_file": "a.skops", "key": ["id"]})
    assert loaded(skops.io, content, spec, "models/a.yml").coef_.shape == (1, 1)
    evil = forged(content, tmp_path / "made")
    with pytest.raises((ScorehouseError, UnknownFormulaError)):
        loaded(skops.io, evil, spec, "models/a.yml")
    assert not (tmp_path / "made").exists()
