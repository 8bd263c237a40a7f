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
        {# from first to last purchase there is one gap less than purchase days: one usual gap joins them, so that who bought once
           has a rhythm too, and two purchases within a week make nobody a weekly customer #}
        recency_days * purchase_day_count / (
            tenure_days - recency_days + coalesce(median(mean_gap_days + 0.0) over (), {{ var('churn_horizon_days') }})
        ) as recency_in_gaps,
        as_of

    from snapshots

)

select * from examples
