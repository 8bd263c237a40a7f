with

interactions as (

    select * from {{ ref('int_known_interactions') }}

),

customer_items as (

    select
        customer_id,
        item_id,
        min(greatest(occurred_at, received_at)) as first_known_at

    from interactions
    where interaction_type = 'purchase' and item_id is not null
    group by customer_id, item_id

)

select * from customer_items
