"""What a release's files hold, and that they are as they were written."""

from project.harness import Project
from scorehouse.serving.file import OWN_TABLES
from scorehouse.sources.forgotten import FILE


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


def test_names_of_what_every_store_and_serving_file_has_are_refused_before_anything_is_built(tiny: Project) -> None:
    taken = sorted(OWN_TABLES)
    models = {f"models/serving/{name}": "{meta: {endpoint: {key: [number]}}}" for name in taken}
    models["models/features/people"] = f"{{schema: {FILE.split('.')[0]}, alias: {FILE.split('.')[1].upper()}}}"
    for model, config in models.items():
        tiny.write(f"{model}.sql", "select 1 as number\n")
        tiny.write(f"{model}.yml", f"models: [{{name: {model.split('/')[-1]}, config: {config}}}]\n")
    outcome = tiny.dbt("build")
    assert taken == ["endpoints", "features", "release"]
    for name in taken:
        assert f"expected a name of its own, found {name}, which every serving file has" in outcome.output, outcome.output
    assert f"expected a name of its own, found {FILE}, which the store has for a file" in outcome.output
