{# Exactly one policy is in force: the row `default` of the seed coupon_policy. #}

with

counted as (

    select count(*) as default_count from {{ ref('coupon_policy') }}
    where policy = 'default'

)

select * from counted
where default_count <> 1
