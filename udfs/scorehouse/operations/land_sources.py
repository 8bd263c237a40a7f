"""Land the project's sources before any node runs."""

from collections.abc import Mapping
from pathlib import Path

from scorehouse.build.manifest import DeclaredColumn, Node
from scorehouse.build.run import Run
from scorehouse.build.source import source
from scorehouse.errors import ScorehouseError
from scorehouse.names.git import PRODUCTION
from scorehouse.release.history import records_of
from scorehouse.sandbox.parse import check_type
from scorehouse.sources.raw_files import fixed_part
from scorehouse.sources.tables import SourceTable, check_landed, land
from scorehouse.store.details import Column
from scorehouse.store.durable import write_durably


def land_sources(run: Run) -> None:
    """Bring every source table that some model reads up to the data version this branch is on.

    Production, and any branch with `fresh_data: true`, looks at the files anew. Any other branch stays at the version of
    production's sources that it started from, so that comparing it with production shows the effect of its logic alone.
    """
    is_branch = run.warehouse.branch != PRODUCTION and not run.manifest.variables["fresh_data"]
    pinned = records_of(run.warehouse.on(PRODUCTION)).nodes.keys() if is_branch else ()
    for node in run.manifest.sources():
        _land(run, node, node.id in pinned)
    if run.warehouse.is_production:
        tables = (declared(node, run.manifest.folder, run.manifest.variables) for node in run.manifest.sources())
        paths = sorted({str(fixed_part(table.path)) for table in tables})
        write_durably(run.warehouse.landed, "".join(f"{path}\n" for path in paths))


def _land(run: Run, node: Node, is_pinned: bool) -> None:
    table = declared(node, run.manifest.folder, run.manifest.variables)
    previous = run.records.nodes.get(node.id)
    is_same_declaration = previous is not None and previous.fingerprint.own == table.declaration()
    landing = previous.details.landing if previous else None
    if landing and is_pinned and landing.path == table.path:
        files = landing.files if is_same_declaration else check_landed(table, run.store, landing.files)
    else:
        files = land(table, run.store, landing.files if landing and is_same_declaration else [])
    source(run.builder, node.id, table, files)


def declared(node: Node, folder: Path, variables: Mapping[str, object]) -> SourceTable:
    """A source table as its YAML declares it.

    `meta.path` is a folder, file or glob, relative to the project, or to the folder that the variable named by
    `meta.folder_variable` holds. Raises ScorehouseError when that variable is not a folder.
    """
    if "path" not in node.meta:
        raise ScorehouseError(f"{node.path}: source {node.name}: expected meta.path (a folder or glob), found none.")
    variable = node.meta.get("folder_variable")
    if variable:
        value = str(variables.get(variable) or "")
        if not value or not (folder / Path(value).expanduser()).is_dir():
            raise ScorehouseError(
                f"Variable {variable}: expected a folder with {node.meta['path']}/ and its siblings, found '{value}'; "
                f"give it: dbt build --vars '{{interaction_sources: [{node.source_name}], {variable}: /path/to/folder}}'"
            )
        folder = folder / Path(value).expanduser()
    columns = tuple(Column(column.name, _type_of(column, node), column.is_required) for column in node.columns)
    return SourceTable(node.relation, str(folder / node.meta["path"]), columns, node.meta.get("partition_by"))


def _type_of(column: DeclaredColumn, node: Node) -> str:
    return check_type(column.data_type or "VARCHAR", f"{node.path}: source {node.name}: column {column.name}")
