{#
    dbt's function nodes on DuckDB: a SQL function is a macro of the database, cast to its declared type.
    DuckDB macros take arguments of any type, so a body casts what it needs.
#}
{% macro duckdb__scalar_function_sql(target_relation) %}
    create or replace macro {{ target_relation.render() }}({{ model.arguments | map(attribute='name') | join(', ') }}) as (
        cast(({{ model.compiled_code | trim }}) as {{ model.returns.data_type }})
    )
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
