"""Models whose rows are stored whole, and models that are only a query."""

from dataclasses import replace
from pathlib import Path

from scorehouse.build.builder import Builder, Outcome
from scorehouse.errors import ScorehouseError
from scorehouse.names.partitioning import Partitioning
from scorehouse.names.quoting import quoted
from scorehouse.sandbox.parse import statement_kinds
from scorehouse.store.details import Cut, Piece
from scorehouse.store.files import read_sql
from scorehouse.store.records import NodeRecord


def table(builder: Builder, node_id: str, sql: str, columns_ddl: str | None = None) -> Outcome:
    """Build or reuse a model whose rows are stored."""
    draft = _draft(builder, node_id, sql, columns_ddl)
    file = _file(builder, draft)
    is_new = not file.exists()
    if is_new:
        with builder.cursor(draft) as cursor:
            builder.compute(cursor, draft, sql, file, columns_ddl)
    return builder.stored(replace(draft, details=replace(draft.details, cut=_cut(builder, draft, file))), [file], is_new)


def is_stored(builder: Builder, node_id: str, sql: str, columns_ddl: str) -> bool:
    """Whether the store has the very rows that `table` would compute."""
    draft = _draft(builder, node_id, sql, columns_ddl)
    return _file(builder, draft).exists()


def view(builder: Builder, node_id: str, sql: str) -> Outcome:
    """Create or keep a model that is only a query.

    Raises ScorehouseError for one whose result depends on the order of rows: each reader would see another.
    """
    draft, _ = builder.draft(node_id, sql)
    depending = draft.details.reading.order_dependent if draft.details.reading else []
    if depending:
        builder.connection.cursor().execute(f"describe {sql}")  # of a query that cannot run, DuckDB itself says why
        raise ScorehouseError(
            f"{builder.manifest.node(node_id).path}: expected a view that gives each reader the same, found {depending[0]}, "
            f"which depends on the order of rows; order by what no two rows share, or write materialized: table."
        )
    builder.look_through(draft, sql)
    return builder.defined(draft, f"create or replace view {quoted(draft.relation)} as ({sql}\n)")


def expect_columns(columns_ddl: str | None, where: str) -> None:
    """Refuse a contract that is more than columns."""
    if columns_ddl and statement_kinds(f"create table data {columns_ddl}", where) != ["create"]:
        raise ScorehouseError(f"{where}: expected a contract of columns, found several statements; correct its types and checks.")


def _draft(builder: Builder, node_id: str, sql: str, columns_ddl: str | None) -> NodeRecord:
    """The draft of a table; asked again in the same run, it is the same."""
    key = (node_id, sql, columns_ddl)
    if key not in builder.drafts:
        expect_columns(columns_ddl, builder.manifest.node(node_id).path)
        builder.drafts[key], _ = builder.draft(node_id, sql, columns_ddl)
    return builder.drafts[key]


def _file(builder: Builder, draft: NodeRecord) -> Path:
    return builder.store.file(draft.relation, draft.fingerprint.whole, lambda: builder.files_behind(draft))


def _cut(builder: Builder, draft: NodeRecord, file: Path) -> Cut | None:
    """The time partitions of a table that declares meta.partition_by, so that partitioned models may read it by them."""
    node = builder.manifest.node(draft.node_id)
    if "partition_by" not in node.meta:
        return None
    cut = Partitioning.of(node.path, node.meta)
    query = f"select distinct {cut.key_sql()} from ({read_sql([file])}) order by 1"
    parts = [part for (part,) in builder.connection.cursor().execute(query).fetchall()]
    return Cut(cut.column, cut.grain, [Piece(parts, draft.fingerprint.whole, builder.store.name(file))])
