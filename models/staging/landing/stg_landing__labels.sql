with

source as (

    select * from {{ source('landing', 'labels') }}

),

renamed as (

    select
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

{# what became known last holds; always the same row #}
one_each as (

    select * from renamed
    where entity_id is not null and label is not null
    qualify row_number() over (
        partition by label, entity_type, entity_id
        order by known_at desc nulls last, occurred_at desc nulls last, value desc nulls last
    ) = 1

)

select * from one_each
