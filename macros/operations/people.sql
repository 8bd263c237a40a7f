{#
    Every column of the current release that is made of people's data: what it holds, and on which way it came.

    Example:
        dbt run-operation people
#}
{% macro people() %}
    {%- do print(scorehouse('people', **kwargs)) -%}
{% endmacro %}
