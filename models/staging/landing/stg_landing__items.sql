with

source as (

    select * from {{ source('landing', 'items') }}

),

usable as (

    select * from source
    where item_id is not null and unreadable_column is null

),

{# an item may be told of many times: of each column the last value counts #}
ordered as (

    select
        *,
        row_number() over (
            partition by item_id
            order by
                coalesce(updated_at, written_at), written_at, source_file, source_line, title, category, price, properties
        ) as place

    from usable

),

one_each as (

    select
        ---------- ids
        item_id,

        ---------- strings
        max_by(title, place) as title,
        max_by(category, place) as category,

        ---------- numerics
        max_by(price, place) as price,
        max_by(properties, place) as properties,

        ---------- timestamps
        cast(null as timestamp) as known_at

    from ordered
    group by item_id

)

select * from one_each
