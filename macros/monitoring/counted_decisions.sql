{#
    Names of the models that count decisions, as `meta: {counts_decisions: true}` says, of the products that are built; none while
    dbt only parses.

    Example:
        {%- for name in counted_decisions() %} ... {{ ref(name) }} ... {%- endfor %}  ->  arm_rates, coupon_rates, review_rates
    A node that calls this comes after all of them (start.py).
#}
{% macro counted_decisions() -%}
    {%- set nodes = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | list if execute else [] -%}
    {%- set found = nodes | selectattr('config.meta.counts_decisions', 'defined') | list -%}
    {{ return(found | selectattr('unique_id', 'in', model.depends_on.nodes) | map(attribute='name') | sort) }}
{%- endmacro %}
