"""What became of every landed file: rows read, rows rejected and why; and when that is too much to publish."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from scorehouse.build.manifest import Node
from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError
from scorehouse.names.quoting import quoted
from scorehouse.operations import text
from scorehouse.sources.keyed import KEY
from scorehouse.store.details import LandedFile

SENT_AGAIN = "sent again"
"""The reason of rows that are no fault of the file."""
MOST_LINES = 20
MOST_REASONS = 3
MOST_NAMES = 12
_OF_ORDERS = (
    "an order's id stands on each of its lines: give order id and line number as interaction_id, or leave the column out, then "
    "one is made from the row"
)
CONTRADICTIONS = {
    "interaction id repeated with other content": _OF_ORDERS,
    "interaction id repeated in its file": _OF_ORDERS,
    "label contradicted": "give the time at which each became known as known_at, then the last one counts",
}
"""Reasons of rows of which others say something else, and what to do about each."""


@dataclass(frozen=True)
class Rejections:
    """Rows of one file that were rejected for one reason, and the first of them: its line, column and value."""

    file: str
    reason: str
    count: int
    line: int | None
    column: str | None
    value: str | None

    def __str__(self) -> str:
        value = "" if self.value is None else f" '{_short(self.value)}'"
        return f"{self.count:,} {self.reason} (first: line {self.line}, {self.column}{value})"


@dataclass(frozen=True)
class FileReport:
    """One landed file: its rows, and those that were rejected, the most frequent reason first.

    Attributes:
        table: relation of the source table that it belongs to.
        is_judged: whether all models that hold rejected rows were asked in this run; else nothing is known of them.
    """

    name: str
    row_count: int
    rejections: tuple[Rejections, ...] = ()
    is_judged: bool = True
    table: str = ""

    @property
    def rejected_count(self) -> int:
        """Rejected rows, whatever the reason."""
        return sum(one.count for one in self.rejections)

    def __str__(self) -> str:
        if not self.is_judged:
            return f"{_read(self.name, self.row_count)}; how many are rejected was not asked: the selection left it out."
        return _told(self.name, self.row_count, self.rejected_count, list(map(str, self.rejections)))


def _read(name: str, row_count: int) -> str:
    return f"{name}: {row_count:,} row{'' if row_count == 1 else 's'} read"


def _told(name: str, row_count: int, rejected_count: int, reasons: list[str]) -> str:
    """How many rows were read and rejected, and why, the first reasons of many."""
    told = f"{_read(name, row_count)}, {rejected_count:,} rejected"
    more = [f"{len(reasons) - MOST_REASONS} more reasons"] if len(reasons) > MOST_REASONS else []
    return f"{told}: {', '.join([*reasons[:MOST_REASONS], *more])}." if reasons else f"{told}."


def reports(run: Run) -> list[FileReport]:
    """A report for every file of the sources whose rejections some model holds, by name."""
    found = []
    holders = _holders(run, by_file=True)
    asked = [node for node in holders if run.has_settled(node.id)]
    unjudged = {one.id for node in holders if node not in asked for one in run.manifest.ancestors(node)}
    rejected = _rejections(run, asked)
    for node in run.manifest.sources():
        record = run.records.nodes.get(node.id)
        if record and record.details.landing and any(column.kind == "file" for column in record.details.landing.columns):
            found += [_report(file, node, rejected, node.id not in unjudged) for file in record.details.landing.files]
    return sorted(found, key=lambda report: report.name)


def _holders(run: Run, by_file: bool) -> list[Node]:
    """The models that hold rejected rows, of each file, or of sources whose rows do not say where they come from."""
    declared = [node for node in run.manifest.tables() if node.meta.get("rejections_of")]
    columns = {node.id: run.records.nodes[node.id].columns for node in declared if node.id in run.records.nodes}
    return [node for node in declared if ("source_file" in columns.get(node.id, ["source_file"])) == by_file]


def rejected(run: Run) -> Iterator[str]:
    """How many rows of sources that do not say of which file they are cannot be used, and why, a line for each model of them."""
    for node in (node for node in _holders(run, by_file=False) if run.has_settled(node.id)):
        sources = [one for one in run.manifest.ancestors(node) if one.kind == "source" and one.id in run.records.nodes]
        landed = [run.records.nodes[one.id].details.landing for one in sources]
        read = sum(file.row_count for one in landed if one for file in one.files)
        of_reason = f"select rejection_reason, count(*) as n from {quoted(node.relation)} group by all"
        query = f"from ({of_reason}) order by n desc, rejection_reason"
        counts = run.connection.cursor().execute(query).fetchall()
        names = text.listed([one.relation for one in sources])
        yield _told(names, read, sum(count for _, count in counts), [f"{count:,} {reason}" for reason, count in counts])


def expired(run: Run) -> Iterator[str]:
    """How many rows are too old to be kept, a line for each table."""
    for node in run.manifest.sources():
        record = run.records.nodes.get(node.id)
        count = sum(file.expired for file in record.details.landing.files) if record and record.details.landing else 0
        if count:
            yield f"{node.relation}: {count:,} rows older than {node.meta.get('retain_days')} days (retain_days) are not kept."


def masked(run: Run) -> Iterator[str]:
    """What of people's data became pseudonyms or was dropped, a line for each table."""
    for node in run.manifest.sources():
        record = run.records.nodes.get(node.id)
        files = record.details.landing.files if record and record.details.landing else []
        dropped = sorted({name for file in files if not file.key for name in file.masked})
        hidden = sorted({name for file in files if file.key for name in file.masked})
        if hidden:
            yield f"{node.relation}: {text.listed(hidden, MOST_NAMES)}: people's data, kept as pseudonyms."
        if dropped:
            columns = text.listed(dropped, MOST_NAMES)
            yield f"{node.relation}: {columns}: people's data, dropped; with a key in {KEY} they become pseudonyms."


def lines(reported: Iterable[FileReport]) -> list[str]:
    """The reports as lines; of many files only those with rejected rows, and the sum of the others."""
    listed = sorted(reported, key=lambda report: (not report.rejections, report.name))
    shown, others = listed[:MOST_LINES], listed[MOST_LINES:]
    if not others:
        return [str(report) for report in shown]
    read, rejected = sum(one.row_count for one in others), sum(one.rejected_count for one in others)
    return [*map(str, shown), f"{len(others):,} more files: {read:,} rows read, {rejected:,} rejected."]


def expect_few_rejected(variables: Mapping[str, object], reported: Iterable[FileReport]) -> None:
    """Raise ScorehouseError for files of which more is rejected than the variables allow; one row alone is never too much.

    The files of a table count together as well: many small ones could lose one row each.
    """
    reported = list(reported)
    breaches = [breach for report in [*reported, *_together(reported)] for breach in _breaches(variables, report)]
    if breaches:
        more = f" (and {len(breaches) - 1} more files)" if len(breaches) > 1 else ""
        raise ScorehouseError(breaches[0] + more)


def _together(reported: Iterable[FileReport]) -> Iterator[FileReport]:
    """Each table's files as one, where it has several."""
    tables: dict[str, list[FileReport]] = {}
    for report in reported:
        tables.setdefault(report.table, []).append(report)
    for table, several in tables.items():
        if len(several) > 1:
            found: dict[str, Rejections] = {}
            for one in (rejections for report in several for rejections in report.rejections):
                known = found.get(one.reason)
                found[one.reason] = replace(known, count=known.count + one.count) if known else one
            most = sorted(found.values(), key=lambda one: -one.count)
            yield FileReport(f"{table}, {len(several):,} files", sum(report.row_count for report in several), tuple(most))


def _breaches(variables: Mapping[str, object], report: FileReport) -> Iterator[str]:
    faulty = sum(one.count for one in report.rejections if one.reason not in (SENT_AGAIN, *CONTRADICTIONS))
    judged = [("maximum_rejected_share", faulty, 1, "rejected rows", "correct the file")]
    for fix in dict.fromkeys(CONTRADICTIONS.values()):
        found = [one for one in report.rejections if CONTRADICTIONS.get(one.reason) == fix]
        what = f"rows with {' or '.join(one.reason for one in found)}"
        judged.insert(0, ("maximum_contradicted_share", sum(one.count for one in found), 0, what, fix))
    for variable, count, spared, what, fix in judged:
        limit = float(variables[variable])
        if count > max(limit * report.row_count, spared):
            share = f"{count:,} of {report.row_count:,}"
            reasons = (
                "" if spared == 0 else f" ({', '.join(f'{r.count:,} {r.reason}' for r in report.rejections[:MOST_REASONS])})"
            )
            yield (
                f"{report.name}: expected at most {limit:.0%} {what}, found {share}{reasons}; {fix}; or allow more: "
                f"--vars '{{{variable}: {min(1.0, count / report.row_count + 0.01):.2f}}}'"
            )
            return


def _report(file: LandedFile, node: Node, rejected: dict[str, list[Rejections]], is_judged: bool) -> FileReport:
    rejections = tuple(rejected.get(file.name, [])) if is_judged else ()
    return FileReport(file.name, file.row_count, rejections, is_judged, node.relation)


def _rejections(run: Run, holders: Iterable[Node]) -> dict[str, list[Rejections]]:
    """What the models that hold rejected rows say, by file, the most frequent reason first."""
    found: dict[str, list[Rejections]] = {}
    for node in holders:
        query = (
            "select source_file, rejection_reason, count(*), min(source_line),"
            " min_by(rejected_column, source_line), min_by(rejected_value, source_line)"
            f" from {quoted(node.relation)} group by all order by count(*) desc, rejection_reason"
        )
        for row in run.connection.cursor().execute(query).fetchall():
            found.setdefault(row[0], []).append(Rejections(*row))
    return found


def _short(value: str) -> str:
    return value if len(value) <= 40 else f"{value[:40]}..."
