"""Who may serve: a version takes customers only when it is known, ready, and no worse than what main serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from scorehouse.build import versions
from scorehouse.build.run import Run
from scorehouse.build.versions import POLICY_SEED, policy_row, version_name
from scorehouse.errors import ScorehouseError
from scorehouse.names.fingerprint import digest
from scorehouse.names.git import PRODUCTION
from scorehouse.names.quoting import identifier, quoted
from scorehouse.names.warehouse import SERVING
from scorehouse.operations.register import operation
from scorehouse.sandbox.queries import HISTORY
from scorehouse.store.files import read_sql
from scorehouse.store.rows import insert

CHAMPION, ACCEPTED, REJECTED, EMPTY = "champion", "accepted", "rejected", "empty"


@dataclass(frozen=True)
class Judgement:
    """What the gate decided of one implementation's version, and on which numbers: columns of `history.gates`.

    Attributes:
        policy: hash of the row of the seed retrain_policy that counts for it.
        metric, value, champion_value: what was compared, where something was.
    """

    implementation: str
    model_version: str | None
    champion_version: str | None
    policy: str
    status: str
    reason: str | None = None
    metric: str | None = None
    value: float | None = None
    champion_value: float | None = None

    @property
    def question(self) -> tuple[str | None, ...]:
        """What was asked: the same question is not asked twice."""
        return self.implementation, self.model_version, self.champion_version, self.policy


@operation
def fitted_version(run: Run, relation: str, routes: str, implementation: str) -> dict[str, object] | None:
    """What SQL needs of a fitted model: model_version, status, score_sql, reasons_sql, features; None before it is built.

    The version is the one that `routes` pins for the implementation, else the one in use.
    """
    record = run.record_of(relation)
    if record is None or record.materialized != "fitted":
        return None
    model = record.relation.split(".")[1]
    pinned = _pinned_version(run, routes, implementation)
    row = run.read_version(pinned) if pinned else versions.read_row(run.store.path(record.files[0]))
    if row is None or (pinned and pinned.partition("@")[0] != model):
        known = ", ".join(version_name(model, Path(file).stem) for file in record.files)
        raise ScorehouseError(
            f"Seed routes: expected a version of {relation} for {implementation} ({known}), found '{pinned}'; "
            f"correct model_version, or leave it empty for the version in use."
        )
    return {name: row[name][0].as_py() for name in ("model_version", "status", "score_sql", "reasons_sql", "features")}


@operation
def served_version(run: Run, relation: str, routes: str, implementation: str) -> str | None:
    """Name of a relation with the row of the version that `routes` pins for an implementation; None where it pins none.

    It carries the version's fingerprint, so that a query that reads it is another query when it changes. It is there for this run
    only. That the version is one of the model's is asked by `fitted_version`.
    """
    record, pinned = run.record_of(relation), _pinned_version(run, routes, implementation)
    files = [file for file in (record.files if record else ()) if version_name(relation.split(".")[1], Path(file).stem) == pinned]
    if not files:
        return None
    name = quoted(f"{HISTORY}.{pinned}")
    run.connection.cursor().execute(f"create or replace view {name} as {read_sql([run.store.path(files[0])])}")
    return name


def _pinned_version(run: Run, routes: str, implementation: str) -> str | None:
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


@operation
def expect_routable(run: Run, endpoint: str, implementations: Mapping[str, str], routes: str) -> None:
    """Judge every implementation of an endpoint against what main serves, and note it in history.gates.

    Args:
        implementations: relation of each implementation's scores, by name.
        routes: relation of the seed.

    Raises ScorehouseError when an implementation that has a share is unknown or rejected.
    """
    cursor = run.connection.cursor()
    shares = dict(cursor.execute(f"select implementation, share from {routes} where endpoint = ?", [endpoint]).fetchall())
    if not shares and len(implementations) > 1:
        raise ScorehouseError(
            f"Seed routes: expected shares for the implementations of {endpoint} ({', '.join(sorted(implementations))}), "
            f"found none; add a row for each that serves."
        )
    shares = shares or dict.fromkeys(implementations, 1.0)
    unknown = sorted(set(shares) - set(implementations))
    if unknown:
        raise ScorehouseError(
            f"Seed routes: expected an implementation of {endpoint} ({', '.join(sorted(implementations))}), "
            f"found '{unknown[0]}'; correct it."
        )
    judgements = _Gate(run, endpoint).judged(implementations)
    for judgement in judgements:
        if judgement.status == REJECTED and shares.get(judgement.implementation):
            raise ScorehouseError(
                f"Seed routes: expected a version of {judgement.implementation} that may serve {endpoint}, found "
                f"{judgement.model_version}, which is rejected: {judgement.reason}; route to another implementation or version, "
                f"or change the seed retrain_policy."
            )


class _Gate:
    """The gate of one endpoint in one run."""

    def __init__(self, run: Run, endpoint: str) -> None:
        self._run = run
        self._endpoint = endpoint
        self._policies = run.manifest.seed_rows(POLICY_SEED)
        self._cursor = run.connection.cursor()
        production = run.warehouse.on(PRODUCTION)
        current = production.current_release()
        served = [] if current is None else self._served_versions(production.release(current))
        self._champion = served[0] if served else None  # the version that scores most rows

    def judged(self, implementations: Mapping[str, str]) -> list[Judgement]:
        """Every implementation's judgement, noted; the same question is answered as before."""
        names = ", ".join(Judgement.__dataclass_fields__)
        rows = self._cursor.sql(f"select {names} from history.gates where endpoint = ?", params=[self._endpoint])
        before = {known.question: known for known in (Judgement(**row) for row in rows.to_arrow_table().to_pylist())}
        found = []
        for name in sorted(implementations):
            ((version,),) = self._cursor.execute(f"select min(model_version) from {implementations[name]}").fetchall()
            limits = digest(self._limits(version))
            asked = Judgement(name, version, self._champion, limits, ACCEPTED if version else EMPTY)
            found.append(before.get(asked.question) or self._judgement(asked))
        self._note(found)
        return found

    def _limits(self, version: str | None) -> Mapping[str, object]:
        """The row of the seed retrain_policy for a version's model; nothing where it has none."""
        return policy_row(self._policies, version.partition("@")[0]) or {} if version else {}

    def _judgement(self, asked: Judgement) -> Judgement:
        """The answer to a question."""
        version, champion = asked.model_version, asked.champion_version
        row = self._run.read_version(version) if version else None
        if row is None:
            return asked
        rejection = self._standing(version, versions.rejection(self._run.records.nodes.values(), version))
        if rejection:
            return Judgement(*asked.question, REJECTED, rejection)
        best = self._run.read_version(champion) if champion and champion != version else None
        if best is None or best["status"][0].as_py() != "ready":
            return Judgement(*asked.question, CHAMPION if champion == version else ACCEPTED)
        from scorehouse.learning.measure import policy as policies  # scikit-learn loads only where something is compared

        rules = policies.Policy.of(self._limits(version))
        measured = self._measured(best, row)
        metric = rules.metric_of(row)
        reason = self._standing(version, policies.refusal(rules, row, best, measured))
        of_version, of_champion = (found.get((policies.ALL, metric)) for found in (policies.metrics_of(row), measured))
        return Judgement(*asked.question, REJECTED if reason else ACCEPTED, reason, metric, of_version, of_champion)

    def _standing(self, version: str, reason: str | None) -> str | None:
        """A reason against a version; none for one that a kept release of main serves: going back to it is always allowed."""
        if reason is None:
            return None
        production = self._run.warehouse.on(PRODUCTION)
        kept = map(production.release, reversed(production.release_numbers()))
        return None if any(version in self._served_versions(release) for release in kept) else reason

    def _served_versions(self, release: Path) -> list[str]:
        """Versions in one of main's releases of the endpoint, the one with most rows first."""
        with duckdb.connect(str(release / SERVING), read_only=True) as serving:
            try:
                table = identifier(self._endpoint)
                query = f"select model_version from {table} group by 1 order by count(*) desc, 1"
                return [version for (version,) in serving.execute(query).fetchall()]
            except duckdb.Error:  # a new endpoint, or one without versions
                return []

    def _measured(self, champion: pa.Table, challenger: pa.Table) -> dict[tuple[str, str], float]:
        """The champion's metrics on the challenger's test: its own, or those of a decision on that test.

        Where neither is known, its own on its own test.
        """
        from scorehouse.learning.measure import policy as policies

        version, until = champion["model_version"][0].as_py(), challenger["test_until"][0].as_py()
        if champion["test_until"][0].as_py() != until:
            for record in self._run.records.nodes.values():
                for decision in reversed(versions.decisions(record)):
                    if decision.test_until == str(until) and decision.measured_version == version:
                        return policies.by_slice(map(vars, decision.metrics))
        return policies.metrics_of(champion)

    def _note(self, judgements: list[Judgement]) -> None:
        self._cursor.execute("begin")
        self._cursor.execute("delete from history.gates where endpoint = ?", [self._endpoint])
        for judgement in judgements:
            insert(self._cursor, "history.gates", {"endpoint": self._endpoint, **vars(judgement)})
        self._cursor.execute("update history.gates set decided_at = now()::timestamp where decided_at is null")
        self._cursor.execute("commit")
