{#
    Forget a person: their rows land no more, what was computed with them is computed anew without, a release without them is
    published, and what named them is deleted from store, releases and branches. Prints a receipt.

    Example:
        dbt run-operation forget --args '{customer_id: "12346"}'

    Arguments:
        customer_id: as tables show it, in quotes, or an e-mail address where that was the id and the key of pseudonyms is set;
            without it the command goes on with people of whom something may be left
#}
{% macro forget(customer_id=none) %}
    {%- do print(scorehouse('forget', customer_id=customer_id, **kwargs)) -%}
{% endmacro %}
