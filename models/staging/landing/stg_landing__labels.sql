with

source as (

    select * from {{ source('landing', 'labels') }}

),

renamed as (

    select
        ---------- ids
        entity_id,

        ---------- strings
        label,
        entity_type,

        ---------- numerics
        value,

        ---------- timestamps
        occurred_at,
        coalesce(known_at, occurred_at) as known_at

    from source
    where entity_id is not null and label is not null

)

select * from renamed
