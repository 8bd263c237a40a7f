with

source as (

    select * from {{ source('movietweetings', 'movies') }}

),

items as (

    select
        ---------- ids
        movie_id as item_id,

        ---------- strings
        title,
        nullif(split_part(genres, '|', 1), '') as category,

        ---------- numerics
        cast(null as double) as price,
        cast(json_object('genres', string_split(genres, '|')) as json) as properties,

        ---------- timestamps
        cast(null as timestamp) as known_at

    from source

)

select * from items
