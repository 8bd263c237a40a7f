with

source as (

    select * from {{ source('landing', 'labels') }}

),

renamed as (

    select distinct
        ---------- ids
        nullif(trim(entity_id), '') as entity_id,

        ---------- strings
        nullif(trim(label), '') as label,
        entity_type,

        ---------- numerics
        value,

        ---------- timestamps
        occurred_at,
        coalesce(known_at, occurred_at) as known_at

    from source

),

labels as (

    select * from renamed
    where entity_id is not null and label is not null

)

select * from labels
