{# Of each day's payments, those that the team looks at by the policy that holds now and the scores that are watched. #}

with

past_scores as (

    select * from {{ ref('past_scores') }}
    where split_part(implementation, '__', 1) = 'fraud_risk'

),

review_policy as (

    select * from {{ ref('review_policy') }}
    where policy = 'default'

),

rates as (

    select
        past_scores.implementation,
        'review' as decision,
        past_scores.period_at,
        past_scores.is_trained_on,
        count(*) as row_count,
        least(count(*) filter (where past_scores.score >= review_policy.minimum_score), any_value(review_policy.reviews_per_day))
            as decided_count

    from past_scores
    cross join review_policy
    group by past_scores.implementation, past_scores.period_at, past_scores.is_trained_on

)

select * from rates
