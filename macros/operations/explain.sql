{#
    Why each node, or the one named, was built or reused in its last run.

    Example:
        dbt run-operation explain --args '{node: churn_risk}'
#}
{% macro explain(node=none) %}
    {%- do print(scorehouse('explain', node=node, **kwargs)) -%}
{% endmacro %}
