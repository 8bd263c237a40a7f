"""Which release readers see: the fixed names, and `CURRENT`."""

import os
import shutil

from scorehouse.errors import ScorehouseError
from scorehouse.names.warehouse import CATALOG, SERVING, Warehouse
from scorehouse.store.durable import write_durably


def point_to(warehouse: Warehouse, number: int) -> None:
    """Make a kept release the current one: three renames, the pointer last."""
    for name in (CATALOG, SERVING):
        temporary = warehouse.folder / f".{name}.{os.getpid()}.tmp"
        temporary.unlink(missing_ok=True)
        try:
            os.link(warehouse.release(number) / name, temporary)
        except OSError:  # the first version of Landlock links nothing from folder to folder
            shutil.copyfile(warehouse.release(number) / name, temporary)
        os.replace(temporary, warehouse.folder / name)
    write_durably(warehouse.pointer, f"{number}\n")


def rollback(warehouse: Warehouse, to: int | None = None) -> tuple[int, int]:
    """Move the pointer to an earlier release (the one before the current, or `to`); returns (from, to).

    Raises ScorehouseError when there is no such release.
    """
    current = warehouse.current_release()
    numbers = warehouse.release_numbers()
    if current is None:
        raise ScorehouseError(
            f"Branch '{warehouse.branch}': expected a release to roll back from, found none; run dbt build first."
        )
    earlier = [number for number in numbers if number < current]
    target = to if to is not None else (earlier[-1] if earlier else None)
    if target not in numbers:
        kept = ", ".join(map(str, numbers))
        wanted = f"release {to}" if to is not None else f"a release before {current}"
        raise ScorehouseError(f"Branch '{warehouse.branch}': expected {wanted}, found only {kept}; choose one of these.")
    point_to(warehouse, target)
    return current, target
