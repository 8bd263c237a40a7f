{#
    What is different on this branch, against main's current release: rows, columns, scores, decisions; by logic and by data.

    Example:
        dbt run-operation compare --args '{examples: 10}'

    Arguments:
        examples: how many rows of long lists the terminal shows; the tables in schema `comparison` have them all
#}
{% macro compare(examples=5) %}
    {%- do print(scorehouse('compare', examples=examples, **kwargs)) -%}
{% endmacro %}
