"""What a build says of landed files, and how much may be rejected."""

import pytest

from scorehouse.build.variables import DEFAULTS
from scorehouse.errors import ScorehouseError
from scorehouse.operations.landing_report import CONTRADICTIONS, SENT_AGAIN, FileReport, Rejections, expect_few_rejected, lines

REPEATED, IN_FILE, LABEL = CONTRADICTIONS


def report(name: str, row_count: int, **rejected: int) -> FileReport:
    names = {"repeated": REPEATED, "in_file": IN_FILE, "label": LABEL, "sent_again": SENT_AGAIN}
    return FileReport(name, row_count, tuple(Rejections(name, names.get(r, r), n, 3, "x", "v") for r, n in rejected.items()))


def test_every_file_has_a_line_and_of_many_those_with_rejected_rows_come_first() -> None:
    many = [report(f"interactions/{number:03}.csv", 10) for number in range(100)]
    told = lines([*many, report("items/z.csv", 5, unreadable=1)])
    assert told[0] == "items/z.csv: 5 rows read, 1 rejected: 1 unreadable (first: line 3, x 'v')."
    assert told[-1] == "81 more files: 810 rows read, 0 rejected."


def test_what_was_not_asked_is_not_counted() -> None:
    told = str(FileReport("a.csv", 3, is_judged=False))
    assert told == "a.csv: 3 rows read; how many are rejected was not asked: the selection left it out."


ALLOWED = [
    report("a.csv", 10),
    report("a.csv", 2, unreadable=1),
    report("a.csv", 10, unreadable=3),
    report("a.csv", 10, sent_again=10),
    report("a.csv", 100, repeated=5),
]
REFUSED = [
    (report("a.csv", 10, unreadable=4), "a.csv: expected at most 30% rejected rows, found 4 of 10"),
    (
        report("a.csv", 10, repeated=1),
        "at most 5% rows with interaction id repeated with other content, found 1 of 10; an",
    ),
    (report("a.csv", 10, in_file=1), "at most 5% rows with interaction id repeated in its file, found 1 of 10; an order's id"),
    (
        report("a.csv", 100, repeated=3, in_file=3),
        "interaction id repeated with other content or interaction id repeated in its file, found 6 of 100",
    ),
    (report("a.csv", 10, label=2), "expected at most 5% rows with label contradicted, found 2 of 10; give the time"),
    (report("a.csv", 10, unreadable=2, nobody=2), "maximum_rejected_share: 0.41"),
]


@pytest.mark.parametrize("one", ALLOWED, ids=str)
def test_few_rejected_rows_are_allowed(one: FileReport) -> None:
    expect_few_rejected(DEFAULTS, [one])


@pytest.mark.parametrize(("one", "words"), REFUSED, ids=str)
def test_many_rejected_rows_are_refused_with_what_to_do(one: FileReport, words: str) -> None:
    with pytest.raises(ScorehouseError) as refusal:
        expect_few_rejected(DEFAULTS, [report("fine.csv", 1), one])
    assert words in str(refusal.value)
    assert "--vars" in str(refusal.value)


@pytest.mark.parametrize(("one", "_"), REFUSED, ids=str)
def test_the_variable_that_a_refusal_names_allows_it(one: FileReport, _: str) -> None:
    with pytest.raises(ScorehouseError) as refusal:
        expect_few_rejected(DEFAULTS, [one])
    name, value = str(refusal.value).split("'{")[1].rstrip("}'").split(": ")
    expect_few_rejected({**DEFAULTS, name: float(value)}, [one])
