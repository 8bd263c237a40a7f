"""Compare a branch with main: which rows, scores and decisions differ, and whether logic or data made them differ.

The result is six tables in schema `comparison` of the branch's catalog; `Comparison.text` shows them on a terminal.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import duckdb

from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError
from scorehouse.names.git import PRODUCTION
from scorehouse.names.quoting import identifier
from scorehouse.names.warehouse import Warehouse
from scorehouse.operations import text
from scorehouse.operations.register import operation
from scorehouse.release.publish import Publisher
from scorehouse.store.files import Store, read_sql
from scorehouse.store.records import NodeRecord, NodeRecords

STAMPS = frozenset({"scored_at", "trained_at"})
"""Columns that say when a row was computed: a row that differs in these alone is the same row."""

_TABLES = {
    "tables": "relation varchar, effect varchar, key varchar[], main_rows bigint, branch_rows bigint, added bigint,"
    " removed bigint, changed bigint",
    "columns": "relation varchar, effect varchar, column_name varchar, state varchar, changed bigint, main_mean double,"
    " branch_mean double",
    "scores": "relation varchar, effect varchar, rows_in_both bigint, main_mean double, branch_mean double,"
    " mean_shift double, mean_absolute_change double, rank_correlation double, main_deciles double[], branch_deciles double[]",
    "decisions": "relation varchar, effect varchar, decision varchar, key varchar, main_value varchar, branch_value varchar",
    "movers": "relation varchar, effect varchar, key varchar, main_score double, branch_score double, change double,"
    " feature varchar, main_contribution double, branch_contribution double",
    "metrics": "relation varchar, effect varchar, metric varchar, main_value double, branch_value double",
}

_MOVERS_KEPT = 100

_SHOWN = {
    "Tables": """
        select
            t.relation as "table", t.effect, main_rows as "main rows", branch_rows as "branch rows", added, removed, t.changed,
            string_agg(column_name || ' ' || coalesce(c.changed::varchar, state), ', ' order by c.changed desc, column_name)
                as "by column"
        from comparison.tables as t left join comparison.columns as c using (relation, effect)
        group by all order by t.relation, t.effect""",
    "Models, on the later-in-time split": """
        select relation as "model", effect, metric, main_value as main, branch_value as branch
        from comparison.metrics where main_value is distinct from branch_value order by all""",
    "Scores": """
        select
            relation as "table", effect, rows_in_both as "rows in both", main_mean as "main mean",
            branch_mean as "branch mean", mean_shift as "mean shift", rank_correlation as "rank correlation",
            main_deciles[2] as "main 10%", main_deciles[6] as "50%", main_deciles[10] as "90%",
            branch_deciles[2] as "branch 10%", branch_deciles[6] as "50%", branch_deciles[10] as "90%"
        from comparison.scores order by relation, effect""",
    "Decisions that flip": """
        select
            relation as "table", effect, decision, coalesce(main_value, 'absent') as main,
            coalesce(branch_value, 'absent') as branch, count(*) as rows,
            array_to_string(list(key order by key)[:{examples}], '; ') as "for example"
        from comparison.decisions group by all order by relation, effect, main, branch""",
    "Scores that moved most": """
        select
            relation as "table", effect, key, main_score as main, branch_score as branch, change,
            feature as "moved by", main_contribution as "contribution on main", branch_contribution as "on the branch"
        from comparison.movers
        qualify row_number() over (partition by relation, effect order by abs(change) desc nulls last, key) <= {examples}
        order by relation, effect, abs(change) desc nulls last, key""",
}


@dataclass(frozen=True)
class Pair:
    """One relation on both sides.

    Attributes:
        relation: schema.name.
        effect: what differs: 'logic', 'data', 'logic and data', 'engine', 'new' or 'gone'.
        main, branch: its records; None where it does not exist.
        key: columns that identify a row; empty where none is declared.
        decision: the column that an application acts on, if it declares one.
    """

    relation: str
    effect: str
    main: NodeRecord | None
    branch: NodeRecord | None
    key: tuple[str, ...] = ()
    decision: str | None = None


@operation
def compare(run: Run, examples: object) -> str:
    """Compare the branch's last build with main's current release; returns the tables as text."""
    if not isinstance(examples, int) or isinstance(examples, bool) or examples < 0:
        raise ScorehouseError(f"compare: expected a number of examples such as {{examples: 5}}, found '{examples}'.")
    main = run.warehouse.on(PRODUCTION)
    number = main.current_release()
    if run.warehouse.is_production or number is None:
        found = "main itself" if run.warehouse.is_production else "no release of main"
        raise ScorehouseError(f"compare: expected a branch to compare with main's release, found {found}; build both first.")
    cursor = run.connection.cursor()
    comparison = Comparison(cursor, run.store)
    for pair in _pairs(run, main):
        comparison.add(pair)
    shown = comparison.text(examples) or "No stored table differs."
    cursor.close()
    is_shared = Publisher(run.warehouse, run.connection, run.records, run.store, run.manifest.offer()).refresh_catalog()
    place = f"now in {run.warehouse.catalog}" if is_shared else f"in {run.warehouse.catalog} after the next green build"
    return (
        f"Branch '{run.warehouse.branch}' and release {number} of main\n\n{shown}\n\nSchema comparison, {place}, has every row."
    )


def _pairs(run: Run, main: Warehouse) -> Iterator[Pair]:
    keys, decisions = run.manifest.keys(), run.manifest.decisions()
    kept = [(side, number) for side in (run.warehouse, main) for number in side.release_numbers()]
    known = (record for side, number in kept for record in NodeRecords.readable(side, number).nodes.values())
    for pair in pairs_of(_stored(NodeRecords.published(main)), _stored(run.records), known):
        yield replace(pair, key=keys.get(pair.relation, ()), decision=decisions.get(pair.relation))


def _stored(records: NodeRecords) -> dict[str, NodeRecord]:
    """The models and seeds whose rows lie in the store, by relation."""
    kept = (record for record in records.nodes.values() if record.files and record.resource_type in ("model", "seed"))
    return {record.relation: record for record in kept}


def effect_of(main: NodeRecord, branch: NodeRecord) -> str:
    """Which half of the fingerprints differs; what computes them (DuckDB, libraries, this package) where neither does."""
    logic = main.fingerprint.logic != branch.fingerprint.logic
    data = main.fingerprint.data != branch.fingerprint.data
    return "logic and data" if logic and data else "data" if data else "logic" if logic else "engine"


def pairs_of(main: dict[str, NodeRecord], branch: dict[str, NodeRecord], known: Iterable[NodeRecord]) -> Iterator[Pair]:
    """The stored relations that differ, by relation.

    Where logic and data both differ and some kept release has the half-way result (main's data under the branch's logic,
    or the branch's data under main's logic), the two steps follow as pairs of their own.

    Args:
        main, branch: records by relation.
        known: records of other kept releases; not asked for where logic and data never differ both.
    """
    halfway: dict[tuple[str, str, str], NodeRecord] = {}
    for relation in sorted(main.keys() | branch.keys()):
        before, now = main.get(relation), branch.get(relation)
        if before is None or now is None:
            yield Pair(relation, "new" if before is None else "gone", before, now)
        elif before.fingerprint.whole != now.fingerprint.whole:
            whole = Pair(relation, effect_of(before, now), before, now)
            yield whole
            if whole.effect == "logic and data":
                halfway |= {(record.relation, record.fingerprint.logic, record.fingerprint.data): record for record in known}
                steps = [(now.fingerprint.logic, before.fingerprint.data), (before.fingerprint.logic, now.fingerprint.data)]
                middle = next((halfway[relation, *step] for step in steps if (relation, *step) in halfway), None)
                if middle:
                    yield replace(whole, effect=effect_of(before, middle), branch=middle)
                    yield replace(whole, effect=effect_of(middle, now), main=middle)


class Comparison:
    """Fills the tables of schema `comparison`.

    Args:
        cursor: a cursor on the branch's open database.
        store: where both sides' files are.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, store: Store) -> None:
        self._cursor = cursor
        self._store = store
        cursor.execute("create schema if not exists comparison")
        for name, columns in _TABLES.items():
            cursor.execute(f"create or replace table comparison.{name} ({columns})")

    def add(self, pair: Pair) -> None:
        """Compare one relation."""
        if pair.main is None or pair.branch is None:
            rows = [side.row_count if side else None for side in (pair.main, pair.branch)]
            self._put("tables", pair, [list(pair.key), *rows, None, None, None])
            return
        for side, record in (("main", pair.main), ("branch", pair.branch)):
            files = [self._store.path(file) for file in record.files]
            self._cursor.execute(f"create or replace temp view {side}_side as {read_sql(files)}")
        if pair.branch.materialized == "fitted":
            self._metrics(pair)
            return
        columns = [self._columns(side) for side in ("main", "branch")]
        if not pair.key or not all(set(pair.key) <= set(side) for side in columns):
            self._put("tables", pair, [[], pair.main.row_count, pair.branch.row_count, None, None, None])
        else:
            self._rows(pair, *columns)

    def _rows(self, pair: Pair, main: dict[str, str], branch: dict[str, str]) -> None:
        shared = [name for name in main if name in branch and name not in pair.key]
        self._join(pair, {name: main[name] != branch[name] for name in shared})
        differs = " or ".join(_of("differs", name) for name in shared if name not in STAMPS) or "false"
        counts = (
            "count(*) filter (in_main), count(*) filter (in_branch), count(*) filter (not in_main),"
            f" count(*) filter (not in_branch), count(*) filter (in_main and in_branch and ({differs}))"
        )
        self._put("tables", pair, [list(pair.key), *self._one(f"select {counts} from joined")])
        for name in [*main, *(name for name in branch if name not in main)]:
            if name not in pair.key:
                self._column(pair, name, main.get(name), branch.get(name))
        if {main.get("score"), branch.get("score")} == {"DOUBLE"} and self._one('select bool_or("differs score") from joined')[0]:
            self._scores(pair)
            if "reasons" in shared:
                self._movers(pair)
        if pair.decision in shared:
            self._decisions(pair)

    def _join(self, pair: Pair, retyped: dict[str, bool]) -> None:
        """Both sides in one temporary table: in_main, in_branch, key, and for each column main, branch and differs."""
        picked = ", ".join(
            f"m.{identifier(name)} as {_of('main', name)}, b.{identifier(name)} as {_of('branch', name)}, m.here and b.here and"
            f" {_typed('m', name, other)} is distinct from {_typed('b', name, other)} as {_of('differs', name)}"
            for name, other in retyped.items()
        )
        on = " and ".join(f"m.{column} is not distinct from b.{column}" for column in map(identifier, pair.key))
        named = " || ', ' || ".join(
            f"coalesce(cast(coalesce(m.{c}, b.{c}) as varchar), 'NULL')" for c in map(identifier, pair.key)
        )
        self._cursor.execute(
            f"create or replace temp table joined as select m.here is not null as in_main, b.here is not null as in_branch,"
            f" {named} as key{', ' + picked if picked else ''}"
            f" from (select *, true as here from main_side) as m full join (select *, true as here from branch_side) as b on {on}"
        )

    def _column(self, pair: Pair, name: str, main_type: str | None, branch_type: str | None) -> None:
        if main_type is None or branch_type is None:
            self._put("columns", pair, [name, "added" if main_type is None else "removed", None, None, None])
            return
        numeric = all(_is_number(kind) for kind in (main_type, branch_type))
        means = (
            f"avg({_of('main', name)}) filter (in_main), avg({_of('branch', name)}) filter (in_branch)"
            if numeric
            else "null, null"
        )
        changed, *averages = self._one(f"select count(*) filter ({_of('differs', name)}), {means} from joined")
        if changed:
            state = "changed" if main_type == branch_type else f"changed from {main_type} to {branch_type}"
            self._put("columns", pair, [name, state, changed, *averages])

    def _scores(self, pair: Pair) -> None:
        """Distributions (deciles, the ends included) and, over rows in both, Spearman's rank correlation (ties share ranks)."""
        deciles = "[" + ", ".join(f"{tenth / 10}" for tenth in range(11)) + "]"
        ranks = ", ".join(
            f'rank() over (order by "{s} score") + (count(*) over (partition by "{s} score") - 1) / 2 as {s}_rank'
            for s in ("main", "branch")
        )
        both = self._one(
            f'with ranked as (select *, {ranks} from joined where "main score" is not null and "branch score" is not null)'
            ' select count(*), avg("branch score" - "main score"), avg(abs("branch score" - "main score")),'
            " case when stddev_pop(main_rank) > 0 and stddev_pop(branch_rank) > 0 then corr(main_rank, branch_rank) end"
            " from ranked"
        )
        means = self._one('select avg("main score"), avg("branch score") from joined')
        spread = self._one(f'select quantile_cont("main score", {deciles}), quantile_cont("branch score", {deciles}) from joined')
        self._put("scores", pair, [both[0], *means, *both[1:], *spread])

    def _decisions(self, pair: Pair) -> None:
        main, branch = _of("main", pair.decision), _of("branch", pair.decision)
        self._cursor.execute(
            f"insert into comparison.decisions select ?, ?, ?, key, cast({main} as varchar), cast({branch} as varchar)"
            f" from joined where {main} is distinct from {branch} order by key",
            [pair.relation, pair.effect, pair.decision],
        )

    def _movers(self, pair: Pair) -> None:
        """The rows whose score moved most, each with the named feature whose contribution changed most.

        A feature outside a row's stored reasons counts with 0: its contribution there is smaller than the listed ones.
        """
        self._cursor.execute(
            f"""
            insert into comparison.movers
            with moved as (
                select key, "main score" as main_score, "branch score" as branch_score,
                    "main reasons" as main_reasons, "branch reasons" as branch_reasons
                from joined where "differs score"
                order by abs(branch_score - main_score) desc nulls last, key limit {_MOVERS_KEPT}
            ),
            listed as (
                select key, reason.feature, reason.contribution as main_contribution, 0 as branch_contribution
                from moved, unnest(main_reasons) as listed(reason)
                union all
                select key, reason.feature, 0, reason.contribution from moved, unnest(branch_reasons) as listed(reason)
            ),
            summed as (
                select key, feature, sum(main_contribution) as main_contribution, sum(branch_contribution) as branch_contribution
                from listed group by all
            ),
            most as (
                select * from summed qualify 1 = row_number() over (
                    partition by key order by abs(branch_contribution - main_contribution) desc, feature
                )
            )
            select ?, ?, moved.key, main_score, branch_score, branch_score - main_score,
                most.feature, most.main_contribution, most.branch_contribution
            from moved left join most using (key)
            order by abs(branch_score - main_score) desc nulls last, moved.key
            """,
            [pair.relation, pair.effect],
        )

    def _metrics(self, pair: Pair) -> None:
        metrics = (
            "select m.metric, m.value from {} as version, unnest(version.metrics) as listed(m)"
            " where m.split = 'test' and m.slice = 'all' and m.bin is null"
        )
        self._cursor.execute(
            f"insert into comparison.metrics select ?, ?, coalesce(m.metric, b.metric) as metric, m.value, b.value"
            f" from ({metrics.format('main_side')}) as m full join ({metrics.format('branch_side')}) as b"
            f" on m.metric = b.metric order by metric",
            [pair.relation, pair.effect],
        )

    def _columns(self, side: str) -> dict[str, str]:
        return {row[0]: row[1] for row in self._cursor.execute(f"describe {side}_side").fetchall()}

    def _one(self, query: str) -> tuple:
        return self._cursor.execute(query).fetchone()

    def _put(self, table: str, pair: Pair, values: list[object]) -> None:
        row = [pair.relation, pair.effect, *values]
        self._cursor.execute(f"insert into comparison.{table} values ({', '.join('?' * len(row))})", row)

    # ---------------------------------------------------------------- on the terminal

    def text(self, examples: int) -> str:
        """The comparison as aligned tables; long lists are cut to `examples` rows."""
        shown = [self._shown(title, query.format(examples=examples)) for title, query in _SHOWN.items()]
        return "\n\n".join(part for part in shown if part)

    def _shown(self, title: str, query: str) -> str:
        self._cursor.execute(query)
        header = [column[0] for column in self._cursor.description]
        rows = self._cursor.fetchall()
        return f"{title}\n{text.table(header, rows)}" if rows else ""


def _typed(side: str, column: str, is_retyped: bool) -> str:
    value = f"{side}.{identifier(column)}"
    return f"cast({value} as varchar)" if is_retyped else value


def _of(side: str, column: str) -> str:
    """Name of one side of a column in the joined table."""
    return identifier(f"{side} {column}")


def _is_number(kind: str) -> bool:
    return kind.startswith(("DOUBLE", "FLOAT", "DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "U"))
