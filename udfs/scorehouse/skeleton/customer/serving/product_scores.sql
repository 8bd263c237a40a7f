with

routed as (

    {{ routed('${product}_scores', ['${product}_scores__logistic'], 'customer_id') }}

),

snapshots as (

    select * from {{ ref('current_snapshots') }}

),

scores as (

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

select * from scores
