"""The other branches of a warehouse, for whoever is about to delete what they may use."""

import re
from collections.abc import Iterator

from scorehouse.errors import ScorehouseError
from scorehouse.names.warehouse import STORE, Warehouse
from scorehouse.release.lock import BuildLock

_FOLDER = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""What a branch's folder may be called, see `git.slug`."""


class HiddenError(ScorehouseError):
    """A branch's folder may not be looked into."""


def others(warehouse: Warehouse) -> list[Warehouse]:
    """All branches but one's own; of folders that may not be looked into those that are called like one's."""
    known = [branch for branch in warehouse.branches() if branch.folder != warehouse.folder]
    return sorted([*known, *_hidden(warehouse)], key=lambda branch: branch.folder)


def lock_if_free(branch: Warehouse) -> BuildLock | None:
    """Hold a branch's lock; None where another process does. Raises HiddenError where this one may not look for it."""
    try:
        return BuildLock.take_if_free(branch)
    except PermissionError as error:
        raise HiddenError(
            f"Branch '{branch.branch}': expected a folder that this command may read, found: {error.strerror}; "
            "let whoever owns it give it to your group, or delete it."
        ) from None


def _hidden(warehouse: Warehouse) -> Iterator[Warehouse]:
    for folder in warehouse.root.iterdir():
        branch = Warehouse(warehouse.root, folder.name, folder)
        is_named_so = _FOLDER.fullmatch(folder.name) and folder.name != STORE
        if is_named_so and not folder.is_symlink() and not _may_be_looked_into(branch):
            yield branch


def _may_be_looked_into(branch: Warehouse) -> bool:
    try:
        branch.work.lstat()
    except PermissionError:
        return False
    except OSError:  # there is none
        pass
    return True
