{#
    The branch's releases: number, when, commit, who, what changed.

    Example:
        dbt run-operation releases
#}
{% macro releases() %}
    {%- do print(scorehouse('releases', **kwargs)) -%}
{% endmacro %}
