"""What a release's files hold, and that they are as they were written."""

from project.harness import Project


def test_rows_that_a_test_stored_are_in_no_catalog(tiny: Project) -> None:
    settings = "{{ config(store_failures=true, severity='warn') }}"
    tiny.write("tests/leak.sql", f"{settings} select kind || '@example.org' as found from {{{{ ref('points') }}}}\n")
    tiny.replace("dbt_project.yml", "weight: 2", "weight: 3")
    tiny.build()
    tables = "select schema_name, table_name from duckdb_tables() where schema_name not in ('scorehouse', 'history')"
    catalog = (tiny.folder() / "catalog.duckdb").resolve()
    assert tiny.work("main", tables), "the test stores what it found"
    assert tiny.catalog(tables) == []
    assert b"@example.org" not in catalog.read_bytes()
