with

source as (

    select * from {{ source('movietweetings', 'ratings') }}

),

customers as (

    select
        ---------- ids
        cast(user_id as varchar) as customer_id,

        ---------- strings
        cast(null as varchar) as country,
        cast(null as varchar) as email,
        cast(null as json) as properties,

        ---------- timestamps
        cast(null as timestamp) as signed_up_at,
        min(rated_at) as known_at

    from source
    group by user_id

)

select * from customers
