with

snapshots as (

    select * from {{ ref('customer_snapshots') }}
    where is_current

),

examples as (

    select
        customer_id,
        recency_days,
        purchase_day_count,
        net_amount,
        as_of

    from snapshots

)

select * from examples
