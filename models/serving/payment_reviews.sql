{# What the team looks at: of each day the riskiest customers, or payments, as many as it can, less whose outcome is known. #}

with

fraud_risk as (

    select * from {{ ref('fraud_risk') }}

),

known as (

    select
        payment_id,
        is_fraud

    from {{ ref('int_payment_labels') }}

),

{# where nobody says that a payment was legitimate, time does #}
silence as (

    select coalesce(min(is_fraud) = 1, false) as is_legitimate from known

),

policy as (

    select * from {{ ref('review_policy') }}
    where policy = 'default'

),

recent as (

    select
        cast(fraud_risk.as_of as date) as review_date,
        fraud_risk.*,
        policy.reviews_per_day,
        fraud_risk.payment_id in (select known.payment_id from known)
        or silence.is_legitimate and fraud_risk.as_of + to_days({{ var('fraud_label_days') }}) < {{ as_of() }} as is_known,
        case policy.reviewed when 'customers' then fraud_risk.customer_id else fraud_risk.payment_id end as reviewed_id

    from fraud_risk
    cross join policy
    cross join silence
    where
        fraud_risk.score >= policy.minimum_score
        and fraud_risk.as_of >= {{ as_of() }} - to_days(policy.listed_days)

),

{# a customer is looked at once a day, for the riskiest payment #}
reviewed as (

    select
        *,
        count(*) over (partition by review_date, reviewed_id) as payment_count

    from recent
    qualify
        row_number() over (
            partition by review_date, reviewed_id
            order by score desc, amount desc nulls last, payment_id asc
        ) = 1

),

ranked as (

    select
        *,
        row_number() over (
            partition by review_date
            order by score desc, amount desc nulls last, payment_id asc
        ) as place

    from reviewed

),

{# who was looked at leaves the list of the day, and nobody else comes on it #}
listed as (

    select
        *,
        row_number() over (partition by review_date order by place) as rank

    from ranked
    where place <= reviews_per_day and not is_known

),

reviews as (

    select
        review_date,
        rank,
        payment_id,
        customer_id,
        payment_count,
        item_id,
        amount,
        score,
        reasons,
        reason_text,
        implementation,
        model_version,
        as_of,
        scored_at

    from listed

)

select * from reviews
