"""Code counts as what runs: every change of it is another hash, and what only reads differently is none."""

from pathlib import Path

import pytest

from scorehouse.code import closure, code_hash


def written(folder: Path, **files: str) -> list[Path]:
    """Files of a folder by their dotted names."""
    found = [folder / f"{name.replace('.', '/')}.py" for name in files]
    for file, text in zip(found, files.values(), strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return found


def hash_of(folder: Path, text: str) -> str:
    return code_hash(written(folder, module=text))


CHANGES = [
    ("def f(x):\n    assert x > 0\n    return x", "def f(x):\n    assert x > 5\n    return x"),
    ("def f(x):\n    if __debug__:\n        return x * 2", "def f(x):\n    if __debug__:\n        return x * 5"),
    ("class A:\n    b = 'text'", "class A:\n    b = 'other'"),
    ("def f():\n    return 'text'", "def f():\n    'text'"),
]
SAME = [
    ("def f(x):\n    'text'\n    return x", "def f(x):\n\n    return x  # as it is"),
    ("'text'\nfrom __future__ import annotations", "from __future__ import annotations"),
    ("class A:\n    'text'", "class A:\n    pass"),
    ("async def f():\n    'text'\n    'more'\n    return 1", "async def f():\n    return 1"),
    ("", "'text'"),
]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_what_runs_otherwise_is_other_code(tmp_path, before, after):
    assert hash_of(tmp_path, before) != hash_of(tmp_path, after)


@pytest.mark.parametrize(("before", "after"), SAME)
def test_comments_and_docstrings_are_no_code(tmp_path, before, after):
    assert hash_of(tmp_path, before) == hash_of(tmp_path, after)


def test_two_files_that_change_places_are_other_code_and_a_folder_that_moves_is_not(tmp_path):
    files, moved = {"a.w": "W = 2", "b.w": "W = 5"}, tmp_path / "elsewhere"
    assert code_hash(written(tmp_path / "here", **files)) == code_hash(written(moved, **files))
    assert code_hash(written(moved, **{"a.w": "W = 5", "b.w": "W = 2"})) != code_hash(written(tmp_path / "here", **files))


@pytest.mark.parametrize("imported", ["from pk import *", "from pk.deep import *", "from pk import deep"])
def test_all_of_a_package_is_every_module_that_it_could_give_out(tmp_path, imported):
    files = {
        "own": imported,
        "pk.__init__": "from .deep import *",
        "pk.inner": "FACTOR = 2",
        "pk.deep.__init__": "__all__ = ['inmost']",
        "pk.deep.inmost": "FACTOR = 3",
        "other": "",
    }
    own, *_ = written(tmp_path, **files)
    found = {str(file.relative_to(tmp_path)) for file in closure(own, tmp_path)}
    assert {"own.py", "pk/__init__.py", "pk/deep/__init__.py", "pk/deep/inmost.py"} <= found
    assert ("pk/inner.py" in found) == (imported == "from pk import *")
    assert "other.py" not in found
