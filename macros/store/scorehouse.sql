{#
    Ask the Python package for one operation and return its answer.

    Example:
        {{ scorehouse('table', node_id=model.unique_id, sql=compiled_code, columns_ddl=none) }}  ->  BUILT 4,372 rows

    Arguments:
        operation: a function marked @operation in udfs/scorehouse/
        is_open: true inside a materialization, where the run has opened the database already
        kwargs: the operation's arguments
#}
{% macro scorehouse(operation, is_open=false) -%}
    {#- dbt-duckdb's way from a macro to a plugin; it needs an open database, which the empty query sees to -#}
    {%- set request = dict(kwargs) -%}
    {%- if execute -%}
        {%- if not is_open -%}
            {%- do adapter.execute('select 1', auto_begin=false) -%}
        {%- endif -%}
        {%- do adapter.store_relation('scorehouse', this or none, [], operation, 'operation', request) -%}
    {%- endif -%}
    {{ return(request.get('result')) }}
{%- endmacro %}
