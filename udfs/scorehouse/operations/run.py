"""A run's beginning and end."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import duckdb

from scorehouse.build import rules
from scorehouse.build.run import Run
from scorehouse.build.versions import decisions, view_of_all
from scorehouse.errors import ScorehouseError, first_line
from scorehouse.learning.measure.limits import ALARM
from scorehouse.ledger.lines import ATTENTION, CONFIRMED, NIGHT, NOTHING_PUBLISHED, PUBLISHED, view_sql
from scorehouse.names import git
from scorehouse.names.quoting import quoted
from scorehouse.names.warehouse import SERVING
from scorehouse.operations import died, journal, landing_report
from scorehouse.operations.audit import published
from scorehouse.operations.forget import GO_ON, NOT_FORGOTTEN, erase
from scorehouse.operations.freshness import note_stale
from scorehouse.operations.garbage import NEEDLESS, collected
from scorehouse.operations.land_sources import land_sources
from scorehouse.operations.landing_report import FileReport
from scorehouse.operations.register import HOOKS, operation_of
from scorehouse.operations.retention import expire
from scorehouse.operations.served_before import forget_served_before
from scorehouse.release.publish import Publisher
from scorehouse.release.sealed import sealed_in, unlike_sealed
from scorehouse.sandbox import confinement
from scorehouse.serving import file as serving_file
from scorehouse.serving.audiences import groups_of, keep_from_others
from scorehouse.serving.offer import ServedTable
from scorehouse.store.durable import remove_leftovers


@dataclass(frozen=True)
class Ending:
    """What happened, in lines, whether all went well, what must end the run as failed, what is said also in quiet runs.

    Attributes:
        is_whole: whether the release is what the whole project makes of the data as it is now.
    """

    lines: list[str]
    is_green: bool
    error: str | None = None
    receipt: list[str] = field(default_factory=list)
    is_whole: bool = False


@operation_of(HOOKS)
def start(run: Run) -> str:
    """Before any node: check the project, forget what left it, sweep what died, land new source files.

    Returns what there is to say of the branch, if anything.
    """
    journal.begin(run)
    try:
        return _start(run)
    except (ScorehouseError, duckdb.Error, OSError) as error:
        journal.end_early(run, first_line(error))
        raise


def _start(run: Run) -> str:
    rules.expect_kept(run.manifest)
    if run.manifest.offer().audiences:
        keep_from_others(run.warehouse.work)
    known = {node.id for node in [*run.manifest.tables(), *run.manifest.sources(), *run.manifest.unwanted()]}
    run.records.forget([node_id for node_id in run.records.nodes if node_id not in known])
    run.connection.cursor().execute(view_of_all(run.records.nodes.values(), run.store))
    run.connection.cursor().execute(f"create or replace view history.ledger as {view_sql(run.warehouse.ledger)}")
    remove_leftovers(*run.store.folders())
    land_sources(run)
    journal.note_landed(run)
    note_stale(run)
    return "\n".join([*died.sentences(run), *_said_of(run)])


def _said_of(run: Run) -> Iterator[str]:
    """Why a build is on a branch of its own, and what does not protect main from it: a line each."""
    branch, why = run.warehouse.branch, git.detached(run.manifest.folder)
    if branch.startswith("detached-") and why:
        yield f"This is branch '{branch}', because {why}: SCOREHOUSE_BRANCH=main publishes to main."
    gaps = confinement.gaps()
    if gaps and not run.warehouse.is_production:
        yield f"Branch '{branch}' is not wholly confined: {'; '.join(gaps)}."


PROVEN = frozenset({"success", "pass", "warn"})
"""What dbt says of a node that was built, or of a test that was asked, and that a release may stand on."""

NOT_FAILED = PROVEN | {"skipped", "no-op"}

OF_A_PART = frozenset({"--empty", "--sample"})
"""Options that let dbt build something else than the whole."""


@operation_of(HOOKS)
def finish(run: Run, results: list[dict[str, Any]], command: str) -> dict[str, object]:
    """After all nodes: publish a release if the whole build is green, and say how it went.

    Args:
        results: what dbt says of each node: attributes of a `journal.Result`.
        command: dbt's command.

    Returns an `Ending` as a mapping: dbt takes an error raised in this hook for a keyboard interrupt.
    """
    said = [journal.Result(**result) for result in results]
    journal.note_results(run, said)
    ending = _ended(run, {result.node_id: result.status for result in said}, command)
    how = journal.How(command, ending.is_green and not ending.error, ending.is_whole and not ending.error, ending.error)
    return asdict(replace(ending, lines=[*ending.lines, *journal.end(run, said, how)]))


def _ended(run: Run, statuses: dict[str, str], command: str) -> Ending:
    told = sorted({*run.found.values(), *run.stale})
    try:
        run.records.flush()
        forget_served_before(run)
        reported = landing_report.reports(run) if command == "build" else []
        damaged = [*_damaged(run)]
        for sentence in damaged:
            run.ledger.write(ATTENTION, message=sentence)
        told += [*run.builder.unlike, *damaged, *filter(None, [run.ledger.wrong]), *_alarms(run)]
        told += [*run.left_out, *_about_files(run), *landing_report.lines(reported)] if command == "build" else []
        unpublished = _not_whole(run, statuses, command)
        told += _published(run, unpublished, reported)
        receipt = []
        if not unpublished:
            receipt = _deleted(erase, run, NOT_FORGOTTEN, GO_ON)
            told += _deleted(expire, run, "Not yet deleted, rows older than retain_days", "the next build goes on.")
            if os.environ.get(NIGHT) and run.warehouse.is_production:
                told += _deleted(collected, run, f"Not yet deleted, {NEEDLESS}", "the next night goes on.")
        return Ending([line for line in told if line], not _failed(statuses), receipt=receipt, is_whole=not unpublished)
    except (ScorehouseError, duckdb.Error, OSError) as error:
        return Ending(told, False, f"{NOTHING_PUBLISHED}{first_line(error).rstrip('.;')}; {_current(run)}.")


def _damaged(run: Run) -> Iterator[str]:
    """What was lost, or changed by somebody, of the store and of what readers are served."""
    yield from confinement.set_aside()
    yield from (f"{file} was not as its record says: it is computed anew." for file in run.store.damaged)
    number = run.warehouse.current_release()
    unlike = unlike_sealed(run.warehouse.release(number), sealed_in(run.warehouse, number)) if number is not None else []
    if unlike:
        yield f"Release {number} was not as its record says ({', '.join(unlike)}): a green build publishes it anew."


def _alarms(run: Run) -> Iterator[str]:
    """What training could not mend, of models in use: the ledger has it too, for whoever owns them."""
    for node in run.manifest.fitted():
        decided = decisions(run.records.nodes[node.id]) if node.id in run.records.nodes else []
        if decided and decided[-1].decision == ALARM:
            sentence = f"{node.name}: training raises an alarm: {decided[-1].reason}; see registry.training_decisions."
            journal.note_attention(run, node.id, node, node.name, sentence)
            yield sentence


def _about_files(run: Run) -> Iterator[str]:
    """What of the files' rows did not land as it was."""
    yield from landing_report.rejected(run)
    yield from landing_report.masked(run)
    yield from landing_report.expired(run)


def _deleted(delete: Callable[[Run], Iterable[str]], run: Run, undone: str, remedy: str) -> list[str]:
    """What was deleted after a release that stands; what could not be is in the ledger, and the next build tries it again."""
    try:
        said = list(delete(run))
    except (ScorehouseError, duckdb.Error, OSError) as error:
        said = [f"{undone}: {first_line(error).rstrip('.;')}; {remedy}"]
    for sentence in (one for one in said if one.startswith("Not yet ")):
        run.ledger.write(ATTENTION, message=sentence)
    return said


def _published(run: Run, unpublished: str, reported: list[FileReport]) -> list[str]:
    if unpublished:
        return [f"{NOTHING_PUBLISHED}{unpublished} {_current(run).capitalize()}."]
    again = "--full-refresh computed nothing again that the store has: every table is whole, and named by what it is made of."
    return [_publish(run, reported), *([again] if "--full-refresh" in run.options else [])]


def _not_whole(run: Run, statuses: dict[str, str], command: str) -> str:
    """Why a run is not a green build of the whole project, which alone is published; empty where it is."""
    failed = _failed(statuses)
    if failed:
        return f"{len(failed)} of {len(statuses)} nodes failed ({failed[0].split('.')[2]} first)."
    if command != "build":
        return f"dbt {command} is no build; plain `dbt build` publishes."
    part = sorted(OF_A_PART & run.options)
    if part:
        return f"the build was of a part of the data ({part[0]}); plain `dbt build` publishes."
    missing = run.manifest.unproven({node_id for node_id, status in statuses.items() if status in PROVEN})
    if missing:
        more = f" and {len(missing) - 1} more nodes" if len(missing) > 1 else ""
        return f"the selection left out {missing[0].name}{more}; plain `dbt build` publishes."
    return ""


def _failed(statuses: Mapping[str, str]) -> list[str]:
    return [node_id for node_id, status in statuses.items() if status not in NOT_FAILED]


def _publish(run: Run, reported: list[FileReport]) -> str:
    landing_report.expect_few_rejected(run.manifest.variables, reported)
    if not run.manifest.variables["publish_empty"]:
        current = run.warehouse.current_release()
        before = serving_file.row_counts(run.warehouse.release(current) / SERVING) if current is not None else {}
        _expect_all_products(run, before)
        _expect_rows(run, before)
    untold = died.untold_release(run)
    if untold:
        _note_published(run, untold.release, untold.changed)
    publisher = Publisher(run.warehouse, run.connection, run.records, run.store, run.manifest.offer())
    number, changed = publisher.publish(git.commit(run.manifest.folder), partial(published, run))
    if changed:
        _note_published(run, number, changed)
        sentence, noticed = f"Published release {number} of {run.warehouse.branch}: {run.warehouse.serving}", notices
    else:
        run.ledger.write(CONFIRMED, details={"release": number})
        sentence, noticed = f"Release {number} of {run.warehouse.branch} stays: nothing changed.", _without_scores
    return "\n".join([sentence, *_after(run, publisher, noticed)])


def _note_published(run: Run, number: int, changed: list[str]) -> None:
    latencies = serving_file.latencies(run.warehouse.release(number) / SERVING)
    run.ledger.write(PUBLISHED, details={"release": number, "changed": changed, "latency_ms": latencies})


def _after(run: Run, publisher: Publisher, noticed: Callable[[Run], Iterable[str]]) -> list[str]:
    """What follows a release that is served, whatever comes; a build that was killed after its switch left it to this one."""
    try:
        publisher.forget_old(int(run.manifest.variables["retained_releases"]))
        return list(noticed(run))
    except (ScorehouseError, duckdb.Error, OSError) as error:
        sentence = f"After it: {first_line(error).rstrip('.;')}; the next build goes on."
        run.ledger.write(ATTENTION, message=sentence)
        return [sentence]


def _expect_all_products(run: Run, before: Mapping[str, int]) -> None:
    """Raise ScorehouseError where the variable `products` leaves out what the current release serves."""
    withdrawn = sorted(node.name for node in run.manifest.unwanted() if node.meta.get("endpoint") and node.name in before)
    if withdrawn:
        more = f" and {len(withdrawn) - 1} more" if len(withdrawn) > 1 else ""
        raise ScorehouseError(
            f"expected all that release {run.warehouse.current_release()} serves, found {withdrawn[0]}{more} left out by the "
            "variable products; build on a branch, or withdraw them: --vars '{publish_empty: true, products: [...]}'"
        )


def _expect_rows(run: Run, before: Mapping[str, int]) -> None:
    """Raise ScorehouseError where every served table is empty, or one that had rows in the current release."""
    counts = {table.name: _row_count(run, table) for table in run.manifest.served_tables()}
    emptied = sorted(name for name, count in counts.items() if count == 0 and before.get(name))
    found = f"none in {', '.join(emptied)}, which had some" if emptied else "every table empty"
    if emptied or (counts and not any(counts.values())):
        where = "the input and the variable as_of" if run.manifest.variables["as_of"] else "the input"
        raise ScorehouseError(
            f"expected rows in what is served, found {found}; look at {where}, or publish it so: --vars '{{publish_empty: true}}'"
        )


def _row_count(run: Run, table: ServedTable) -> int:
    """Rows of a table that is going to be served; a view's are counted."""
    known = run.records.of(table.relation).row_count
    return serving_file.row_count(run.connection, table) if known is None else known


def _without_scores(run: Run) -> Iterator[str]:
    """Models that cannot score, as long as they cannot."""
    for record in run.records.nodes.values():
        if record.materialized == "fitted":
            query = f"select status, status_reason from {quoted(record.relation)} where status <> 'ready' and example_count > 0"
            for status, reason in run.connection.cursor().execute(query).fetchall():
                sentence = f"{record.relation} gives no scores: {status.replace('_', ' ')}: {reason}"
                run.ledger.write(ATTENTION, node=record.node_id, message=sentence)
                yield sentence


def notices(run: Run) -> list[str]:
    """What a green build leaves to know: models that cannot score, tables without data, tables without a reader."""
    sentences = [*_without_scores(run)]
    empty = sorted(table.name for table in run.manifest.served_tables() if run.records.of(table.relation).row_count == 0)
    if empty:
        sentences.append(f"Empty, because this data has nothing for them: {', '.join(empty)}.")
    for audience in (name for name, group in groups_of(run.manifest.offer()).items() if group is None):
        sentences.append(
            f"No group '{audience}' on this machine that who builds is in: "
            f"{run.warehouse.audiences.name}/{audience}.duckdb is for who builds alone; "
            f"add the group (groupadd {audience}), and whoever builds to it."
        )
    unread = rules.unread(run.manifest)
    if unread:
        sentences.append(f"No exposure says who reads {', '.join(unread)}: add one to the YAML of the model, with an owner.")
    return sentences


def _current(run: Run) -> str:
    number = run.warehouse.current_release()
    return "there is no release yet" if number is None else f"release {number} of {run.warehouse.branch} stays as it is"
