"""Conditions from seeds: what they may say, and how a refusal reads."""

import pytest

from scorehouse.errors import ScorehouseError
from scorehouse.operations.seed_conditions import condition

COLUMNS = {"recency_days", "net_amount"}


@pytest.mark.parametrize(
    "text",
    [
        "recency_days < 30",
        "Recency_Days between 1 and 2 or net_amount is null",
        "case when net_amount > 5 then true else false end -- rich",
    ],
)
def test_a_condition_over_a_row_passes_as_it_is_written(text: str) -> None:
    assert condition(text, COLUMNS, "Seed rules, some") == f"({text}\n)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected one condition"),
        (None, "expected one condition"),
        ("recency_days < 30) or (1 = 1", "expected one condition"),
        ("recency_days < 30 as a, (net_amount > 1", "expected one condition"),
        ("1 = 1) from other where (2 = 2", "expected one"),
        ("recency_days < 30; drop table customers", "expected one"),
        ("exists (select 1)", "expected one condition"),
        ("net_amount > (select max(net_amount) from main.other)", "expected one condition"),
        ("sum(net_amount) > 3", "expected one condition"),
        ("row_number() over () = 1", "expected one condition"),
        ("random() < 0.5", "expected the same result in every run"),
        ("recency_days < current_date - 3", "expected the same result in every run"),
        ("getenv('HOME') = 'x'", "getenv"),
        ("money > 3", "expected columns among net_amount, recency_days, found 'money'"),
        ("recency_days <", "expected one condition"),
        ("1], [2", "expected one condition"),
        ("recency_days < 30, true", "expected one condition"),
    ],
)
def test_anything_else_is_refused_in_one_sentence_that_names_the_rule(text: str | None, words: str) -> None:
    with pytest.raises(ScorehouseError, match="Seed rules, some") as refused:
        condition(text, COLUMNS, "Seed rules, some")
    assert words in str(refused.value)
