{#
    Where the files of the current release, or of one node, come from, and whether they are as they were written.

    Example:
        dbt run-operation provenance --args '{node: churn_risk}'

    Arguments:
        node: name of a model, seed or source; without it all files are told
#}
{% macro provenance(node=none) %}
    {%- do print(scorehouse('provenance', node=node, **kwargs)) -%}
{% endmacro %}
