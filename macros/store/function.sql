{#
    dbt's function nodes on DuckDB: a SQL function is a macro of the database, cast to its declared type.
    DuckDB macros take arguments of any type, so a body casts what it needs. A body names no database: it holds wherever the
    file is opened. `meta.returns_table` makes it a table function, whose body is a whole select.
#}
{% macro duckdb__scalar_function_sql(target_relation) %}
    {%- set body = model.compiled_code | trim | replace(adapter.quote(target.database) ~ '.', '') %}
    create or replace macro {{ target_relation.render() }}({{ model.arguments | map(attribute='name') | join(', ') }}) as
    {%- if model.config.meta.returns_table %} table {{ body }}
    {%- else %} (
        cast(({{ body }}) as {{ model.returns.data_type }})
    )
    {%- endif %}
{% endmacro %}

{# A Python function is registered on the connection by the plugin; the macro gives it its place in the database. #}
{% macro duckdb__scalar_function_python(target_relation) %}
    create or replace macro {{ target_relation.render() }}({{ model.arguments | map(attribute='name') | join(', ') }}) as (
        {{ model.name }}({{ model.arguments | map(attribute='name') | join(', ') }})
    )
{% endmacro %}

{% macro duckdb__function_execute_build_sql(build_sql, existing_relation, target_relation) %}
    {%- set outcome = scorehouse('function', is_open=true, node_id=model.unique_id, body=model.compiled_code, create=build_sql) -%}
    {%- call noop_statement('main', outcome, outcome) -%}
        {{ build_sql }}
    {%- endcall -%}
{% endmacro %}
