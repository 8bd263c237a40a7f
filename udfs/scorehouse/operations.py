"""Everything that macros can ask for: importing this module fills the list in scorehouse.operation."""

from scorehouse import compare, housekeeping, lifecycle, nodes, rules, segments
from scorehouse.operation import named

__all__ = ["compare", "housekeeping", "lifecycle", "named", "nodes", "rules", "segments"]
