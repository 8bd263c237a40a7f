{#
    Ask the Python package for one operation and return its answer.

    Example:
        {{ scorehouse('table', node_id=model.unique_id, sql=compiled_code) }}  ->  BUILT 4,372 rows

    Arguments:
        operation: a function marked @operation in udfs/scorehouse/
        kwargs: its arguments
#}
{% macro scorehouse(operation) -%}
    {#- dbt-duckdb's way from a macro to a plugin; it needs an open connection, which the empty query sees to -#}
    {%- set request = dict(kwargs) -%}
    {%- if execute -%}
        {%- do adapter.execute('select 1', auto_begin=false) -%}
        {%- do adapter.store_relation('scorehouse', this or none, [], operation, 'operation', request) -%}
    {%- endif -%}
    {{ return(request.get('result')) }}
{%- endmacro %}
