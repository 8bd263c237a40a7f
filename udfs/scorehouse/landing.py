"""Land the project's sources before any node runs."""

from pathlib import Path
from typing import Any

from scorehouse import gate, release
from scorehouse.branch import PRODUCTION
from scorehouse.build import explain
from scorehouse.errors import ScorehouseError
from scorehouse.fingerprint import Fingerprint
from scorehouse.project import relation_of
from scorehouse.quoting import identifier, quoted
from scorehouse.records import NodeRecord
from scorehouse.run import Run
from scorehouse.sources import Column, LandedFile, SourceTable, check_landed, data_version, land, view_sql


def land_sources(run: Run) -> None:
    """Bring every source table that some model reads up to the data version this branch is on.

    Production, and any branch with `fresh_data: true`, looks at the files anew. Any other branch stays at the version of
    production's sources that it started from, so that comparing it with production shows the effect of its logic alone.
    """
    is_branch = run.warehouse.branch != PRODUCTION and not run.project.variables["fresh_data"]
    pinned = release.records_of(run.warehouse.on(PRODUCTION)).keys() if is_branch else ()
    for node in run.project.sources():
        _land(run, node, node.unique_id in pinned)


def _land(run: Run, node: Any, is_pinned: bool) -> None:
    table = declared(node, run.project.folder, run.project.variables)
    previous = run.records.nodes.get(node.unique_id)
    known = [LandedFile(**file) for file in previous.details["files"]] if previous else []
    if previous and is_pinned and previous.details["path"] == table.path:
        files = known if previous.fingerprint.own == table.declaration() else check_landed(table, run.store, known)
    else:
        files = land(table, run.store, known if previous and previous.fingerprint.own == table.declaration() else [])
    _record(run, node, table, files)


def _record(run: Run, node: Any, table: SourceTable, files: list[LandedFile]) -> None:
    version = data_version(files)
    inputs = {f"file {Path(file.path).name}": file.content for file in files}
    record = NodeRecord(
        node.unique_id,
        table.relation,
        "source",
        "source",
        Fingerprint.of_source(table.declaration(), version),
        inputs=inputs | {"declaration": table.declaration()},
        files=[f"{table.relation}/{file.content}.parquet" for file in files],
        details={
            "path": table.path,
            "columns": [list(vars(c).values()) for c in table.columns],
            "files": [vars(file) for file in files],
            **_partitions(table, files),
        },
        run_id=run.run_id,
    )
    previous = run.records.nodes.get(node.unique_id)
    is_same = previous is not None and previous.fingerprint == record.fingerprint and previous.details == record.details
    action = "reused" if is_same else "built"
    record = NodeRecord(**{**vars(record), "action": action, "reason": explain(previous, record, not is_same)})
    if is_same:
        run.records.note(record)
        return
    schema = table.relation.split(".")[0]
    statements = [f"create schema if not exists {identifier(schema)}"]
    statements.append(f"create or replace view {quoted(table.relation)} as {view_sql(table, files, run.store)}")
    run.records.put(record, statements)


def _partitions(table: SourceTable, files: list[LandedFile]) -> dict[str, object]:
    if table.partition_by is None:
        return {}
    pieces = [{"parts": file.days, "mark": file.content, "file": f"{table.relation}/{file.content}.parquet"} for file in files]
    return {"partitions": {"column": table.partition_by, "grain": "day", "pieces": pieces}}


def declared(node: Any, folder: Path, variables: dict[str, object]) -> SourceTable:
    """A source table as its YAML declares it.

    `meta.path` is a folder, file or glob, relative to the project, or to the folder that the variable named by
    `meta.folder_variable` holds. Raises ScorehouseError when that variable is not a folder.
    """
    meta = {**node.source_meta, **node.meta, **node.config.meta}
    if "path" not in meta:
        raise ScorehouseError(
            f"{node.original_file_path}: source {node.name}: expected meta.path (a folder or glob), found none."
        )
    variable = meta.get("folder_variable")
    if variable:
        value = str(variables.get(variable) or "")
        if not value or not (folder / Path(value).expanduser()).is_dir():
            raise ScorehouseError(
                f"Variable {variable}: expected a folder with {meta['path']}/ and its siblings, found '{value}'; "
                f"give it: dbt build --vars '{{interaction_sources: [{node.source_name}], {variable}: /path/to/folder}}'"
            )
        folder = folder / Path(value).expanduser()
    columns = tuple(
        Column(name, _type_of(column, node), bool(column.meta.get("required") or column.config.meta.get("required")))
        for name, column in node.columns.items()
    )
    return SourceTable(relation_of(node), str(folder / meta["path"]), columns, meta.get("partition_by"))


def _type_of(column: Any, node: Any) -> str:
    return gate.check_type(column.data_type or "VARCHAR", f"{node.original_file_path}: source {node.name}: column {column.name}")
