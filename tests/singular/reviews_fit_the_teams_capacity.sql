{# No day's list is longer than the policy allows, and its ranks count from 1 without a gap. #}

with

days as (

    select
        review_date,
        count(*) as review_count,
        max(rank) as last_rank

    from {{ ref('payment_reviews') }}
    group by review_date

)

select days.*
from days
cross join {{ ref('review_policy') }} as review_policy
where
    review_policy.policy = 'default'
    and (days.review_count > review_policy.reviews_per_day or days.last_rank <> days.review_count)
