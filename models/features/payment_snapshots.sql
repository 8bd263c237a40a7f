{# What was known at the moment of each payment, and nothing else: earlier payments once received, labels once known. #}

with

payments as (

    select
        interaction_id as payment_id,
        customer_id,
        item_id,
        cast(amount as decimal(38, 6)) as amount,
        occurred_at,
        greatest(occurred_at, received_at) as received_at

    from {{ ref('int_known_interactions') }}
    where interaction_type = 'payment'

),

labels as (

    select
        payments.payment_id,
        payments.customer_id,
        payments.item_id,
        payment_labels.is_fraud,
        greatest(payment_labels.known_at, payments.received_at) as known_at

    from payments
    inner join {{ ref('int_payment_labels') }} as payment_labels on payments.payment_id = payment_labels.payment_id

),

{# a payment looks back from its own moment at what was received and known before #}
moments as (

    select
        payment_id,
        customer_id,
        item_id,
        occurred_at as moment,
        cast(0 as decimal(38, 6)) as amount,
        0 as is_payment,
        0 as is_labelled,
        0 as is_fraud
    from payments
    union all
    select
        cast(null as varchar) as payment_id,
        customer_id,
        item_id,
        received_at as moment,
        coalesce(amount, 0) as amount,
        1 as is_payment,
        0 as is_labelled,
        0 as is_fraud
    from payments
    union all
    select
        cast(null as varchar) as payment_id,
        customer_id,
        item_id,
        known_at as moment,
        cast(0 as decimal(38, 6)) as amount,
        0 as is_payment,
        1 as is_labelled,
        is_fraud
    from labels

),

customer_moments as (

    select
        payment_id,
        coalesce(sum(is_payment) over day_before, 0) as customer_payment_count_1d,
        coalesce(sum(is_payment) over week_before, 0) as customer_payment_count_7d,
        coalesce(sum(is_payment) over month_before, 0) as customer_payment_count_30d,
        cast(sum(amount) over day_before as double) as customer_amount_1d,
        cast(sum(amount) over week_before as double) as customer_amount_7d,
        cast(sum(amount) over month_before as double) as customer_amount_30d,
        coalesce(sum(is_fraud) over day_before, 0) as customer_fraud_count_1d,
        coalesce(sum(is_fraud) over week_before, 0) as customer_fraud_count_7d,
        coalesce(sum(is_fraud) over month_before, 0) as customer_fraud_count_30d

    from moments
    window {{ windows_before('customer_id') }}

),

item_moments as (

    select
        payment_id,
        coalesce(sum(is_payment) over day_before, 0) as item_payment_count_1d,
        coalesce(sum(is_payment) over week_before, 0) as item_payment_count_7d,
        coalesce(sum(is_payment) over month_before, 0) as item_payment_count_30d,
        coalesce(sum(is_fraud) over day_before, 0) as item_fraud_count_1d,
        coalesce(sum(is_fraud) over week_before, 0) as item_fraud_count_7d,
        coalesce(sum(is_fraud) over month_before, 0) as item_fraud_count_30d,
        sum(is_labelled) over day_before as item_label_count_1d,
        sum(is_labelled) over week_before as item_label_count_7d,
        sum(is_labelled) over month_before as item_label_count_30d

    from moments
    where item_id is not null
    window {{ windows_before('item_id') }}

),

snapshots as (

    select
        ---------- ids
        payments.payment_id,
        payments.customer_id,
        payments.item_id,

        ---------- numerics
        cast(payments.amount as double) as amount,
        cast(customer_moments.customer_payment_count_1d as bigint) as customer_payment_count_1d,
        cast(customer_moments.customer_payment_count_7d as bigint) as customer_payment_count_7d,
        cast(customer_moments.customer_payment_count_30d as bigint) as customer_payment_count_30d,
        customer_moments.customer_amount_1d / nullif(customer_moments.customer_payment_count_1d, 0) as customer_mean_amount_1d,
        customer_moments.customer_amount_7d / nullif(customer_moments.customer_payment_count_7d, 0) as customer_mean_amount_7d,
        customer_moments.customer_amount_30d / nullif(customer_moments.customer_payment_count_30d, 0) as customer_mean_amount_30d,
        payments.amount * customer_moments.customer_payment_count_30d / nullif(customer_moments.customer_amount_30d, 0)
            as amount_ratio,
        cast(customer_moments.customer_fraud_count_1d as bigint) as customer_fraud_count_1d,
        cast(customer_moments.customer_fraud_count_7d as bigint) as customer_fraud_count_7d,
        cast(customer_moments.customer_fraud_count_30d as bigint) as customer_fraud_count_30d,
        cast(item_moments.item_payment_count_1d as bigint) as item_payment_count_1d,
        cast(item_moments.item_payment_count_7d as bigint) as item_payment_count_7d,
        cast(item_moments.item_payment_count_30d as bigint) as item_payment_count_30d,
        cast(item_moments.item_fraud_count_1d as bigint) as item_fraud_count_1d,
        cast(item_moments.item_fraud_count_7d as bigint) as item_fraud_count_7d,
        cast(item_moments.item_fraud_count_30d as bigint) as item_fraud_count_30d,
        item_moments.item_fraud_count_1d / nullif(item_moments.item_label_count_1d, 0) as item_fraud_share_1d,
        item_moments.item_fraud_count_7d / nullif(item_moments.item_label_count_7d, 0) as item_fraud_share_7d,
        item_moments.item_fraud_count_30d / nullif(item_moments.item_label_count_30d, 0) as item_fraud_share_30d,
        hour(payments.occurred_at) as hour_of_day,

        ---------- booleans
        hour(payments.occurred_at) < 6 as is_night,
        isodow(payments.occurred_at) >= 6 as is_weekend,

        ---------- timestamps
        payments.occurred_at

    from payments
    inner join customer_moments on payments.payment_id = customer_moments.payment_id
    left join item_moments on payments.payment_id = item_moments.payment_id

)

select * from snapshots
