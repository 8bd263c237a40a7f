with

source as (

    select * from {{ source('landing', 'labels') }}

),

renamed as (

    select distinct
        ---------- ids
        entity_id,

        ---------- strings
        nullif(trim(label), '') as label,
        entity_type,

        ---------- numerics
        value,

        ---------- timestamps
        occurred_at,
        coalesce(known_at, occurred_at) as known_at

    from source
    where unreadable_column is null

),

labels as (

    select * from renamed
    where entity_id is not null and label is not null

)

select * from labels
