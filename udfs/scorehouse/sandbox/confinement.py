"""What the kernel withholds from this process; `installed/scorehouse_confinement` asked it to, before the project was read."""

import importlib
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from scorehouse.errors import ScorehouseError

NOT_INSTALLED = "this environment lacks scorehouse_confinement, which `make` installs, so only the gate protects main"


def expect_own(project: Path, warehouse: Path, branch: str) -> None:
    """Refuse to work for another branch or warehouse than this process is confined to."""
    confined = _current()
    if confined is not None and (confined.branch, confined.warehouse) != (branch, warehouse):
        raise ScorehouseError(
            f"{project}: expected branch '{confined.branch}' in {confined.warehouse}, to which this process is confined, "
            f"found '{branch}' in {warehouse}; start a new process, or run make where its packages are older than the project."
        )


def gaps() -> tuple[str, ...]:
    """What of this process the kernel does not confine, in words; none where it confines it whole."""
    confined = _current()
    return (NOT_INSTALLED,) if confined is None else confined.gaps


def set_aside() -> list[str]:
    """What stood in the place of a folder of ours and was moved away when this process started, in sentences; each said once."""
    confined = _current()
    said = [] if confined is None else list(confined.set_aside)
    if said:
        confined.set_aside.clear()
    return said


def personal_key() -> str | None:
    """The key of pseudonyms, which the environment held when this process started; see scorehouse.sources.personal."""
    module = installed("confinement")
    return os.environ.get("SCOREHOUSE_PERSONAL_KEY") or (module.personal_key if module else None)


def installed(module: str) -> ModuleType | None:
    """A module of the package that confines; None where that is not installed."""
    try:
        return importlib.import_module(f"scorehouse_confinement.{module}")
    except ImportError:
        return None


def _current() -> Any:
    """The installed package's Confinement; None where nothing is confined."""
    return getattr(installed("confinement"), "current", None)
