{# How much of each day the team looks at by the policy that holds now and the scores that are watched. #}

with

past_scores as (

    select * from {{ ref('past_scores') }}
    where split_part(implementation, '__', 1) = 'fraud_risk'

),

review_policy as (

    select * from {{ ref('review_policy') }}
    where policy = 'default'

),

payments as (

    select
        payment_id,
        customer_id

    from {{ ref('payment_snapshots') }}

),

rates as (

    select
        past_scores.implementation,
        'review' as decision,
        past_scores.period_at,
        past_scores.is_trained_on,
        count(*) as row_count,
        least(
            count(
                distinct case review_policy.reviewed when 'customers' then payments.customer_id else past_scores.entity_id end
            ) filter (where past_scores.score >= review_policy.minimum_score),
            any_value(review_policy.reviews_per_day)
        ) as decided_count

    from past_scores
    inner join payments on past_scores.entity_id = payments.payment_id
    cross join review_policy
    group by past_scores.implementation, past_scores.period_at, past_scores.is_trained_on

)

select * from rates
