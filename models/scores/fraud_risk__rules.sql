with

snapshots as (

    select * from {{ ref('payment_snapshots') }}

),

scored as (

    select
        payment_id,
        customer_id,
        item_id,
        amount,
        {{ score('fraud__rules') }} as score,
        'fraud_risk__rules' as implementation,
        {{ model_version('fraud__rules') }} as model_version,
        occurred_at as as_of,
        {{ built_at() }} as scored_at,
        {{ reasons('fraud__rules') }} as reasons

    from snapshots

),

{# a model without a usable version gives no score: the table is empty, not wrong #}
usable as (

    select * from scored
    where score is not null

)

select * from usable
