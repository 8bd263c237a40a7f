with

preferences as (

    select * from {{ ref('customer_item_preferences') }}

),

policy as (

    select * from {{ ref('recommendation_policy') }}
    where policy = 'default'

),

exclusions as (

    select
        preferences.customer_id,
        preferences.item_id

    from preferences
    cross join policy
    where preferences.is_taken and policy.excludes_taken

)

select * from exclusions
