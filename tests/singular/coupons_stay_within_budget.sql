{# The coupons given out cost at most the policy's budget, and nobody who is held out gets one. #}

with

offers as (

    select * from {{ ref('coupon_offers') }}

),

policy as (

    select * from {{ ref('coupon_policy') }}
    where policy = 'default'

),

spent as (

    select
        any_value(policy.budget) as budget,
        count(*) filter (where offers.gets_coupon) * any_value(policy.coupon_cost) as cost,
        count(*) filter (where offers.gets_coupon and offers.is_held_out) as held_out_count

    from offers
    cross join policy

)

select * from spent
where cost > budget or held_out_count > 0
