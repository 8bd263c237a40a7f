"""Views of a branch on Spark: they are moved when a build is green and its rows are those of DuckDB."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from scorehouse.names.git import slug
from scorehouse.spark.generate import STORE, Made

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def move_views(session: "SparkSession", branch: str, models: Iterable[Made]) -> None:
    """Let a branch's views show these tables, and no others.

    Each view is moved at once; all of them together are not: Spark's own catalog has no transaction over several.
    """
    wanted: dict[str, dict[str, str]] = {}
    for made in models:
        wanted.setdefault(f"{slug(branch)}_{made.model.schema}", {})[made.model.name] = made.table
    for schema, tables in wanted.items():
        session.sql(f"create schema if not exists `{schema}`")
        for name, table in tables.items():
            session.sql(f"create or replace view `{schema}`.`{name}` as select * from {STORE}.`{table}`")
        for row in session.sql(f"show views in `{schema}`").collect():
            if row["viewName"] not in {name.lower() for name in tables}:
                session.sql(f"drop view `{schema}`.`{row['viewName']}`")
