"""The project's own Python: read from its sources, never from compiled files that lie beside them."""

import sys
from collections.abc import Callable
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType


def is_installed(path: Path) -> bool:
    """Whether a path belongs to an installed package, though that may lie within a project."""
    return not {"site-packages", "dist-packages"}.isdisjoint(path.parts)


def read_only_sources(project: Path, cache: Path) -> None:
    """Let imports from a project's folders read `.py` files alone, and keep what they compile in `cache`.

    A `.pyc` file in the checkout, whoever left it there, is not looked at.
    """
    sys.path_hooks.insert(0, _hook(project, cache))
    for entry in list(sys.path_importer_cache):
        if Path(entry).is_relative_to(project):
            del sys.path_importer_cache[entry]


def _hook(project: Path, cache: Path) -> Callable[[str], FileFinder]:
    class Loader(SourceFileLoader):
        def get_code(self, fullname: str) -> CodeType:
            before, sys.pycache_prefix = sys.pycache_prefix, str(cache)
            try:
                return super().get_code(fullname)
            finally:
                sys.pycache_prefix = before

    def find(entry: str) -> FileFinder:
        path = Path(entry)
        if not path.is_relative_to(project) or is_installed(path):
            raise ImportError
        return FileFinder(entry, (Loader, [".py"]))

    return find
