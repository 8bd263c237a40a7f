"""Whether builds of day after day end in what a clean build makes of the same files."""

import json
from pathlib import Path

import duckdb

_MADE_OF_ROWS = ("table", "partitioned", "view")


def said_of(project: Path, grown: Path, clean: Path) -> str:
    """How many tables are the same in two warehouses' catalogs, without what follows from a fitted model: versions may be kept.

    Args:
        project: its manifest says what follows from what.
    """
    names = _names(project)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{grown}/main/catalog.duckdb' as grown (read_only)")
        connection.execute(f"attach '{clean}/main/catalog.duckdb' as clean (read_only)")
        unlike = [name for name in names if not _is_alike(connection, name)]
    same = f"{len(names) - len(unlike)} of {len(names)} tables that no training moves are those of a clean build"
    return f"{same}, all but {', '.join(unlike)}" if unlike else same


def _is_alike(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    first, second = (f"from {database}.{name}" for database in ("grown", "clean"))
    query = f"select count(*) from (({first} except all {second}) union all ({second} except all {first}))"
    return connection.execute(query).fetchall() == [(0,)]


def _names(project: Path) -> list[str]:
    """Relations that no fitted model stands behind, nor the ledger."""
    manifest = json.loads((project / "target" / "manifest.json").read_text())
    models = {node["unique_id"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    reached = [one for one, node in models.items() if node["config"]["materialized"] == "fitted"]
    moved = set(reached)
    while reached:
        reached = [one for parent in reached for one in manifest["child_map"][parent] if one not in moved]
        moved.update(reached)
    kept = [node for one, node in models.items() if one not in moved and node["schema"] != "operations"]
    return sorted(f"{node['schema']}.{node['alias']}" for node in kept if node["config"]["materialized"] in _MADE_OF_ROWS)
