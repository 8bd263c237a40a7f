with

impressions as (

    select * from {{ ref('stg_open_bandit__impressions') }}

),

items as (

    select
        ---------- ids
        item_id,

        ---------- strings
        cast(null as varchar) as title,
        cast(null as varchar) as category,

        ---------- numerics
        cast(null as double) as price,
        cast(null as json) as properties,

        ---------- timestamps
        min(occurred_at) as known_at

    from impressions
    group by item_id

)

select * from items
