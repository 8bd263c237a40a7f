with

impressions as (

    select * from {{ ref('stg_open_bandit__impressions') }}

),

customers as (

    select
        ---------- ids
        impression_id as customer_id,

        ---------- strings
        cast(null as varchar) as country,
        cast(null as varchar) as email,
        cast(null as json) as properties,

        ---------- timestamps
        cast(null as timestamp) as signed_up_at,
        occurred_at as known_at

    from impressions

)

select * from customers
