{# Which categories a customer turns to: search_items() puts them a little higher. #}

with

preferences as (

    select * from {{ ref('customer_item_preferences') }}
    where preference > 0

),

items as (

    select
        item_id,
        category

    from {{ ref('int_items') }}
    where category is not null

),

{# sums of decimals do not depend on their order #}
summed as (

    select
        preferences.customer_id,
        items.category,
        sum(cast(preferences.preference as decimal(38, 12))) as preference

    from preferences
    inner join items on preferences.item_id = items.item_id
    group by preferences.customer_id, items.category

),

tastes as (

    select
        customer_id,
        category,
        cast(preference as double) / cast(sum(preference) over (partition by customer_id) as double) as share

    from summed
    where preference > 0

)

select * from tastes
