with

payments as (

    select * from {{ ref('stg_payment_simulator__payments') }}

),

interactions as (

    select
        ---------- ids
        payment_id as interaction_id,
        customer_id,
        cast(null as varchar) as session_id,
        terminal_id as item_id,

        ---------- strings
        'payment' as interaction_type,
        cast(null as varchar) as query,
        cast(null as varchar) as experiment,
        cast(null as varchar) as variant,

        ---------- numerics
        cast(null as double) as quantity,
        amount,
        cast(null as integer) as position,
        cast(null as double) as propensity,
        cast(null as json) as properties,

        ---------- timestamps
        occurred_at,
        occurred_at as received_at

    from payments

)

select * from interactions
