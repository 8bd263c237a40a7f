"""Who may serve: a version takes customers only when it is known, ready, and no worse than what main serves."""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from scorehouse import release, versions
from scorehouse.branch import PRODUCTION
from scorehouse.errors import ScorehouseError
from scorehouse.run import Run
from scorehouse.versions import policy_row

CHAMPION, ACCEPTED, REJECTED, EMPTY = "champion", "accepted", "rejected", "empty"


def pinned_version(run: Run, routes: str, implementation: str) -> str | None:
    """The version that the seed `routes` pins for an implementation; None where it pins none.

    Raises ScorehouseError for two different ones.
    """
    if not run.has(routes):
        return None
    query = f"select distinct model_version from {routes} where implementation = ? and model_version <> '' order by 1"
    pinned = [version for (version,) in run.connection.cursor().execute(query, [implementation]).fetchall()]
    if len(pinned) > 1:
        raise ScorehouseError(
            f"Seed routes: expected one pinned version of {implementation}, found {' and '.join(pinned)}; keep one of them."
        )
    return pinned[0] if pinned else None


def expect_routable(run: Run, endpoint: str, implementations: Mapping[str, str], routes: str, policy: str) -> None:
    """Judge every implementation of an endpoint against what main serves, and note it in history.gates.

    Args:
        implementations: relation of each implementation's scores, by name.
        routes, policy: relations of the seeds.

    Raises ScorehouseError when an implementation that has a share is unknown or rejected.
    """
    cursor = run.connection.cursor()
    shares = dict(cursor.execute(f"select implementation, share from {routes} where endpoint = ?", [endpoint]).fetchall())
    unknown = sorted(set(shares) - set(implementations))
    if unknown:
        raise ScorehouseError(
            f"Seed routes: expected an implementation of {endpoint} ({', '.join(sorted(implementations))}), "
            f"found '{unknown[0]}'; correct it."
        )
    champion, limits = _champion(run, endpoint), run.fingerprint(policy)
    before = {
        tuple(row[1:5]): row[1:-1] for row in cursor.execute("from history.gates where endpoint = ?", [endpoint]).fetchall()
    }
    rows = []
    for name in sorted(implementations):
        ((version,),) = cursor.execute(f"select min(model_version) from {implementations[name]}").fetchall()
        known = before.get((name, version, champion, limits))
        rows.append([endpoint, *(known or _judged(run, cursor, endpoint, name, version, champion, policy, limits))])
    _note(cursor, endpoint, rows)
    for _, implementation, version, _, _, status, reason, *_ in rows:
        if status == REJECTED and shares.get(implementation):
            raise ScorehouseError(
                f"Seed routes: expected a version of {implementation} that may serve {endpoint}, found {version}, which is "
                f"rejected: {reason}; route to another implementation or version, or change the seed retrain_policy."
            )


def _champion(run: Run, endpoint: str) -> str | None:
    """The version that scores most rows of an endpoint in main's current release; None before the first."""
    current = run.warehouse.on(PRODUCTION).current_release()
    served = [] if current is None else _served_versions(run, endpoint, current)
    return served[0] if served else None


def _standing(run: Run, endpoint: str, version: str, reason: str | None) -> str | None:
    """A reason against a version; none for one that a kept release of main serves: going back to it is always allowed."""
    if reason is None:
        return None
    releases = run.warehouse.on(PRODUCTION).release_numbers()
    has_served = any(version in _served_versions(run, endpoint, number) for number in reversed(releases))
    return None if has_served else reason


def _served_versions(run: Run, endpoint: str, number: int) -> list[str]:
    """Versions in one of main's releases of an endpoint, the one with most rows first."""
    file = run.warehouse.on(PRODUCTION).release(number) / release.SERVING
    with duckdb.connect(str(file), read_only=True) as serving:
        try:
            query = f'select model_version from "{endpoint}" group by 1 order by count(*) desc, 1'
            return [version for (version,) in serving.execute(query).fetchall()]
        except duckdb.Error:  # a new endpoint, or one without versions
            return []


def _judged(
    run: Run,
    cursor: duckdb.DuckDBPyConnection,
    endpoint: str,
    name: str,
    version: str | None,
    champion: str | None,
    policy: str,
    limits: str,
) -> list[object]:
    """One row of history.gates, without its endpoint and its time."""
    row = run.read_version(version) if version else None
    head = [name, version, champion, limits]
    if row is None:
        return [*head, ACCEPTED if version else EMPTY, None, None, None, None]
    rejection = _standing(run, endpoint, version, versions.rejection(run.records.nodes.values(), version))
    if rejection:
        return [*head, REJECTED, rejection, None, None, None]
    best = run.read_version(champion) if champion and champion != version else None
    if best is None or best["status"][0].as_py() != "ready":
        return [*head, CHAMPION if champion == version else ACCEPTED, None, None, None, None]
    from scorehouse.learning import policy as policies  # scikit-learn loads only where something is compared

    rules = policies.Policy.of(policy_row(cursor, policy, version.partition("@")[0]) or {})
    measured = _measured(run, best, row)
    metric = rules.metric_of(row)
    reason = _standing(run, endpoint, version, policies.refusal(rules, row, best, measured))
    value = policies.metrics_of(row).get((policies.ALL, metric))
    return [*head, REJECTED if reason else ACCEPTED, reason, metric, value, measured.get((policies.ALL, metric))]


def _measured(run: Run, champion: pa.Table, challenger: pa.Table) -> dict[tuple[str, str], float]:
    """The champion's metrics on the challenger's test: its own, or those of a decision on that test.

    Where neither is known, its own on its own test.
    """
    from scorehouse.learning import policy as policies

    version, until = champion["model_version"][0].as_py(), challenger["test_until"][0].as_py()
    if champion["test_until"][0].as_py() != until:
        for record in run.records.nodes.values():
            for entry in reversed(versions.decisions(record)):
                if entry["test_until"] == str(until) and entry["measured_version"] == version:
                    return policies.by_slice(entry["metrics"])
    return policies.metrics_of(champion)


def _note(cursor: duckdb.DuckDBPyConnection, endpoint: str, rows: list[list[object]]) -> None:
    cursor.execute("begin")
    cursor.execute("delete from history.gates where endpoint = ?", [endpoint])
    cursor.executemany("insert into history.gates values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, now()::timestamp)", rows)
    cursor.execute("commit")
