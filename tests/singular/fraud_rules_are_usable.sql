{# The rules of the seed fraud_rules read columns of payment_snapshots, and their ranges begin before they end. #}

{%- set columns = [] -%}
{%- if execute -%}
{%- set snapshots = graph.nodes.values() | selectattr('name', 'equalto', 'payment_snapshots') | first -%}
{%- set columns = snapshots.columns.keys() -%}
{%- endif %}

with

rules as (

    select * from {{ ref('fraud_rules') }}

)

select
    feature,
    minimum,
    maximum

from rules
where
    feature not in (
        {%- for name in columns %}
        '{{ name }}',
        {%- endfor %}
        ''
    )
    or minimum >= maximum
    or isnan(minimum)
    or isnan(maximum)
    or not isfinite(points)
