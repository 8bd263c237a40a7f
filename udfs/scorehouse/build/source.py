"""Sources: relations over landed files."""

from pathlib import Path

from scorehouse.build.builder import Builder, Outcome
from scorehouse.names.fingerprint import Fingerprint
from scorehouse.names.quoting import identifier, quoted
from scorehouse.sources import tables
from scorehouse.sources.tables import SourceTable
from scorehouse.store.details import LandedFile
from scorehouse.store.records import NodeRecord


def source(builder: Builder, node_id: str, table: SourceTable, files: list[LandedFile]) -> Outcome:
    """Point a source's relation at its landed files."""
    inputs = {f"file {Path(file.path).name}": file.content for file in files}
    draft = NodeRecord(
        node_id,
        table.relation,
        "source",
        "source",
        Fingerprint.of_source(table.relation, table.declaration(), tables.data_version(files)),
        inputs=inputs | {"declaration": table.declaration(), "name": table.relation},
        files=[table.stored_name(file) for file in files],
        details=tables.details(table, files),
    )
    schema = table.relation.split(".")[0]
    view = f"create or replace view {quoted(table.relation)} as {tables.view_sql(table, files, builder.store)}"
    return builder.settle(draft, [f"create schema if not exists {identifier(schema)}", view])
