with

impressions as (

    select * from {{ ref('stg_open_bandit__impressions') }}

),

items as (

    select distinct
        ---------- ids
        item_id,

        ---------- strings
        cast(null as varchar) as title,
        cast(null as varchar) as category,

        ---------- numerics
        cast(null as double) as price,
        cast(null as json) as properties

    from impressions

)

select * from items
