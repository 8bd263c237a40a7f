with

invoice_lines as (

    select * from {{ ref('stg_retail__invoice_lines') }}

),

items as (

    select
        ---------- ids
        item_id,

        ---------- strings
        arg_max(title, (occurred_at, interaction_id)) filter (where title is not null) as title,
        cast(null as varchar) as category,

        ---------- numerics
        cast(arg_max(unit_price, (occurred_at, interaction_id)) as double) as price,
        cast(null as json) as properties

    from invoice_lines
    where rejection_reason is null
    group by item_id

)

select * from items
