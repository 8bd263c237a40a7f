"""Which Python files are function nodes, and which are modules: estimators of the project's own, and what they import."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import yaml

_FUNCTIONS = re.compile(r"^\s*['\"]?functions['\"]?\s*:", re.MULTILINE)


def declared(folders: Iterable[Path], files: Sequence[Path], in_sql: Collection[str]) -> set[Path]:
    """The files that YAML somewhere below the folders declares as functions; every other is a module, whatever its name.

    A function is declared by its name alone: of several files with that name, it is the one beside the YAML, then the one in SQL.

    Args:
        folders: where YAML is.
        files: Python files.
        in_sql: names of the functions that are written in SQL.
    """
    yaml_folders: dict[str, set[Path]] = {}
    for name, folder in _declarations(folders):
        yaml_folders.setdefault(name, set()).add(folder)
    found: set[Path] = set()
    for name, beside in yaml_folders.items():
        named = {file for file in files if file.stem == name}
        found |= {file for file in named if file.parent in beside} or (set() if name in in_sql else named)
    return found


def _declarations(folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Name of each function that is declared, and the folder of its YAML; a file that is no YAML is for dbt to refuse."""
    files = {file for folder in folders for kind in ("yml", "yaml") for file in folder.rglob(f"*.{kind}")}
    for file in sorted(files):
        text = file.read_text(encoding="utf-8", errors="replace")
        if _FUNCTIONS.search(text):
            for function in _functions(text):
                if isinstance(function, dict) and isinstance(function.get("name"), str):
                    yield function["name"], file.parent


def _functions(text: str) -> list[object]:
    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError:
        return []
    functions = said.get("functions") if isinstance(said, dict) else None
    return functions if isinstance(functions, list) else []
