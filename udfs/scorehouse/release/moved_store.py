"""A warehouse that was moved, or is mounted elsewhere: the views of a database follow the store."""

from pathlib import Path

import duckdb

from scorehouse.names.quoting import literal

_STORE_FILE = r"'((?:[^']|'')*?)/(?:store|[^/']+/built)/[^/']+/[^/']+'"
"""A path of a store file in a view's SQL; the warehouse's folder is its first group."""


def moved_from(connection: duckdb.DuckDBPyConnection, root: Path) -> str | None:
    """The warehouse's folder in the views of a database, if it is another than `root`; None without views of store files, too."""
    query = "select regexp_extract(sql, ?, 1) as place from duckdb_views() where not internal and place <> '' limit 1"
    found = connection.execute(query, [_STORE_FILE]).fetchall()
    place = found[0][0].replace("''", "'") if found else str(root)
    return None if place == str(root) else place


def follow(connection: duckdb.DuckDBPyConnection, root: Path) -> None:
    """Point the views of a database at the store in the warehouse `root`, if that was moved since they were made."""
    place = moved_from(connection, root)
    if place is None:
        return
    old, new = (literal(f"{folder}/").removesuffix("'") for folder in (place, root))
    query = "select sql from duckdb_views() where not internal and contains(sql, ?)"
    for (view,) in connection.execute(query, [old]).fetchall():
        connection.execute(view.replace(old, new).replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))
