{# What is known of a payment is known from when its fraud became known, or else from when it was found legitimate. #}

with

labels as (

    select
        entity_id as payment_id,
        cast(value > 0 as integer) as is_fraud,
        known_at

    from {{ ref('int_labels') }}
    where
        list_contains({{ var('fraud_labels') }}, lower(label))
        and coalesce(lower(entity_type), 'interaction') in ('interaction', 'payment', 'transaction')
        and value is not null
        and known_at is not null

),

payment_labels as (

    select
        payment_id,
        max(is_fraud) as is_fraud,
        coalesce(min(known_at) filter (where is_fraud = 1), max(known_at)) as known_at

    from labels
    group by payment_id

)

select * from payment_labels
