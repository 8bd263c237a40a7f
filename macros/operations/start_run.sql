{# Before any node (on-run-start, not when dbt only compiles): land new source files, and forget what left the project. #}
{% macro start_run() %}
    {%- if flags.WHICH in ['build', 'run', 'seed', 'test', 'snapshot'] -%}
        {%- do scorehouse('start') -%}
    {%- endif -%}
{% endmacro %}
