with

source as (

    select * from {{ source('landing', 'items') }}

),

renamed as (

    select
        ---------- ids
        nullif(trim(item_id), '') as item_id,

        ---------- strings
        title,
        category,

        ---------- numerics
        price,
        properties,

        ---------- timestamps
        cast(null as timestamp) as known_at

    from source

),

{# a file may repeat an entity: one of its rows stays, always the same one #}
one_each as (

    select * from renamed
    where item_id is not null
    qualify row_number() over (partition by item_id order by title, category, price) = 1

)

select * from one_each
