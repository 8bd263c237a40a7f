{#
    Serve an earlier release again: the one before, or the one named.

    Example:
        dbt run-operation rollback --args '{to: 3}'
#}
{% macro rollback(to=none) %}
    {%- do print(scorehouse('rollback', to=to, **kwargs)) -%}
{% endmacro %}
