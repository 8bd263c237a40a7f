{#
    All branches in the warehouse, and how far each is from main.

    Example:
        dbt run-operation branches
#}
{% macro branches() %}
    {%- do print(scorehouse('branches', **kwargs)) -%}
{% endmacro %}
