with

snapshots as (

    select * from {{ ref('customer_snapshots') }}
    where is_current

),

scored as (

    select
        customer_id,
        {{ score('churn__boosted') }} as score,
        'churn_risk__boosted' as implementation,
        {{ model_version('churn__boosted') }} as model_version,
        as_of,
        {{ built_at() }} as scored_at,
        {{ reasons('churn__boosted') }} as reasons

    from snapshots

),

{# a model without a usable version gives no score: the table is empty, not wrong #}
usable as (

    select * from scored
    where score is not null

)

select * from usable
