"""A fitted model in a build: trained, or its version in use kept, as the seed retrain_policy decides."""

from dataclasses import replace
from typing import Any

import duckdb

from scorehouse import versions
from scorehouse.build import Builder, Outcome, explain
from scorehouse.fingerprint import digest
from scorehouse.learning import Spec, fit
from scorehouse.project import relation_of
from scorehouse.quoting import quoted
from scorehouse.records import NodeRecord
from scorehouse.versions import POLICY_SEED, Entry, version_name


class Retraining:
    """One fitted model in one run; its data are its versions' rows (see scorehouse.versions).

    Args:
        sql: the select of its examples.
    """

    def __init__(self, builder: Builder, node_id: str, sql: str) -> None:
        self._builder = builder
        self._store = builder.store
        self._node: Any = builder.project.node(node_id)
        self._where = self._node.original_file_path
        self._sql = sql
        self._spec = Spec.read(self._where, self._node.config.meta)
        self._draft = builder.draft(node_id, sql, self._spec.text())
        self._previous = builder.records.nodes.get(node_id)
        self._version = version_name(self._node.name, self._draft.fingerprint.whole)

    def run(self) -> Outcome:
        """Train the model, or keep the version in use."""
        if versions.is_answered(self._previous, self._draft, self._store):
            record, is_new, reason = versions.unchanged(self._previous, self._draft), False, None
        else:
            with self._builder.cursor(self._draft) as cursor:
                record, is_new, reason = self._decided(cursor)
        outcome = self._builder.settle(record, versions.statements(record, self._store), is_new, reason)
        with self._builder.cursor(record) as cursor:
            ((status,),) = cursor.execute(f"select status from {quoted(record.relation)}").fetchall()
        return replace(outcome, held=status.replace("_", " "))

    def _decided(self, cursor: duckdb.DuckDBPyConnection) -> tuple[NodeRecord, bool, str | None]:
        """The model's new record, whether something was trained, and the policy's reason where it had one."""
        previous, draft, now = self._previous, self._draft, self._version
        row = self._policy_row(cursor)
        known = versions.incumbent(previous, draft, self._store) if row else None
        if known is None:
            file, is_new = self._trained(cursor)
            entry = Entry("train", explain(previous, draft, True), now, now)
            return versions.replaced(previous, draft, file, entry), is_new, None
        from scorehouse.learning import policy  # scikit-learn loads only where something is decided

        limits, in_use = policy.Policy.of(row), known["model_version"][0].as_py()
        found = policy.decide(limits, known, cursor.sql(self._sql).to_arrow_table(), self._spec, self._where)
        measured = {"measured_version": in_use, "test_until": found.test_until, "metrics": list(found.metrics)}
        if found.decision != policy.TRAIN:
            entry = Entry(found.decision, found.reason, in_use, **measured)
            return versions.kept(previous, draft, entry), False, f"{found.decision}: {found.reason}"
        file, is_new = self._trained(cursor)
        refused = policy.refusal(limits, versions.read_row(self._store.folder / file), known, policy.by_slice(found.metrics))
        if refused:
            entry = Entry(policy.ALARM, f"{found.reason}; {now} was trained and is rejected: {refused}", in_use, now, **measured)
            return versions.kept(previous, draft, entry, file), False, f"alarm: {entry.reason}"
        entry = Entry(policy.TRAIN, found.reason, now, now, **measured)
        return versions.replaced(previous, draft, file, entry), is_new, f"train: {found.reason}"

    def _trained(self, cursor: duckdb.DuckDBPyConnection) -> tuple[str, bool]:
        """The file of the version that the draft asks for, and whether it had to be trained."""
        fingerprint = self._draft.fingerprint.whole
        file = self._store.file(self._draft.relation, fingerprint)
        is_new = not file.exists()
        if is_new:
            from scorehouse.scoring.sql import with_sql  # compiled code loads only where something trains

            self._refuse_later_features(cursor)
            row = with_sql(fit(cursor.sql(self._sql).to_arrow_table(), self._spec, self._version, self._where))
            cursor.register("fitted_version", row)
            read = self._builder.read_by(self._node, self._sql).values()
            examples = digest({parent.relation: parent.fingerprint.whole for parent in read})
            query = (
                f"select *, '{fingerprint}' as fingerprint, '{examples}' as examples_fingerprint,"
                f" getvariable('built_at') as trained_at from fitted_version"
            )
            self._store.write(cursor, query, file)
        return str(file.relative_to(self._store.folder)), is_new

    def _refuse_later_features(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Refuse features that the examples' SQL computes from after their time (see scorehouse.learning.lineage)."""
        if self._spec.split is None:
            return
        from scorehouse.learning import lineage  # scikit-learn loads only where something trains

        schema, time = lineage.schema_of(cursor), self._spec.split.time
        known = self._builder.columns_from_after.setdefault(time, {})
        for ancestor in self._builder.project.compiled_ancestors(self._node):
            if relation_of(ancestor) not in known:
                known[relation_of(ancestor)] = lineage.columns_from_after(ancestor.compiled_code, time, schema, known)
        lineage.refuse(lineage.columns_from_after(self._sql, time, schema, known), self._spec, self._where)

    def _policy_row(self, cursor: duckdb.DuckDBPyConnection) -> dict[str, object] | None:
        """The policy's row for the model, else its row `default`; None for a model that does not name the seed."""
        parents = self._builder.parents(self._node).values()
        seed = next((p for p in parents if p.resource_type == "seed" and p.relation.endswith(f".{POLICY_SEED}")), None)
        return versions.policy_row(cursor, quoted(seed.relation), self._node.name) if seed else None
