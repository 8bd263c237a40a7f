"""Which versions of a fitted model may serve."""

from dataclasses import replace

from scorehouse.build.versions import decided, kept, rejection, replaced
from scorehouse.names.fingerprint import Fingerprint
from scorehouse.store.details import Details
from scorehouse.store.records import NodeRecord


def draft(mark: str) -> NodeRecord:
    return NodeRecord("model.p.churn", "learning.churn", "model", "fitted", Fingerprint(mark, mark, mark, mark))


def test_a_version_that_was_rejected_when_trained_is_known_by_its_reason() -> None:
    first = replaced(None, draft("a"), "a.duckdb", decided("train", "first build", "churn@a", "churn@a"))
    second = kept(first, draft("b"), decided("alarm", "its auc is worse", "churn@a", "churn@b"), "b.duckdb")
    assert rejection([second], "churn@b") == "its auc is worse"
    assert rejection([second], "churn@a") is None
    assert rejection([replace(second, details=Details())], "churn@b") is None
    assert second.files == ["a.duckdb", "b.duckdb"]
    assert second.fingerprint == first.fingerprint
