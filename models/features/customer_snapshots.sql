{# What was known at each as-of time, and nothing else. One formula for training and scoring. #}

with

as_of_times as (

    select * from {{ ref('int_as_of_times') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

customer_items as (

    select * from {{ ref('int_customer_items') }}

),

{# a day that became known in parts has several rows #}
known_days as (

    select
        as_of_times.as_of,
        as_of_times.is_current,
        customer_days.*,
        date_diff('day', customer_days.occurred_date, cast(as_of_times.as_of as date)) as age_days

    from as_of_times
    inner join customer_days
        on customer_days.known_date < cast(as_of_times.as_of as date)

),

known_gaps as (

    select
        *,
        date_diff('day', lag(occurred_date) over days, occurred_date) as days_since,
        coalesce(days_since > 0, true) as is_new_day,
        coalesce(days_since >= day(occurred_date), true) as is_new_month,
        nullif(days_since, 0) as gap_days,
        last_value(occurred_date) over (days rows between unbounded preceding and unbounded following) as last_date

    from known_days
    where purchase_count > 0
    window days as (partition by as_of, customer_id order by occurred_date, known_date)

),

purchases as (

    select
        as_of,
        customer_id,
        any_value(is_current) as is_current,
        min(age_days) as recency_days,
        max(age_days) as tenure_days,
        count(*) filter (where is_new_day) as purchase_day_count,
        count(*) filter (where is_new_day and age_days <= 30) as purchase_day_count_30d,
        count(*) filter (where is_new_day and age_days <= 90) as purchase_day_count_90d,
        count(*) filter (where is_new_day and age_days <= 180) as purchase_day_count_180d,
        count(*) filter (where is_new_month) as purchase_month_count,
        sum(purchase_count) as purchase_count,
        cast(sum(purchase_amount) as double) as purchase_amount,
        cast(coalesce(sum(purchase_amount) filter (where age_days <= 30), 0) as double) as purchase_amount_30d,
        cast(coalesce(sum(purchase_amount) filter (where age_days <= 90), 0) as double) as purchase_amount_90d,
        cast(coalesce(sum(purchase_amount) filter (where age_days between 91 and 180), 0) as double)
            as purchase_amount_previous_90d,
        avg(gap_days) as mean_gap_days,
        {# from whole numbers, whose sums are exact #}
        sqrt(
            (sum(gap_days * gap_days) - sum(gap_days) * sum(gap_days) / count(gap_days)) / nullif(count(gap_days) - 1, 0)
        ) as gap_deviation_days,
        max(gap_days) filter (where occurred_date = last_date) as last_gap_days

    from known_gaps
    group by as_of, customer_id

),

cancellations as (

    select
        as_of,
        customer_id,
        sum(cancellation_count) as cancellation_count,
        cast(sum(cancellation_amount) as double) as cancellation_amount

    from known_days
    where cancellation_count > 0
    group by as_of, customer_id

),

variety as (

    select
        as_of_times.as_of,
        customer_items.customer_id,
        count(*) as item_count

    from as_of_times
    inner join customer_items on as_of_times.as_of > customer_items.first_known_at
    group by as_of_times.as_of, customer_items.customer_id

),

snapshots as (

    select
        ---------- ids
        purchases.customer_id,

        ---------- numerics
        purchases.recency_days,
        purchases.tenure_days,
        purchases.purchase_day_count,
        purchases.purchase_day_count_30d,
        purchases.purchase_day_count_90d,
        purchases.purchase_day_count_180d,
        purchases.purchase_month_count,
        cast(purchases.purchase_count as bigint) as purchase_count,
        purchases.purchase_amount,
        purchases.purchase_amount_30d,
        purchases.purchase_amount_90d,
        purchases.purchase_amount - coalesce(cancellations.cancellation_amount, 0) as net_amount,
        purchases.purchase_amount / purchases.purchase_day_count as mean_basket_amount,
        purchases.purchase_count / purchases.purchase_day_count as mean_basket_lines,
        purchases.purchase_day_count / greatest(purchases.tenure_days / 30, 1) as purchase_days_per_month,
        coalesce(variety.item_count, 0) as item_count,
        cast(coalesce(cancellations.cancellation_count, 0) as bigint) as cancellation_count,
        coalesce(cancellations.cancellation_amount, 0) / nullif(purchases.purchase_amount, 0) as cancellation_share,
        purchases.mean_gap_days,
        purchases.gap_deviation_days,
        purchases.last_gap_days,
        purchases.recency_days / purchases.mean_gap_days as recency_in_gaps,
        purchases.recency_days / purchases.tenure_days as recency_share,
        ln(1 + purchases.purchase_day_count)
        * (1 - purchases.recency_days / (purchases.tenure_days + 1)) as activity,
        (purchases.purchase_amount_90d - purchases.purchase_amount_previous_90d)
        / nullif(purchases.purchase_amount_90d + purchases.purchase_amount_previous_90d, 0) as trend,

        ---------- booleans
        purchases.is_current,

        ---------- timestamps
        purchases.as_of

    from purchases
    left join cancellations
        on purchases.as_of = cancellations.as_of and purchases.customer_id = cancellations.customer_id
    left join variety
        on purchases.as_of = variety.as_of and purchases.customer_id = variety.customer_id

)

select * from snapshots
