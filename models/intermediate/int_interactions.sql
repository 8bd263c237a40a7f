with

unioned as (

    {%- for source in var('interaction_sources') %}

    select
        interaction_id,
        occurred_at,
        received_at,
        customer_id,
        session_id,
        interaction_type,
        item_id,
        quantity,
        amount,
        query,
        position,
        experiment,
        variant,
        propensity,
        properties,
        '{{ source }}' as interaction_source
    from {{ ref('stg_' ~ source ~ '__interactions') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select * from unioned
