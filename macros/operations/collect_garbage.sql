{#
    Show the store's files that nothing refers to any more; delete them only when asked.

    Example:
        dbt run-operation collect_garbage --args '{delete: true}'
#}
{% macro collect_garbage(delete=false) %}
    {%- do print(scorehouse('collect_garbage', delete=delete, **kwargs)) -%}
{% endmacro %}
