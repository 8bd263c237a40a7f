"""How long rows are kept: what is no number of days is one sentence."""

from types import SimpleNamespace

import pytest

from scorehouse.errors import ScorehouseError
from scorehouse.operations.land_sources import _keep_from


@pytest.mark.parametrize("days", ["soon", 0, -3, True, 1.5, 99_999_999])
def test_what_is_no_number_of_days_is_refused(days: object) -> None:
    node = SimpleNamespace(path="models/sources.yml", name="events", meta={"retain_days": days})
    with pytest.raises(ScorehouseError, match=r"retain_days: expected a whole number from 1 to \d+, found '.+'; correct it."):
        _keep_from(node)


def test_without_a_number_all_rows_are_kept() -> None:
    assert _keep_from(SimpleNamespace(path="models/sources.yml", name="events", meta={})) == ""
