with

snapshots as (

    select * from {{ ref('payment_snapshots') }}

),

policy as (

    select * from {{ ref('review_policy') }}
    where policy = 'default'

),

scored as (

    select
        snapshots.*,
        {{ score('fraud__boosted') }} as score

    from snapshots

),

{# a model without a usable version gives no score: the table is empty, not wrong #}
usable as (

    select
        scored.payment_id,
        scored.customer_id,
        scored.item_id,
        scored.amount,
        scored.score,
        'fraud_risk__boosted' as implementation,
        {{ model_version('fraud__boosted') }} as model_version,
        scored.occurred_at as as_of,
        {{ built_at() }} as scored_at,
        {# the reasons of a tree ensemble cost many times its score: only who may be reviewed gets them #}
        case when scored.score >= policy.minimum_score then {{ reasons('fraud__boosted') }} else [] end as reasons

    from scored
    cross join policy
    where scored.score is not null

)

select * from usable
