"""Land the project's sources before any node runs."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from scorehouse.build.manifest import DeclaredColumn, Node
from scorehouse.build.run import Run
from scorehouse.build.source import source
from scorehouse.errors import ScorehouseError
from scorehouse.names.git import PRODUCTION
from scorehouse.sandbox import confinement
from scorehouse.sandbox.parse import check_type
from scorehouse.sources.forgotten import Forgotten
from scorehouse.sources.keyed import Key
from scorehouse.sources.less import less
from scorehouse.sources.personal import Personal, Whose
from scorehouse.sources.places import Found, beside, discover, fixed_part
from scorehouse.sources.tables import SourceTable, check_landed, land, may_read
from scorehouse.store.details import Column, Landing
from scorehouse.store.durable import write_durably
from scorehouse.store.records import NodeRecords

MOST_MISSING = 5
"""So many things that a source has no longer are named."""


def land_sources(run: Run) -> None:
    """Bring every source table that some model reads up to the data version this branch is on.

    Production, and any branch with `fresh_data: true`, looks at the files anew. Any other branch stays at the version of
    production's sources that it started from, so that comparing it with production shows the effect of its logic alone;
    where its code reads files otherwise, it looks at them anew too. What lies in a landing folder and is not read is told at
    the end of the run.

    Raises ScorehouseError for a landing folder in which there is nothing to read, and on production for a source that has less
    than the current release was made of (`sources.less`), unless the variable publish_less says that it may.
    """
    is_main, is_fresh = run.warehouse.is_production, run.manifest.variables["fresh_data"]
    production = (run.builder.published if is_main else NodeRecords.readable(run.warehouse.on(PRODUCTION))).nodes
    by_folder: dict[str, list[tuple[Node, SourceTable, Found]]] = {}
    places, missing = set(), []
    for node in run.manifest.sources():
        table = declared_in(run, node)
        found = _land(run, node, table, not is_main and not is_fresh and node.id in production)
        if is_main and node.id in production:
            missing += _missing(run, node, table, production[node.id].details.landing)
        is_in_folder = node.meta.get("folder_variable")
        place = Path(table.path).parent if is_in_folder else Path(fixed_part(table.path))
        folder = place.resolve()
        files = [file.path for file in found.files] if found else []
        places |= {str(place), *(str(file) for file in files if not file.resolve().is_relative_to(folder))}  # links lead there
        if is_in_folder and found is not None:
            by_folder.setdefault(str(Path(table.path).parent), []).append((node, table, found))
    write_durably(run.warehouse.landed, "".join(f"{place}\n" for place in sorted(places)))
    for folder, tables in by_folder.items():
        _tell_the_rest(run, Path(folder), tables)
    if run.manifest.variables["publish_less"]:
        run.left_out.extend(f"{sentence}: left out, as publish_less says." for sentence in missing)
    elif missing:
        more = f" And {len(missing) - MOST_MISSING} more." if len(missing) > MOST_MISSING else ""
        again = "bring it back, or publish without all of it: --vars '{publish_less: true}'."
        raise ScorehouseError(f"{'; '.join(missing[:MOST_MISSING])}; {again}{more}")


def _missing(run: Run, node: Node, table: SourceTable, published: Landing | None) -> Iterator[str]:
    """What a source had when the current release was made of it, and has no longer; nothing where it is read from elsewhere."""
    landed = run.records.nodes[node.id].details.landing
    if published is not None and published.path == table.path:
        yield from less(table, published.files, landed.files, run.warehouse.current_release())


def _land(run: Run, node: Node, table: SourceTable, is_pinned: bool) -> Found | None:
    """Land one table; returns what lies at its path, None where nobody looked.

    Args:
        is_pinned: whether production has a version of it, which this branch stays at.
    """
    previous = run.records.nodes.get(node.id)
    landing = previous.details.landing if previous else None
    is_same_declaration = previous is not None and previous.fingerprint.own == table.declaration()
    if (
        landing
        and is_pinned
        and landing.path == table.path
        and landing.reader == table.reader
        and previous.relation == table.relation
        and not run.store.lost(previous.files)
    ):
        files = landing.files if is_same_declaration else check_landed(table, run.store, landing.files)
        source(run.builder, node.id, table, files)
        if not all(may_read(run.store, file) for file in previous.files):
            run.left_out.append(
                f"{table.relation}: only who builds main may read its raw copies, so what is to be computed of them fails here; "
                "land them once more: --vars '{fresh_data: true}'"
            )
        return None
    found, known = discover(table.path), landing.files if landing and is_same_declaration else []
    source(run.builder, node.id, table, land(table, run.store, known, found, *_about_people(run)))
    return found


def _about_people(run: Run) -> tuple[Key | None, Forgotten]:
    """The key of pseudonyms, and who is to be forgotten."""
    return Key.of(confinement.personal_key()), Forgotten.read(run.warehouse.store)


def _tell_the_rest(run: Run, folder: Path, tables: list[tuple[Node, SourceTable, Found]]) -> None:
    """Keep what is not read of a landing folder for the end of the run; refuse one in which nothing is."""
    names = [Path(table.path).name for _, table, _ in tables]
    declared_names = [str(node.meta["path"]) for node in run.manifest.siblings(tables[0][0])]
    unread = [one for _, _, found in tables for one in found.unread]
    unread += beside(folder, names, [name for name in declared_names if name not in names])
    run.left_out.extend(str(one) for one in unread)
    must_have = [node for node, _, found in tables if node.meta.get("is_needed") and not found.files]
    is_alone = run.manifest.variables.get("interaction_sources") == [tables[0][0].source_name]
    if any(found.files for _, _, found in tables) and not (must_have and is_alone):
        return
    missing = must_have[0].meta["path"] if must_have else names[0]
    there = f"found: {' '.join(map(str, unread))}" if unread else "found none"
    raise ScorehouseError(f"{folder}: expected files in {missing}/, {there.rstrip('.')}; put the data there and build again.")


def declared_in(run: Run, node: Node) -> SourceTable:
    """A source table of a run's project, see `declared`."""
    names = [sibling.name for sibling in run.manifest.siblings(node)]
    return declared(node, run.manifest.folder, run.manifest.variables, names)


def declared(node: Node, folder: Path, variables: Mapping[str, object], tables: Collection[str]) -> SourceTable:
    """A source table as its YAML declares it.

    `meta.path` is a folder, file or glob, relative to the project, or to the folder that the variable named by
    `meta.folder_variable` holds. Raises ScorehouseError when that variable is not a folder.

    Args:
        tables: names of all tables of the source.
    """
    if "path" not in node.meta:
        raise ScorehouseError(f"{node.path}: source {node.name}: expected meta.path (a folder or glob), found none.")
    variable = node.meta.get("folder_variable")
    if variable:
        value = str(variables.get(variable) or "")
        if not value or not (folder / Path(value).expanduser()).is_dir():
            raise ScorehouseError(
                f"Variable {variable}: expected a folder with {node.meta['path']}/ and its siblings, found '{value}'; "
                f"give it: dbt build --vars '{{interaction_sources: [{node.source_name}], {variable}: /path/to/folder}}'"
            )
        folder = folder / Path(value).expanduser()
    columns = tuple(Column(column.name, _type_of(column, node), column.is_required, column.kind) for column in node.columns)
    table = SourceTable(node.relation, str(folder / node.meta["path"]), columns, node.meta.get("partition_by"))
    in_files = [column.name for column in table.in_files]
    called = _called(node, variables, tables, in_files)
    return replace(table, called=called, personal=_personal(node, in_files, called), keep_from=_keep_from(node))


def _keep_from(node: Node) -> str:
    """The first day whose rows are kept (UTC), as `meta.retain_days` says; empty where all are."""
    days = node.meta.get("retain_days")
    if days is None:
        return ""
    today = datetime.now(UTC).date()
    most = (today - date.min).days
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= most:
        found = f"from 1 to {most}, found '{days}'"
        raise ScorehouseError(f"{node.path}: source {node.name}: meta.retain_days: expected a whole number {found}; correct it.")
    return (today - timedelta(days=days)).isoformat()


def _called(node: Node, variables: Mapping[str, object], tables: Collection[str], columns: list[str]) -> dict[str, str]:
    """What the files call the declared columns: the variable that `meta.names_variable` names, by table."""
    variable = node.meta.get("names_variable")
    by_table = variables.get(variable) or {} if variable else {}
    strange = sorted(map(str, by_table.keys() - set(tables))) if isinstance(by_table, dict) else []
    if strange:
        raise ScorehouseError(
            f"Variable {variable}: expected tables among {', '.join(sorted(tables))}, found {', '.join(strange)}; correct it."
        )
    called = by_table.get(node.name) or {} if isinstance(by_table, dict) else by_table
    if not isinstance(called, dict) or not all(isinstance(name, str) for name in called.values()):
        raise ScorehouseError(
            f"Variable {variable}: expected {{{node.name}: {{column: name in the files, or =value}}}}, found {by_table}; "
            "correct it."
        )
    unknown = sorted(set(called) - set(columns))
    if unknown:
        raise ScorehouseError(
            f"Variable {variable}: expected columns of {node.name} ({', '.join(columns)}), found {', '.join(unknown)}; "
            "correct it."
        )
    return called


def _personal(node: Node, in_files: Collection[str], called: Mapping[str, str]) -> Personal:
    """What identifies people: columns with `meta.personal`, by the source's `meta.personal_names`, and by `meta.undeclared`.

    Args:
        in_files: the declared columns that files may have.
        called: what the files call them: by that name, too, a column is personal.
    """
    names = tuple(map(str, node.meta.get("personal_names") or ()))
    by_name = Personal(names=names).names_person
    columns = {column.name for column in node.columns if column.is_personal}
    columns |= {column for column, name in called.items() if not name.startswith("=") and by_name(name)}
    typed = next(
        (column for column in node.columns if column.is_personal and column.data_type.upper() not in ("", "VARCHAR")), None
    )
    if typed:
        raise ScorehouseError(
            f"{node.path}: source {node.name}: column {typed.name}: expected VARCHAR, which a pseudonym is, found "
            f"{typed.data_type}; correct the column's data_type."
        )
    others = {name for name in in_files if name not in columns}
    is_whole = node.meta.get("undeclared") == "personal"
    return Personal(_lower(columns), _lower(others), names, is_whole, tuple(_whose(node)))


def _whose(node: Node) -> Iterator[Whose]:
    """What says whose a row is: the columns with `meta.person`."""
    for column in node.columns:
        if column.whose is not None:
            where = sorted((name.lower(), str(value).lower()) for name, value in column.whose.items())
            yield Whose(column.name.lower(), tuple(where))


def _lower(names: Collection[str]) -> frozenset[str]:
    return frozenset(map(str.lower, names))


def _type_of(column: DeclaredColumn, node: Node) -> str:
    return check_type(column.data_type or "VARCHAR", f"{node.path}: source {node.name}: column {column.name}")
