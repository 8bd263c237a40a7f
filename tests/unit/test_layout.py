"""The package's rooms: which may import which, read from the imports themselves. Every import runs downwards."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "udfs" / "scorehouse"

ROOMS = {
    "cached": "",
    "errors": "",
    "code": "",
    "scratch": "foreign names",
    "foreign": "",
    "names": "errors",
    "scoring": "cached errors",
    "store": "errors code foreign names",
    "ledger": "errors names store",
    "sandbox": "errors code scratch names",
    "plans": "cached errors scratch names",
    "sources": "cached errors code scratch names store",
    "learning": "cached errors scoring",
    "recommending": "cached errors scoring learning",
    "build": "cached errors code scratch names ledger scoring store sandbox plans sources learning serving",
    "serving": "errors names store",
    "release": "errors foreign scratch ledger names store serving",
    "operations": "errors foreign ledger names scoring store sandbox sources learning build serving release",
    "nightly": "errors names ledger release",
    "spark": "errors names scoring sandbox",
    "hooks": "",
    "plugin": "errors hooks names ledger store sandbox build release operations nightly",
    "follow_up": "names sources",
    "start": "errors follow_up build",
    "skeleton": "errors",
}
"""What each room imports of the others; `installed` stands alone, beside dbt."""

LEARNING = {
    "version_row": "",
    "declare": "",
    "translate": "declare",
    "train": "declare translate",
    "measure": "declare",
    "prove": "declare train measure",
    "learner": "declare translate train prove",
    "judged": "declare measure train learner",
    "fitting": "version_row declare translate train measure prove learner judged",
}
"""The same within learning, whose `__init__` hands over to `fitting`."""

MOST_FLOORS = 8


def imported(file: Path) -> Iterator[str]:
    """Dotted names below `scorehouse` that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("scorehouse.") for alias in node.names if alias.name.startswith("scorehouse."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "scorehouse":
            yield from (".".join([*node.module.split(".")[1:], alias.name]) for alias in node.names)


def arrows(folder: Path, depth: int) -> dict[str, set[str]]:
    """The rooms of a folder, with those of the same folder that their files import; a name's room is its part at `depth`."""
    found: dict[str, set[str]] = {}
    prefix = folder.relative_to(PACKAGE).parts
    for file in sorted(folder.rglob("*.py")):
        room = file.relative_to(folder).parts[0].removesuffix(".py")
        if room in ("__init__", "installed"):
            continue
        names = [name.split(".") for name in imported(file)]
        others = {name[depth] for name in names if tuple(name[:depth]) == prefix and len(name) > depth}
        found.setdefault(room, set()).update(others - {room})
    return found


def test_every_room_imports_what_the_table_says_and_nothing_else() -> None:
    assert arrows(PACKAGE, 0) == {room: set(others.split()) for room, others in ROOMS.items()}
    assert arrows(PACKAGE / "learning", 1) == {room: set(others.split()) for room, others in LEARNING.items()}


def test_the_rooms_stand_on_few_floors_and_in_no_circle() -> None:
    @cache
    def floor(room: str) -> int:
        return 1 + max((floor(other) for other in ROOMS[room].split()), default=0)

    assert max(map(floor, ROOMS)) <= MOST_FLOORS


def test_learning_does_not_know_who_else_fits() -> None:
    names = [name for file in (PACKAGE / "learning").rglob("*.py") for name in imported(file)]
    assert names and not [name for name in names if name.startswith("recommending")]


def test_the_store_its_names_and_the_releases_stay_small() -> None:
    assert small_rooms() < 1500


def small_rooms() -> int:
    """Lines of code in the store, its names and the releases."""
    return sum(code_lines(file) for room in ("names", "store", "release") for file in (PACKAGE / room).glob("*.py"))


def code_lines(file: Path) -> int:
    """Lines of a file without docstrings, comments and blank lines."""
    tree = ast.parse(file.read_text())
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    left_out = {line for text in texts for line in range(text.lineno, text.end_lineno + 1)}
    lines = enumerate(file.read_text().splitlines(), start=1)
    return sum(1 for number, line in lines if number not in left_out and line.strip() and not line.strip().startswith("#"))


if __name__ == "__main__":
    print(small_rooms())
