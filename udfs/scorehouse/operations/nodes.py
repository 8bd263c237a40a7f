"""What materializations ask for, one node each; most return the few words that dbt prints."""

from scorehouse.build import function as functions
from scorehouse.build import seed as seeds
from scorehouse.build import table as tables
from scorehouse.build.fitted import FittedModel
from scorehouse.build.partitioned import partitioned as build_partitioned
from scorehouse.build.run import Run
from scorehouse.operations import audit, data_tests
from scorehouse.operations.register import Answer, operation
from scorehouse.sandbox import queries
from scorehouse.sandbox.limits import time_limit


@operation
def table(run: Run, node_id: str, sql: str, columns_ddl: str | None) -> str:
    """Build or reuse a stored model."""
    return tables.table(run.builder, node_id, sql, columns_ddl).message


@operation
def is_stored(run: Run, node_id: str, sql: str, columns_ddl: str) -> bool:
    """Whether the store has what a table would be."""
    return tables.is_stored(run.builder, node_id, sql, columns_ddl)


@operation
def partitioned(run: Run, node_id: str, sql: str, columns_ddl: str | None) -> str:
    """Build or reuse a model partition by partition."""
    return build_partitioned(run.builder, node_id, sql, columns_ddl).message


@operation
def fitted(run: Run, node_id: str, sql: str, training_rows: int | None) -> str:
    """Train or reuse a fitted model."""
    with audit.decisions(run, node_id):
        return FittedModel(run.builder, node_id, sql, training_rows).build().message


@operation
def view(run: Run, node_id: str, sql: str) -> str:
    """Create or keep a view."""
    return tables.view(run.builder, node_id, sql).message


@operation
def seed(run: Run, node_id: str) -> str:
    """Load or reuse a seed."""
    return seeds.seed(run.builder, node_id).message


@operation
def function(run: Run, node_id: str, body: str) -> str:
    """Create or keep a function node."""
    return functions.function(run.builder, node_id, body).message


@operation
def check_sql(run: Run, node_id: str, sql: str) -> None:
    """Let a test's SQL pass the sandbox gate. Returns nothing."""
    node = run.manifest.node(node_id)
    queries.check(sql, node.path, node.text or None, run.manifest.reach(node))


@operation
def passed_before(run: Run, node_id: str, sql: str) -> Answer | None:
    """What a test that passed before on the very same data and definition would answer; None for any other."""
    passed = run.records.passed(node_id)
    if passed is None or run.builder.question(node_id, sql, passed.reading).fingerprint != passed.fingerprint:
        return None
    if run.manifest.node(node_id).kind == "unit_test":
        return Answer(("actual_or_expected", "unchanged"), ())
    return Answer(("failures", "should_warn", "should_error"), ((0, False, False),))


@operation
def failed_test(run: Run, node_id: str, sql: str, count: int) -> None:
    """Keep what a failed data test found, `count` rows, for the end of the run. Returns nothing."""
    node, cursor = run.manifest.node(node_id), run.connection.cursor()
    with time_limit(cursor, run.timeout_seconds, node.name):
        run.found[node_id], run.sentences[node_id] = data_tests.failure(run.manifest, cursor, node, sql, count)


@operation
def remember_passed(run: Run, node_id: str, sql: str) -> None:
    """Remember that a test passed on the data it just looked at. Returns nothing."""
    run.records.put_passed(node_id, run.builder.question(node_id, sql))
