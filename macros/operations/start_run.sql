{# Before any node (on-run-start, not when dbt only compiles): land new source files, and forget what left the project. #}
{% macro start_run() %}
    {%- if flags.WHICH in ['build', 'run', 'seed', 'test', 'snapshot'] -%}
        {%- set lines = scorehouse('start') -%}
        {%- if lines -%}
            {%- do log(lines, info=true) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
