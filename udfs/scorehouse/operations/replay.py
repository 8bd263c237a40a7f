"""Operation `replay` of `dbt run-operation`: a served row computed again from the store, and whether it comes out the same."""

import struct

import duckdb

from scorehouse.build.again import Again
from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError, first_line
from scorehouse.names import git
from scorehouse.operations import text
from scorehouse.operations.register import operation
from scorehouse.operations.served_row import ServedRow, served_row


@operation
def replay(run: Run, table: object = None, key: object = None) -> str:
    """Compute a row of a served table of the current release again, and say whether each of its columns is the same.

    The queries of the release are run over the features that it read, with the weights of its versions: those of the served
    table, of the implementation that scored the row, and of what lies between; nothing that was stored of these is read.

    Raises ScorehouseError with both values where they differ.
    """
    row = served_row(run, "replay", table, key)
    try:
        again = _again(run, row)
    except (ScorehouseError, duckdb.Error) as error:
        raise ScorehouseError(f"replay: {row.name}: cannot be computed again: {first_line(error)}") from None
    stamps = row.record.details.reading.stamps
    compared = [name for name in row.values if name not in stamps]
    unlike = [name for name in compared if not is_same(row.values[name], again.get(name))]
    if unlike:
        told = "; ".join(f"{name} {text.exact(row.values[name])}, and {text.exact(again.get(name))}" for name in unlike)
        raise ScorehouseError(
            f"replay: {row.name}: expected what release {row.release.release} serves to be what comes out again, found two "
            f"values: {told} (served, and computed again{_other_code(run, row)}); look at who changed the file, or publish anew."
        )
    version = row.values.get("model_version")
    by = f" by {row.values['implementation']} with {version}" if row.implementation and version else " by its query"
    score = f"score {text.exact(row.values['score'])}, " if "score" in row.values else ""
    but = f" but {text.listed(stamps)}, the time of the build" if stamps else ""
    return (
        f"{row.name}: {score}computed again{by} from the store, is the same bit for bit as release {row.release.release} "
        f"serves it, in all {len(compared)} columns{but}{_other_code(run, row)}."
    )


def _again(run: Run, row: ServedRow) -> dict[str, object]:
    """The row as it comes out now; every column NULL where none comes out."""
    plain = Again(run.connection, run.store, row.records)
    through = plain.ways(row.record, row.implementation) if row.implementation else []
    relations = {record.relation for record in through if not record.definition and record.materialized != "fitted"}
    rows = Again(run.connection, run.store, row.records, relations).rows(row.record, row.condition).to_pylist()
    return rows[0] if rows else {}


def _other_code(run: Run, row: ServedRow) -> str:
    """What is to be said where another commit is checked out than the release's."""
    here, there = git.commit(run.manifest.folder), row.release.git_commit
    return "" if here == there else f", with the code of commit {(here or 'none')[:10]}, not of {(there or 'none')[:10]}"


def is_same(one: object, other: object) -> bool:
    """Whether two values are the same, numbers by their bits.

    >>> is_same(0.1 + 0.2, 0.3), is_same(0.0, -0.0), is_same([{"a": float("nan")}], [{"a": float("nan")}])
    (False, False, True)
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return struct.pack("<d", one) == struct.pack("<d", other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[name], other[name]) for name in one)
    return one == other
