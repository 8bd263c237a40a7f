{#
    dbt's function nodes on DuckDB: a SQL function is a macro of the database, cast to its declared type; a Python function is
    registered by the plugin, and the macro gives it its place. `meta.returns_table` makes a table function, whose body is a whole
    select. udfs/scorehouse/build.py writes the statement. DuckDB macros take arguments of any type, so a body casts what it needs.
#}
{% macro duckdb__scalar_function_sql(target_relation) %}
    {{- model.compiled_code | trim -}}
{% endmacro %}

{% macro duckdb__scalar_function_python(target_relation) %}
    {{- model.compiled_code -}}
{% endmacro %}

{% macro duckdb__function_execute_build_sql(build_sql, existing_relation, target_relation) %}
    {%- set outcome = scorehouse('function', is_open=true, node_id=model.unique_id, body=model.compiled_code) -%}
    {%- call noop_statement('main', outcome, outcome) -%}
        {{ build_sql }}
    {%- endcall -%}
{% endmacro %}
