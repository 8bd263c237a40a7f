{# What the team looks at: the riskiest payments of a day, as many as it can. #}

with

fraud_risk as (

    select * from {{ ref('fraud_risk') }}

),

policy as (

    select * from {{ ref('review_policy') }}
    where policy = 'default'

),

recent as (

    select
        cast(fraud_risk.as_of as date) as review_date,
        fraud_risk.*,
        policy.reviews_per_day

    from fraud_risk
    cross join policy
    where
        fraud_risk.score >= policy.minimum_score
        and fraud_risk.as_of >= {{ as_of() }} - to_days(policy.listed_days)

),

ranked as (

    select
        *,
        row_number() over (
            partition by review_date
            order by score desc, amount desc nulls last, payment_id asc
        ) as rank

    from recent

),

reviews as (

    select
        review_date,
        rank,
        payment_id,
        customer_id,
        item_id,
        amount,
        score,
        reasons,
        implementation,
        model_version,
        as_of,
        scored_at

    from ranked
    where rank <= reviews_per_day

)

select * from reviews
