"""Releases: what readers open. Written aside, verified, then moved into place by rename."""

import getpass
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from scorehouse.build import changes
from scorehouse.errors import ScorehouseError, first_line
from scorehouse.project import ServedFunction, ServedTable
from scorehouse.quoting import identifier, literal, quoted
from scorehouse.records import NodeRecord, Records
from scorehouse.store import place_of
from scorehouse.warehouse import Warehouse, sync_folder, write_durably

CATALOG = "catalog.duckdb"
SERVING = "serving.duckdb"

_RELEASE_DDL = """(
    release integer, branch varchar, built_at timestamp, git_commit varchar, published_by varchar, changed varchar[],
    table_name varchar, row_count bigint, fingerprint varchar
)"""


_ENDPOINTS_DDL = """(
    name varchar primary key, type varchar, key varchar[], contract_version integer, owner varchar,
    implementations struct(implementation varchar, model_version varchar, share double)[],
    volume varchar, refresh varchar, decay varchar, sla varchar,
    row_count bigint, as_of timestamp, status varchar, description varchar, example varchar
)"""


@dataclass(frozen=True)
class ReleaseInfo:
    """One line of a branch's history."""

    number: int
    built_at: datetime
    git_commit: str | None
    published_by: str
    changed: list[str]
    is_current: bool


def publish(
    warehouse: Warehouse,
    connection: duckdb.DuckDBPyConnection,
    records: Records,
    served: Sequence[ServedTable],
    functions: Sequence[ServedFunction],
    unreadable: Sequence[str],
    commit: str | None,
    keep: int,
) -> tuple[int, bool]:
    """Publish the work database's state as the branch's next release.

    Args:
        connection: the open work database.
        served: tables of the serving file.
        functions: SQL functions of the serving file, each after those that it calls.
        unreadable: functions (schema.name) that only the build's process can run; readers do not get them.
        commit: git commit the state was built from.
        keep: how many releases to keep, the new one included.

    Returns: the current release's number, and whether it is new. A state equal to the current release is not
    published again. Raises ScorehouseError when the new files fail their check; the old release then stays.
    """
    current = warehouse.current_release()
    changed = _changed(warehouse, records)
    if current is not None:
        changed += _redeclared(warehouse.release(current), served, functions)
        if not changed:
            return current, False
    number = max([0, current or 0, *warehouse.release_numbers()]) + 1
    aside = warehouse.releases / f".{number}.{os.getpid()}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        rows = _release_rows(number, warehouse.branch, commit, changed, records, served)
        _write_serving(connection, aside / SERVING, served, functions, rows)
        _write_catalog(connection, warehouse, aside / CATALOG, unreadable, rows)
        _verify(aside, warehouse, records, served)
        _seal(aside)
        os.rename(aside, warehouse.release(number))
        sync_folder(warehouse.releases)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    point_to(warehouse, number)
    _forget_old(warehouse, keep)
    return number, True


def point_to(warehouse: Warehouse, number: int) -> None:
    """Make a kept release the current one: three renames, the pointer last."""
    for name in (CATALOG, SERVING):
        temporary = warehouse.folder / f".{name}.{os.getpid()}.tmp"
        temporary.unlink(missing_ok=True)
        os.link(warehouse.release(number) / name, temporary)
        os.replace(temporary, warehouse.folder / name)
    write_durably(warehouse.pointer, f"{number}\n")


def refresh_catalog(
    warehouse: Warehouse, connection: duckdb.DuckDBPyConnection, records: Records, unreadable: Sequence[str]
) -> bool:
    """Show readers of the current catalog the work database's other tables (a comparison), by rename.

    Does nothing and returns False when the work database is ahead of the current release: that is not proven yet.
    """
    number = warehouse.current_release()
    if number is None or _changed(warehouse, records):
        return False
    with duckdb.connect(str(warehouse.release(number) / CATALOG), read_only=True) as catalog:
        rows = [list(row) for row in catalog.execute("from scorehouse.release").fetchall()]
    temporary = warehouse.folder / f".{CATALOG}.{os.getpid()}.tmp"
    _write_catalog(connection, warehouse, temporary, unreadable, rows)
    os.chmod(temporary, 0o444)
    os.replace(temporary, warehouse.folder / CATALOG)
    return True


def rollback(warehouse: Warehouse, to: int | None = None) -> tuple[int, int]:
    """Move the pointer to an earlier release (the one before the current, or `to`); returns (from, to).

    Raises ScorehouseError when there is no such release.
    """
    current = warehouse.current_release()
    numbers = warehouse.release_numbers()
    if current is None:
        raise ScorehouseError(
            f"Branch '{warehouse.branch}': expected a release to roll back from, found none; run dbt build first."
        )
    earlier = [number for number in numbers if number < current]
    target = to if to is not None else (earlier[-1] if earlier else None)
    if target not in numbers:
        kept = ", ".join(map(str, numbers))
        wanted = f"release {to}" if to is not None else f"a release before {current}"
        raise ScorehouseError(f"Branch '{warehouse.branch}': expected {wanted}, found only {kept}; choose one of these.")
    point_to(warehouse, target)
    return current, target


def history(warehouse: Warehouse) -> list[ReleaseInfo]:
    """The kept releases, newest first."""
    current = warehouse.current_release()
    found = []
    for number in reversed(warehouse.release_numbers()):
        with duckdb.connect(str(warehouse.release(number) / CATALOG), read_only=True) as catalog:
            row = catalog.execute(
                "select any_value(built_at), any_value(git_commit), any_value(published_by), any_value(changed)"
                " from scorehouse.release"
            ).fetchone()
        found.append(ReleaseInfo(number, *row, number == current))
    return found


def records_of(warehouse: Warehouse, number: int | None = None) -> dict[str, NodeRecord]:
    """Node records of a release (default: the current one); empty when there is none."""
    number = number if number is not None else warehouse.current_release()
    if number is None:
        return {}
    with duckdb.connect(str(warehouse.release(number) / CATALOG), read_only=True) as catalog:
        return Records(catalog, writable=False).nodes


def _changed(warehouse: Warehouse, records: Records) -> list[str]:
    """Names of the tables that differ from the current release; all of them when its catalog looks for the store elsewhere."""
    number = warehouse.current_release()
    before: dict[str, str] = {}
    if number is not None:
        with duckdb.connect(str(warehouse.release(number) / CATALOG), read_only=True) as catalog:
            if place_of(catalog) in (None, str(warehouse.store)):
                published = Records(catalog, writable=False).nodes
                before = {key: record.fingerprint.whole for key, record in published.items()}
    after = {key: record.fingerprint.whole for key, record in records.nodes.items()}
    return [".".join(key.split(".")[2:]) for key in changes(before, after)]


def _redeclared(release: Path, served: Sequence[ServedTable], functions: Sequence[ServedFunction]) -> list[str]:
    """Names of endpoints and functions that a release declares otherwise: a new owner or key is news to readers."""
    with duckdb.connect(str(release / SERVING), read_only=True) as serving:
        rows = serving.execute(f"select {', '.join(_DECLARED)} from endpoints").fetchall()
        names = serving.execute(
            "select function_name from duckdb_functions() where database_name = current_database()"
        ).fetchall()
    before = {row[0]: repr(row[1:]) for row in rows} | {name: "function" for (name,) in names}
    after = {table.name: repr(_declaration(table)[1:]) for table in served} | {one.name: "function" for one in functions}
    return [f"endpoint {name}" for name in changes(before, after)]


_DECLARED = ("name", "type", "key", "contract_version", "owner", "volume", "refresh", "decay", "sla")


def _declaration(table: ServedTable) -> tuple[object, ...]:
    """What a model's meta says of its endpoint, in the order of `_DECLARED`."""
    needs = [table.requirements.get(name) for name in _DECLARED[5:]]
    return (table.name, table.kind, table.key, table.contract_version, table.owner, *(need and str(need) for need in needs))


def _release_rows(
    number: int, branch: str, commit: str | None, changed: list[str], records: Records, served: Sequence[ServedTable]
) -> list[list[object]]:
    by_relation = {record.relation: record for record in records.nodes.values()}
    head = [number, branch, datetime.now(UTC).replace(tzinfo=None), commit, getpass.getuser(), changed]
    rows = [[*head, t.name, by_relation[t.relation].row_count, by_relation[t.relation].fingerprint.whole] for t in served]
    return rows or [[*head, None, None, None]]


def _write_serving(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    served: Sequence[ServedTable],
    functions: Sequence[ServedFunction],
    release_rows: list[list[object]],
) -> None:
    cursor = connection.cursor()
    cursor.execute(f"attach {literal(file)} as serving_file (storage_version 'v1.5.0')")
    try:
        for table in served:
            _write_served(cursor, table)
        _write_endpoints(cursor, served)
        _write_functions(cursor, served, functions)
        _write_release(cursor, "serving_file.main.release", release_rows)
        cursor.execute("force checkpoint serving_file")  # detach alone may leave rows in the write-ahead log
    finally:
        cursor.execute("detach serving_file")
        cursor.close()


def _write_served(cursor: duckdb.DuckDBPyConnection, table: ServedTable) -> None:
    columns = cursor.execute(f"describe {quoted(table.relation)}").fetchall()
    names = [name for name, *_ in columns]
    if not set(table.key) <= set(names):
        raise ScorehouseError(
            f"{table.relation}: expected its columns to hold the key {', '.join(table.key)} (meta.endpoint.key), "
            f"found {', '.join(names)}; correct the key"
        )
    target = f"serving_file.main.{identifier(table.name)}"
    key = ", ".join(map(identifier, table.key))
    definitions = ", ".join(f"{identifier(name)} {kind}" for name, kind, *_ in columns)
    cursor.execute(f"create table {target} ({definitions}, primary key ({key}))")
    try:
        cursor.execute(f"insert into {target} select * from {quoted(table.relation)} order by {key}")
    except duckdb.ConstraintException as error:
        raise ScorehouseError(
            f"{table.relation}: expected one row for each {', '.join(table.key)} (meta.endpoint.key), "
            f"found: {first_line(error)}; correct the model or the key"
        ) from None
    cursor.execute(f"comment on table {target} is {literal(table.description)}")
    for column, text in (table.columns or {}).items():
        cursor.execute(f"comment on column {target}.{identifier(column)} is {literal(text)}")


def _write_endpoints(cursor: duckdb.DuckDBPyConnection, served: Sequence[ServedTable]) -> None:
    """What the file offers, by whom and how fresh; an endpoint without rows says so."""
    cursor.execute(f"create table serving_file.main.endpoints {_ENDPOINTS_DDL}")
    for table in served:
        relation = f"serving_file.main.{identifier(table.name)}"
        names = {row[0] for row in cursor.execute(f"describe {relation}").fetchall()}
        as_of = "max(as_of)" if "as_of" in names else "cast(null as timestamp)"
        count, newest = cursor.execute(f"select count(*), {as_of} from {relation}").fetchall()[0]
        status = "serving" if count else "empty: its inputs are absent, or its models have no usable version"
        *who, volume, refresh, decay, sla = _declaration(table)
        row = [*who, _shares(cursor, relation, names), volume, refresh, decay, sla]
        row += [count, newest, status, table.description, table.example]
        cursor.execute(f"insert into serving_file.main.endpoints values ({', '.join('?' * len(row))})", row)


def _shares(cursor: duckdb.DuckDBPyConnection, relation: str, names: set[str]) -> list[dict[str, object]]:
    """The implementations behind a served table and their shares of its rows, by name; empty for one that is not routed."""
    if not {"implementation", "model_version"} <= names:
        return []
    query = f"select implementation, model_version, count(*) / sum(count(*)) over () from {relation} group by 1, 2 order by 1, 2"
    fields = ("implementation", "model_version", "share")
    return [dict(zip(fields, row, strict=True)) for row in cursor.execute(query).fetchall()]


def _write_functions(
    cursor: duckdb.DuckDBPyConnection, served: Sequence[ServedTable], functions: Sequence[ServedFunction]
) -> None:
    """The functions as the build made them, over the serving file's own tables and functions: no schema is named."""
    names = {one.relation: one.name for one in [*served, *functions]}
    pattern = "|".join(r'"?{}"?\."?{}\b"?'.format(*relation.split(".")) for relation in names)
    home = cursor.execute("select current_database()").fetchone()[0]
    cursor.execute("use serving_file")
    for function in functions:
        kind, parameters, body = cursor.execute(
            "select function_type, parameters, macro_definition from duckdb_functions()"
            " where database_name = ? and schema_name || '.' || function_name = ?",
            [home, function.relation],
        ).fetchone()
        body = re.sub(pattern, lambda match: names[match[0].replace('"', "")], body)
        table = "table " if kind == "table_macro" else ""
        name = identifier(function.name)
        cursor.execute(f"create macro {name}({', '.join(map(identifier, parameters))}) as {table}({body})")
        cursor.execute(f"comment on macro {table}{name} is {literal(function.description)}")
    cursor.execute(f'use "{home}"')


def _write_release(cursor: duckdb.DuckDBPyConnection, table: str, rows: list[list[object]]) -> None:
    cursor.execute(f"create or replace table {table} {_RELEASE_DDL}")
    cursor.executemany(f"insert into {table} values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _write_catalog(
    connection: duckdb.DuckDBPyConnection,
    warehouse: Warehouse,
    file: Path,
    unreadable: Sequence[str],
    rows: list[list[object]],
) -> None:
    records_cursor = connection.cursor()
    records_cursor.execute("force checkpoint")
    shutil.copyfile(warehouse.work_database, file)
    with duckdb.connect(str(file)) as catalog:
        for function in unreadable:
            catalog.execute(f"drop macro if exists {quoted(function)}")
        _write_release(catalog, "scorehouse.release", rows)


def _verify(folder: Path, warehouse: Warehouse, records: Records, served: Sequence[ServedTable]) -> None:
    """Open both files as a reader would, and look for every data file they name."""
    missing = [file for record in records.nodes.values() for file in record.files if not (warehouse.store / file).is_file()]
    if missing:
        raise ScorehouseError(f"Release: expected {missing[0]} in the store, found no such file; run dbt build again.")
    with duckdb.connect(str(folder / CATALOG), read_only=True) as catalog:
        stored = Records(catalog, writable=False).nodes
        if stored.keys() != records.nodes.keys():
            raise ScorehouseError("Release: expected the catalog to list every node, found another list; run dbt build again.")
    with duckdb.connect(str(folder / SERVING), read_only=True) as serving:
        counts = dict(serving.execute("select table_name, row_count from release where table_name is not null").fetchall())
        for table in served:
            found = serving.execute(f"select count(*) from {identifier(table.name)}").fetchone()[0]
            if found != counts[table.name]:
                raise ScorehouseError(
                    f"Release: expected {counts[table.name]} rows in {table.name}, found {found}; run dbt build again."
                )


def _seal(folder: Path) -> None:
    for file in folder.iterdir():
        os.chmod(file, 0o444)
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    sync_folder(folder)


def _forget_old(warehouse: Warehouse, keep: int) -> None:
    current = warehouse.current_release()
    for number in warehouse.release_numbers()[:-keep]:
        if number != current:
            shutil.rmtree(warehouse.release(number))
