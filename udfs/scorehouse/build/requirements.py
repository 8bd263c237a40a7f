"""What each served table is made for: the seed `product_requirements`, as plain values."""

from collections.abc import Mapping
from pathlib import Path

from scorehouse.serving.offer import Requirements
from scorehouse.sources.seeds import seed_values

REQUIREMENTS_SEED = "product_requirements"
LEVELS_SEED = "requirement_levels"
GUIDE_SEED = "deployment_guide"

ENDPOINT = "endpoint"
"""The seed's column that names the served table."""

TYPES = {
    "volume_rows": "bigint",
    "refresh_hours": "double",
    "decay_days": "double",
    "sla_hours": "double",
    "latency_ms": "double",
    "calls_a_day": "bigint",
    "owner": "varchar",
}
"""Columns that are read here, and what they hold, whatever the seed's YAML says; units stand in their names."""

NAMED_LEVELS = ("data_churn", "customer_system", "statefulness")
"""Columns of the seed that name a level."""

GRADED = ("volume", "data_churn", "real_time_need", "customer_system", "statefulness")
"""Columns of the guide that name a level, or none."""


def requirements_of(path: Path, types: Mapping[str, str], delimiter: str) -> dict[str, Requirements]:
    """Requirements by the served table's name.

    Args:
        path, types, delimiter: the seed's file, and how it is declared to be read.

    Raises ScorehouseError for a column that is missing, and for a cell without the number that its column holds.
    """
    rows = seed_values(path, {**types, ENDPOINT: "varchar", **TYPES}, delimiter)
    return {str(row[ENDPOINT]): Requirements(**{name: row[name] for name in TYPES}) for row in rows}
