"""Features computed from after the examples' time, found by the lineage of their columns through the models' SQL."""

from collections.abc import Mapping, Set

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from scorehouse.learning.declare.spec import Spec
from scorehouse.learning.prove import comparisons
from scorehouse.learning.prove.comparisons import Sides
from scorehouse.learning.prove.leak import LeakError

Schema = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Database, schema and table -> column -> type."""


def refuse(later: set[str], spec: Spec, where: str) -> None:
    """Raise LeakError naming the features among columns from after the examples' time."""
    others = {
        spec.label,
        spec.weight,
        spec.split.time,
        spec.split.horizon_column,
        spec.group,
        *spec.key,
        *spec.slices,
        *spec.separating,
    }
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
    """Output columns of a query that depend on rows at or after the examples' time, as far as the SQL tells.

    A condition such as `days.occurred_date >= snapshots.as_of`, or one that ends only after it (`< as_of + interval 30 day`,
    `date_diff('day', as_of, occurred_date) < 30`), makes every column of `days` one from after; unless another places the same
    table before (`valid_from <= as_of and valid_to > as_of` is what was valid then). So do windows that look ahead in time, and
    aggregates over a table of events that no condition bounds at all.

    Args:
        time: name of the as-of column.
        schema: columns of the tables that the query reads, which resolve its stars.
        known: table name (schema.name) -> its columns that are from after.

    A query that cannot be resolved gives none.
    """
    timed = {table for schemas in schema.values() for tables in schemas.values() for table in tables if time in tables[table]}
    if not any(name in sql for name in (time, *timed)) and not any(known.values()):
        return set()
    try:
        query = sqlglot.parse_one(sql, dialect="duckdb")
        tree = qualify(query, schema=schema, dialect="duckdb", validate_qualify_columns=False, quote_identifiers=False)
        columns = Columns(tree, time, schema, known)
        for scope in traverse_scope(tree):
            columns.read(scope)
        return columns.after.get(id(scope), set())
    except (SqlglotError, ValueError):  # sqlglot raises both for what it does not know
        return set()


class Columns:
    """Columns from after of one query's scopes, innermost first.

    Attributes:
        after: scope -> its columns that depend on later rows.
        filtered: scopes with only such rows for which there is something later; whether one is there tells the future.
        events: scopes with rows of events, bounded by nothing and without the examples' time.
        summed: such a scope -> its columns that sum up those events.
    """

    def __init__(self, tree: exp.Expression, time: str, schema: Schema, known: Mapping[str, set[str]]) -> None:
        self.after: dict[int, set[str]] = {}
        self.filtered: set[int] = set()
        self.events: set[int] = set()
        self.summed: dict[int, set[str]] = {}
        self._scope_of: dict[int, int] = {}
        self._time, self._schema, self._known = time, schema, known
        aliases = (alias for alias in tree.find_all(exp.Alias) if isinstance(_uncast(alias.this), exp.Column))
        self._times = {time, *(alias.alias for alias in aliases if _uncast(alias.this).name == time)}

    def read(self, scope: Scope) -> None:
        """Add a scope whose inner scopes were read."""
        select = scope.expression
        self._scope_of[id(select)] = id(scope)
        if not isinstance(select, exp.Select):
            inner = [*scope.set_operation_scopes, *(source for source in scope.sources.values() if isinstance(source, Scope))]
            self.after[id(scope)] = set().union(*(self.after.get(id(part), set()) for part in inner))
            return
        self._read_select(scope, select)

    def _read_select(self, scope: Scope, select: exp.Select) -> None:
        is_time = self._is_time(select)
        optional = {join.alias_or_name for join in select.args.get("joins") or [] if join.side in ("LEFT", "FULL")}
        later = Sides.of(comparisons.conditions(select), is_time).later
        if (later - optional) | (Sides.of(comparisons.filters(select), is_time).after & later):
            self.filtered.add(id(scope))
        events = self._unbounded_events(scope, select, is_time)
        has_time = any(self._has_time(source) for source in scope.sources.values())
        summed = {one.alias_or_name for one in select.selects if self._sums_up(one, scope, events)}
        self.after[id(scope)] = {
            one.alias_or_name for one in select.selects if self._is_after(one, scope, later, optional, is_time)
        }
        if has_time:
            self.after[id(scope)] |= summed
        elif events:
            self.events.add(id(scope))
            self.summed[id(scope)] = summed

    def _is_time(self, select: exp.Select) -> comparisons.IsTime:
        """The time is the column that the select gives on as such; where it gives none, any column of that name."""
        given = [_uncast(one.unalias()) for one in select.selects if one.alias_or_name == self._time]
        anchor = given[0].table if given and isinstance(given[0], exp.Column) and given[0].name in self._times else None
        return lambda column: column.name in self._times and (anchor is None or column.table == anchor)

    def _is_after(
        self, projection: exp.Expression, scope: Scope, later: Set[str], optional: set[str], is_time: comparisons.IsTime
    ) -> bool:
        if later and any(isinstance(count.this, exp.Star) for count in projection.find_all(exp.Count)):
            return True
        if Sides.of(projection.find_all(*comparisons.INEQUALITIES, exp.Between), is_time).later:
            return True
        if any(self._is_later_query(query) for query in projection.find_all(exp.Query)):
            return True
        if any(self._looks_ahead(window, scope, is_time) for window in projection.find_all(exp.Window)):
            return True
        return any(self._comes_from_after(column, scope, later, optional) for column in projection.find_all(exp.Column))

    def _is_later_query(self, query: exp.Query) -> bool:
        """Whether a subquery among the columns looks at later rows."""
        scope = self._scope_of.get(id(query))
        return scope in self.filtered or bool(self.after.get(scope))

    def _comes_from_after(self, column: exp.Column, scope: Scope, later: Set[str], optional: set[str]) -> bool:
        if column.table in later:
            return True
        source = scope.sources.get(column.table)
        if isinstance(source, Scope):
            is_filtered = id(source) in self.filtered and column.table in optional
            return is_filtered or column.name in self.after.get(id(source), set())
        return isinstance(source, exp.Table) and column.name in self._known.get(f"{source.db}.{source.name}", set())

    def _looks_ahead(self, window: exp.Window, scope: Scope, is_time: comparisons.IsTime) -> bool:
        """Whether a window, in the order of time, reads rows that follow (`lead`, `rows between ... and 3 following`)."""
        named = {other.name: other for other in scope.expression.args.get("windows") or []}
        over = named.get(window.alias, window)
        first = over.args["order"].expressions[0] if over.args.get("order") else None
        if first is None or not any(self._is_temporal(column, scope) for column in first.find_all(exp.Column)):
            return False
        read = {column.table for part in (window.this, first) for column in part.find_all(exp.Column)}
        if read <= Sides.of(comparisons.conditions(scope.expression), is_time).before:
            return False
        spec = over.args.get("spec")
        ahead, behind = (exp.Lag, "PRECEDING") if first.args.get("desc") else (exp.Lead, "FOLLOWING")
        sides = {str(spec.args.get(side)).upper() for side in ("start_side", "end_side")} if spec else set()
        return bool(window.find(ahead)) or behind in sides

    # ---------------------------------------------------------------- tables of events

    def _unbounded_events(self, scope: Scope, select: exp.Select, is_time: comparisons.IsTime) -> set[str]:
        """Names of the sources that hold events, where nothing at all says which of them count."""
        clauses = [*comparisons.conditions(select), *select.selects]
        bounded = comparisons.compared(clauses, is_time)
        return {name for name, source in scope.sources.items() if name not in bounded and self._holds_events(source)}

    def _holds_events(self, source: exp.Table | Scope) -> bool:
        if isinstance(source, Scope):
            return id(source) in self.events
        return not self._has_time(source) and any(_is_temporal_type(kind) for kind in self._columns_of(source).values())

    def _has_time(self, source: exp.Table | Scope) -> bool:
        names = source.expression.named_selects if isinstance(source, Scope) else self._columns_of(source)
        return bool(self._times & set(names))

    def _sums_up(self, projection: exp.Expression, scope: Scope, events: set[str]) -> bool:
        """Whether a column sums up rows of `events`, here or further in."""
        if any(column.table in events for total in projection.find_all(exp.AggFunc) for column in total.find_all(exp.Column)):
            return not projection.find(exp.Window)
        further_in = (column for column in projection.find_all(exp.Column) if column.table in events)
        return any(column.name in self.summed.get(id(scope.sources[column.table]), set()) for column in further_in)

    def _is_temporal(self, column: exp.Column, scope: Scope) -> bool:
        """Whether a column is a date or a timestamp, or the examples' time."""
        source = scope.sources.get(column.table)
        if isinstance(source, exp.Table):
            return _is_temporal_type(self._columns_of(source).get(column.name, ""))
        return column.name in self._times

    def _columns_of(self, table: exp.Table) -> Mapping[str, str]:
        return self._schema.get(table.catalog, {}).get(table.db, {}).get(table.name, {})


def _uncast(expression: exp.Expression) -> exp.Expression:
    bare = expression.unnest()
    return _uncast(bare.this) if isinstance(bare, exp.Cast) else bare


def _is_temporal_type(kind: str) -> bool:
    return kind.lower().startswith(("date", "timestamp"))
