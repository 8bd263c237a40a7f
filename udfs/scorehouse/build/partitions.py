"""Partitioned models: one immutable file per time partition, each with a fingerprint of its own.

A partition is computed from the same partition of every partitioned input, and from the whole of every other input. New
rows for one day, or late rows for an old one, therefore recompute that partition and nothing else.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
from sqlglot import exp

from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import digest
from scorehouse.names.partitioning import GRAINS, Partitioning
from scorehouse.names.quoting import quoted
from scorehouse.store.details import Piece
from scorehouse.store.files import Store
from scorehouse.store.records import NodeRecord


@dataclass(frozen=True)
class Input:
    """A partitioned input.

    Attributes:
        relation: schema.name.
        column: the column it is cut by.
        marks, files: per partition, the hash of what it holds, and the files (relative to the store) that hold it.
        select: prints the query that reads some of its files.
    """

    relation: str
    column: str
    marks: dict[str, str]
    files: dict[str, list[str]]
    select: Callable[[list[str]], str]


def input_of(record: NodeRecord, partitioning: Partitioning, select: Callable[[list[str]], str]) -> Input | None:
    """A parent seen through the partitions of the model that reads it, or None when it is read whole."""
    cut = record.details.cut
    if cut is None or cut.grain not in GRAINS[: GRAINS.index(partitioning.grain) + 1]:
        return None
    pieces: dict[str, list[Piece]] = {}
    for piece in cut.pieces:
        for part in dict.fromkeys(partitioning.coarse(day) for day in piece.partitions):
            pieces.setdefault(part, []).append(piece)
    return Input(
        record.relation,
        cut.column,
        {part: digest(record.fingerprint.own, sorted(piece.mark for piece in found)) for part, found in pieces.items()},
        {part: [piece.file for piece in found] for part, found in pieces.items()},
        select,
    )


def rows_mark(cursor: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Hash of a small relation's rows, whatever their order."""
    rows = f"select cast(rows as varchar) as row from {quoted(relation)} as rows"
    return digest(cursor.execute(f"select string_agg(row, '\n' order by row) from ({rows})").fetchone())


def marks(own: str, inputs: Iterable[Input], whole: Mapping[str, str]) -> dict[str, str]:
    """Fingerprint of every partition, by its name, from the model's own definition and what it reads."""
    inputs = list(inputs)
    names = sorted({part for read in inputs for part in read.marks})
    return {
        part: digest(own, part, [(read.relation, read.marks.get(part)) for read in inputs], sorted(whole.items()))
        for part in names
    }


def compute(
    cursor: duckdb.DuckDBPyConnection,
    store: Store,
    tree: exp.Expression,
    partitioning: Partitioning,
    inputs: Iterable[Input],
    missing: Mapping[str, Path],
    columns_ddl: str | None,
    where: str,
) -> None:
    """Compute the missing partitions in one pass and write one file each.

    Args:
        tree: the model's query.
        missing: partition -> file to write.
        where: the model's file, named in errors.

    Raises ScorehouseError when a row lands in a partition it was not computed from.
    """
    local = tree.copy()
    for number, read in enumerate(inputs):
        _create_input(cursor, f"partition_input_{number}", read, partitioning, missing)
        _redirect(local, read.relation, f"partition_input_{number}")
    sql = local.sql(dialect="duckdb")
    cursor.execute(f"create or replace temp table fresh {columns_ddl or f'as select * from ({sql}) limit 0'}")
    cursor.execute(f"insert into fresh by name ({sql}) order by {partitioning.key_sql()}")
    _check(cursor, partitioning, missing, where)
    for part, file in missing.items():
        store.write_parquet(cursor, f"select * from fresh where {partitioning.key_sql()} = '{part}'", file)
    cursor.execute("drop table fresh")


def _create_input(
    cursor: duckdb.DuckDBPyConnection,
    name: str,
    read: Input,
    partitioning: Partitioning,
    missing: Mapping[str, Path],
) -> None:
    """A temporary view of the input's rows in the missing partitions; its columns are those of the whole relation."""
    files = list(dict.fromkeys(file for part in missing for file in read.files.get(part, [])))
    rows = f"from {quoted(read.relation)} where false"
    if files:
        rows += f" union all by name ({read.select(files)})"
    key = Partitioning(read.column, partitioning.grain).key_sql()
    listed = ", ".join(f"'{part}'" for part in missing)
    cursor.execute(f"create or replace temp view {name} as select * from ({rows}) where {key} in ({listed})")


def _redirect(tree: exp.Expression, relation: str, name: str) -> None:
    schema, table = relation.split(".", 1)
    for node in list(tree.find_all(exp.Table)):
        if node.name == table and node.db == schema:
            node.replace(exp.alias_(exp.to_table(name), node.alias or table, table=True))


def _check(cursor: duckdb.DuckDBPyConnection, partitioning: Partitioning, missing: Mapping[str, Path], where: str) -> None:
    found = [row[0] for row in cursor.execute(f"select distinct {partitioning.key_sql()} from fresh").fetchall()]
    strayed = sorted(set(found) - set(missing))
    if strayed:
        raise ScorehouseError(
            f"{where}: expected rows of the partitions they were computed from, found rows of {strayed[0]}; "
            f"a partitioned model keeps each row in its input's partition (meta.partition_by is '{partitioning.column}')."
        )
