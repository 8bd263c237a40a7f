"""The project's own Python: read from its sources, never from compiled files that lie beside them."""

import hashlib
import marshal
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType


def is_installed(path: Path) -> bool:
    """Whether a path belongs to an installed package, though that may lie within a project."""
    return not {"site-packages", "dist-packages"}.isdisjoint(path.parts)


def read_only_sources(project: Path, cache: Path) -> None:
    """Let imports from a project's folders read `.py` files alone, and keep what they compile in `cache`, by what the file says.

    A `.pyc` file in the checkout, whoever left it there, is not looked at; nor does the time of a file count, which copying sets.
    """
    sys.path_hooks.insert(0, _hook(project, cache))
    for entry in list(sys.path_importer_cache):
        if Path(entry).is_relative_to(project):
            del sys.path_importer_cache[entry]


def _hook(project: Path, cache: Path) -> Callable[[str], FileFinder]:
    class Loader(SourceFileLoader):
        def get_code(self, fullname: str) -> CodeType:
            path = self.get_filename(fullname)
            source = self.get_data(path)
            mark = hashlib.blake2b(sys.version.encode() + source).digest()
            kept = cache / f"{hashlib.blake2b(path.encode(), digest_size=16).hexdigest()}.code"
            with suppress(OSError, EOFError, ValueError, TypeError):
                found = kept.read_bytes()
                if found.startswith(mark):
                    return marshal.loads(found[len(mark) :])
            code = self.source_to_code(source, path)
            with suppress(OSError):  # without it, it is compiled again
                kept.parent.mkdir(parents=True, exist_ok=True)
                temporary = kept.with_suffix(f".{os.getpid()}.code")
                temporary.write_bytes(mark + marshal.dumps(code))
                os.replace(temporary, kept)
            return code

    def find(entry: str) -> FileFinder:
        path = Path(entry)
        if not path.is_relative_to(project) or is_installed(path):
            raise ImportError
        return FileFinder(entry, (Loader, [".py"]))

    return find
