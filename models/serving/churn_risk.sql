with

routed as (

    {{ routed('churn_risk', ['churn_risk__logistic', 'churn_risk__boosted', 'churn_risk__recency'], 'customer_id') }}

),

snapshots as (

    select * from {{ ref('current_snapshots') }}

),

churn_risk as (

    select
        routed.customer_id,
        routed.score,
        routed.reasons,
        {{ reason_text('customer_snapshots') }} as reason_text,
        routed.implementation,
        routed.model_version,
        routed.as_of,
        routed.scored_at

    from routed
    left join snapshots on routed.customer_id = snapshots.customer_id and routed.as_of = snapshots.as_of

)

select * from churn_risk
