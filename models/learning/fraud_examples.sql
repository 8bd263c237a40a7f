with

snapshots as (

    select
        * exclude (occurred_at),
        date_trunc('day', occurred_at) as occurred_on

    from {{ ref('payment_snapshots') }}

),

{# a label counts only once it is known #}
labels as (

    select * from {{ ref('int_payment_labels') }}
    where known_at < {{ as_of() }}

),

labelled as (

    select
        count(*) filter (where is_fraud = 1) as fraud_count,
        count(*) filter (where is_fraud = 0) as legitimate_count

    from labels

),

examples as (

    select
        snapshots.*,
        coalesce(labels.is_fraud, 0) as is_fraud

    from snapshots
    cross join labelled
    left join labels on snapshots.payment_id = labels.payment_id
    where
        labels.payment_id is not null
        or (
            {# where nobody says that a payment was legitimate, time does #}
            labelled.fraud_count > 0
            and labelled.legitimate_count = 0
            and snapshots.occurred_on + interval {{ var('fraud_label_days') }} days < {{ as_of() }}
        )

)

select * from examples
