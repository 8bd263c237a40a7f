"""How what is served is deployed."""

from scorehouse.build.run import Run
from scorehouse.operations.register import operation

OF_EVERY_TABLE = ["batch", "pre-computed"]
"""A release is computed at once, and its tables are looked up by their keys."""

OF_FUNCTIONS = "database integration"
"""A SQL function of the serving file computes where its reader asks."""


@operation
def served_as(run: Run) -> list[dict[str, object]]:
    """Each served table's name, product and deployments, by name."""
    functions = [node for node in run.manifest.functions() if node.meta.get("serving")]
    called = [one for function in functions for one in [*run.manifest.called(function), function]]
    read = {parent.relation for function in called for parent in run.manifest.parents(function)}
    return [
        {
            "name": table.name,
            "product": table.product,
            "deployments": [*OF_EVERY_TABLE, *([OF_FUNCTIONS] if table.relation in read else [])],
        }
        for table in sorted(run.manifest.served_tables(), key=lambda table: table.name)
    ]
