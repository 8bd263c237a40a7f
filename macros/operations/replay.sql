{#
    Compute a row of a served table again from the store, and say whether it is the same bit for bit; fails where it is not.

    Example:
        dbt run-operation replay --args '{table: churn_risk, key: "12346"}'

    Arguments:
        table: a served table
        key: its key: a value, in quotes where it is a text; of several columns a list or a mapping
#}
{% macro replay(table=none, key=none) %}
    {%- do print(scorehouse('replay', table=table, key=key, **kwargs)) -%}
{% endmacro %}
