"""Python code as an input: what a file says and everything of the project that it imports, without comments and docstrings."""

import ast
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import dropwhile
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
    """32 hexadecimal digits of what some files compute, each by its place below the folder of all.

    Where that folder is does not count, nor do comments and docstrings.
    """
    listed = sorted(files)
    above = os.path.commonpath([file.parent for file in listed]) if listed else ""
    found = [f"{file.relative_to(above).with_suffix('')}: {_compiled(file.read_bytes())}" for file in listed]
    return hashlib.blake2b("\n".join(found).encode(), digest_size=16).hexdigest()


def folder_hash(*folders: Path) -> str:
    """The same of all Python files below some folders."""
    return code_hash(file for folder in folders for file in folder.rglob("*.py"))


@cache
def _compiled(text: bytes) -> str:
    """What this interpreter runs of a text: with its assertions, unless it was started without them."""
    try:
        with _PARSING:
            return _said(compile(_without_docstrings(ast.parse(text)), "", "exec", dont_inherit=True))
    except (SyntaxError, ValueError):
        return repr(text)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = list(dropwhile(_is_text, node.body)) or [ast.copy_location(ast.Pass(), node.body[0])] if node.body else []
    return tree


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    )


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
    distributions = [name for package in sorted(packages) for name in _DISTRIBUTIONS.get(package, (package,))]
    return {name: installed for name in distributions if (installed := _version(name)) is not None}


@cache
def _version(distribution: str) -> str | None:
    """The version that this process has; looked up once: every fitted model asks, and looking through all folders takes long."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


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
    """The files below `root` that importing a dotted name runs: its packages' own, and the module's; none for others.

    `*` is every module of a package: it may list any of them as what it gives out.
    """
    parts = [part for part in name.split(".") if part]
    found = []
    for length, part in enumerate(parts):
        place = root.joinpath(*parts[:length])
        found += [file for file in (*place.glob(f"{part}.py"), *place.glob(f"{part}/__init__.py")) if file.is_file()]
    return found
