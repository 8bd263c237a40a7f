"""What computes a node beside its definition: versions of libraries, and this package's own code."""

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb

from scorehouse.code import closure, code_hash, files_of, folder_hash, is_installed, libraries, versions_of
from scorehouse.sandbox.estimators import check_estimator

_PACKAGE = Path(__file__).parent.parent
_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")

FITTING = ("numpy", "scipy", "sklearn", "sqlglot", "numba", "pyarrow")
"""Packages that every fitted model is computed with, or its scores are."""

PROVING = ("lightgbm", "xgboost", "onnxruntime", "skops", "pandas")
"""Packages whose predictions prove brought models; what these compute does not depend on them."""

REPEATING = frozenset({"sklearn", "lightgbm", "xgboost", "scorehouse"})
"""Packages whose training, seeded and on one thread, gives the same model each time: what the tests of estimators build on."""


@dataclass(frozen=True)
class Code:
    """Code that takes part in a result.

    Attributes:
        own: hash of what it says, this project's files alone.
        libraries: versions of the packages that it uses, by name.
        files: the project's own, beside this package's.
        is_unknown: whether some of it is neither this package's nor of a library that is known to repeat.
    """

    own: str
    libraries: dict[str, str]
    files: tuple[Path, ...] = ()
    is_unknown: bool = False


@cache
def of_tables() -> dict[str, str]:
    """What computes stored rows, by name: a new version computes them again."""
    files = [_PACKAGE / file for file in ("store/files.py", "build/partitioned.py", "build/alone.py")]
    return {"DuckDB": duckdb.__version__, "scorehouse's own code": code_hash(files)}


@cache
def of_readings() -> str:
    """What finds out what a query reads: hash of the code that reads plans, and of what makes them."""
    return code_hash([*(_PACKAGE / "plans").glob("*.py"), _PACKAGE / "build/inputs.py"]) + duckdb.__version__


@cache
def of_gate() -> str:
    """What lets queries pass, and finds what they say: hash of its code, and the version of DuckDB, whose parser it asks."""
    files = [_PACKAGE / "sandbox" / name for name in ("queries.py", "parse.py", "duckdb_functions.py")]
    return code_hash(files) + duckdb.__version__


@cache
def of_seeds() -> str:
    """What reads seeds: hash of this package's code."""
    return code_hash([_PACKAGE / "sources/seeds.py"])


def of_function(file: Path, folder: Path) -> Code:
    """The code behind a Python function node: its file, and what that imports of the project."""
    files = closure(file, folder)
    return Code(code_hash(files), libraries(files, folder))


def of_fitted(declared: object) -> Code:
    """The code behind a fitted model: this package's, and every class that its declaration names by an import path.

    Raises ScorehouseError for code of the project that could depend on more than that (see sandbox.estimators).
    """
    paths = sorted(set(_import_paths(declared)))
    own, packages, files = [_learning()], set(FITTING), []
    for path in paths:
        found = _own_files(path)
        for file in found:
            if not file.is_relative_to(_PACKAGE):
                check_estimator(file, f"{path} ({file.name})")
                files.append(file)
        own.append(code_hash(found))
        packages |= {path.split(".")[0]} if not found else set()
    is_unknown = bool(files or versions_of(packages - {*FITTING, *REPEATING}))
    return Code("".join(own), versions_of(packages - {"scorehouse"}), tuple(files), is_unknown)


def of_proof(is_brought: bool) -> dict[str, str]:
    """What a version is proved by, by name, beside what is in its fingerprint."""
    return versions_of(PROVING if is_brought else ())


def use_own_modules(folder: Path) -> None:
    """Let imports find the modules of the project in `folder`, as they are now.

    A process may have built before, this project or another one (an editor's, a scheduler's): what it imported then is forgotten.
    """
    own = folder / "udfs"
    if str(own) in sys.path:
        sys.path.remove(str(own))
        sys.path.insert(0, str(own))
    _USED.add(f"{folder}{os.sep}")
    for name, module in list(sys.modules.items()):
        place = getattr(module, "__file__", None) or str(_PACKAGE)
        if place.startswith(tuple(_USED)) and not is_installed(Path(place)) and not Path(place).is_relative_to(_PACKAGE):
            del sys.modules[name]
    importlib.invalidate_caches()


_USED: set[str] = set()


@cache
def _learning() -> str:
    return folder_hash(_PACKAGE / "learning", _PACKAGE / "scoring")


def _import_paths(declared: object) -> Iterator[str]:
    if isinstance(declared, str) and _IMPORT_PATH.fullmatch(declared):
        yield declared
    elif isinstance(declared, dict):
        for value in declared.values():
            yield from _import_paths(value)
    elif isinstance(declared, list | tuple):
        for value in declared:
            yield from _import_paths(value)


def _own_files(path: str) -> list[Path]:
    """The files that importing a path runs, where no installed package has them; none for a library."""
    top = path.split(".")[0]
    found = importlib.util.find_spec(top) if top not in sys.stdlib_module_names else None
    if found is None:
        return []
    place = Path(found.origin) if found.origin else Path(next(iter(found.submodule_search_locations or [""])), "__init__.py")
    if is_installed(place):
        return []
    root = place.parent.parent if place.name == "__init__.py" else place.parent
    return sorted({file for first in files_of(path, root) for file in closure(first, root)})
