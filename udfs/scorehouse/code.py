"""Python code as an input: what a file says and everything of the project that it imports, without comments and docstrings."""

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from types import CodeType

_OF_CODE = (
    "co_code co_names co_varnames co_freevars co_cellvars co_flags co_argcount co_posonlyargcount co_kwonlyargcount"
    " co_exceptiontable".split()
)

_PARSING = Lock()
"""CPython 3.11 counts the depth of trees for all threads together: two that parse at the same time can fail."""


def is_installed(file: Path) -> bool:
    """Whether a file belongs to an installed package.

    >>> is_installed(Path("/v/lib/python3.11/site-packages/numpy/__init__.py")), is_installed(Path("/shop/udfs/a.py"))
    (True, False)
    """
    return not {"site-packages", "dist-packages"}.isdisjoint(file.parts)


def code_hash(files: Iterable[Path]) -> str:
    """32 hexadecimal digits of what some files compute; their places, comments and docstrings do not count."""
    found = sorted(_meaning(file) for file in files)
    return hashlib.blake2b("\n".join(found).encode(), digest_size=16).hexdigest()


def folder_hash(*folders: Path) -> str:
    """The same of all Python files below some folders."""
    return code_hash(file for folder in folders for file in folder.rglob("*.py"))


def _meaning(file: Path) -> str:
    return f"{file.stem}: {_compiled(file.read_bytes())}"


@cache
def _compiled(text: bytes) -> str:
    try:
        return _said(compile(text, "", "exec", optimize=2, dont_inherit=True))  # docstrings are left out
    except (SyntaxError, ValueError):
        return repr(text)


def _said(value: object) -> str:
    """What compiled code does, whatever lines it stood in."""
    if isinstance(value, CodeType):
        return repr([getattr(value, name) for name in _OF_CODE]) + _said(value.co_consts)
    if isinstance(value, tuple | frozenset):
        parts = map(_said, value)
        return f"({','.join(parts if isinstance(value, tuple) else sorted(parts))})"
    return repr(value)


@cache
def _names_in(text: bytes) -> list[tuple[int, str | None, list[str]]]:
    """(level, module, names) of every import in a text; without a module for plain ones."""
    found: list[tuple[int, str | None, list[str]]] = []
    for node in ast.walk(_parsed(text)):
        if isinstance(node, ast.Import):
            found += [(0, alias.name, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module, [alias.name for alias in node.names]))
    return found


def _parsed(text: bytes) -> ast.AST:
    try:
        with _PARSING:
            return ast.parse(text)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def closure(file: Path, root: Path) -> list[Path]:
    """A file and all files below `root` that it imports, directly or not, wherever in them; sorted."""
    found: set[Path] = set()
    waiting, names = [file], set[str]()
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            new = set(_imported(one, root)) - names
            names |= new
            waiting.extend(other for name in new for other in files_of(name, root))
    return sorted(found)


def libraries(files: Iterable[Path], root: Path) -> dict[str, str]:
    """Versions of the packages from elsewhere that some files import, by their distribution's name; Python's own do not count."""
    names = {name.split(".")[0] for file in files for name in _imported(file, root) if not files_of(name, root)}
    return versions_of(names - sys.stdlib_module_names)


def versions_of(packages: Iterable[str]) -> dict[str, str]:
    """Installed versions by distribution, of packages by the name they are imported with; one that is not installed has none.

    >>> list(versions_of(["sklearn", "no_such_package"]))
    ['scikit-learn']
    """
    found = {}
    for package in sorted(packages):
        for distribution in _DISTRIBUTIONS.get(package, (package,)):
            try:
                found[distribution] = version(distribution)
            except PackageNotFoundError:
                continue
    return found


_DISTRIBUTIONS = {"sklearn": ("scikit-learn",), "xgboost": ("xgboost", "xgboost-cpu"), "yaml": ("PyYAML",), "PIL": ("pillow",)}
"""Distributions whose name is not that of their package; looking all of them up would take longer than a build's start."""


def _imported(file: Path, root: Path) -> Iterator[str]:
    """Dotted names that a file imports: of modules, and of what could be a module in a package."""
    package = file.parent.relative_to(root).parts if file.is_relative_to(root) else ()
    for level, module, names in _names_in(file.read_bytes()):
        above = package[: len(package) - level + 1] if level else ()
        base = ".".join([*above, *([module] if module else [])])
        yield base
        yield from (f"{base}.{name}" for name in names)


def files_of(name: str, root: Path) -> list[Path]:
    """The files below `root` that importing a dotted name runs: its packages' own, and the module's; none for others."""
    parts = [part for part in name.split(".") if part]
    found = []
    for length in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:length])
        found += [file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]
    return found
