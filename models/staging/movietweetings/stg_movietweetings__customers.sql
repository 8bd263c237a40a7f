with

source as (

    select * from {{ source('movietweetings', 'ratings') }}

),

customers as (

    select distinct
        ---------- ids
        cast(user_id as varchar) as customer_id,

        ---------- strings
        cast(null as varchar) as country,
        cast(null as varchar) as email,
        cast(null as json) as properties,

        ---------- timestamps
        cast(null as timestamp) as signed_up_at

    from source

)

select * from customers
