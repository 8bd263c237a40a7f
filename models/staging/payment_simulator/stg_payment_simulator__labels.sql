with

payments as (

    select * from {{ ref('stg_payment_simulator__payments') }}

),

labels as (

    select
        ---------- ids
        payment_id as entity_id,

        ---------- strings
        'fraud' as label,
        'interaction' as entity_type,

        ---------- numerics
        cast(fraud_scenario > 0 as double) as value,

        ---------- timestamps
        occurred_at,
        occurred_at + to_days({{ var('payment_simulator_label_days') }}) as known_at

    from payments

)

select * from labels
