with

last_seen as (

    {{ as_last_seen('items', 'item_id', ['title', 'category', 'price', 'properties']) }}

),

items as (

    select
        ---------- ids
        item_id,

        ---------- strings
        title,
        category,

        ---------- numerics
        price,
        properties,

        ---------- timestamps
        cast(null as timestamp) as known_at

    from last_seen

)

select * from items
