{# Before any node (on-run-start): land new source files, and forget what left the project. #}
{% macro start_run() %}
    {%- do scorehouse('start') -%}
{% endmacro %}
