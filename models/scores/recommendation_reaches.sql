{# As many of the most popular items as a list has places, and as many more as may be excluded from it. #}

with

preferences as (

    select * from {{ ref('customer_item_preferences') }}

),

customers as (

    select customer_id from {{ ref('int_customers') }}
    union
    select customer_id from preferences

),

exclusions as (

    select
        customer_id,
        count(*) as item_count

    from {{ ref('recommendation_exclusions') }}
    group by customer_id

),

policy as (

    select * from {{ ref('recommendation_policy') }}
    where policy = 'default'

),

reaches as (

    select
        customers.customer_id,
        policy.list_length + coalesce(exclusions.item_count, 0) as place,
        policy.maximum_per_category + coalesce(exclusions.item_count, 0) as category_place

    from customers
    cross join policy
    left join exclusions on customers.customer_id = exclusions.customer_id

)

select * from reaches
