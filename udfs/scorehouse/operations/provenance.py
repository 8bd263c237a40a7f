"""Operation `provenance` of `dbt run-operation`: where files of a release, or one served row, come from; if files are whole."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from scorehouse.build.again import Again
from scorehouse.build.run import Run
from scorehouse.errors import ScorehouseError
from scorehouse.operations import text
from scorehouse.operations.register import operation
from scorehouse.operations.served_row import ServedRow, block, equal, served_row
from scorehouse.store.provenance import Provenance
from scorehouse.store.records import NodeRecord, NodeRecords

MOST_SOURCES = 50
"""So many source files are listed."""

TOLD_APART = ("VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP", "INTEGER", "BIGINT", "UUID")
"""Types of columns that find the features of a served row: what is computed is none of these."""


@operation
def provenance(run: Run, node: object = None, table: object = None, key: object = None) -> str:
    """For each store file of the current release, or of one node: who computed it, how main came by it, and if it is whole.

    With a table and a key: all that one served row was made of.
    """
    if table is not None or key is not None:
        if node is not None:
            raise ScorehouseError(f"provenance: expected a node, or a table and a key, found both; leave out node: {node}.")
        return "\n\n".join(_told_of(run, served_row(run, "provenance", table, key)))
    number = run.warehouse.current_release()
    if number is None:
        return f"Branch '{run.warehouse.branch}' has no release yet; `dbt build` publishes the first."
    records = [record for record in NodeRecords.published(run.warehouse, number).nodes.values() if record.files]
    chosen = [record for record in records if node is None or node in (record.relation, record.relation.split(".")[-1])]
    if not chosen:
        raise ScorehouseError(
            f"provenance: expected the name of a stored model, seed or source of release {number}, found '{node}'."
        )
    rows = [_told(file, run.store.path(file)) for record in sorted(chosen, key=_name) for file in record.files]
    wrong = [row[0] for row in rows if row[-1] != "yes"]
    end = f"Of {len(rows)} files {len(wrong) or 'none'} is not as it was written{': build again' if wrong else ''}."
    return f"{text.table(['file', 'branch', 'commit', 'written at (UTC)', 'by', 'from', 'promotion', 'whole'], rows)}\n{end}"


def _name(record: NodeRecord) -> str:
    return record.relation or ""


def _told(name: str, file: Path) -> list[object]:
    origin = Provenance.beside(file)
    if origin is None or not file.is_file():
        return [name, *[None] * 6, "no"]
    by = f"process {origin.process_id} of run {origin.run_id[:8]}"
    parents = f"{len(origin.parents)} files" if len(origin.parents) != 1 else origin.parents[0]
    is_whole = "yes" if origin.is_of(file) else "no"
    return [name, origin.branch, (origin.commit or "")[:10], origin.written_at, by, parents, origin.promotion, is_whole]


# -------------------------------------------------------------------- one served row


def _told_of(run: Run, row: ServedRow) -> Iterator[str]:
    """Everything that a served row was made of, a block of lines each."""
    release = row.release
    yield block(
        f"release {release.release}",
        {
            "branch": release.branch,
            "published at (UTC)": release.built_at,
            "published by": release.published_by,
            "commit": release.git_commit,
        },
    )
    yield block(f"row of {row.table}", row.values)
    yield _computed(run, row.record)
    if row.implementation and row.implementation.materialized != "fitted":
        yield _computed(run, row.implementation)
    version = run.read_version(str(row.values["model_version"])) if row.values.get("model_version") else None
    if version is None:
        yield "no model: the row names no version that the store has"
    else:
        yield _model(version)
        yield _features(run, row, version)
    yield _sources(run, row)


def _computed(run: Run, record: NodeRecord) -> str:
    """Who computed a relation's files; of a view, that it has none."""
    names = record.files[:1]
    origin = Provenance.beside(run.store.path(names[0])) if names else None
    if origin is None:
        return block(f"computed: {record.relation}", {"as": "a view" if record.definition else "a file whose record is gone"})
    more = f" and {len(record.files) - 1} more" if len(record.files) > 1 else ""
    return block(
        f"computed: {record.relation}",
        {
            "file": f"{names[0]}{more}",
            "sha256": origin.sha256,
            "at (UTC)": origin.written_at,
            "branch": origin.branch,
            "commit": origin.commit,
            "run": origin.run_id,
            "promotion": origin.promotion,
        },
    )


def _model(version: pa.Table) -> str:
    """The version that scored: what it is, and what it learned from."""
    known = {name: version[name][0].as_py() for name in version.column_names}
    return block(
        f"model {known['model_version']}",
        {
            "estimator": known["estimator"],
            "trained at (UTC)": known["trained_at"],
            "fingerprint": known["fingerprint"],
            "examples": f"{known['example_count']}, {known['train_count']} of them learned from, {known['test_count']} tested on",
            "examples' fingerprint": known["examples_fingerprint"],
            "learned from": f"{text.exact(known['train_from'])} to {text.exact(known['train_until'])}",
            **_tested(known),
        },
    )


def _tested(known: dict[str, object]) -> dict[str, str]:
    if known["test_from"] is None and known["test_count"]:
        return {"tested on": "customers that a fit did not know (cross-validation)"}
    return {
        "tested on": f"{text.exact(known['test_from'])} to {text.exact(known['test_until'])}",
        "tested as fitted until": text.exact(known["measured_until"] or known["train_until"]),
    }


def _features(run: Run, row: ServedRow, version: pa.Table) -> str:
    """The row of features that went in; one that no single row of what was read has is said so."""
    names = [feature["name"] for feature in version["features"][0].as_py()]
    if not names:
        return "no row of features: the model has weights, and scores no rows by a formula"
    again = Again(run.connection, run.store, row.records)
    behind = again.behind(row.implementation or row.record)
    missing, found, places = list(names), {}, []
    for record in sorted(behind, key=lambda one: -len(set(names) & one.columns.keys())):
        wanted = [name for name in missing if name in record.columns]
        values = _only_row(again, record, row) if wanted else None
        if values is not None:
            found |= {name: values[name] for name in wanted}
            places.append(record.relation)
            missing = [name for name in missing if name not in found]
    told = {name: found[name] for name in names if name in found}
    told |= dict.fromkeys(missing, "in no single row of what was read")
    return block(f"features that went in, of {text.listed(places)}", told)


def _only_row(again: Again, record: NodeRecord, row: ServedRow) -> Mapping[str, object] | None:
    """The only row of a relation that has the served row's key, time and other such columns; None where it is not one."""
    types = {name: kind for name, kind in record.columns.items() if kind in TOLD_APART and row.record.columns.get(name) == kind}
    shared = {name: row.values[name] for name in types if row.values.get(name) is not None}
    if not shared.keys() & row.key.keys():
        return None
    condition = equal(shared, types)
    rows = (again.rows(record, condition) if record.definition else again.stored(record, condition)).to_pylist()
    return rows[0] if len(rows) == 1 else None


def _sources(run: Run, row: ServedRow) -> str:
    """The landed copies and seeds that a row's files were computed from, with their hashes."""
    again = Again(run.connection, run.store, row.records)
    files = row.record.files or [file for one in again.behind(row.record) for file in one.files]
    first = {name: origin for name, origin in origins(run, files) if not any(_is_stored(parent) for parent in origin.parents)}
    shown = sorted(first)[:MOST_SOURCES]
    made = {name: text.listed(first[name].parents) if first[name].parents else "no source: a query makes it" for name in shown}
    rows = [[made[name], first[name].sha256, name, first[name].written_at] for name in shown]
    title = f"made of {len(first)} source file{'' if len(first) == 1 else 's'} and seeds"
    more = f"\n  and {len(first) - len(shown)} more" if len(first) > len(shown) else ""
    told = text.table(["source", "sha256 of the copy", "copy in the store", "landed at (UTC)"], rows)
    return "\n".join([title, *(f"  {line}" for line in told.splitlines())]) + more


def origins(run: Run, files: Iterable[str]) -> Iterator[tuple[str, Provenance]]:
    """The records of files, and of all that they were computed from."""
    seen, waiting = set(files), list(files)
    while waiting:
        name = waiting.pop()
        origin = Provenance.beside(run.store.path(name))
        if origin is None:
            continue
        yield name, origin
        new = {parent for parent in origin.parents if _is_stored(parent)} - seen
        seen |= new
        waiting += new


def _is_stored(parent: str) -> bool:
    """Whether a parent is a file of the store, and no raw file or seed.

    >>> _is_stored("features.weighted/0a1b.duckdb"), _is_stored("/srv/raw/first.csv"), _is_stored("seeds/points.csv")
    (True, False, False)
    """
    folder, *names = Path(parent).parts
    return len(names) == 1 and "." in folder
