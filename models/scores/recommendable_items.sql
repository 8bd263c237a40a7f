with

recommendable_items as (

    select distinct item_days.item_id

    from {{ ref('item_days') }} as item_days
    anti join {{ ref('blocked_items') }} as blocked on item_days.item_id = blocked.item_id

)

select * from recommendable_items
