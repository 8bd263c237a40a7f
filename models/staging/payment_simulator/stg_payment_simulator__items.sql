with

payments as (

    select * from {{ ref('stg_payment_simulator__payments') }}

),

items as (

    select
        ---------- ids
        terminal_id as item_id,

        ---------- strings
        cast(null as varchar) as title,
        cast(null as varchar) as category,

        ---------- numerics
        cast(null as double) as price,
        cast(null as json) as properties,

        ---------- timestamps
        min(occurred_at) as known_at

    from payments
    group by terminal_id

)

select * from items
