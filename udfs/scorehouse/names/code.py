"""Python code as an input: what a file says and everything of the project that it imports, without comments and docstrings."""

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_DEFINITIONS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_hash(files: Iterable[Path]) -> str:
    """32 hexadecimal digits of what some files compute; their places, comments and docstrings do not count."""
    found = sorted(_meaning(file) for file in files)
    return hashlib.blake2b("\n".join(found).encode(), digest_size=16).hexdigest()


def folder_hash(*folders: Path) -> str:
    """The same of all Python files below some folders."""
    return code_hash(file for folder in folders for file in folder.rglob("*.py"))


def _meaning(file: Path) -> str:
    return f"{file.stem}: {_printed(file.read_bytes())}"


@cache
def _printed(text: bytes) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, _DEFINITIONS) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)


@cache
def _names_in(text: bytes) -> list[tuple[int, str | None, list[str]]]:
    """(level, module, names) of every import in a text; without a module for plain ones."""
    found: list[tuple[int, str | None, list[str]]] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(0, alias.name, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module, [alias.name for alias in node.names]))
    return found


def closure(file: Path, root: Path) -> list[Path]:
    """A file and all files below `root` that it imports, directly or not, wherever in them; sorted."""
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(other for name in _imported(one, root) for other in _files_of(name, root))
    return sorted(found)


def libraries(files: Iterable[Path], root: Path) -> dict[str, str]:
    """Versions of the packages from elsewhere that some files import, by their distribution's name; Python's own do not count."""
    names = {name.split(".")[0] for file in files for name in _imported(file, root) if not _files_of(name, root)}
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


def _files_of(name: str, root: Path) -> list[Path]:
    """The files below `root` that importing a dotted name runs: its packages' own, and the module's; none for others."""
    parts = [part for part in name.split(".") if part]
    found = []
    for length in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:length])
        found += [file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]
    return found
