with

snapshots as (

    select * from {{ ref('current_snapshots') }}

),

examples as (

    select
        customer_id,
        recency_days,
        purchase_day_count,
        net_amount,
        tenure_days,
        {# who bought once has no gap of their own #}
        coalesce(
            recency_in_gaps,
            recency_days / coalesce(median(mean_gap_days + 0.0) over (), {{ var('churn_horizon_days') }})
        ) as recency_in_gaps,
        as_of

    from snapshots

)

select * from examples
