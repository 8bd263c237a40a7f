"""Operations that materializations ask for, one node each; most return the few words that dbt prints."""

from pathlib import Path
from typing import TYPE_CHECKING

from scorehouse import data_tests, gate, gates, versions
from scorehouse.errors import ScorehouseError
from scorehouse.guard import time_limit
from scorehouse.operation import operation
from scorehouse.retraining import Retraining
from scorehouse.run import Run
from scorehouse.versions import version_name

if TYPE_CHECKING:
    import agate


@operation
def table(run: Run, node_id: str, sql: str, columns_ddl: str | None) -> str:
    """Build or reuse a stored model."""
    return run.builder.table(node_id, sql, columns_ddl).message


@operation
def is_stored(run: Run, node_id: str, sql: str, columns_ddl: str) -> bool:
    """Whether the store has what a table would be."""
    return run.builder.is_stored(node_id, sql, columns_ddl)


@operation
def partitioned(run: Run, node_id: str, sql: str, columns_ddl: str | None) -> str:
    """Build or reuse a model partition by partition."""
    return run.builder.partitioned(node_id, sql, columns_ddl).message


@operation
def fitted(run: Run, node_id: str, sql: str) -> str:
    """Train or reuse a fitted model."""
    return Retraining(run.builder, node_id, sql).run().message


@operation
def view(run: Run, node_id: str, sql: str) -> str:
    """Create or keep a view."""
    return run.builder.view(node_id, sql).message


@operation
def seed(run: Run, node_id: str) -> str:
    """Load or reuse a seed."""
    return run.builder.seed(node_id).message


@operation
def function(run: Run, node_id: str, body: str) -> str:
    """Create or keep a function node."""
    return run.builder.function(node_id, body).message


@operation
def check_sql(run: Run, node_id: str, sql: str) -> None:
    """Let a test's SQL pass the sandbox gate. Returns nothing."""
    node = run.project.node(node_id)
    gate.check(sql, node.original_file_path, getattr(node, "raw_code", None), run.project.reach(node))


@operation
def passed_before(run: Run, node_id: str, sql: str) -> "agate.Table | None":
    """The result of a test that passed before on the very same data and definition, as dbt would read it; else None."""
    if not run.records.has_passed(node_id, run.builder.test_fingerprint(node_id, sql)):
        return None
    import agate  # comes with dbt

    if node_id.startswith("unit_test."):
        return agate.Table([], ["actual_or_expected", "unchanged"])
    kinds = [agate.Number(), agate.Boolean(), agate.Boolean()]
    return agate.Table([[0, False, False]], ["failures", "should_warn", "should_error"], kinds)


@operation
def failed_test(run: Run, node_id: str, sql: str, count: int) -> None:
    """Keep what a failed data test found, `count` rows, for the end of the run. Returns nothing."""
    node, cursor = run.project.node(node_id), run.connection.cursor()
    with time_limit(cursor, run.timeout_seconds, node.name):
        run.failures.append(data_tests.failure(run.project, cursor, node, sql, count))


@operation
def remember_passed(run: Run, node_id: str, sql: str) -> None:
    """Remember that a test passed on the data it just looked at. Returns nothing."""
    run.records.put_passed(node_id, run.builder.test_fingerprint(node_id, sql))


@operation
def fitted_version(run: Run, relation: str, routes: str, implementation: str) -> dict[str, object] | None:
    """What scoring SQL needs of a fitted model: model_version, status, score_sql, reasons_sql; None before it is built.

    The version is the one that `routes` pins for the implementation, else the one in use.
    """
    record = run.record_of(relation)
    if record is None or record.materialized != "fitted":
        return None
    pinned = gates.pinned_version(run, routes, implementation)
    row = run.read_version(pinned) if pinned else versions.read_row(run.store.folder / record.files[0])
    if row is None or (pinned and pinned.partition("@")[0] != relation.split(".")[1]):
        known = ", ".join(version_name(relation.split(".")[1], Path(file).stem) for file in record.files)
        raise ScorehouseError(
            f"Seed routes: expected a version of {relation} for {implementation} ({known}), found '{pinned}'; "
            f"correct model_version, or leave it empty for the version in use."
        )
    return {name: row[name][0].as_py() for name in ("model_version", "status", "score_sql", "reasons_sql")}


@operation
def expect_routable(run: Run, endpoint: str, implementations: dict[str, str], routes: str, policy: str) -> None:
    """Refuse routes to what must not serve (see scorehouse.gates). Returns nothing."""
    gates.expect_routable(run, endpoint, implementations, routes, policy)
