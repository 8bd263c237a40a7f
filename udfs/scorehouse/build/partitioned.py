"""Partitioned models: one immutable file per partition, each with a fingerprint of its own.

A partition is computed from the same partition of every partitioned input, and from the whole of every other input. New
rows for one day, or late rows for an old one, therefore recompute that partition and nothing else. A query that looks across
partitions is refused (see scorehouse.plans.locality), so it does not matter which partitions are computed together.

A model whose grain is `hash` is cut by the values of a column that is no time, each partition computed alone: memory holds one at
a time. Its inputs need no partitions of their own: every stored one that has the column is cut by it, and put in the order of
partitions once.

A model of as-of times is cut by them, and names in `meta.known_before` the inputs of which each time has only the rows that were
known before it, or before the end of its horizon (`meta.horizon_days`). It is given no others, so it cannot look ahead: what else
it reads is cut by the same times, a seed, or said to be known `always`. A past time is computed again only when rows come that
were known by then, and one whose horizon has not ended is none yet. Each time is computed alone, whatever the query.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb

from scorehouse.build import engine
from scorehouse.build.builder import Builder, Outcome
from scorehouse.build.cuts import HASH, HASHABLE, Before, Hashed, Same, end_of, hashed_into
from scorehouse.build.table import expect_columns
from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import digest
from scorehouse.names.partitioning import GRAINS, UNKNOWN, Partitioning
from scorehouse.names.quoting import identifier, literal
from scorehouse.plans.locality import AcrossPartitionsError, expect_local
from scorehouse.plans.operators import UnknownPlanError
from scorehouse.sandbox.parse import Tree, line_of, nodes, parse_tree, place_of, relation_in
from scorehouse.store.details import Cut, Piece
from scorehouse.store.records import NodeRecord


def partitioned(builder: Builder, node_id: str, sql: str, columns_ddl: str | None = None) -> Outcome:
    """Build or reuse a model partition by partition."""
    return _Partitioned(builder, node_id, sql, columns_ddl).build()


ALWAYS = "always"
"""What `meta.known_before` says of an input whose rows have no time."""

PART = identifier("partition of this model")
"""The column of shuffled rows that says where each belongs: a name that no input has."""


class _Partitioned:
    """One partitioned model in one run."""

    def __init__(self, builder: Builder, node_id: str, sql: str, columns_ddl: str | None) -> None:
        self._builder, self._sql, self._columns_ddl = builder, sql, columns_ddl
        self._node = builder.manifest.node(node_id)
        expect_columns(columns_ddl, self._node.path)
        self._own = Partitioning.of(self._node.path, self._node.meta, (*GRAINS, HASH))
        self._direct = {record.relation for record in builder.reader.parents(self._node).values()} - self._behind_views()
        self._hashed: list[NodeRecord] = []
        if self._own.grain == HASH:
            self._hashed = self._with_own_column()
            rows = max((record.row_count or 0 for record in self._hashed), default=0)
            self._own = Hashed(self._own.column, HASH, hashed_into(rows))
        self._known_before = self._declared()
        self._horizon = self._horizon_days()
        self._inputs: dict[str, Same | Before] = {}
        shape = [columns_ddl, self._own.column, self._own.grain, sorted(self._known_before.items()), str(self._horizon)]
        self._draft, found = builder.draft(node_id, sql, shape, mark=self._mark)
        self._marks = {name: mark for name, mark in found.marks.items() if name.removeprefix("rows ") not in self._inputs}

    def build(self) -> Outcome:
        """Compute the partitions that the store lacks."""
        self._expect_local()
        store, draft = self._builder.store, self._draft
        marks = self._partition_marks() or {UNKNOWN: draft.fingerprint.whole}
        files = {part: store.result(f"{draft.relation}/{mark}.parquet", self._behind(part)) for part, mark in marks.items()}
        missing = {part: file for part, file in files.items() if not file.exists()}
        if missing:
            self._compute(missing)
        pieces = [Piece([part], marks[part], store.name(file)) for part, file in files.items()]
        cut = Cut(self._own.column, self._own.grain, pieces)
        return self._builder.stored(replace(draft, details=replace(draft.details, cut=cut)), list(files.values()), bool(missing))

    # ---------------------------------------------------------------- what it reads

    def _declared(self) -> dict[str, str]:
        """By relation of which a partition reads what was known before its time: the column that says when a row was known."""
        found = self._node.meta.get("known_before", {})
        if found and self._own.grain == HASH:
            raise ScorehouseError(
                f"{self._node.path}: expected meta.known_before beside a time column and its grain, found grain: {HASH}; "
                f"leave one of them out."
            )
        parents = self._builder.reader.parents(self._node).values()
        records = {
            record.name: record
            for record in parents
            if record.resource_type == "model" and not record.definition and record.relation in self._direct
        }
        wrong = not isinstance(found, Mapping) or [
            f"{name}: {said}"
            for name, said in found.items()
            if name not in records
            or not (said == ALWAYS or records[name].columns.get(str(said), "").startswith(("DATE", "TIMESTAMP")))
        ]
        if wrong:
            given = found if wrong is True else ", ".join(wrong)
            raise ScorehouseError(
                f"{self._node.path}: expected meta.known_before: {{<a stored model that the query reads, and no view over it: "
                f"its column that says when a row was known, or always>}}, found {given}; correct it."
            )
        return {records[name].relation: str(column) for name, column in found.items()}

    def _horizon_days(self) -> timedelta:
        """How long after a partition's time rows still count that were known by then."""
        found = str(self._node.meta.get("horizon_days") or 0)
        if not found.isdecimal() or (found != "0" and not self._known_before):
            raise ScorehouseError(
                f"{self._node.path}: expected meta.horizon_days: <whole days>, beside known_before, found {found}; correct it."
            )
        return timedelta(days=int(found))

    def _behind_views(self) -> set[str]:
        """Relations that a view over them reads whole, whatever else reads them."""
        reader, manifest = self._builder.reader, self._builder.manifest
        views = [parent_id for parent_id, record in reader.parents(self._node).items() if record.definition]
        return {record.relation for view in views for record in reader.behind(manifest.node(view)).values()}

    def _with_own_column(self) -> list[NodeRecord]:
        """The tables that are read, by no view, and have the column that the model is cut by, of one type."""
        parents = [r for r in self._builder.reader.parents(self._node).values() if r.relation in self._direct]
        tables = [r for r in parents if r.materialized in ("table", "partitioned", "seed")]
        found = [record for record in tables if self._own.column in record.columns]
        types = sorted({record.columns[self._own.column] for record in found})
        if len(types) > 1 or not HASHABLE.issuperset(types):
            raise ScorehouseError(
                f"{self._node.path}: expected the column {self._own.column} (meta.partition_by) of one type in all that is read, "
                f"a text, whole number, date or UUID, found {', '.join(types)}; cast it where it is stored."
            )
        return found

    def _mark_by_hash(self, record: NodeRecord, columns: Sequence[str]) -> str:
        """The mark of a relation that is read by a model that is cut by the hash of values."""
        if record not in self._hashed:
            return self._builder.reader.mark(record, columns)
        read = [name for name in record.columns if name in columns or name == self._own.column]
        marks = self._builder.reader.marks_by(self._own.key_sql(), record, read)
        self._inputs[record.relation] = Same(record, self._own.column, dict.fromkeys(marks, record.files), marks)
        return digest(sorted(marks.items()))

    def _mark(self, record: NodeRecord, columns: Sequence[str]) -> str:
        """The mark of a relation that is read; one that can be read by partitions becomes an input."""
        if self._own.grain == HASH:
            return self._mark_by_hash(record, columns)
        cut, said = record.details.cut, self._known_before.get(record.relation)
        if said and said != ALWAYS:
            return self._mark_before(record, columns, said)
        is_of_times = cut and (cut.column, cut.grain) == (self._own.column, self._own.grain) and record.relation in self._direct
        if self._known_before and not (said or is_of_times or record.resource_type == "seed"):
            raise ScorehouseError(
                f"{self._node.path}: expected meta.known_before to say of {record.relation} by which column its rows were known, "
                f"or always, found nothing; add it, and read it without a view between."
            )
        if record.relation not in self._direct or not cut or cut.grain not in GRAINS[: GRAINS.index(self._own.grain) + 1]:
            return self._builder.reader.mark(record, columns)
        pieces: dict[str, list[Piece]] = {}
        for piece in cut.pieces:
            for part in dict.fromkeys(map(self._own.coarse, piece.partitions)):
                pieces.setdefault(part, []).append(piece)
        if record.details.landing:
            types = [(column, record.columns[column]) for column in columns]
            own = [record.fingerprint.own, types]
            marks = {part: digest(own, sorted(piece.mark for piece in found)) for part, found in pieces.items()}
        else:
            marks = self._builder.reader.marks_by(Partitioning(cut.column, self._own.grain).key_sql(), record, columns)
        files = {part: [piece.file for piece in found] for part, found in pieces.items()}
        self._inputs[record.relation] = Same(record, cut.column, files, marks)
        return digest(sorted(marks.items()))

    def _mark_before(self, record: NodeRecord, columns: Sequence[str], column: str) -> str:
        """The mark of an input of which each partition reads what was known before its time."""
        read = [name for name in record.columns if name in columns or name == column]
        day = Partitioning(column, "day").key_sql()
        days = self._builder.reader.marks_by(day, record, read)
        begins = {file: min(found, default=UNKNOWN) for file, found in self._builder.reader.parts_of(day, record, read).items()}
        self._inputs[record.relation] = Before(record, column, days, begins, self._horizon)
        return digest(sorted(days.items()))

    def _same(self) -> list[Same]:
        return [read for read in self._inputs.values() if isinstance(read, Same)]

    def _expect_local(self) -> None:
        if not self._same():
            whole = ", ".join(name.removeprefix("rows ") for name in self._marks if name.startswith("rows "))
            wanted = (
                f"an input (a table with the column {self._own.column}"
                if self._own.grain == HASH
                else "a partitioned input (a source with meta.partition_by, or a partitioned model of the same or a finer grain"
            )
            raise ScorehouseError(
                f"{self._node.path}: expected {wanted}, read without a view between), found {whole or 'none'}; "
                f"make the model a table."
            )
        if self._known_before:
            self._expect_own_column()
            return
        try:
            query = f"select {identifier(self._own.column)} from ({self._sql}\n)"
            plan, _ = self._builder.reader.bound(self._node, query)
            expect_local(plan, self._own, {read.record.relation: read.column for read in self._same()})
        except UnknownPlanError as error:
            raise self._refused(f"{error}, of which it is not known", "", "make the model a table") from None
        except AcrossPartitionsError as error:
            raise self._refused(error.found, error.word, error.instead) from None
        except ScorehouseError:
            self._expect_own_column()
            raise

    def _expect_own_column(self) -> None:
        """The query has the column that it is cut by."""
        own, (_, columns) = self._own.column, self._builder.reader.bound(self._node, self._sql)
        if own.lower() not in map(str.lower, columns):
            raise ScorehouseError(
                f"{self._node.path}: expected the column {own} (meta.partition_by) among its columns, found "
                f"{', '.join(columns)}; select it, or make the model a table."
            )

    def _refused(self, found: str, word: str, instead: str) -> ScorehouseError:
        where = f"{self._node.path}{line_of(self._node.text, word) if word else ''}"
        grain = self._own.grain
        return ScorehouseError(
            f"{where}: expected a query that makes each {grain} of that {grain} alone, found {found}; {instead}."
        )

    # ---------------------------------------------------------------- its partitions

    def _partition_marks(self) -> dict[str, str]:
        """Fingerprint of every partition, by its name, from the model's own definition and what it reads."""
        parts = sorted({part for read in self._same() for part in read.marks})
        if self._horizon:
            parts = [part for part in parts if end_of(part, self._horizon) <= parts[-1]]
        own, whole = [self._draft.fingerprint.own, engine.of_tables()], sorted(self._marks.items())
        inputs = sorted(self._inputs.items())
        return {part: digest(own, part, [(name, read.mark(part)) for name, read in inputs], whole) for part in parts}

    def _compute(self, missing: Mapping[str, Path]) -> None:
        """Compute the missing partitions in one pass.

        One by one where each reads other rows of an input, is cut by hash, or it counts how rows lie in memory (sums of doubles).
        """
        parents = self._builder.parents(self._draft)
        if self._own.grain == HASH and not self._is_ordered:
            self._compute_of_shuffled(missing, parents)
        elif self._known_before or self._is_ordered:
            for part, file in missing.items():
                self._compute_together({part: file}, parents)
        else:
            self._compute_together(missing, parents)
        self._builder.verify(self._draft, missing.values())

    @property
    def _is_ordered(self) -> bool:
        return bool(self._draft.details.reading.order_dependent)

    def _compute_of_shuffled(self, missing: Mapping[str, Path], parents: Sequence[str]) -> None:
        """Compute partitions by hash one by one, of rows that are put in their order once: no relation is read for each."""
        with self._builder.cursor(self._draft, share=self._share) as cursor:
            tables = {name: identifier(f"shuffled_{number}") for number, name in enumerate(self._inputs)}
            for name, read in self._inputs.items():
                key = replace(self._own, column=read.column).key_sql()
                rows = f"select *, {key} as {PART} from ({self._rows_in(read, missing)}) order by {PART}"
                cursor.execute(f"create temp table {tables[name]} as {rows}")
            for part, file in missing.items():
                of_part = f"select * exclude ({PART}) from {{}} where {PART} = {literal(part)}"
                rows = {name: of_part.format(table) for name, table in tables.items()}
                self._write(cursor, self._redirected(cursor, rows), {part: file}, parents)

    def _compute_together(self, missing: Mapping[str, Path], parents: Sequence[str]) -> None:
        """Compute some partitions in one pass and write one file each; `parents` is what the node reads."""
        rows = {name: self._rows_in(read, missing) for name, read in self._inputs.items()}
        with self._builder.cursor(self._draft, rows, self._share) as cursor:
            self._write(cursor, self._sql if self._is_ordered else self._redirected(cursor, rows), missing, parents)

    @property
    def _share(self) -> float:
        """How much of what the model reads a partition is made of."""
        return 1 / self._own.count if isinstance(self._own, Hashed) else 1

    def _write(self, cursor: duckdb.DuckDBPyConnection, sql: str, missing: Mapping[str, Path], parents: Sequence[str]) -> None:
        """Write the rows of a query for some partitions, one file each."""
        key, query = self._own.key_sql(), f"select * from ({sql}\n)"
        cursor.execute(f"create or replace temp table fresh {self._columns_ddl or f'as {query} limit 0'}")
        cursor.execute(f"insert into fresh by name {query} order by {key}")
        self._expect_in_place(cursor, missing)
        for part, file in missing.items():
            # in a table of its own: how Parquet lays out a column depends on whether its table has a NULL
            cursor.execute(f"create or replace temp table part as select * from fresh where {key} = '{part}' order by all")
            self._builder.store.write_parquet(cursor, "from part", file, self._parents_of(part, parents))
        cursor.execute("drop table if exists part; drop table fresh")

    def _behind(self, part: str) -> Callable[[], Iterable[str]]:
        return lambda: self._parents_of(part, self._builder.files_behind(self._draft))

    def _parents_of(self, part: str, parents: Sequence[str]) -> list[str]:
        """Of the store files that are read, those that hold rows of a partition, or are read whole."""
        in_parts = {file for read in self._inputs.values() for file in read.record.files}
        own = {file for read in self._inputs.values() for file in read.files_of(part)}
        return [file for file in parents if file in own or file not in in_parts]

    def _rows_in(self, read: Same | Before, parts: Collection[str]) -> str:
        """The query for an input's rows that are read for some partitions; its columns are those of the whole relation."""
        files = list(dict.fromkeys(file for part in parts for file in read.files_of(part)))
        types = read.record.columns.items()
        rows = f"select {', '.join(f'cast(null as {kind}) as {identifier(name)}' for name, kind in types)} where false"
        if files:
            rows += f" union all by name ({self._builder.rows(read.record, files)})"
        return f"select * from ({rows}) where {read.is_read(parts, self._own)}"

    def _redirected(self, cursor: duckdb.DuckDBPyConnection, rows: Mapping[str, str]) -> str:
        """The model's own text, in which its inputs' names stand for their rows in some partitions.

        Rows that are cut by hash are looked for once for all that the query does with them.
        """
        kind = "table" if self._own.grain == HASH else "view"
        views = {}
        for number, (name, query) in enumerate(rows.items()):
            views[name.lower()] = identifier(f"partition_input_{number}")
            cursor.execute(f"create or replace temp {kind} {views[name.lower()]} as {query}")
        text = self._sql.encode()
        read = [node for node in nodes(parse_tree(self._sql, self._node.path)) if node.get("type") == "BASE_TABLE"]
        for node in sorted(read, key=lambda one: one["query_location"], reverse=True):
            if relation_in(node) in views:
                place = place_of(node)
                text = text[: place.start] + _read_as(node, views[relation_in(node)]).encode() + text[place.stop :]
        return text.decode()

    def _expect_in_place(self, cursor: duckdb.DuckDBPyConnection, missing: Mapping[str, Path]) -> None:
        found = cursor.execute(f"select distinct {self._own.key_sql()} from fresh order by 1").fetchall()
        strayed = [part for (part,) in found if part not in missing]
        if strayed:
            raise self._refused(f"rows of {strayed[0]} made of another", "", f"select {self._own.column} as it is")
        if self._known_before:
            column = identifier(self._own.column)
            query = f"select any_value({column}) from fresh where {column} <> date_trunc('{self._own.grain}', {column})"
            ((between,),) = cursor.execute(query).fetchall()
            if between:
                raise ScorehouseError(
                    f"{self._node.path}: expected a {self._own.column} at the start of a {self._own.grain}, up to which its "
                    f"inputs are read, found {between}; round it down."
                )


def _read_as(node: Tree, name: str) -> str:
    """Another relation in a table's place, under the table's alias and with its columns' aliases."""
    columns = ", ".join(map(identifier, node["column_name_alias"]))
    return f"(from {name}) as {identifier(node['alias'] or node['table_name'])}{f'({columns})' if columns else ''}"
