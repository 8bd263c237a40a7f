{#- sources that come without labels have no model of them; a new source with labels is added here -#}
{%- set sources = var('interaction_sources') | select('in', ['landing', 'payment_simulator']) | list -%}

with

unioned as (

    select
        cast(null as varchar) as label,
        cast(null as varchar) as entity_type,
        cast(null as varchar) as entity_id,
        cast(null as double) as value,
        cast(null as timestamp) as occurred_at,
        cast(null as timestamp) as known_at,
        cast(null as varchar) as label_source
    where false
    {%- for source in sources %}
    union all
    select label, entity_type, entity_id, value, occurred_at, known_at, '{{ source }}' as label_source
    from {{ ref('stg_' ~ source ~ '__labels') }}
    {%- endfor %}

),

known as (

    select * from unioned
    where coalesce(known_at < {{ as_of() }}, true)

),

{# what became known last holds; always the same row #}
one_each as (

    select * from known
    qualify row_number() over (
        partition by label_source, label, entity_type, entity_id
        order by known_at desc nulls last, occurred_at desc nulls last, value desc nulls last
    ) = 1

)

select * from one_each
