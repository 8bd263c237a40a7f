{# What each segment is made of today, and who came and went since other clusters were served. #}

with

customers as (

    select * from {{ ref('customer_segments') }}
    where segment_number is not null

),

snapshots as (

    select * from {{ ref('current_snapshots') }}

),

present as (

    select
        customers.segment_number,
        max(customers.segment) as segment,
        count(*) as customer_count,
        count(*) / sum(count(*)) over () as customer_share,
        median(snapshots.net_amount + 0.0) as median_net_amount,
        cast(sum(cast(snapshots.purchase_amount_90d as decimal(38, 6))) as double) / count(*) as mean_amount_90d,
        median(snapshots.recency_days) as median_recency_days,
        count(*) filter (where snapshots.recency_days > {{ var('churn_horizon_days') }}) / count(*) as silent_share,
        count(*) filter (where customers.previous_segment_number is null) as new_count,
        count(*) filter (where customers.previous_segment_number <> customers.segment_number) as entered_count,
        max(customers.implementation) as implementation,
        max(customers.model_version) as model_version,
        max(customers.as_of) as as_of

    from customers
    inner join snapshots on customers.customer_id = snapshots.customer_id
    group by customers.segment_number

),

gone as (

    select
        previous_segment_number,
        count(*) as left_count

    from customers
    where previous_segment_number <> segment_number
    group by previous_segment_number

),

segment_summary as (

    select
        present.segment_number,
        present.segment,
        present.customer_count,
        present.customer_share,
        present.median_net_amount,
        present.mean_amount_90d,
        present.median_recency_days,
        present.silent_share,
        present.new_count,
        present.entered_count,
        coalesce(gone.left_count, 0) as left_count,
        present.implementation,
        present.model_version,
        present.as_of,
        {{ built_at() }} as scored_at

    from present
    left join gone on present.segment_number = gone.previous_segment_number

)

select * from segment_summary
