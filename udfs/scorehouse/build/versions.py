"""The versions of a fitted model on a branch: which one is in use, which came before, and why.

They are kept in the model's record: `files` lists every version's file, the one in use first; `details.versions` holds the
fingerprint that was asked for last and every decision. Schema `history` of the branch's database shows them to SQL.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

import pyarrow as pa

from scorehouse.learning.version_row import STORED
from scorehouse.names.quoting import identifier, literal, quoted
from scorehouse.scratch import scratch
from scorehouse.store.details import Decision, Details, Metric, Versions
from scorehouse.store.files import Store, read_sql
from scorehouse.store.records import NodeRecord

POLICY_SEED = "retrain_policy"
ROUTES_SEED = "routes"
ALWAYS = "always"
"""What `meta.retrain` says of a model that new examples train again without asking the policy."""


def version_name(model: str, fingerprint: str) -> str:
    """Name of a fitted model's version.

    >>> version_name("churn__logistic", "0123456789abcdef")
    'churn__logistic@0123456789ab'
    """
    return f"{model}@{fingerprint[:12]}"


def decided(
    decision: str, reason: str, model_version: str, trained_version: str | None = None, measured: Mapping[str, Any] | None = None
) -> Decision:
    """A decision of this moment.

    Args:
        measured: `measured_version`, `test_until` and rows of `metrics`, where a version in use was measured for it.
    """
    seen = dict(measured or {})
    metrics = [Metric(**row) for row in seen.pop("metrics", [])]
    now = datetime.now(UTC).replace(tzinfo=None).isoformat()
    return Decision(now, decision, reason, model_version, trained_version, metrics=metrics, **seen)


def policy_row(rows: Iterable[Mapping[str, object]], model: str) -> Mapping[str, object] | None:
    """A model's row of the seed retrain_policy, else its row `default`, else None."""
    by_model = {row["model"]: row for row in rows}
    return by_model.get(model) or by_model.get("default")


def pinned(rows: Iterable[Mapping[str, object]], model: str) -> set[str]:
    """The versions of a model that the rows of the seed routes pin, by name.

    >>> pinned([{"model_version": "churn@0123456789ab"}, {"model_version": None}, {"model_version": "spend@1"}], "churn")
    {'churn@0123456789ab'}
    """
    names = (str(row.get("model_version") or "") for row in rows)
    return {name for name in names if name.partition("@")[0] == model}


def is_answered(previous: NodeRecord | None, draft: NodeRecord, store: Store) -> bool:
    """Whether the very same examples and declaration were decided on before, and the version in use is still there."""
    known = previous.details.versions if previous else None
    return known is not None and known.asked == draft.fingerprint.whole and store.path(previous.files[0]).exists()


def incumbent(previous: NodeRecord | None, draft: NodeRecord, store: Store) -> pa.Table | None:
    """The row of the version in use, if it answers the same question on other data and can score; else None."""
    if previous is None or not decisions(previous) or previous.fingerprint.logic != draft.fingerprint.logic:
        return None
    file = store.path(previous.files[0])
    if not file.exists():
        return None
    row = read_row(file)
    return row if row["status"][0].as_py() == "ready" else None


def folders(record: NodeRecord) -> list[str]:
    """The store's folders of a fitted model: of its relation as it is, and was when its versions were trained."""
    return sorted({record.relation, *(PurePath(file).parent.name for file in record.files)})


def file_of(version: str, folders: Iterable[str], store: Store) -> Path | None:
    """The file of a version by its name; None where no kept file has it, or others have several, of which one may be forged.

    A name has the first digits of a fingerprint alone. What the own part has comes first, whatever others call theirs; of them
    counts what lies where a model's versions do.

    Args:
        folders: of the store, in which the model's versions are; one that is gone left its own under its name.
    """
    model, _, mark = version.partition("@")
    if not re.fullmatch(r"\w+", model) or not re.fullmatch(r"[0-9a-f]{12}", mark):
        return None
    names = [name for folder in (*folders, f"*.{model}") for name in store.names(f"{folder}/{mark}*.*")]
    if not names:
        found = [name for folder in folders for name in store.names(f"{folder}/{mark}*.*", of_others=True)]
        names = found if len(found) == 1 else []
    file = store.result(names[0]) if names else None
    return file if file and file.exists() else None


@lru_cache(maxsize=64)
def read_row(file: Path) -> pa.Table:
    """The one row of a version's file, in the columns of `STORED`; read once, as a file's content is what its name says."""
    return scratch("versions").sql(rows_sql([file])).to_arrow_table()


def unchanged(previous: NodeRecord, draft: NodeRecord) -> NodeRecord:
    """The record when nothing new was asked: the version in use and the decisions stay.

    What its examples are made of may be put otherwise now; that they are the same ones is known, so it is no other question.
    """
    fingerprint = replace(draft.fingerprint, whole=previous.fingerprint.whole, data=previous.fingerprint.data)
    details = replace(draft.details, versions=previous.details.versions)
    return replace(draft, fingerprint=fingerprint, files=previous.files, row_count=1, details=details)


def kept(previous: NodeRecord, draft: NodeRecord, decision: Decision, rejected: str | None = None) -> NodeRecord:
    """The record when the version in use stays: its fingerprint is still the node's, so nothing downstream is built.

    Args:
        rejected: file of a version that was trained and may not take over.
    """
    files = previous.files + [file for file in [rejected] if file and file not in previous.files]
    record = replace(unchanged(previous, draft), files=files, details=_details(previous, draft, decision))
    return replace(record, fingerprint=previous.fingerprint)


def replaced(previous: NodeRecord | None, draft: NodeRecord, file: str, decision: Decision) -> NodeRecord:
    """The record when a new version takes over; the earlier ones stay listed."""
    before = previous.files if previous and decisions(previous) else []  # what was no fitted model has no versions
    files = [file, *(f for f in before if f != file)]
    return replace(draft, files=files, row_count=1, details=_details(previous, draft, decision))


def _details(previous: NodeRecord | None, draft: NodeRecord, decision: Decision) -> Details:
    before = decisions(previous) if previous else []
    return replace(draft.details, versions=Versions(draft.fingerprint.whole, [*before, decision]))


def decisions(record: NodeRecord) -> list[Decision]:
    """A fitted model's decisions, the earliest first; none for any other node."""
    return record.details.versions.decisions if record.details.versions else []


def rejection(records: Iterable[NodeRecord], version: str) -> str | None:
    """Why a version was rejected when it was trained; None for one that took over, or that nobody decided on."""
    for record in records:
        for decision in decisions(record):
            if decision.trained_version == version != decision.model_version:
                return decision.reason
    return None


def view_of(record: NodeRecord, store: Store) -> str:
    """The statement that points a fitted model's relation at the version in use."""
    return f"create or replace view {quoted(record.relation)} as {rows_sql([store.path(record.files[0])])}"


def rows_sql(files: list[Path]) -> str:
    """The select of some versions' rows; columns that a version did not have yet when it was trained are NULL."""
    return f"{_no_rows()} union all by name {read_sql(files)}"


def _no_rows() -> str:
    columns = scratch("versions").from_arrow(STORED.empty_table())
    typed = zip(columns.columns, columns.types, strict=True)
    return f"select {', '.join(f'cast(null as {kind}) as {identifier(name)}' for name, kind in typed)} where false"


def view_of_all(records: Iterable[NodeRecord], store: Store) -> str:
    """The statement that makes history.versions: every version of every fitted model, with `model` and `is_current`."""
    selects = [f"select *, cast(null as varchar) as model, cast(null as boolean) as is_current from ({_no_rows()})"]
    for record in (one for one in records if one.materialized == "fitted"):
        files = [path for path in map(store.path, record.files) if path.exists()]
        if files:
            in_use = literal(version_name(record.name, Path(record.files[0]).stem))
            selects.append(
                f"select *, {literal(record.name)} as model, model_version = {in_use} as is_current from ({read_sql(files)})"
            )
    return f"create or replace view history.versions as {' union all by name '.join(selects)}"
