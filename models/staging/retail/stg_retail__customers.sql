with

invoice_lines as (

    select * from {{ ref('stg_retail__invoice_lines') }}

),

customers as (

    select
        ---------- ids
        customer_id,

        ---------- strings
        arg_max(country, (occurred_at, interaction_id)) filter (where country is not null) as country,
        cast(null as varchar) as email,
        cast(null as json) as properties,

        ---------- timestamps
        cast(null as timestamp) as signed_up_at

    from invoice_lines
    where rejection_reason is null
    group by customer_id

)

select * from customers
