with

payments as (

    select * from {{ ref('stg_payment_simulator__payments') }}

),

items as (

    select distinct
        ---------- ids
        terminal_id as item_id,

        ---------- strings
        cast(null as varchar) as title,
        cast(null as varchar) as category,

        ---------- numerics
        cast(null as double) as price,
        cast(null as json) as properties

    from payments

)

select * from items
