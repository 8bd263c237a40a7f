with

last_seen as (

    {{ as_last_seen('customers', 'customer_id', ['signed_up_at', 'country', 'email', 'properties']) }}

),

customers as (

    select
        ---------- ids
        customer_id,

        ---------- strings
        country,
        email,
        properties,

        ---------- timestamps
        signed_up_at,
        signed_up_at as known_at

    from last_seen

)

select * from customers
