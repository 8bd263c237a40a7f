"""Which release readers see: one link says it, and every fixed name leads through that link."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from scorehouse.errors import ScorehouseError
from scorehouse.names.warehouse import AUDIENCES, CATALOG, COMING, NUMBER, SERVING, Warehouse
from scorehouse.release.sealed import close_all_but, is_whole, open_again
from scorehouse.store.durable import aside, put, sync

SAID = 10
"""So many releases a sentence names, the newest."""


def point_to(warehouse: Warehouse, number: int) -> None:
    """Make a kept release the current one: one rename, for every name at once."""
    links = {warehouse.current: warehouse.release(number).relative_to(warehouse.folder)}
    links |= {path: Path(warehouse.current.name, file) for path, file in _names(warehouse, number)}
    for path, target in links.items():
        if not (path.is_symlink() and os.readlink(path) == str(target)):
            _link(path, target)
    if warehouse.audiences not in links and warehouse.audiences.is_symlink():
        warehouse.audiences.unlink()


def heal(warehouse: Warehouse) -> None:
    """Let readers see the release that is current, whatever became of its names; the newest one if nothing says which it is.

    What was finished when its build died, before readers were led to it, is removed: the next build publishes it.
    """
    for number in warehouse.release_numbers():
        if (warehouse.release(number) / COMING).exists():
            has_come(warehouse, number) if number == warehouse.current_release() else remove(warehouse, number)
    numbers = warehouse.release_numbers()
    if numbers:
        current = warehouse.current_release()
        shown = current if current in numbers else _written(warehouse, numbers)
        point_to(warehouse, shown)
        close_all_but(warehouse, shown)  # what switched last may have died before


def has_come(warehouse: Warehouse, number: int) -> None:
    """Readers were led to a release: from now on it is one, also when another one is current."""
    (warehouse.release(number) / COMING).unlink()
    sync(warehouse.release(number))


def rollback(
    warehouse: Warehouse, to: int | None = None, audit: Callable[[int, int], object] = lambda before, now: None
) -> tuple[int, int]:
    """Move the pointer to an earlier release (the one before the current, or `to`); returns (from, to).

    Args:
        audit: puts into the branch's audit trail which two they are, just before the pointer moves.

    Raises ScorehouseError when there is no such release.
    """
    current = warehouse.current_release()
    numbers = warehouse.release_numbers()
    if current is None:
        raise ScorehouseError(
            f"Branch '{warehouse.branch}': expected a release to roll back from, found none; run dbt build first."
        )
    earlier = (number for number in reversed(numbers) if number < current and is_whole(warehouse, number))
    target = to if to is not None else next(earlier, None)
    if target not in numbers or not is_whole(warehouse, target):
        numbers = [number for number in numbers if is_whole(warehouse, number)]
        kept = ", ".join(map(str, numbers[-SAID:])) + (f" and {len(numbers) - SAID} earlier ones" if len(numbers) > SAID else "")
        kept = f"only {kept}; choose one of these" if kept else "none that is whole; run dbt build, which publishes anew"
        wanted = f"release {to}" if to is not None else f"a release before {current}"
        raise ScorehouseError(f"Branch '{warehouse.branch}': expected {wanted}, found {kept}.")
    audit(current, target)
    open_again(warehouse, target)
    point_to(warehouse, target)
    close_all_but(warehouse, target)
    return current, target


def remove(warehouse: Warehouse, number: int) -> None:
    """Delete a kept release: it is none any more before its first file goes."""
    folder = aside(warehouse.release(number))
    os.rename(warehouse.release(number), folder)
    shutil.rmtree(folder)


def _names(warehouse: Warehouse, number: int) -> Iterator[tuple[Path, str]]:
    """The fixed names, and each one's file in a release."""
    yield warehouse.catalog, CATALOG
    yield warehouse.serving, SERVING
    yield warehouse.pointer, NUMBER
    if (warehouse.release(number) / AUDIENCES).is_dir():
        yield warehouse.audiences, AUDIENCES


def _link(path: Path, target: Path) -> None:
    """Let a path lead to another one, in one step."""
    temporary = aside(path)
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    put(temporary, path)


def _written(warehouse: Warehouse, numbers: list[int]) -> int:
    """The release that the pointer's text names (what held it before there was a link), else the newest."""
    try:
        written = int(warehouse.pointer.read_text())
    except (OSError, ValueError):
        return numbers[-1]
    return written if written in numbers else numbers[-1]
