with

customer_item_days as (

    select * from {{ ref('customer_item_days') }}

),

item_days as (

    select
        item_id,
        occurred_date,
        date_diff('day', occurred_date, max(as_of)) as age_days,
        {# sums of decimals do not depend on their order #}
        cast(sum(cast(greatest(0, least(1, weight)) as decimal(18, 9))) as double) as liking

    from customer_item_days
    group by item_id, occurred_date

)

select * from item_days
