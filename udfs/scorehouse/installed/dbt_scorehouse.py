"""Installed beside dbt, which imports every module of this name's kind before it reads a project's macros and models.

It hands over to the Scorehouse project that dbt was started for, if it is one.
"""

import importlib
from pathlib import Path

from dbt.flags import get_flags
from dbt.plugins.manager import dbtPlugin


class Scorehouse(dbtPlugin):
    """Lets the project's own package prepare what dbt is about to do."""

    def initialize(self) -> None:
        """Called by dbt once a command, when the project file is known."""
        if Path(get_flags().PROJECT_DIR, "udfs", "scorehouse", "start.py").is_file():
            importlib.import_module("scorehouse.start").begin()


plugins = [Scorehouse]
