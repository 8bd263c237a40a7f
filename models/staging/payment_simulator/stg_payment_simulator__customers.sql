with

payments as (

    select * from {{ ref('stg_payment_simulator__payments') }}

),

customers as (

    select
        ---------- ids
        customer_id,

        ---------- strings
        cast(null as varchar) as country,
        cast(null as varchar) as email,
        cast(null as json) as properties,

        ---------- timestamps
        cast(null as timestamp) as signed_up_at,
        min(occurred_at) as known_at

    from payments
    group by customer_id

)

select * from customers
