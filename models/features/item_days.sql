with

customer_item_days as (

    select * from {{ ref('customer_item_days') }}

),

taken as (

    select
        customer_id,
        item_id,
        min(occurred_date) as taken_date

    from customer_item_days
    where is_taken
    group by customer_id, item_id

),

{# decimals, whose sums do not depend on their order #}
likings as (

    select
        customer_item_days.item_id,
        customer_item_days.occurred_date,
        customer_item_days.as_of,
        taken.taken_date is null or customer_item_days.occurred_date <= taken.taken_date as is_new,
        cast(greatest(0, least(1, customer_item_days.weight)) as decimal(18, 9)) as liking

    from customer_item_days
    left join taken
        on customer_item_days.customer_id = taken.customer_id and customer_item_days.item_id = taken.item_id

),

item_days as (

    select
        item_id,
        occurred_date,
        date_diff('day', occurred_date, max(as_of)) as age_days,
        cast(sum(liking) as double) as liking,
        cast(coalesce(sum(liking) filter (where is_new), 0) as double) as new_liking

    from likings
    group by item_id, occurred_date

)

select * from item_days
