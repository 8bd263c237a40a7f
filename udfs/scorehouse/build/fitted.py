"""A fitted model in a build: trained, or its version in use kept, as the seed retrain_policy decides."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath

import duckdb
import pyarrow as pa

from scorehouse.build import engine, versions
from scorehouse.build.builder import Builder, Outcome
from scorehouse.build.monitoring import SIGNALS, training_asked_for
from scorehouse.build.reasons import explain
from scorehouse.build.sample import Sample
from scorehouse.build.versions import ALWAYS, POLICY_SEED, ROUTES_SEED, decided, pinned, version_name
from scorehouse.errors import ScorehouseError
from scorehouse.learning import Spec, fit, prove_again
from scorehouse.learning.measure.limits import Policy, by_slice, refusal
from scorehouse.names.fingerprint import digest
from scorehouse.names.quoting import identifier
from scorehouse.sandbox.files_read import without_files
from scorehouse.store.records import NodeRecord

PINNED = "pinned version "
"""What the names of inputs begin with that stand for versions that a route pins, and that were proved."""


@dataclass(frozen=True)
class _Answer:
    """The model's new record, whether something was trained, and the policy's reason where it had one."""

    record: NodeRecord
    is_new: bool
    reason: str | None = None


class FittedModel:
    """One fitted model in one run; its data are its versions' rows (see scorehouse.build.versions).

    Args:
        sql: the select of its examples.
        training_rows: the most that it learns from, about; None for all.
    """

    def __init__(self, builder: Builder, node_id: str, sql: str, training_rows: int | None = None) -> None:
        self._builder = builder
        self._store = builder.store
        self._node = builder.manifest.node(node_id)
        self._sql = sql
        self._spec = Spec.read(self._node.path, self._node.meta)
        code = engine.of_fitted(asdict(self._spec))
        self._code = code
        self._most = training_rows
        computed_with = code.libraries | {"training_rows": str(training_rows)}
        draft, self._inputs = builder.draft(node_id, sql, [self._spec.text(), code.own], computed_with, counted=self._counted())
        proof = engine.of_proof(self._spec.is_brought)
        self._pinned = pinned(builder.manifest.seed_rows(ROUTES_SEED), self._node.name)
        self._draft = replace(draft, inputs=draft.inputs | proof | {f"{PINNED}{name}": "pinned" for name in self._pinned})
        self._proof = engine.of_tables() | code.libraries | proof
        self._examples = digest(sorted(self._inputs.marks.items()))
        self._previous = builder.records.nodes.get(node_id)
        self._version = version_name(self._node.name, self._draft.fingerprint.whole)

    def _counted(self) -> str:
        """The query of what is learned from: an example's other columns may change as they like."""
        columns = self._spec.columns()
        return self._sql if columns is None else f"select {', '.join(map(identifier, columns))} from ({self._sql}\n)"

    def build(self) -> Outcome:
        """Train the model, or keep the version in use."""
        if versions.is_answered(self._previous, self._draft, self._store):
            answer = _Answer(versions.unchanged(self._previous, self._draft), False)
        else:
            with self._builder.cursor(self._draft, share=self._share(), trains=True) as cursor:
                answer = self._decided(cursor)
        answer = replace(answer, record=self._with_pinned(answer.record))
        self._expect_proved(answer)
        outcome = self._builder.settle_version(answer.record, answer.is_new, answer.reason)
        in_use = versions.read_row(self._store.path(answer.record.files[0]))
        status, reason = (in_use[name][0].as_py() for name in ("status", "status_reason"))
        if status == "parity_failed":
            raise ScorehouseError(f"{self._node.path}: {reason[0].lower()}{reason[1:]}")
        return replace(outcome, held=status.replace("_", " "))

    def _expect_proved(self, answer: _Answer) -> None:
        """Prove the versions that score again, without training, where something is new that computes scores or proves them.

        They are the one in use, and those that a route pins.
        Raises ScorehouseError where the ways to score do not agree any more.
        """
        in_use, previous = answer.record.files[0], self._previous
        unproven = [*self._pinned_files(answer.record), *([] if answer.is_new else [in_use])]
        if previous is not None and self._proof.items() <= previous.inputs.items():
            proved = [f for f in unproven if f == previous.files[0] or f"{PINNED}{self._named(f)}" in previous.inputs]
            unproven = [file for file in unproven if file not in proved]
        if not unproven:
            return
        with self._builder.cursor(self._draft, share=self._share(), trains=True) as cursor:
            examples = self._examples_read(cursor).rows
        for file in unproven:
            refused = prove_again(versions.read_row(self._store.path(file)), examples, self._spec, self._node.path)
            if refused:
                found = f"{refused[0].lower()}{refused[1:]}".rstrip(".")
                raise ScorehouseError(f"{self._node.path}: {found} ({self._remedy(file, in_use)}.")

    def _share(self) -> float:
        """How much of the rows it learns from, about, if the largest relation that it reads has the examples."""
        rows = max((r.row_count or 0 for r in self._builder.reader.behind(self._node).values()), default=0)
        return min(1.0, self._most / rows) if self._most and rows and not self._spec.is_brought else 1.0

    def _remedy(self, file: str, in_use: str) -> str:
        """What changed so that a version cannot be scored with any more, and what to do."""
        changed = explain(self._previous, self._draft, False)
        if file != in_use:
            return (
                f"{self._named(file)}, which a route pins; {changed}); take that back, or pin another in the seed {ROUTES_SEED}"
            )
        again = "" if self._spec.is_brought else ", or train it again (retrains_on_upgrade in the seed retrain_policy)"
        return f"{changed}); take that back{again}"

    def _named(self, file: str) -> str:
        """The version that a file holds."""
        return version_name(self._node.name, PurePath(file).stem)

    def _with_pinned(self, record: NodeRecord) -> NodeRecord:
        """The record with what a route pins among its files: a release that serves it refers to it."""
        missing = sorted(self._pinned - {self._named(file) for file in record.files})
        found = [versions.file_of(name, versions.folders(record), self._store) for name in missing]
        return replace(record, files=[*record.files, *(self._store.name(file) for file in found if file)])

    def _pinned_files(self, record: NodeRecord) -> list[str]:
        """The files of versions that are not in use, and that a route pins."""
        others = [file for file in record.files[1:] if self._named(file) in self._pinned]
        return [file for file in others if self._store.path(file).exists()]

    def _decided(self, cursor: duckdb.DuckDBPyConnection) -> _Answer:
        previous, draft, now = self._previous, self._draft, self._version
        row = self._policy_row()
        known = versions.incumbent(previous, draft, self._store) if row else None
        if known is None:
            file, is_new = self._trained(cursor)
            decision = decided("train", explain(previous, draft, True), now, now)
            return _Answer(versions.replaced(previous, draft, file, decision), is_new)
        from scorehouse.learning.fitting import decider  # scikit-learn loads only where something is decided
        from scorehouse.learning.measure import policy

        limits, in_use = Policy.of(row), known["model_version"][0].as_py()
        if known["examples_fingerprint"][0].as_py() == self._examples:
            found = policy.on_upgrade(limits, explain(previous, draft, True))
        else:
            asked = training_asked_for(self._signals(), self._store, in_use)
            examples = self._examples_read(cursor)
            decide = decider(self._spec, self._node.path)
            found = decide(limits, known, examples.rows, self._spec, self._node.path, asked, examples.total)
        measured = {"measured_version": in_use, "test_until": found.test_until, "metrics": found.metrics}
        if found.decision != policy.TRAIN:
            decision = decided(found.decision, found.reason, in_use, measured=measured)
            return _Answer(versions.kept(previous, draft, decision), False, f"{found.decision}: {found.reason}")
        file, is_new = self._trained(cursor)
        trained = versions.read_row(self._store.path(file))
        refused = refusal(limits, trained, known, by_slice(found.metrics))
        if refused:
            reason = _why_rejected(now, refused, found.reason)
            decision = decided(policy.ALARM, reason, in_use, now, measured)
            return _Answer(versions.kept(previous, draft, decision, file), False, f"alarm: {reason}")
        decision = decided(policy.TRAIN, found.reason, now, now, measured)
        return _Answer(versions.replaced(previous, draft, file, decision), is_new, f"train: {found.reason}")

    def _examples_read(self, cursor: duckdb.DuckDBPyConnection) -> Sample:
        return Sample.read(cursor, self._sql, self._spec, self._most)

    def _trained(self, cursor: duckdb.DuckDBPyConnection) -> tuple[str, bool]:
        """The file of the version that the draft asks for, and whether it had to be trained."""
        fingerprint = self._draft.fingerprint.whole
        file = self._store.file(self._draft.relation, fingerprint, lambda: self._builder.files_behind(self._draft))
        is_new = not file.exists()
        if is_new:
            from scorehouse.scoring.score_sql import with_sql  # compiled code loads only where something trains

            self._refuse_later_features()
            examples = self._examples_read(cursor)
            cursor.register("fitted_version", with_sql(examples.stated(self._fitted(examples.rows))))
            query = (
                f"select *, '{fingerprint}' as fingerprint, '{self._examples}' as examples_fingerprint,"
                f" getvariable('built_at') as trained_at from fitted_version"
            )
            self._builder.compute(cursor, self._draft, query, file)
        return self._store.name(file), is_new

    def _fitted(self, examples: pa.Table) -> pa.Table:
        """The version's row; what is not known to learn the same each time does so twice."""
        if not self._code.is_unknown:
            return self._once(examples)
        row, again = (without_files(lambda: self._once(examples), self._node.path, self._code.files) for _ in range(2))
        other = [name for name in row.column_names if digest(row[name].to_pylist()) != digest(again[name].to_pylist())]
        if other:
            raise ScorehouseError(
                f"{self._node.path}: meta.estimator: expected the same model each time it learns from the same examples, found "
                f"another one the second time ({', '.join(other)}); seed what it draws (random_state), and let it ask no clock."
            )
        return row

    def _once(self, examples: pa.Table) -> pa.Table:
        return fit(examples, self._spec, self._version, self._node.path)

    def _refuse_later_features(self) -> None:
        """Refuse features that the examples' SQL computes from after their time (see scorehouse.learning.prove.lineage).

        Without a label there is nothing that they could give away.
        """
        if self._spec.split is None or self._spec.label is None:
            return
        from scorehouse.learning.prove import lineage  # scikit-learn loads only where something trains

        schema, time, manifest = (
            lineage.schema_of(self._builder.connection.cursor()),
            self._spec.split.time,
            self._builder.manifest,
        )
        known = self._builder.columns_from_after.setdefault(time, {})
        for ancestor in manifest.compiled_ancestors(self._node):
            if ancestor.relation not in known:
                known[ancestor.relation] = lineage.columns_from_after(manifest.compiled(ancestor), time, schema, known)
        lineage.refuse(lineage.columns_from_after(self._sql, time, schema, known), self._spec, self._node.path)

    def _signals(self) -> NodeRecord | None:
        """What monitoring says of the release: in this build it comes later; what was not published may be mended since.

        Before the first release it is what the last build said.
        """
        node, builder = self._builder.manifest.of_relation(SIGNALS), self._builder
        known = builder.published if builder.warehouse.current_release() is not None else builder.records
        return known.nodes.get(node.id) if node else None

    def _policy_row(self) -> Mapping[str, object] | None:
        """The policy's row for the model, else its row `default`; None for a model that is always trained again."""
        if self._node.meta.get("retrain") == ALWAYS or self._spec.is_brought:
            return None
        return versions.policy_row(self._builder.manifest.seed_rows(POLICY_SEED), self._node.name)


def _why_rejected(version: str, refused: str, trained_for: str) -> str:
    """Why a new version does not replace the one in use: that comes first, for messages are cut, and monitoring says much.

    >>> _why_rejected("churn@b", "its auc is worse", "auc 0.5 is worse than the limit 0.6")
    'churn@b was trained and is rejected: its auc is worse (trained for this: auc 0.5 is worse than the limit 0.6)'
    """
    return f"{version} was trained and is rejected: {refused} (trained for this: {trained_for})"
