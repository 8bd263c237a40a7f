"""Runs that died before their end: the next one says so, and writes down what they published."""

from collections.abc import Iterator
from datetime import UTC

from scorehouse.build.run import Run
from scorehouse.ledger.lines import BUILD, BUILD_ENDED, FINISH, PUBLICATIONS, START, files, number_of, read
from scorehouse.release.history import summary
from scorehouse.serving.described import Release


def sentences(run: Run) -> Iterator[str]:
    """What there is to say of runs that died; this one holds the branch's lock, so nobody builds there any more."""
    before = next((file for file in reversed(files(run.warehouse.ledger)) if file != run.ledger.file), None)
    lines = list(read(before, (START, BUILD, BUILD_ENDED, FINISH))) if before else []
    if lines and lines[-1].event in (START, BUILD) and "run_id" in lines[-1].details:
        yield (
            f"Run {number_of(before)}, which began at {lines[-1].at:%Y-%m-%d %H:%M:%S} UTC, did not come to its end: it was "
            "stopped or killed; what it computed is kept."
        )
    untold = untold_release(run)
    if untold:
        yield f"Release {untold.release}, which is served, is of a run that did not write so down."


def untold_release(run: Run) -> Release | None:
    """The current release, if it was published by a run that did not live to write so; None where its run's file is gone."""
    number = run.warehouse.current_release()
    known = None if number is None else summary(run.warehouse, number)
    for file in reversed(files(run.warehouse.ledger)) if known else ():
        lines = list(read(file, (START, BUILD, *PUBLICATIONS)))
        if any(line.event in PUBLICATIONS and line.details.get("release") == number for line in lines):
            return None
        if lines and lines[0].at and lines[0].at <= known.release.built_at.replace(tzinfo=UTC):
            return known.release
    return None
