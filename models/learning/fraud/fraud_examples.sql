{#
    Payments so old that frauds and legitimate payments alike would be known by now: among younger ones stand those whose kind of
    label comes sooner, and a model would learn, and be tested on, the wrong share of frauds.
#}

with

snapshots as (

    select
        *,
        date_trunc('day', occurred_at) as occurred_on

    from {{ ref('payment_snapshots') }}

),

labels as (

    select * from {{ ref('int_payment_labels') }}

),

delays as (

    select
        labels.is_fraud,
        date_diff('second', snapshots.occurred_at, labels.known_at) as seconds

    from snapshots
    inner join labels on snapshots.payment_id = labels.payment_id

),

labelled as (

    select
        count(*) filter (where is_fraud = 1) as fraud_count,
        count(*) filter (where is_fraud = 0) as legitimate_count,
        {# of each kind fraud_label_share are known by then #}
        greatest(
            quantile_disc(seconds, {{ var('fraud_label_share') }}) filter (where is_fraud = 1),
            quantile_disc(seconds, {{ var('fraud_label_share') }}) filter (where is_fraud = 0)
        ) as seconds_until_known

    from delays

),

matured as (

    select
        snapshots.*,
        labels.is_fraud,
        {# from the beginning of its day: the last payments of a day come 24 hours after that #}
        1 + case
            when labelled.legitimate_count = 0 then {{ var('fraud_label_days') }}
            else ceil(labelled.seconds_until_known / 86400)
        end as label_days,
        {# where nobody says that a payment was legitimate, time does #}
        labelled.fraud_count > 0 and labelled.legitimate_count = 0 as is_silence_legitimate

    from snapshots
    cross join labelled
    left join labels on snapshots.payment_id = labels.payment_id

),

examples as (

    select
        * exclude (occurred_at, is_fraud, is_silence_legitimate),
        coalesce(is_fraud, 0) as is_fraud

    from matured
    where
        occurred_on + to_days(cast(label_days as integer)) <= {{ as_of() }}
        and (is_fraud is not null or is_silence_legitimate)

)

select * from examples
