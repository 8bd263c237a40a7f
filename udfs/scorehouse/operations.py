"""Everything that macros can ask for: importing this module fills the list in scorehouse.operation."""

from scorehouse import housekeeping, lifecycle, nodes
from scorehouse.operation import named

__all__ = ["housekeeping", "lifecycle", "named", "nodes"]
