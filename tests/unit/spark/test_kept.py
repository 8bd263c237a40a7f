"""Rows that Spark takes from DuckDB, and what a run that was killed left of them."""

from pathlib import Path

import duckdb

from scorehouse.spark.kept import exported
from scorehouse.spark.project import Project, Relation


def test_a_folder_without_rows_is_written_anew(tmp_path: Path) -> None:
    relation = Relation("main", "items", {"i": "INTEGER"}, "a" * 64)
    project = Project("shop", tmp_path, tmp_path, (), (relation,), (), (), {}, ())
    (tmp_path / f"main__items__{'a' * 16}").mkdir()
    with duckdb.connect() as connection:
        connection.execute("create table items as select 1 as i")
        (folder,) = exported(connection, project, tmp_path).values()
        assert connection.sql(f"from '{folder}/rows.parquet'").fetchall() == [(1,)]
        connection.execute("drop table items")
        assert list(exported(connection, project, tmp_path).values()) == [folder]
