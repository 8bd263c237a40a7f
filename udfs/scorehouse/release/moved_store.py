"""A warehouse that was moved, or is mounted elsewhere: the views of a database follow the store."""

from pathlib import Path

import duckdb

from scorehouse.names.quoting import literal

_STORE_FILE = r"'((?:[^']|'')*?)/(?:store|[^/']+/built)/[^/']+/[^/']+'"
"""A path of a store file in a view's SQL; the warehouse's folder is its first group."""


def place_of(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The warehouse's folder in the views of a database; None for a database without views of store files."""
    query = "select regexp_extract(sql, ?, 1) as place from duckdb_views() where not internal and place <> '' limit 1"
    found = connection.execute(query, [_STORE_FILE]).fetchall()
    return found[0][0].replace("''", "'") if found else None


def follow(connection: duckdb.DuckDBPyConnection, root: Path) -> None:
    """Point the views of a database at the store in the warehouse `root`, if that was moved since they were made."""
    place = place_of(connection)
    if place in (None, str(root)):
        return
    old, new = (literal(f"{folder}/").removesuffix("'") for folder in (place, root))
    query = "select sql from duckdb_views() where not internal and contains(sql, ?)"
    for (view,) in connection.execute(query, [old]).fetchall():
        connection.execute(view.replace(old, new).replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))
