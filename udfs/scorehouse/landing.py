"""Land the project's sources before any node runs."""

from scorehouse.run import Run


def land_sources(run: Run) -> None:
    """Bring every source table that some model reads up to the data version this branch is on."""
