"""What a failed data test found, in one sentence."""

import re

import duckdb

from scorehouse.build.manifest import Manifest, Node
from scorehouse.sources.personal import has_address

EXPECTED = {
    "unique": "every {column_name} once",
    "not_null": "{column_name} in every row",
    "accepted_values": "{column_name} among {values}",
    "between": "{column_name} between {minimum} and {maximum}",
    "unique_combination": "every combination of {columns} once",
    "holds_once": "one row whose {column_name} is {value}",
    "has_rows": "at least one row",
}
"""What the generic tests expect, by their names, over their arguments."""
LONGEST_VALUE = 60
SENTENCE = "sentence"
"""The only column of a test whose rows say themselves what was found, and what to do."""
MOST_SENTENCES = 10


def by_subject(sentences: list[str]) -> list[tuple[str, str]]:
    """What sentences are about, which they begin with, and all that they say of it.

    >>> by_subject(["churn, auc (v1): low", "spend: late", "churn, auc (v1): still low"])
    [('churn, auc', 'churn, auc (v1): low churn, auc (v1): still low'), ('spend', 'spend: late')]
    """
    found: dict[str, list[str]] = {}
    for sentence in sentences:
        found.setdefault(re.split(r" \(|: ", sentence, maxsplit=1)[0], []).append(sentence)
    return [(subject, " ".join(said)) for subject, said in found.items()]


def failure(manifest: Manifest, cursor: duckdb.DuckDBPyConnection, node: Node, sql: str, count: int) -> tuple[str, list[str]]:
    """Where a test failed, what it expected, and the first row that it found; or the sentences that its rows are: some, and all.

    Args:
        sql: the test's query, which gives the rows that should not be.
        count: how many these are, as dbt counted them.
    """
    rows = cursor.execute(f"select * from ({sql}\n) limit {MOST_SENTENCES}")
    names, found_rows = [column[0] for column in rows.description], rows.fetchall()
    if names == [SENTENCE]:
        more = [f"... and {count - MOST_SENTENCES:,} more"] if count > MOST_SENTENCES else []
        said = [_without_address(said) for (said,) in cursor.execute(sql).fetchall()]
        return "\n".join([*said[:MOST_SENTENCES], *more]), said
    first = found_rows[0]
    found = ", ".join(f"{name} = {_short(value)}" for name, value in zip(names, first, strict=True))
    more = f" and {count - 1:,} more" if count > 1 else ""
    tested = manifest.node(node.question.attached_to) if node.question.attached_to else node
    what = "the seed" if tested.kind == "seed" else "the data or the model"
    where = f"{tested.path}{_line(manifest, tested, node, first[0])}"
    return f"{where}: expected {_expected(node)}, found {found}{more}; correct {what}.", []


def _line(manifest: Manifest, tested: Node, node: Node, found: object) -> str:
    """Which line of a seed has what a test of one column found."""
    column = node.question.arguments.get("column_name") if tested.kind == "seed" else None
    rows = manifest.seed_rows(tested.name) if column else []
    return next((f", line {number}" for number, row in enumerate(rows, start=2) if _is(row.get(column), found)), "")


def _is(cell: object, value: object) -> bool:
    return cell == value or (cell is not None and value is not None and str(cell) == str(value))


def _expected(node: Node) -> str:
    """The expectation of a test: a generic one's in words, another's as the comment on its top says."""
    if node.question.test not in EXPECTED:
        comment = re.search(r"\{#(.+?)(\. |\.?\s*#\})", node.text, re.DOTALL)
        return f"that holds: {' '.join(comment[1].split())}" if comment else f"nothing that {node.name} finds"
    listed = {name: ", ".join(map(str, v)) if isinstance(v, list) else v for name, v in node.question.arguments.items()}
    return EXPECTED[node.question.test].format(**listed)


def _short(value: object) -> str:
    text = _without_address("NULL" if value is None else str(value))
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def _without_address(text: str) -> str:
    return "(an address)" if has_address(str(text)) else text
