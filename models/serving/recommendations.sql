with

routed as (

    {{ routed(
        'recommendations',
        ['recommendations__ease', 'recommendations__item_item', 'recommendations__popular'],
        'customer_id'
    ) }}

),

recommendations as (

    select
        customer_id,
        rank,
        item_id,
        score,
        because_of,
        implementation,
        model_version,
        as_of,
        scored_at

    from routed

)

select * from recommendations
