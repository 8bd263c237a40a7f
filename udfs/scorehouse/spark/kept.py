"""Rows that Spark takes from DuckDB: sources as they were landed, seeds, and what was learned on one machine."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from scorehouse.names.quoting import identifier, literal
from scorehouse.spark.generate import STORE, Place
from scorehouse.spark.project import Project, Relation

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROWS = "rows.parquet"
"""File in a relation's folder; a folder without it is what a run that was ended left."""


def exported(connection: duckdb.DuckDBPyConnection, project: Project, folder: Path) -> dict[Place, Path]:
    """Write the kept relations as Parquet files, named by their fingerprints, or else by their content; those there are stay."""
    folder.mkdir(parents=True, exist_ok=True)
    return {(relation.schema, relation.name): _exported(connection, relation, folder) for relation in project.kept}


def _exported(connection: duckdb.DuckDBPyConnection, relation: Relation, folder: Path) -> Path:
    name = f"{relation.schema}__{relation.name}__"
    if relation.fingerprint and (folder / f"{name}{relation.fingerprint[:16]}" / ROWS).exists():
        return folder / f"{name}{relation.fingerprint[:16]}"
    unfinished = folder / f".{name}{os.getpid()}.tmp"
    rows = f"select * from {identifier(relation.schema)}.{identifier(relation.name)}"
    connection.execute(f"copy ({rows}) to {literal(unfinished)} (format parquet)")
    mark = relation.fingerprint or hashlib.sha256(unfinished.read_bytes()).hexdigest()
    place = folder / f"{name}{mark[:16]}"
    place.mkdir(exist_ok=True)
    unfinished.replace(place / ROWS)
    return place


def declared(session: "SparkSession", files: dict[Place, Path]) -> None:
    """Make tables of the exported files in the store's schema, under their folders' names."""
    session.sql(f"create schema if not exists {STORE}")
    for folder in files.values():
        session.sql(f"create table if not exists {STORE}.{folder.name} using parquet location {literal(folder)}")
