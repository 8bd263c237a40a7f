"""Features computed from after the examples' time, found by the lineage of their columns through the models' SQL."""

from collections.abc import Iterable, Iterator, Mapping

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from scorehouse.learning.leak import LeakError
from scorehouse.learning.spec import Spec

Schema = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Database, schema and table -> column -> type."""

_LATER = {exp.GT: False, exp.GTE: False, exp.LT: True, exp.LTE: True}
"""Comparisons, and whether their right side is the later one."""


def refuse(later: set[str], spec: Spec, where: str) -> None:
    """Raise LeakError naming the features among columns from after the examples' time."""
    others = {spec.label, spec.weight, spec.split.time, *spec.key, *spec.slices, *spec.separating}
    declared = {name for names in (spec.features or {}).values() for name in names}
    found = sorted((later & declared if declared else later) - others)
    if found:
        raise LeakError(
            f"{where}: feature {found[0]}: expected a feature that was known at {spec.split.time}, found one that the SQL "
            f"computes from rows at or after it; leave it out, or list it in meta.separating if it truly is known then."
        )


def schema_of(cursor: duckdb.DuckDBPyConnection) -> Schema:
    """Columns of every table and view of a database."""
    schema: dict[str, dict[str, dict[str, str]]] = {}
    rows = cursor.sql("select database_name, schema_name, table_name, column_name, data_type from duckdb_columns()").fetchall()
    for database, name, table, column, kind in rows:
        schema.setdefault(database, {}).setdefault(name, {}).setdefault(table, {})[column] = kind
    return schema


def columns_from_after(sql: str, time: str, schema: Schema, known: Mapping[str, set[str]]) -> set[str]:
    """Output columns of a query that depend on rows which a condition places at or after the examples' time.

    A condition such as `days.occurred_date >= snapshots.as_of`, or one that ends only after it (`< as_of + interval 30 day`),
    makes every column of `days` one from after; unless another places the same table before (`valid_from <= as_of and
    valid_to > as_of` is what was valid then). Conditions that hide the comparison in a function (`date_diff`) are not read.

    Args:
        time: name of the as-of column.
        schema: columns of the tables that the query reads, which resolve its stars.
        known: table name (schema.name) -> its columns that are from after.

    A query that cannot be resolved gives none.
    """
    if time not in sql and not any(known.values()):
        return set()
    try:
        query = sqlglot.parse_one(sql, dialect="duckdb")
        tree = qualify(query, schema=schema, dialect="duckdb", validate_qualify_columns=False, quote_identifiers=False)
        columns = Columns(time, known)
        for scope in traverse_scope(tree):
            columns.read(scope)
        return columns.after.get(id(scope), set())
    except SqlglotError:
        return set()


class Columns:
    """Columns from after of one query's scopes, innermost first.

    Attributes:
        after: scope -> its columns that depend on later rows.
        filtered: scopes with only such rows for which there is something later; whether one is there tells the future.
    """

    def __init__(self, time: str, known: Mapping[str, set[str]]) -> None:
        self.after: dict[int, set[str]] = {}
        self.filtered: set[int] = set()
        self._scope_of: dict[int, int] = {}
        self._time, self._known = time, known

    def read(self, scope: Scope) -> None:
        """Add a scope whose inner scopes were read."""
        select = scope.expression
        self._scope_of[id(select)] = id(scope)
        if scope.set_operation_scopes:
            self.after[id(scope)] = set().union(*(self.after[id(part)] for part in scope.set_operation_scopes))
        if not isinstance(select, exp.Select):
            return
        joins = select.args.get("joins") or []
        optional = {join.alias_or_name for join in joins if join.side in ("LEFT", "FULL")}
        later = _sides_after(_conditions(select), self._time)
        if later - optional:
            self.filtered.add(id(scope))
        self.after[id(scope)] = {
            projection.alias_or_name for projection in select.selects if self._is_after(projection, scope, later, optional)
        }

    def _is_after(self, projection: exp.Expression, scope: Scope, later: set[str], optional: set[str]) -> bool:
        if later and any(isinstance(count.this, exp.Star) for count in projection.find_all(exp.Count)):
            return True
        if _sides_after(projection.find_all(*_LATER, exp.Between), self._time):
            return True
        if any(self._is_later_query(query) for query in projection.find_all(exp.Query)):
            return True
        return any(self._comes_from_after(column, scope, later, optional) for column in projection.find_all(exp.Column))

    def _is_later_query(self, query: exp.Query) -> bool:
        """Whether a subquery among the columns looks at later rows."""
        scope = self._scope_of.get(id(query))
        return scope in self.filtered or bool(self.after.get(scope))

    def _comes_from_after(self, column: exp.Column, scope: Scope, later: set[str], optional: set[str]) -> bool:
        if column.table in later:
            return True
        source = scope.sources.get(column.table)
        if isinstance(source, Scope):
            is_filtered = id(source) in self.filtered and column.table in optional
            return is_filtered or column.name in self.after.get(id(source), set())
        return isinstance(source, exp.Table) and column.name in self._known.get(f"{source.db}.{source.name}", set())


def _conditions(select: exp.Select) -> Iterator[exp.Expression]:
    """The parts, joined by AND, of a select's WHERE and of its joins."""
    clauses = [select.args.get("where"), *(join.args.get("on") for join in select.args.get("joins") or [])]
    for clause in clauses:
        if clause is not None:
            condition = clause.this if isinstance(clause, exp.Where) else clause
            yield from condition.flatten() if isinstance(condition, exp.And) else [condition]


def _sides_after(conditions: Iterable[exp.Expression], time: str) -> set[str]:
    """Tables that the conditions place at or after the time, or let reach beyond it, and never before it."""
    after, before = set(), set()
    for earlier, later in (pair for condition in conditions for pair in _ordered(condition)):
        if _is_time(earlier, time) and not earlier.find(exp.Sub, exp.DateSub, exp.TimestampSub):
            after |= _tables(later, time)
        if _is_time(later, time):
            reaches_beyond = later.find(exp.Add, exp.DateAdd, exp.TimestampAdd)
            (after if reaches_beyond else before).update(_tables(earlier, time))
    return after - before


def _ordered(condition: exp.Expression) -> list[tuple[exp.Expression, exp.Expression]]:
    """What a comparison says of time: (the earlier side, the later side)."""
    bare = condition.unnest()
    if isinstance(bare, exp.Not):
        return [(later, earlier) for earlier, later in _ordered(bare.this)]
    if isinstance(bare, exp.Between):
        return [(bare.args["low"], bare.this), (bare.this, bare.args["high"])]
    if type(bare) not in _LATER:
        return []
    return [(bare.left, bare.right) if _LATER[type(bare)] else (bare.right, bare.left)]


def _is_time(side: exp.Expression, time: str) -> bool:
    return not side.find(exp.Query) and {column.name for column in side.find_all(exp.Column)} == {time}


def _tables(side: exp.Expression, time: str) -> set[str]:
    return {column.table for column in side.find_all(exp.Column) if column.name != time}
