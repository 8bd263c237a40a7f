{# The seed retrain_policy has rows for fitted models of the project, and `default`. #}

{%- set fitted = [] -%}
{%- if execute -%}
{%- set fitted = graph.nodes.values() | selectattr('config.materialized', 'equalto', 'fitted') | map(attribute='name') | list -%}
{%- endif %}

with

policy as (

    select * from {{ ref('retrain_policy') }}

)

select model from policy
where
    model not in (
        {%- for name in fitted %}
        '{{ name }}',
        {%- endfor %}
        'default'
    )
