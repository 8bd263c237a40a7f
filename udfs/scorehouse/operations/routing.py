"""Who may serve: a version that is known, ready, and no worse than what main serves; its baseline while it does not beat that."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from scorehouse.build import versions
from scorehouse.build.run import Run
from scorehouse.build.versions import POLICY_SEED, ROUTES_SEED, policy_row, version_name
from scorehouse.errors import ScorehouseError
from scorehouse.learning.measure.limits import ALL, Metrics, Policy, by_slice, metrics_of, refusal, shortfall
from scorehouse.names.fingerprint import digest
from scorehouse.names.git import PRODUCTION
from scorehouse.names.quoting import identifier, quoted
from scorehouse.names.warehouse import SERVING
from scorehouse.operations.register import operation
from scorehouse.sandbox.queries import HISTORY
from scorehouse.store.rows import insert

_naming = threading.Lock()

CHAMPION, ACCEPTED, REJECTED, OUTDONE, EMPTY = "champion", "accepted", "rejected", "outdone", "empty"


@dataclass(frozen=True)
class Judgement:
    """What the gate decided of one implementation's version, and on which numbers: columns of `history.gates`.

    Attributes:
        policy: hash of the row of the seed retrain_policy that counts for it.
        metric, value, champion_value: what was compared, where something was.
        baseline_version, baseline_value: the same of its baseline, where it has one that was measured on the same test.
        served_by: who serves its share: itself, or its baseline; None where it has none.
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
    baseline_version: str | None = None
    baseline_value: float | None = None
    served_by: str | None = None

    @property
    def may_serve(self) -> bool:
        """Whether its scores may be routed."""
        return self.status in (CHAMPION, ACCEPTED)

    @property
    def question(self) -> tuple[str | None, ...]:
        """What was asked: the same question is not asked twice."""
        return self.implementation, self.model_version, self.champion_version, self.policy


@operation
def fitted_version(run: Run, relation: str, routes: str, implementation: str) -> dict[str, object] | None:
    """What SQL needs of a fitted model: model_version, status, SQL of scores and reasons, features; None before it is built.

    The version is the one that `routes` pins for the implementation, else the one in use.
    """
    record = run.record_of(relation)
    if record is None or record.materialized != "fitted":
        return None
    pinned = _pinned_version(run, routes, implementation)
    row = run.read_version(pinned) if pinned else versions.read_row(run.store.path(record.files[0]))
    if row is None or (pinned and _model(pinned) != record.name):
        known = ", ".join(version_name(record.name, Path(file).stem) for file in record.files)
        raise ScorehouseError(
            f"{_in_routes(run, implementation=implementation, model_version=pinned)}: "
            f"expected a version of {relation} for {implementation} ({known}), found '{pinned}'; "
            f"correct model_version, or leave it empty for the version in use."
        )
    needed = ("model_version", "status", "score_sql", "measured_sql", "reasons_sql", "features")
    said = {name: row[name][0].as_py() for name in needed}
    times = [row[name][0].as_py() for name in ("train_until", "test_from")]
    has_learned_from_all = times[0] is not None and times[1] is None  # cross-validated, say: nothing is held out
    return said | {"measured_sql": said["measured_sql"] or (None if has_learned_from_all else said["score_sql"])}


@operation
def served_version(run: Run, relation: str, routes: str, implementation: str) -> str | None:
    """Name of a relation with the row of the version that `routes` pins for an implementation; None where it pins none.

    It carries the version's fingerprint, so that a query that reads it is another query when it changes. It is there for this run
    only. That the version is one of the model's is asked by `fitted_version`.
    """
    record, pinned = run.record_of(relation), _pinned_version(run, routes, implementation)
    files = [file for file in (record.files if record else ()) if version_name(record.name, Path(file).stem) == pinned]
    if not files:
        return None
    name = quoted(f"{HISTORY}.{pinned}")
    with _naming:  # nodes ask side by side, and two that create one view end each other's transactions
        run.connection.cursor().execute(f"create view if not exists {name} as {versions.rows_sql([run.store.path(files[0])])}")
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
            f"{_in_routes(run, implementation=implementation, model_version=pinned[1])}: "
            f"expected one pinned version of {implementation}, found {' and '.join(pinned)}; keep one of them."
        )
    return pinned[0] if pinned else None


def _in_routes(run: Run, **cells: str) -> str:
    """Where the seed says something: its file, and the line of the first row with these cells."""
    seed = run.manifest.seed(ROUTES_SEED)
    rows = enumerate(run.manifest.seed_rows(ROUTES_SEED), start=2)
    line = next((line for line, row in rows if cells.items() <= row.items()), None)
    return (seed.path if seed else f"Seed {ROUTES_SEED}") + (f", line {line}" if line else "")


@operation
def in_place(run: Run, endpoint: str, implementations: Mapping[str, str], routes: str) -> dict[str, str]:
    """Judge every implementation of an endpoint against what main serves and its baseline, and note it in history.gates.

    Args:
        implementations: relation of each implementation's scores, by name.
        routes: relation of the seed.

    Returns who serves in place of whom: the baselines of implementations that do not beat them.
    Raises ScorehouseError when an implementation that has a share is unknown or rejected.
    """
    shares = _shares(run, endpoint, implementations, routes)
    gate = _Gate(run, endpoint, implementations, routes)
    judgements = [gate.judgement(name) for name in sorted(implementations)]
    refused = next((one for one in judgements if one.status == REJECTED and shares.get(one.implementation)), None)
    if refused:
        gate.note(judgements)
        raise ScorehouseError(
            f"{_in_routes(run, endpoint=endpoint, implementation=refused.implementation)}: expected a version of "
            f"{refused.implementation} that may serve {endpoint}, found {refused.model_version}, which is rejected: "
            f"{refused.reason}; route to another implementation or version, or change the seed retrain_policy."
        )
    outdone = {one.implementation: gate.baselines[one.implementation] for one in judgements if one.status == OUTDONE}
    serving = {name: outdone.get(name, name) for name, share in shares.items() if share}
    judgements = [
        gate.in_place(one) if one.implementation in {*outdone.values()} & {*serving.values()} else one for one in judgements
    ]
    gate.note([replace(one, served_by=serving.get(one.implementation)) for one in judgements])
    return outdone


def _shares(run: Run, endpoint: str, implementations: Mapping[str, str], routes: str) -> dict[str, float]:
    """What the seed `routes` gives each implementation; all to the only one where it says nothing."""
    found = run.connection.cursor().execute(f"select implementation, share from {routes} where endpoint = ?", [endpoint])
    shares = dict(found.fetchall())
    if not shares and len(implementations) > 1:
        raise ScorehouseError(
            f"{_in_routes(run, endpoint=endpoint)}: "
            f"expected shares for the implementations of {endpoint} ({', '.join(sorted(implementations))}), "
            f"found none; add a row for each that serves."
        )
    unknown = sorted(set(shares) - set(implementations))
    if unknown:
        raise ScorehouseError(
            f"{_in_routes(run, endpoint=endpoint, implementation=unknown[0])}: "
            f"expected an implementation of {endpoint} ({', '.join(sorted(implementations))}), "
            f"found '{unknown[0]}'; correct it."
        )
    return shares or dict.fromkeys(implementations, 1.0)


def _model(version: str | None) -> str:
    """The fitted model of a version."""
    return (version or "").partition("@")[0]


class _Gate:
    """The gate of one endpoint in one run."""

    def __init__(self, run: Run, endpoint: str, implementations: Mapping[str, str], routes: str) -> None:
        self._run = run
        self._endpoint = endpoint
        self._policies = run.manifest.seed_rows(POLICY_SEED)
        self._cursor = run.connection.cursor()
        production = run.warehouse.on(PRODUCTION)
        current = production.current_release()
        served = [] if current is None else self._served_versions(production.release(current))
        self._champion = served[0] if served else None  # the version that scores most rows
        self._versions = {name: self._version_behind(relation) for name, relation in implementations.items()}
        self._pinned = {name for name in implementations if _pinned_version(run, routes, name)}
        self._before = {known.question: known for known in self._noted()}
        self.baselines = self._baselines()

    def judgement(self, implementation: str) -> Judgement:
        """Whether an implementation may serve, and if so whether it beats its baseline.

        A baseline is no challenger: in place of what it beats it need not beat the champion too. Where it serves so, what it
        stands for is not compared with it as with a champion: that would be a reason to fail.
        """
        baseline = self.baselines.get(implementation)
        version = self._versions.get(baseline)
        is_replaced = version is not None and _model(self._champion) == _model(version)
        found = self._alone(implementation, None if is_replaced else self._champion)
        if version is None or not self._alone(baseline, None).may_serve:
            return found
        if found.status == EMPTY:
            return replace(found, status=OUTDONE, reason="it has no version that can score")
        return self._beside_baseline(found, version) if found.may_serve else found

    def in_place(self, judgement: Judgement) -> Judgement:
        """What is decided of a baseline that serves in place of a model, whatever it would be as a challenger."""
        return self._alone(judgement.implementation, None) if judgement.status == REJECTED else judgement

    def _alone(self, implementation: str, champion: str | None) -> Judgement:
        """What is decided of it without its baseline; the same question is answered as before."""
        version = self._versions[implementation]
        limits = digest(self._limits(version))
        asked = Judgement(implementation, version, champion, limits, ACCEPTED if version else EMPTY)
        known = self._before.get(asked.question)
        return known if known and known.status != OUTDONE else self._judgement(asked)

    def note(self, judgements: list[Judgement]) -> None:
        """Keep what was decided instead of what was before."""
        self._cursor.execute("begin")
        self._cursor.execute("delete from history.gates where endpoint = ?", [self._endpoint])
        for judgement in judgements:
            insert(self._cursor, "history.gates", {"endpoint": self._endpoint, **vars(judgement)})
        self._cursor.execute("update history.gates set decided_at = now()::timestamp where decided_at is null")
        self._cursor.execute("commit")

    def _noted(self) -> list[Judgement]:
        names = ", ".join(Judgement.__dataclass_fields__)
        rows = self._cursor.sql(f"select {names} from history.gates where endpoint = ?", params=[self._endpoint])
        return [Judgement(**row) for row in rows.to_arrow_table().to_pylist()]

    def _version_behind(self, relation: str) -> str | None:
        """The version that made an implementation's scores; None where it has none."""
        return self._cursor.execute(f"select min(model_version) from {relation}").fetchall()[0][0]

    def _baselines(self) -> dict[str, str]:
        """The implementation that each one must beat, where its YAML names one; it serves the same endpoint."""
        declared = {node.name: (node.meta.get("monitoring") or {}).get("baseline") for node in self._run.manifest.built()}
        found = {name: declared[name] for name in self._versions if isinstance(declared.get(name), str)}
        for name, baseline in found.items():
            if baseline not in self._versions:
                raise ScorehouseError(
                    f"{self._endpoint}: expected {baseline}, the baseline of {name} (meta.monitoring), among the implementations "
                    f"in routed(), found {', '.join(sorted(self._versions))}; add it, so that it can serve in its place."
                )
        return found

    def _limits(self, version: str | None) -> Mapping[str, object]:
        """The row of the seed retrain_policy for a version's model; nothing where it has none."""
        return policy_row(self._policies, _model(version)) or {} if version else {}

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
        rules = Policy.of(self._limits(version))
        measured = self._measured(best, row)
        metric = rules.metric_of(row)
        reason = self._standing(version, refusal(rules, row, best, measured))
        of_version, of_champion = (found.get((ALL, metric)) for found in (metrics_of(row), measured))
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
        with suppress(duckdb.Error), duckdb.connect(str(release / SERVING), read_only=True) as serving:
            query = f"select model_version from {identifier(self._endpoint)} group by 1 order by count(*) desc, 1"
            return [version for (version,) in serving.execute(query).fetchall()]
        return []  # of a new endpoint, one without versions, or a release that is damaged: a green build mends it

    def _beside_baseline(self, found: Judgement, baseline: str) -> Judgement:
        """A judgement beside the baseline's version, on the newest later-in-time test on which both were measured."""
        row, other = self._run.read_version(found.model_version), self._run.read_version(baseline)
        if row is None or other is None or {row["status"][0].as_py(), other["status"][0].as_py()} != {"ready"}:
            return found
        rules = Policy.of(self._limits(found.model_version))
        metric = rules.metric_of(row)
        of_version, of_baseline = self._tests(row), self._tests(other)
        known = [
            {at: found[ALL, metric] for at, found in tests.items() if (ALL, metric) in found}
            for tests in (of_version, of_baseline)
        ]
        newest = max(known[0].keys() & known[1].keys(), default=None)
        if newest is None:
            return found
        value, reference = (values[newest] for values in known)
        reason = shortfall(metric, value, reference, rules.baseline_margin, baseline)
        if found.implementation in self._pinned:
            reason = self._standing(found.model_version, reason)
        own = {} if found.value is not None and not reason else {"metric": metric, "value": value}
        beside = replace(found, baseline_version=baseline, baseline_value=reference, **own)
        return replace(beside, status=OUTDONE, reason=reason) if reason else beside

    def _tests(self, version: pa.Table) -> dict[str, Metrics]:
        """What is known of a version by the last time of the test: its own test, and those of decisions about it since.

        A decision's counts where both are of one time: all of one build are of the same rows, which may have become more.
        """
        name, until = version["model_version"][0].as_py(), version["test_until"][0].as_py()
        decided = [one for record in self._run.records.nodes.values() for one in versions.decisions(record)]
        measured = [one for one in decided if one.measured_version == name and one.test_until and one.metrics]
        own = {} if until is None else {str(until): metrics_of(version)}
        return {**own, **{one.test_until: by_slice(map(vars, one.metrics)) for one in measured}}

    def _measured(self, champion: pa.Table, challenger: pa.Table) -> Metrics:
        """The champion's metrics on the challenger's test; where they are not known, its own on its own test."""
        return self._tests(champion).get(str(challenger["test_until"][0].as_py())) or metrics_of(champion)
