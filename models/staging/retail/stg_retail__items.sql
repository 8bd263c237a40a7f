{# What was sold on a day, as what and for how much: an item changes on the day on which another title or price is seen. #}

with

invoice_lines as (

    select * from {{ ref('stg_retail__invoice_lines') }}

),

item_days as (

    select
        item_id,
        arg_max(title, (occurred_at, interaction_id)) filter (where title is not null) as title,
        arg_max(unit_price, (occurred_at, interaction_id)) as price,
        max(occurred_at) as known_at

    from invoice_lines
    where rejection_reason is null
    group by item_id, cast(occurred_at as date)

),

as_last_seen as (

    select
        item_id,
        last_value(title ignore nulls) over (
            partition by item_id
            order by known_at
            rows between unbounded preceding and current row
        ) as title,
        price,
        known_at

    from item_days

),

changes as (

    select * from as_last_seen
    qualify
        row_number() over (
            partition by item_id
            order by known_at
        ) = 1
        or (title, price) is distinct from lag((title, price)) over (
            partition by item_id
            order by known_at
        )

),

items as (

    select
        ---------- ids
        item_id,

        ---------- strings
        title,
        cast(null as varchar) as category,

        ---------- numerics
        cast(price as double) as price,
        cast(null as json) as properties,

        ---------- timestamps
        known_at

    from changes

)

select * from items
