with

source as (

    select * from {{ source('landing', 'customers') }}

),

renamed as (

    select
        ---------- ids
        nullif(trim(customer_id), '') as customer_id,

        ---------- strings
        country,
        email,
        properties,

        ---------- timestamps
        signed_up_at,
        signed_up_at as known_at

    from source

),

{# a file may repeat an entity: one of its rows stays, always the same one #}
one_each as (

    select * from renamed
    where customer_id is not null
    qualify row_number() over (partition by customer_id order by signed_up_at, country, email) = 1

)

select * from one_each
