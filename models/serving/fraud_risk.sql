{# By the routed implementation; while that has no usable version, as before labels are known, by the rules. #}

with

routed as (

    {{ routed('fraud_risk', ['fraud_risk__boosted', 'fraud_risk__rules', 'fraud_risk__amount'], 'payment_id') }}

),

rules as (

    select * from {{ ref('fraud_risk__rules') }}

),

snapshots as (

    select * from {{ ref('payment_snapshots') }}

),

scored as (

    select * from routed
    union all by name
    select rules.* from rules
    anti join routed on rules.payment_id = routed.payment_id

),

fraud_risk as (

    select
        scored.payment_id,
        scored.customer_id,
        scored.item_id,
        scored.amount,
        scored.score,
        scored.reasons,
        {{ reason_text('payment_snapshots') }} as reason_text,
        scored.implementation,
        scored.model_version,
        scored.as_of,
        scored.scored_at

    from scored
    left join snapshots on scored.payment_id = snapshots.payment_id

)

select * from fraud_risk
