{# Who was seen on a day, and where: a customer's country changes on the day on which another one is seen. #}

with

invoice_lines as (

    select * from {{ ref('stg_retail__invoice_lines') }}

),

customer_days as (

    select
        customer_id,
        arg_max(country, (occurred_at, interaction_id)) filter (where country is not null) as country,
        max(occurred_at) as known_at

    from invoice_lines
    where rejection_reason is null
    group by customer_id, cast(occurred_at as date)

),

as_last_seen as (

    select
        customer_id,
        last_value(country ignore nulls) over (
            partition by customer_id
            order by known_at
            rows between unbounded preceding and current row
        ) as country,
        known_at

    from customer_days

),

changes as (

    select * from as_last_seen
    qualify
        row_number() over (
            partition by customer_id
            order by known_at
        ) = 1
        or country is distinct from lag(country) over (
            partition by customer_id
            order by known_at
        )

),

customers as (

    select
        ---------- ids
        customer_id,

        ---------- strings
        country,
        cast(null as varchar) as email,
        cast(null as json) as properties,

        ---------- timestamps
        cast(null as timestamp) as signed_up_at,
        known_at

    from changes

)

select * from customers
